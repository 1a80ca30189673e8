// `vlot wait`, `vlot status` and `vlot demo`, as scripts and newcomers use them.

import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Cluster } from "../support/cluster.ts";
import { vlotExecutable } from "../support/executable.ts";
import { freePortRow } from "../support/free-ports.ts";
import { runVlot } from "../support/run-vlot.ts";
import { type Place, scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";

interface StatusNode {
  readonly address: string;
  readonly role: string;
  readonly term: number | null;
  readonly lag: number | null;
}

function statusNodes(json: string): StatusNode[] {
  const { nodes } = JSON.parse(json) as { nodes: StatusNode[] };
  return nodes.toSorted((a, b) => a.address.localeCompare(b.address));
}

scenario("wait and status tell what state the cluster is in", 40, async (place) => {
  const cluster = await Cluster.start(place, 3);
  const [n1, n2, n3] = cluster.nodes as [VlotProcess, VlotProcess, VlotProcess];
  const early = await runVlot(place, ["wait", n1.address, "--leader", "--timeout", "0"]);
  expect(early.status).toBe(1);
  expect(early.errors).toContain("uninitialized");
  expect((await runVlot(place, ["status", n1.address])).status).toBe(1);

  const waiting = runVlot(place, ["wait", n2.address, "--leader", "--timeout", "20"]);
  await n1.ask("RAFT.CLUSTER", "INIT");
  expect(await n2.ask("RAFT.CLUSTER", "JOIN", n1.address)).toBe("OK");
  expect((await waiting).status).toBe(0);
  expect(await n3.ask("RAFT.CLUSTER", "JOIN", n2.address)).toBe("OK");
  await cluster.settled();

  const status = await runVlot(place, ["status", n3.address, "--json"]);
  expect(status.status).toBe(0);
  const expected = cluster.nodes.map((node) => ({
    address: node.address,
    role: node === n1 ? "leader" : "follower",
    term: 1,
    lag: 0,
  }));
  const sorted = expected.toSorted((a, b) => a.address.localeCompare(b.address));
  expect(statusNodes(status.output)).toMatchObject(sorted);
  const table = (await runVlot(place, ["status", String(n1.port)])).output;
  for (const node of cluster.nodes) expect(table).toContain(node.address);

  await n3.kill();
  const broken = await runVlot(place, ["status", n1.address, "--json"]);
  expect(broken.status).toBe(1);
  expect(statusNodes(broken.output).find(({ address }) => address === n3.address)?.role).toBe("unreachable");
  expect((await runVlot(place, ["wait", n3.address, "--timeout", "0"])).status).toBe(1);
  expect((await runVlot(place, ["status", "--jsn"])).status).toBe(2);
  expect((await runVlot(place, ["status", n1.address, n2.address])).errors).toContain(n2.address);
  expect((await runVlot(place, ["demo", "5"])).status).toBe(2);
});

scenario("demo runs a cluster until it is interrupted, and takes it up again", 60, async (place) => {
  const port = freePortRow(3);
  const line = [vlotExecutable(), "demo", "--nodes", "3", "--port", String(port), "--dir", "demo"];
  // Ctrl-C, and the terminal that is closed.
  for (const [run, signal] of [
    [1, "SIGINT"],
    [2, "SIGHUP"],
  ] as const) {
    const demo = place.adopt(
      Bun.spawn(line, { cwd: place.folder, stdin: "ignore", stdout: "pipe", stderr: "inherit" }),
    );
    // The nodes are processes of the demo's, which a demo that was killed leaves behind.
    place.atEnd(() => demoNodes(place, port).forEach((pid) => process.kill(pid, "SIGKILL")));
    await untilPrinted(demo.stdout, "Ctrl-C ends it.");
    await until(
      "a leader and two followers",
      async () => (await runVlot(place, ["status", String(port)])).status === 0,
    );
    const counter = await until("the leader's answer", async () => {
      for (let at = 0; at < 3; at++) {
        const reply = await (await place.connect(port + at)).ask("INCR", "counter");
        if (typeof reply === "number") return reply;
      }
      return null;
    });
    expect(counter).toBe(run);
    expect(demoNodes(place, port).length).toBe(3);
    // One that cannot hear does not hold up the rest.
    if (run === 2) process.kill(demoNodes(place, port)[0] as number, "SIGSTOP");
    demo.kill(signal);
    expect(await demo.exited).toBe(0);
    expect(demoNodes(place, port)).toEqual([]);
  }
});

/** Reads on until `text` has come. */
async function untilPrinted(output: ReadableStream<Uint8Array>, text: string): Promise<void> {
  const decoder = new TextDecoder();
  let printed = "";
  for await (const chunk of output) {
    printed += decoder.decode(chunk, { stream: true });
    if (printed.includes(text)) return;
  }
  throw new Error(`the demo ended after it had printed ${printed}`);
}

/** Ids of the demo's nodes that run. */
function demoNodes(place: Place, firstPort: number): number[] {
  const folder = join(place.folder, "demo");
  const locks = existsSync(folder) ? [...new Bun.Glob("n*/LOCK").scanSync(folder)] : [];
  return locks
    .map((path) => Number(readFileSync(join(folder, path), "utf8")))
    .filter((pid) => pid > 0 && existsSync(`/proc/${pid}/cmdline`))
    .filter((pid) => {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const port = Number(words[words.indexOf("--port") + 1]);
      return port >= firstPort && port < firstPort + 3;
    });
}
