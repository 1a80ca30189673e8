// What a node tells about itself and its cluster.

import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../src/base/logger.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { Config } from "../../src/config/config.ts";
import { ClusterNode } from "../../src/node/cluster-node.ts";
import { MemoryDisk } from "../storage/memory-disk.ts";
import { plainStation, VirtualNetwork } from "../sim/virtual-network.ts";
import { VirtualClock, VirtualTime } from "../sim/virtual-time.ts";
import { commands } from "./recording-requester.ts";
import { textOf } from "../sim/virtual-client.ts";
import { VirtualWorld } from "../sim/virtual-world.ts";

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

  test("RAFT.DEBUG EXEC reads as any read does: by this node's time, and leaving no trace", () => {
    const world = formed(6);
    world.call("n1", ["SET", "k", "v", "PX", "500000"]);
    const leftMs = (): number =>
      Number(textOf(world.call("n2", ["RAFT.DEBUG", "EXEC", "PTTL", "k"])).slice(1));
    world.run(100);
    const beforeMs = leftMs();
    world.run(300);
    expect(beforeMs - leftMs()).toBeWithin(300, 320);
    const digests = ["n1", "n2"].map((name) => world.machine(name).process?.node.digest());
    expect(digests[0]).toEqual(digests[1]!);
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
      { index: 0, keys: 1, expires: 0, averageTtlMs: 0 },
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

/** An empty node on a disk of its own, and why it had to end. */
function emptyNode(expectedNodes = 0): { node: ClusterNode; disk: MemoryDisk; failures: string[] } {
  const time = new VirtualTime();
  const station = plainStation("n2");
  const disk = new MemoryDisk((complete) => complete());
  const config = new Config();
  config.load("bootstrap-expect", String(expectedNodes), { kind: "flag", detail: "" });
  const failures: string[] = [];
  const node = new ClusterNode({
    config,
    clock: new VirtualClock(time, station),
    logger: silentLogger,
    random: new SeededRandom(1),
    network: new VirtualNetwork(time, new SeededRandom(2)).of(station),
    disk,
    directory: "/data",
    commands,
    advertised: () => ({ host: "n2", port: 6379 }),
    events: {
      changed: () => undefined,
      repliesWritten: () => undefined,
      left: () => undefined,
      failed: (error) => void failures.push(error.message),
    },
  });
  node.start();
  return { node, disk, failures };
}

describe("a disk that refuses ends the node", () => {
  test("when it founds a cluster", () => {
    const { node, disk, failures } = emptyNode();
    disk.failNextSync();
    node.init(undefined);
    expect(failures.length).toBe(1);
    expect(failures[0]).toMatch(/^cannot sync .*: EIO$/);
  });

  test("when it promises to join a founder", () => {
    const { node, disk, failures } = emptyNode(2);
    disk.failNextSync();
    node.promiseFounder("n1:6379", []);
    expect(failures).toEqual(["cannot sync /data/promise.new: EIO"]);
  });
});
