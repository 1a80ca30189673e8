// RAFT.NODE REPLACE by hand: a fresh node in the place of a dead one.

import { describe, expect, test } from "bun:test";
import { idOf } from "./node-lives.ts";
import { textOf } from "./virtual-client.ts";
import { virtualPort } from "./virtual-process.ts";
import { VirtualWorld } from "./virtual-world.ts";

describe("RAFT.NODE REPLACE", () => {
  function formed(seed: number): { world: VirtualWorld; ids: number[] } {
    const world = new VirtualWorld({ seed, machines: 3 });
    world.formCluster();
    return { world, ids: world.machines.map(idOf) };
  }
  const replace = (world: VirtualWorld, ...args: (string | number)[]): string =>
    textOf(world.call("n1", ["RAFT.NODE", "REPLACE", ...args.map(String)]));

  test("puts a fresh node in the place of a dead one, which must not come back", () => {
    const { world, ids } = formed(11);
    const dead = world.machine("n3");
    dead.kill();
    world.expectCall("n1", ["SET", "k", "v"], /^OK$/);
    world.addMachine().start();
    expect(replace(world, ids[2] ?? 0, 0, "n4:6379")).toMatch(/^\[\d+, [0-9a-f]{32}\]$/);
    world.expectCall("n4", ["RAFT.CLUSTER", "JOIN", "n1:6379"], /^OK$/);
    dead.start();
    world.runUntil("the dead one learns of it and leaves", () => dead.hasLeft);
    world.settle();
    const hosts = world.leader?.process?.node.slots().map(({ host }) => host);
    expect(hosts?.toSorted()).toEqual(["n1", "n2", "n4"]);
    expect(world.machine("n4").process?.node.raftStatus().votingNodeCount).toBe(3);
  });

  test("answers the same when it is asked again, and refuses whatever cannot be", () => {
    const { world, ids } = formed(12);
    const [, , n3 = 0] = ids;
    const { clusterId = "" } = world.machine("n1").process?.node ?? {};
    world.machine("n3").kill();
    expect(replace(world, 5, 77, "n3:6379")).toBe("-ERR node id does not exist");
    expect(replace(world, n3, ids[1] ?? 0, "n3:6379")).toBe(
      "-ERR node id has already been used in this cluster",
    );
    expect(replace(world, n3, 77, "n2:6379")).toBe(
      `-ERR node ${ids[1]} has this address: remove it first (RAFT.NODE REMOVE ${ids[1]})`,
    );
    expect(replace(world, n3, 77, "n3:6379", "0".repeat(32))).toBe("-ERR this cluster has another id");
    for (let again = 0; again < 3; again++)
      expect(replace(world, n3, 77, "n3:6379", clusterId)).toBe(`[77, ${clusterId}]`);
    expect(replace(world, n3, 77, "n3:6380")).toBe("-ERR node id has been removed from this cluster");
    expect(replace(world, n3, 78, "n3:6379")).toBe("-ERR node id has been removed from this cluster");
    expect(replace(world, 77, n3, "n3:6379")).toBe("-ERR node id has already been used in this cluster");
    expect(world.machine("n1").process?.node.usedNodeIds()).toEqual([...ids, 77]);
    expect(textOf(world.call("n2", ["RAFT.NODE", "REPLACE", "1", "2", "h:1"]))).toMatch(/^-MOVED 0 n1:/);
  });

  test("says nothing of a removal that may yet be rolled back", () => {
    const { world, ids } = formed(14);
    const [, , n3 = 0] = ids;
    world.machine("n3").kill();
    world.machine("n2").process?.standStill(150);
    const answers: string[] = [];
    const client = world.connect("n1");
    client.send(["RAFT.NODE", "REMOVE", String(n3)], (reply) =>
      answers.push(textOf(reply ?? { kind: "nil" })),
    );
    world.run(20);
    expect(replace(world, n3, 77, "n3:6379")).toBe("-ERR one voting change only");
    expect(answers).toEqual([]);
    world.run(500);
    expect(answers).toEqual(["OK"]);
    expect(replace(world, n3, 77, "n3:6379")).toBe("-ERR node id has been removed from this cluster");
  });

  test("may replace the leader itself, which hands over and leaves", () => {
    const { world, ids } = formed(13);
    world.addMachine().start();
    expect(replace(world, ids[0] ?? 0, 0, "n4:6379")).toMatch(/^\[/);
    world.runUntil("the old leader leaves", () => world.machine("n1").hasLeft);
    world.expectCall("n4", ["RAFT.CLUSTER", "JOIN", `n2:${virtualPort}`], /^OK$/);
    world.settle();
    expect(
      world.leader?.process?.node
        .slots()
        .map(({ host }) => host)
        .toSorted(),
    ).toEqual(["n2", "n3", "n4"]);
  });
});
