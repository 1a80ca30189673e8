// How nodes come up and go down, on the built executable: the lines that people put into their units and charts, started
// in any order, interrupted anywhere, and started again.

import { describe, expect } from "bun:test";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keySlot } from "../../src/base/key-slot.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { leaderAmong } from "../support/cluster.ts";
import { vlotExecutable } from "../support/executable.ts";
import { freePorts } from "../support/free-ports.ts";
import { runVlot } from "../support/run-vlot.ts";
import { type Place, scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import { VlotProcess } from "../support/vlot-process.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));

/** Nodes that are given the same line, but for their own port and directory. */
function nodesWithLine(
  place: Place,
  prefix: string,
  line: (ports: readonly number[], at: number) => string[],
): VlotProcess[] {
  const ports = freePorts(3);
  return ports.map(
    (port, at) => new VlotProcess(place, { name: `${prefix}${at + 1}`, port, flags: line(ports, at) }),
  );
}

function addressList(ports: readonly number[]): string {
  return ports.map((port) => `127.0.0.1:${port}`).join(",");
}

const expectThree = (ports: readonly number[]): string[] => [
  "--bootstrap-expect",
  "3",
  "--join",
  addressList(ports),
];

/** The first founds the cluster, the others join it there. */
const foundOrJoin = (ports: readonly number[], at: number): string[] =>
  at === 0 ? ["--init"] : ["--join", addressList(ports.slice(0, 1))];

async function untilOneCluster(nodes: readonly VlotProcess[]): Promise<void> {
  await until("one cluster of all nodes", async () => {
    const infos = await Promise.all(nodes.map((node) => node.info()));
    const isDone = infos.every(
      (info) => info?.get("num_voting_nodes") === String(nodes.length) && info.get("leader_id") !== "-1",
    );
    return isDone && new Set(infos.map((info) => info?.get("dbid"))).size === 1;
  });
}

async function identities(nodes: readonly VlotProcess[]): Promise<string[]> {
  const infos = await Promise.all(nodes.map((node) => node.info()));
  return infos.map((info) => `${info?.get("dbid")} ${info?.get("node_id")}`);
}

/** Ids of all clusters that any of the nodes ever founded or joined. */
function clusterIdsInLogs(nodes: readonly VlotProcess[]): Set<string> {
  const logs = nodes.map((node) => node.log).join("\n");
  return new Set(
    [...logs.matchAll(/(?:Founded|Joined) cluster ([0-9a-f]{32})/g)].map((match) => match[1] ?? ""),
  );
}

describe("the same line on every node", () => {
  const lines = [
    {
      title: "--init and --join",
      line: (ports: readonly number[], at: number): string[] =>
        at === 0 ? ["--init"] : ["--join", addressList(ports.filter((_, other) => other !== at))],
    },
    { title: "--bootstrap-expect 3 --join", line: expectThree },
  ];
  for (const { title, line } of lines) {
    scenario(`${title} makes one cluster, and is without effect ever after`, 40, async (place) => {
      const nodes = nodesWithLine(place, "n", line);
      for (const node of nodes.toReversed()) node.launch();
      await untilOneCluster(nodes);
      const before = await identities(nodes);
      for (const node of nodes) {
        await node.kill();
        await node.start();
      }
      await Promise.all(nodes.map((node) => node.kill()));
      await Promise.all(nodes.map((node) => node.start()));
      await untilOneCluster(nodes);
      expect(await identities(nodes)).toEqual(before);
      expect(clusterIdsInLogs(nodes).size).toBe(1);
    });
  }

  scenario(
    `never makes two clusters, however nodes come and go meanwhile (SEED=${seed})`,
    60,
    async (place) => {
      const random = new SeededRandom(seed);
      const rounds = Array.from({ length: 6 }, (_, round) => ({
        nodes: nodesWithLine(place, `r${round}-`, expectThree),
        random: new SeededRandom(random.below(2 ** 31)),
      }));
      // Two at a time: most of a start is waiting.
      for (let at = 0; at < rounds.length; at += 2) await Promise.all(rounds.slice(at, at + 2).map(restless));
    },
  );

  async function restless(round: {
    readonly nodes: readonly VlotProcess[];
    readonly random: SeededRandom;
  }): Promise<void> {
    const { nodes, random } = round;
    for (let event = 0; event < 8; event++) {
      const node = nodes[random.below(3)] as VlotProcess;
      if (node.isRunning) await node.kill();
      else node.launch();
      await Bun.sleep(random.below(250));
    }
    for (const node of nodes) if (!node.isRunning) node.launch();
    await untilOneCluster(nodes);
    expect(clusterIdsInLogs(nodes).size).toBe(1);
    for (const node of nodes) await node.kill();
  }

  scenario("brings a node with a wiped disk back, once its old self is removed", 40, async (place) => {
    const nodes = nodesWithLine(place, "n", expectThree);
    for (const node of nodes) node.launch();
    await untilOneCluster(nodes);
    const leader = await leaderAmong(nodes);
    expect(await leader.ask("SET", "k", "kept")).toBe("OK");
    const wiped = nodes.find((node) => node !== leader) as VlotProcess;
    const oldId = await wiped.field("node_id");
    await wiped.kill();
    rmSync(wiped.directory, { recursive: true });
    wiped.launch();
    // It cannot pass for its old self, which had promised things that it does not know of: it says what is to be done.
    await until("the advice in the log", () => wiped.log.includes(`RAFT.NODE REMOVE ${oldId}`));
    expect(await leader.ask("RAFT.NODE", "REMOVE", oldId)).toBe("OK");
    await untilOneCluster(nodes);
    expect(await wiped.field("node_id")).not.toBe(oldId);
    expect(clusterIdsInLogs(nodes).size).toBe(1);
    await until(
      "the data on the new disk",
      async () => (await wiped.ask("RAFT.DEBUG", "EXEC", "GET", "k")) === "kept",
    );
  });
});

function single(place: Place, flags: readonly string[] = ["--init"]): VlotProcess {
  const [port = 0] = freePorts(1);
  return new VlotProcess(place, { name: "n1", port, flags });
}

describe("a start that fails says why", () => {
  scenario("wrong flags and values", 20, async (place) => {
    const unknown = await runVlot(place, ["--elction-timeout", "500"]);
    expect(unknown.status).toBe(2);
    expect(unknown.errors).toBe(
      "vlot: unknown flag --elction-timeout (did you mean '--election-timeout'?)\n",
    );
    const range = await runVlot(place, ["--port", "70000"]);
    expect(range.status).toBe(2);
    expect(range.errors).toContain("between 0 and 65535");
    const word = await runVlot(place, ["strat"]);
    expect(word.status).not.toBe(0);
    const both = await runVlot(place, ["--init", "--join", "127.0.0.1:1"]);
    expect(both.status).toBe(2);
    const environment = await runVlot(place, ["--port", "0"], { VLOT_ELECTION_TIMEOUT: "soon" });
    expect(environment.status).toBe(1);
    expect(environment.errors).toContain("VLOT_ELECTION_TIMEOUT");
  });

  scenario("a log file that cannot be opened, in one line", 20, async (place) => {
    const { status, errors } = await runVlot(place, [
      "--dir",
      "n",
      "--port",
      "0",
      "--logfile",
      "/proc/none/log",
    ]);
    expect(status).toBe(1);
    expect(errors).toStartWith("vlot: cannot open the log file '/proc/none/log': ");
    expect(errors.trimEnd()).not.toContain("\n");
  });

  scenario("a directory that cannot be", 20, async (place) => {
    for (const dir of ["/dev/null", "/proc/none"]) {
      const { status, output } = await runVlot(place, ["--port", "0", "--bind", "127.0.0.1", "--dir", dir]);
      expect([dir, status]).toEqual([dir, 1]);
      expect(output).toContain(dir);
    }
  });

  scenario("a directory that another process uses, and a port in use", 20, async (place) => {
    const node = single(place);
    await node.start();
    const locked = await runVlot(place, ["--port", "0", "--dir", node.directory]);
    expect(locked.status).toBe(3);
    expect(locked.output).toContain(`${node.directory} is in use by process ${node.pid}`);
    const taken = await runVlot(place, [
      "--port",
      String(node.port),
      "--bind",
      "127.0.0.1",
      "--dir",
      join(place.folder, "n2"),
    ]);
    expect(taken.status).toBe(1);
    expect(taken.output).toContain(String(node.port));
    expect(await node.ask("PING")).toBe("PONG");
    await node.kill();
    // The lock ends with the process, not with the file.
    await node.start();
  });

  scenario("a log that is damaged where it was acknowledged", 20, async (place) => {
    const node = single(place);
    await node.start();
    for (let at = 0; at < 50; at++) expect(await node.ask("SET", `k${at}`, "v".repeat(100))).toBe("OK");
    await node.stop();
    const path = join(node.directory, "node", "log", "0000000000000001.segment");
    const bytes = await Bun.file(path).bytes();
    const offset = Buffer.from(bytes).indexOf("k25");
    bytes[offset] = 0x7a;
    writeFileSync(path, bytes);
    node.launch();
    expect(await node.exited).toBe(4);
    const [, found = ""] = /at offset (\d+) of (\S+)/.exec(node.log) ?? [];
    expect(node.log).toContain(path);
    expect(Number(found)).toBeGreaterThan(offset - 200);
    expect(Number(found)).toBeLessThanOrEqual(offset);
    // Nothing was changed: it fails the same way again.
    node.launch();
    expect(await node.exited).toBe(4);
  });
});

scenario(
  "the torn end of a log is cut with a warning, and everything acknowledged is there",
  20,
  async (place) => {
    const node = single(place);
    await node.start();
    for (let at = 0; at < 50; at++) expect(await node.ask("SET", `k${at}`, "v")).toBe("OK");
    await node.kill();
    const path = join(node.directory, "node", "log", "0000000000000001.segment");
    const bytes = await Bun.file(path).bytes();
    const end = Math.ceil((bytes.findLastIndex((byte) => byte !== 0) + 1) / 8) * 8;
    // The beginning of a further record, as a crash amid a write leaves it.
    bytes.set(bytes.subarray(end - 104, end - 64), end);
    writeFileSync(path, bytes);
    await node.start();
    expect(node.log).toContain(`Cut the unacknowledged end off ${path} at offset ${end}`);
    expect(await node.ask("DBSIZE")).toBe(50);
    expect(await node.ask("SET", "k50", "v")).toBe("OK");
    await node.kill();
    await node.start();
    expect(await node.ask("DBSIZE")).toBe(51);
  },
);

describe("signals", () => {
  scenario(
    "SIGTERM hands leadership over, answers MOVED until clients have left, and exits 0",
    40,
    async (place) => {
      const nodes = nodesWithLine(place, "n", foundOrJoin);
      for (const node of nodes) node.launch();
      await untilOneCluster(nodes);
      const [leader, ...others] = nodes as [VlotProcess, VlotProcess, VlotProcess];
      const client = await leader.connect();
      expect(await client.ask("SET", "k", "v")).toBe("OK");
      const exited = leader.stop();
      const reply = await until("MOVED", async () => {
        const text = String(await client.ask("SET", "k", "w"));
        return text.startsWith("-MOVED ") ? text : null;
      });
      expect(others.map((node) => `-MOVED ${keySlot("k")} ${node.address}`)).toContain(reply);
      expect(leader.isRunning).toBe(true);
      client.close();
      expect(await exited).toBe(0);
      expect(await others[0].field("current_term")).toBe("2");
    },
  );

  scenario("a second SIGTERM ends the process at once", 30, async (place) => {
    const nodes = nodesWithLine(place, "n", foundOrJoin);
    for (const node of nodes) node.launch();
    await untilOneCluster(nodes);
    const [leader] = nodes as [VlotProcess, VlotProcess, VlotProcess];
    const client = await leader.connect();
    expect(await client.ask("PING")).toBe("PONG");
    const exited = leader.stop();
    await until("the drain", async () => String(await client.ask("GET", "k")).startsWith("-MOVED "));
    void leader.stop();
    expect(await exited).toBe(143);
  });

  scenario("a node without cluster ends on SIGTERM with 0", 20, async (place) => {
    const node = single(place, []);
    await node.start();
    expect(await node.stop()).toBe(0);
  });
});

scenario("a log file and a pid file that cannot be written do not stop a node", 20, async (place) => {
  const node = single(place, ["--logfile", "logs/now/log", "--pidfile", "/proc/none/pid"]);
  await node.start();
  renameSync(join(place.folder, "logs/now"), join(place.folder, "logs/before"));
  writeFileSync(join(place.folder, "logs/now"), "");
  process.kill(node.pid, "SIGHUP");
  const log = await until("a line about it", async () => {
    const text = await Bun.file(join(place.folder, "logs/before/log")).text();
    return text.includes("Could not reopen the log file: ") && text;
  });
  expect(log).toContain("Failed to write PID file: ");
  expect(await node.ask("PING")).toBe("PONG");
  expect(await node.stop()).toBe(0);
});

scenario("more connections than the process may have files leave it what it needs", 30, async (place) => {
  const [port = 0] = freePorts(1);
  const line = ["--port", String(port), "--bind", "127.0.0.1", "--dir", "n", "--init"];
  const few = ["sh", "-c", 'ulimit -n 60 && exec "$0" "$@"', vlotExecutable(), ...line];
  const node = place.adopt(Bun.spawn(few, { cwd: place.folder, stdin: "ignore", stdout: "pipe" }));
  const served = await until("the node", () => place.connect(port));
  expect(await until("a leader", async () => (await served.ask("SET", "k", "v")) === "OK")).toBe(true);
  const others = await Promise.all(Array.from({ length: 80 }, () => place.connect(port)));
  const answers = await Promise.all(others.map((client) => client.ask("PING").catch(() => "refused")));
  expect(answers.filter((answer) => answer === "PONG")).toHaveLength(29);
  // Twice the housekeeping's interval, which looks at the process's memory: that takes a file, too.
  await Bun.sleep(500);
  expect(await served.ask("SET", "k", "w")).toBe("OK");
  node.kill("SIGTERM");
  expect(await node.exited).toBe(0);
  expect(await new Response(node.stdout).text()).toContain(
    "of maxclients 10000 no more than 30 can be connected",
  );
});

scenario(
  "a flag goes before the environment, that before the file, and REWRITE keeps what was set",
  30,
  async (place) => {
    const file = join(place.folder, "vlot.conf");
    writeFileSync(
      file,
      "# a comment that stays\nelection-timeout 1111\nrequest-timeout 111\nraft.response-timeout 1234\n",
    );
    const [port = 0] = freePorts(1);
    const environment = { VLOT_ELECTION_TIMEOUT: "2222", VLOT_REQUEST_TIMEOUT: "222" };
    const args = [
      file,
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      "d",
      "--election-timeout",
      "3333",
    ];
    const first = runVlot(place, args, environment);
    const client = await until("the node", () => place.connect(port));
    const get = async (name: string): Promise<unknown> => client.ask("CONFIG", "GET", name);
    expect(await get("election-timeout")).toEqual(["election-timeout", "3333"]);
    expect(await get("request-timeout")).toEqual(["request-timeout", "222"]);
    expect(await get("response-timeout")).toEqual(["response-timeout", "1234"]);
    expect(await client.ask("CONFIG", "SET", "response-timeout", "4321")).toBe("OK");
    expect(await client.ask("CONFIG", "REWRITE")).toBe("OK");
    await client.call("SHUTDOWN", "NOW").catch(() => null);
    expect((await first).status).toBe(0);
    expect(await Bun.file(file).text()).toContain("# a comment that stays\n");

    const second = runVlot(place, [file, "--port", String(port), "--bind", "127.0.0.1", "--dir", "d"]);
    const again = await until("the node", () => place.connect(port));
    expect(await again.ask("CONFIG", "GET", "response-timeout")).toEqual(["response-timeout", "4321"]);
    await again.call("SHUTDOWN").catch(() => null);
    expect((await second).status).toBe(0);
  },
);

scenario("a node does not join a cluster of another name", 30, async (place) => {
  const node = (name: string, ...flags: string[]): VlotProcess =>
    new VlotProcess(place, { name, port: freePorts(1)[0] ?? 0, flags });
  const founder = node("founder", "--init", "--cluster-name", "lab");
  await founder.start();
  await until("a leader", async () => (await founder.field("role")) === "leader");
  for (const name of ["shop", ""]) {
    const stranger = node(`of-${name}`, "--cluster-name", name);
    await stranger.start();
    expect(await stranger.ask("RAFT.CLUSTER", "JOIN", founder.address)).toMatch(/^-ERR/);
    expect(stranger.log).toContain("ERR this cluster has another cluster-name");
    expect(await founder.field("num_nodes")).toBe("1");
  }
  const friend = node("friend", "--cluster-name", "lab");
  await friend.start();
  expect(await friend.ask("RAFT.CLUSTER", "JOIN", founder.address)).toBe("OK");
});
