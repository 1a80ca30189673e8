import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../src/base/logger.ts";
import { Joiner, type JoinResult } from "../../src/node/join.ts";
import { plainStation } from "../sim/virtual-network.ts";
import { VirtualClock } from "../sim/virtual-time.ts";
import { ScriptedNetwork } from "./scripted-node.ts";

const clusterId = "0123456789abcdef0123456789abcdef";
const added = `*2\r\n:5\r\n+${clusterId}\r\n`;
const timeoutMs = 3000;

function join(
  world: ScriptedNetwork,
  ...hosts: readonly string[]
): { results: JoinResult[]; joiner: Joiner } {
  const station = plainStation("n5");
  const results: JoinResult[] = [];
  const joiner = new Joiner(
    {
      network: world.network.of(station),
      clock: new VirtualClock(world.time, station),
      logger: silentLogger,
      credentials: null,
      request: ask.split(" "),
      nodeId: 5,
      addresses: hosts.map((host) => ({ host, port: 6379 })),
      timeoutMs,
    },
    (result) => results.push(result),
  );
  return { results, joiner };
}

const ask = "RAFT.NODE ADD 5 n5:6379 lab";

describe("Joiner", () => {
  test("asks a node to add this one, and gives the cluster's id", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", () => added);
    const { results } = join(world, "n1");
    world.run(100);
    expect(world.heard).toEqual([`n1: ${ask}`]);
    expect(results).toEqual([{ kind: "added", clusterId }]);
  });

  test("follows redirections to the leader, also to one in brackets", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", () => "-MOVED 0 n2:6379\r\n");
    world.listen("n2", () => "-MOVED 0 [fe80::1]:6379\r\n");
    world.listen("fe80::1", () => added);
    const { results } = join(world, "n1");
    world.run(100);
    expect(world.heard).toEqual([`n1: ${ask}`, `n2: ${ask}`, `fe80::1: ${ask}`]);
    expect(results).toEqual([{ kind: "added", clusterId }]);
  });

  test("joins no cluster whose id would break the lines of INFO", () => {
    for (const id of [clusterId.slice(1), `${clusterId.slice(2)}\r\n`, `${clusterId.slice(1)} `]) {
      const world = new ScriptedNetwork();
      world.listen("n1", () => `*2\r\n:5\r\n$${id.length}\r\n${id}\r\n`);
      const { results } = join(world, "n1");
      world.run(100);
      expect(results.map(({ kind }) => kind)).toEqual(["failed"]);
    }
  });

  test("does not follow redirections for ever", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", () => "-MOVED 0 n1:6379\r\n");
    const { results } = join(world, "n1");
    world.run(5000);
    expect(world.heard.length).toBe(6);
    expect(results.map(({ kind }) => kind)).toEqual(["failed"]);
  });

  test("tries the next address when one cannot be reached", () => {
    const world = new ScriptedNetwork();
    world.network.switchOn("n1");
    world.listen("n2", () => added);
    const { results } = join(world, "n1", "n2");
    world.run(100);
    expect(results).toEqual([{ kind: "added", clusterId }]);
  });

  test.each([
    "CLUSTERDOWN No raft leader",
    "ERR one voting change only",
    "NOCLUSTER No Raft Cluster",
    "LOADING x",
  ])("asks again after %p", (error) => {
    const world = new ScriptedNetwork();
    let refusals = 3;
    world.listen("n1", () => (refusals-- > 0 ? `-${error}\r\n` : added));
    const { results } = join(world, "n1");
    world.run(1000);
    expect([world.heard.length, results]).toEqual([4, [{ kind: "added", clusterId }]]);
  });

  test("asks again, under the same id, when the answer was lost", () => {
    const world = new ScriptedNetwork();
    let losses = 1;
    world.listen("n1", () => (losses-- > 0 ? "close" : added));
    const { results } = join(world, "n1");
    world.run(1000);
    expect([world.heard, results]).toEqual([[`n1: ${ask}`, `n1: ${ask}`], [{ kind: "added", clusterId }]]);
  });

  test("gives up at once after a refusal that will not go away", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", () => "-ERR node id has already been used in this cluster\r\n");
    const { results } = join(world, "n1");
    world.run(100);
    expect(results).toEqual([
      {
        kind: "failed",
        reason: "n1:6379: ERR node id has already been used in this cluster",
        refusals: ["ERR node id has already been used in this cluster"],
      },
    ]);
  });

  test("gives up when time is up", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", () => "-CLUSTERDOWN No raft leader\r\n");
    const { results } = join(world, "n1");
    world.run(timeoutMs - 100);
    expect(results).toEqual([]);
    world.run(400);
    expect(results.map(({ kind }) => kind)).toEqual(["failed"]);
  });

  test("says no more after cancel()", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", () => added);
    const { results, joiner } = join(world, "n1");
    joiner.cancel();
    world.run(1000);
    expect(results).toEqual([]);
  });

  test("does not take an answer for another node for its own", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", () => `*2\r\n:6\r\n+${clusterId}\r\n`);
    const { results } = join(world, "n1");
    world.run(1000);
    expect(results.map(({ kind }) => kind)).toEqual(["failed"]);
  });
});
