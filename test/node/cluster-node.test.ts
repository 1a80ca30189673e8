// What a node tells about itself and its cluster.

import { describe, expect, test } from "bun:test";
import { textOf } from "../virtual/virtual-client.ts";
import { VirtualWorld } from "../virtual/virtual-world.ts";

function formed(seed: number): VirtualWorld {
  const world = new VirtualWorld({ seed, machines: 3 });
  world.formCluster();
  return world;
}

describe("ClusterNode", () => {
  test("shows all members, the leader first, and itself", () => {
    const world = formed(1);
    for (const { name, process } of world.machines) {
      const views = process?.node.slots() ?? [];
      expect(views.map(({ leader }) => leader)).toEqual([true, false, false]);
      expect(views[0]?.host).toBe("n1");
      expect(views.filter(({ myself }) => myself).map(({ host }) => host)).toEqual([name]);
      expect(views.every(({ connected }) => connected)).toBe(true);
    }
  });

  test("goes on showing the last leader first while there is none", () => {
    const world = formed(2);
    world.machine("n1").kill();
    world.machine("n2").kill();
    world.run(1000);
    const views = world.machine("n3").process?.node.slots() ?? [];
    expect(views.map(({ host, connected }) => [host, connected])).toEqual([
      ["n1", false],
      ["n2", false],
      ["n3", true],
    ]);
  });

  test("shows itself alone before it belongs to a cluster", () => {
    const world = new VirtualWorld({ seed: 3, machines: 1 });
    world.machine("n1").start();
    const { node } = world.machine("n1").process!;
    expect(node.slots()).toEqual([
      { id: 0, host: "n1", port: 6379, leader: true, myself: true, connected: true, matchIndex: 0 },
    ]);
    expect(node.raftStatus()).toMatchObject({
      state: "uninitialized",
      nodeId: 0,
      role: null,
      voting: null,
      peers: [],
    });
    expect(textOf(world.call("n1", ["GET", "k"]))).toBe("-NOCLUSTER No Raft Cluster");
  });

  test("gives the numbers of INFO raft", () => {
    const world = formed(4);
    world.call("n1", ["SET", "k", "v"]);
    world.run(200);
    const status = world.machine("n1").process!.node.raftStatus();
    expect(status).toMatchObject({
      state: "up",
      role: "leader",
      voting: true,
      nodeCount: 3,
      votingNodeCount: 3,
    });
    expect(status.leaderId).toBe(status.nodeId);
    expect(status.peers.map(({ position, state, voting }) => [position, state, voting])).toEqual([
      [1, "connected", true],
      [2, "connected", true],
    ]);
    const { currentIndex, commitIndex, lastAppliedIndex, entryCount } = status.log;
    expect([commitIndex, lastAppliedIndex, entryCount]).toEqual([currentIndex, currentIndex, currentIndex]);
    expect(status.peers.every(({ matchIndex }) => matchIndex === currentIndex)).toBe(true);
    expect(
      world.machine("n2").process!.node.raftStatus().counts.appendEntriesWithEntriesReceived,
    ).toBeGreaterThan(0);
    expect(world.machine("n1").process!.node.keyspaceStatus().databases).toEqual([
      { index: 0, keys: 1, expires: 0 },
    ]);
  });

  test("comes back as what it was after a restart of all, without any flag", () => {
    const world = formed(5);
    const before = world.machines.map(({ process }) => process?.node.nodeId);
    world.call("n1", ["SET", "k", "v"]);
    for (const machine of world.machines) machine.cutPower();
    world.settle();
    expect(world.machines.map(({ process }) => process?.node.nodeId)).toEqual(before);
    expect(textOf(world.call(world.leader?.name ?? "", ["GET", "k"]))).toBe("v");
  });

  test("does not let a node in again that has lost its disk and calls itself the same", () => {
    const world = formed(6);
    const { node } = world.machine("n2").process!;
    const { nodeId } = node;
    expect(textOf(world.call("n1", ["RAFT.NODE", "ADD", String(nodeId), "n2:6379"]))).toBe(
      "-ERR node id has already been used in this cluster",
    );
  });
});
