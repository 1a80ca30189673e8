// Full disks under the built executable: what clients see, who leads, and how everything goes on by itself.

import { expect } from "bun:test";
import { Cluster } from "../support/cluster.ts";
import { scenario } from "../support/scenario.ts";
import { SmallDisk } from "../support/small-disk.ts";
import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";

const value = "x".repeat(200_000);
const writesMax = 150;

/** Writes through `node` until it refuses; all that it took is in `taken`. */
async function fillLog(node: VlotProcess, taken: string[]): Promise<string> {
  for (let write = 0; write < writesMax; write++) {
    const key = `key:${taken.length}`;
    const answer = String(await node.ask("SET", key, value));
    if (answer !== "OK") return answer;
    taken.push(key);
  }
  throw new Error(`${node.name} takes more than its disk holds`);
}

async function expectAll(node: VlotProcess, keys: readonly string[]): Promise<void> {
  for (const key of keys) expect([key, await node.ask("STRLEN", key)]).toEqual([key, value.length]);
}

function timesIn(node: VlotProcess, text: string): number {
  return node.log.split(text).length - 1;
}

scenario(
  "full disks: another leads, reads go on with all of them full, and it ends by itself",
  60,
  async (place) => {
    const disks = new Map(["n1", "n2", "n3"].map((name) => [name, new SmallDisk(place, name)]));
    const diskOf = (node: VlotProcess): SmallDisk => disks.get(node.name) as SmallDisk;
    const flags = ["--election-timeout", "500", ...(disks.get("n1")?.flags ?? [])];
    const cluster = await Cluster.form(place, 3, { flags });
    const taken: string[] = [];
    const first = await cluster.leader();
    const { code } = diskOf(first);
    diskOf(first).fill(first);
    expect(await fillLog(first, taken)).toMatch(/^-(MISCONF|MOVED|CLUSTERDOWN) /);
    const second = await until("another leads", async () => {
      const leader = await cluster.leader();
      return leader === first ? null : leader;
    });
    expect(await first.field("disk_full")).toBe("yes");
    expect(String(await second.ask("RAFT.INFO"))).toMatch(new RegExp(`port=${first.port},.*,full=yes`));
    await expectAll(second, taken);
    expect(await second.ask("SET", "moved", "on")).toBe("OK");

    for (const node of cluster.others(first)) diskOf(node).fill(node);
    const refusal = await until("a majority is full", async () => {
      const answer = await fillLog(await cluster.leader(), taken);
      return answer.startsWith("-MISCONF ") ? answer : null;
    });
    expect(refusal).toStartWith("-MISCONF Errors writing to the Raft log: E");
    const last = await cluster.leader();
    await last.kill();
    await last.start();
    diskOf(last).fill(last);
    const serving = await cluster.leader();
    await expectAll(serving, taken);
    const refused = async (): Promise<boolean> =>
      String(await (await cluster.leader()).ask("SET", "refused", value)).startsWith("-MISCONF ");
    await until("writes are refused again", refused);
    expect(await serving.ask("EXISTS", "refused")).toBe(0);

    for (const node of cluster.nodes) diskOf(node).clear(node);
    const startMs = performance.now();
    await until(
      "writes are taken",
      async () => (await (await cluster.leader()).ask("SET", "again", "1")) === "OK",
    );
    expect(performance.now() - startMs).toBeLessThan(3000);
    const settled = await cluster.settled();
    await expectAll(settled, taken);
    for (const node of cluster.nodes) expect(await node.field("disk_full")).toBe("no");
    // Said once for each change, not once a write; in the system's words.
    expect(timesIn(first, `The log takes no more entries: cannot write`)).toBe(1);
    expect(first.log).toContain(`/log/spare: ${code}`);
    expect(timesIn(first, "The log takes entries again")).toBe(1);
  },
);
