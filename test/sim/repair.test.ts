// Nodes whose files are damaged (node/replacement.ts): they never vote or acknowledge with them, the cluster replaces them
// by new ones, and nothing that was acknowledged is lost meanwhile, whoever else fails.

import { describe, expect, test } from "bun:test";
import { assert } from "../../src/base/assert.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { peerVersion } from "../../src/peer/hello.ts";
import type { StorageError } from "../../src/storage/errors.ts";
import { damageHardState, damageLog, damageMembers, damageNewest, hardStatePath } from "./damage.ts";
import { type Counts, testHistories } from "./histories.ts";
import { idOf, stateOf, untilWhole } from "./node-lives.ts";
import { textOf } from "./virtual-client.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import { dataPath, type Settings } from "./virtual-process.ts";
import { VirtualWorld } from "./virtual-world.ts";
import { CheckedLoad } from "./workload/checked-load.ts";

function pick<Item>(items: readonly Item[], random: SeededRandom): Item {
  const item = items[random.below(items.length)];
  assert(item !== undefined, "something to choose from");
  return item;
}

/** The node on `machine` is a new one, and the files of the one called `oldId` are kept. */
function expectReplaced(world: VirtualWorld, machine: VirtualMachine, oldId: number): void {
  const used = world.leader?.process?.node.usedNodeIds() ?? [];
  const members = world.leader?.process?.node.slots().map(({ id }) => id) ?? [];
  assert(idOf(machine) !== oldId && members.includes(idOf(machine)), `${machine.name} is a member anew`);
  assert(used.includes(oldId) && !members.includes(oldId), `${oldId} is a member no more`);
  const names = machine.disk.list(dataPath);
  assert(names.includes(`damaged-${oldId}`), `the files of ${oldId} are kept: ${names.join(" ")}`);
  assert(!names.includes("replacement"), "the note has served");
}

// ── Under load ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Scenario {
  readonly machines: number;
  /** How many are damaged at once. */
  readonly victims: number;
}

function damagedUnderLoad(seed: number, { machines, victims: victimCount }: Scenario): Counts {
  const world = new VirtualWorld({ seed, machines });
  const random = new SeededRandom(world.random.uint32());
  world.formCluster();
  const load = new CheckedLoad(world, 3);
  load.start();
  world.run(200 + random.below(600));
  const victims: VirtualMachine[] = [];
  const oldIds = new Map<VirtualMachine, number>();
  let leadersHit = 0;
  while (victims.length < victimCount) {
    const { leader } = world;
    const candidates = world.running.filter((machine) => !victims.includes(machine));
    const victim = leader !== undefined && random.below(3) === 0 ? leader : pick(candidates, random);
    if (victim === leader) leadersHit++;
    oldIds.set(victim, idOf(victim));
    victims.push(victim);
    if (random.below(2) === 0) victim.kill();
    else victim.cutPower();
    if (random.below(4) === 0) damageHardState(victim, random);
    else damageLog(victim, random);
  }
  world.run(random.below(300));
  for (const victim of victims) {
    victim.start();
    expect(stateOf(victim)).toBe("replacing");
  }
  let leadersKilled = 0;
  // The leader dies while it is asked, or while the new node catches up.
  for (let round = 0; round < 2; round++) {
    world.run(random.below(400));
    const { leader } = world;
    if (leader === undefined || random.below(2) === 0) continue;
    leadersKilled++;
    if (random.below(2) === 0) leader.kill();
    else leader.cutPower();
    world.run(random.below(500));
    leader.start();
  }
  untilWhole(world);
  load.finish();
  for (const victim of victims) expectReplaced(world, victim, oldIds.get(victim) ?? 0);
  expect(world.invariants.clusterIds.length).toBe(1);
  return { leadersHit: leadersHit * 2, leadersKilled, acknowledged: load.counts.acknowledged / 50 };
}

testHistories("one of three is damaged under load, and the leader dies meanwhile", 10, (seed) =>
  damagedUnderLoad(seed, { machines: 3, victims: 1 }),
);

testHistories(
  "two of five are damaged at the same time under load, and the leader dies meanwhile",
  5,
  (seed) => damagedUnderLoad(seed, { machines: 5, victims: 2 }),
);

// ── The disaster ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Three machines: the leader, one that will be damaged, and one that lags behind for want of a network. */
function lagging(seed: number): {
  world: VirtualWorld;
  leader: VirtualMachine;
  damaged: VirtualMachine;
  behind: VirtualMachine;
} {
  const world = new VirtualWorld({ seed, machines: 3 });
  world.formCluster();
  const { leader } = world;
  const [damaged, behind] = world.machines.filter((machine) => machine !== leader);
  assert(leader !== undefined && damaged !== undefined && behind !== undefined, "three machines");
  for (const other of [leader, damaged]) {
    world.network.cut(other.name, behind.name);
    world.network.cut(behind.name, other.name);
  }
  for (let number = 1; number <= 30; number++)
    world.expectCall(leader.name, ["SET", `k${number}`, "v"], /^OK$/);
  return { world, leader, damaged, behind };
}

// One flipped byte loses acknowledged writes of RedisRaft: the damaged node cuts its log there, goes on voting, and with
// the third node behind and the leader gone it elects somebody, or is elected, without them.
test("a damaged node elects nobody who lacks what it had acknowledged, while the only other holder is away", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { world, leader, damaged, behind } = lagging(seed);
    const oldId = idOf(damaged);
    damaged.kill();
    damageLog(damaged, new SeededRandom(seed));
    leader.cutPower();
    world.network.heal();
    damaged.start();
    world.run(5000);
    expect([seed, world.leader, stateOf(damaged), stateOf(behind)]).toEqual([
      seed,
      undefined,
      "replacing",
      "up",
    ]);
    expect(textOf(world.call(damaged.name, ["GET", "k1"]))).toBe(
      "-CLUSTERDOWN This node has damaged files and waits to be replaced: ask another node",
    );
    untilWhole(world);
    expectReplaced(world, damaged, oldId);
    for (let number = 1; number <= 30; number++)
      world.expectCall(world.leader?.name ?? "", ["GET", `k${number}`], /^v$/);
  }
}, 20_000);

test("with two of three damaged all wait: nobody leads, nothing is invented, and the third keeps what it has", () => {
  const world = new VirtualWorld({ seed: 5, machines: 3 });
  world.formCluster();
  for (let number = 1; number <= 10; number++) world.expectCall("n1", ["SET", `k${number}`, "v"], /^OK$/);
  world.run(200);
  const [n1, n2, n3] = world.machines as [VirtualMachine, VirtualMachine, VirtualMachine];
  const before = n3.process?.node.raftStatus().log.currentIndex;
  for (const machine of [n1, n2]) {
    machine.kill();
    damageLog(machine, new SeededRandom(8));
    machine.start();
  }
  for (let restart = 0; restart < 4; restart++) {
    world.run(3000);
    expect([world.leader, stateOf(n1), stateOf(n2), stateOf(n3)]).toEqual([
      undefined,
      "replacing",
      "replacing",
      "up",
    ]);
    expect(n3.process?.node.raftStatus().log.currentIndex).toBe(before ?? 0);
    n1.kill();
    n1.start();
  }
  n1.process?.terminate();
  world.runUntil("it ends in order", () => !n1.isRunning, 1000);
  expect(n1.hasLeft).toBe(false);
});

// ── Crashes ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Three machines whose third is damaged and off. */
function withDamaged(
  seed: number,
  settings: Settings = {},
  errors: Error[] = [],
): { world: VirtualWorld; victim: VirtualMachine; oldId: number } {
  const failed = (_: unknown, error: Error): void => void errors.push(error);
  const world = new VirtualWorld({ seed, machines: 3, settings, failed });
  world.formCluster();
  world.expectCall("n1", ["SET", "k", "v"], /^OK$/);
  world.run(100);
  const victim = world.machine("n3");
  const oldId = idOf(victim);
  victim.kill();
  damageLog(victim, new SeededRandom(seed));
  return { world, victim, oldId };
}

test.each(["power cut", "killed"] as const)(
  "%s at any operation of the disk: the next start resumes, under the same id",
  (end) => {
    let struck = 0;
    for (let operation = 1, whole = false; !whole; operation++) {
      const { world, victim, oldId } = withDamaged(operation);
      victim.endInOperation(operation, end);
      victim.start();
      const isUp = (): boolean =>
        stateOf(victim) === "up" && !victim.disk.list(dataPath).includes("replacement");
      world.runUntil("the end, or the new node", () => !victim.isRunning || isUp());
      whole = victim.isRunning;
      if (!whole) struck++;
      victim.disk.cutPowerAfter(Number.MAX_SAFE_INTEGER);
      if (!victim.isRunning) victim.start();
      untilWhole(world);
      expectReplaced(world, victim, oldId);
      // Three that formed the cluster, and one more: whatever was asked again was the same.
      expect([operation, world.leader?.process?.node.usedNodeIds().length]).toEqual([operation, 4]);
      expect(textOf(world.call(world.leader?.name ?? "", ["GET", "k"]))).toBe("v");
    }
    expect(struck).toBeGreaterThan(20);
  },
  60_000,
);

test("with a full disk, wherever it runs out: the next start with space goes on, under the same id", () => {
  const endings = new Set<string>();
  for (let freeBytes = 0, whole = false; !whole; freeBytes = freeBytes * 2 + 100) {
    const errors: Error[] = [];
    const { world, victim, oldId } = withDamaged(7, {}, errors);
    victim.disk.freeBytes = freeBytes;
    victim.start();
    world.runUntil("the end, or the new node", () => !victim.isRunning || stateOf(victim) === "up");
    whole = victim.isRunning;
    endings.add(
      victim.disk
        .list(dataPath)
        .filter((name) => name !== "LOCK")
        .join(" "),
    );
    victim.disk.freeBytes = Number.MAX_SAFE_INTEGER;
    if (!whole) {
      expect(errors).toMatchObject([{ code: "ENOSPC" }]);
      victim.start();
    }
    untilWhole(world);
    expectReplaced(world, victim, oldId);
    expect([freeBytes, world.leader?.process?.node.usedNodeIds().length]).toEqual([freeBytes, 4]);
  }
  // Before the note, before the new node's files, nowhere.
  expect([...endings].map((names) => names.replaceAll(/-\d+/g, "-"))).toEqual([
    "node replacement.new",
    "damaged- node.new replacement",
    "damaged- node",
  ]);
});

// ── Around it ─────────────────────────────────────────────────────────────────────────────────────────────────────

describe("a damaged node", () => {
  test("points clients to the leader as soon as it knows it, and says what it is", () => {
    const { world, victim } = withDamaged(3);
    const answers: string[] = [];
    // The leader cannot commit while the other voter is away: the request stays open, then is asked again.
    world.machine("n2").process?.standStill(250);
    victim.start();
    world.runUntil("a redirection", () => {
      const reply = textOf(world.call("n3", ["GET", "k"]));
      if (!answers.includes(reply)) answers.push(reply);
      return stateOf(victim) === "up";
    });
    const info = textOf(world.call("n3", ["RAFT.INFO"]));
    expect(info).toContain("state:up");
    for (const answer of answers) expect(answer).toMatch(/^-(MOVED \d+ n1:6379|CLUSTERDOWN )/);
  });

  test("takes no part in anything while it waits", () => {
    const { world, victim, oldId } = withDamaged(4);
    for (const name of ["n1", "n2"]) world.machine(name).kill();
    victim.start();
    world.run(1000);
    const waiting = "-CLUSTERDOWN This node has damaged files and waits to be replaced: ask another node";
    expect(textOf(world.call("n3", ["RAFT.INFO"]))).toContain(
      "state:replacing\r\nrole:(none)\r\nis_voting:-",
    );
    expect(textOf(world.call("n3", ["CLUSTER", "SLOTS"]))).toBe(waiting);
    expect(textOf(world.call("n3", ["RAFT.NODE", "REMOVE", "1"]))).toBe(waiting);
    expect(textOf(world.call("n3", ["RAFT.TIMEOUT_NOW"]))).toBe(waiting);
    expect(textOf(world.call("n3", ["RAFT.CLUSTER", "INIT"]))).toBe("-ERR Already cluster member");
    expect(textOf(world.call("n3", ["RAFT.CLUSTER", "JOIN", "n1:6379"]))).toBe("-ERR Already cluster member");
    expect(textOf(world.call("n3", ["RAFT.BOOTSTRAP", "STATE"]))).toStartWith("[member, ");
    expect(textOf(world.call("n3", ["RAFT.BOOTSTRAP", "PROMISE", "n0:1"]))).toStartWith(
      "-ERR this node has promised",
    );
    // No link to the old id is let in, whoever asks.
    const clusterId = "0".repeat(32);
    expect(
      textOf(world.call("n3", ["RAFT.PEER", String(peerVersion), clusterId, "1", String(oldId), "control"])),
    ).toBe("-NOCLUSTER No Raft Cluster");
    for (const name of ["n1", "n2"]) world.machine(name).start();
    untilWhole(world);
    expectReplaced(world, victim, oldId);
  });

  test("stops instead with repair no, and leaves everything as it is", () => {
    const failures: StorageError["code"][] = [];
    const world = new VirtualWorld({
      seed: 1,
      machines: 3,
      settingsOf: (name) => (name === "n3" ? { repair: "no" } : {}),
      failed: (_, error) => void failures.push(error.code as StorageError["code"]),
    });
    world.formCluster();
    const victim = world.machine("n3");
    victim.kill();
    damageLog(victim, new SeededRandom(1));
    expect(victim.start()).toBe(false);
    expect(failures).toEqual(["LOG_DAMAGED"]);
    expect(victim.disk.list(dataPath)).toEqual(["LOCK", "node"]);
  });

  test("of two nodes stops, as the other cannot replace it", () => {
    const errors: Error[] = [];
    const world = new VirtualWorld({ seed: 1, machines: 2, failed: (_, error) => void errors.push(error) });
    world.formCluster();
    const victim = world.machine("n2");
    victim.kill();
    damageLog(victim, new SeededRandom(1));
    expect(victim.start()).toBe(false);
    expect(errors[0]?.message).toMatch(
      /^the log is damaged: entry \d+ at offset \d+ of .*\(It cannot be replaced by itself: of the 2 voting nodes that can be read in its log the other 1 are no majority\.\)$/,
    );
  });

  test("without any log asks the nodes that join names, and stops without such", () => {
    const errors: Error[] = [];
    const world = new VirtualWorld({
      seed: 2,
      machines: 4,
      settingsOf: (name) => (name === "n4" ? { join: "n1,n2,n3,n4" } : {}),
      failed: (_, error) => void errors.push(error),
    });
    for (const machine of world.machines) machine.start();
    world.expectCall("n1", ["RAFT.CLUSTER", "INIT"], /^OK /);
    for (const name of ["n2", "n3"]) world.expectCall(name, ["RAFT.CLUSTER", "JOIN", "n1:6379"], /^OK$/);
    untilWhole(world);
    const oldId = idOf(world.machine("n4"));
    for (const name of ["n3", "n4"]) {
      world.machine(name).kill();
      world.machine(name).damage((disk) => disk.remove(`${dataPath}/node/log`));
    }
    expect(world.machine("n3").start()).toBe(false);
    expect(errors[0]?.message).toEndWith("(It cannot be replaced by itself: no other member is known.)");
    world.machine("n3").hasLeft = true;
    world.machine("n4").start();
    world.runUntil("it is replaced", () => stateOf(world.machine("n4")) === "up");
    expectReplaced(world, world.machine("n4"), oldId);
  });

  test.each([
    ["", "2 voting nodes that can be read in its log the other 1 are no majority"],
    ["n1,n2", "2 voting nodes that can be read in its log the other 1 are no majority"],
    ["n1,n2,n3", null],
  ])("whose newest configurations are damaged, with join %p", (join, reason) => {
    const errors: Error[] = [];
    const world = new VirtualWorld({
      seed: 3,
      machines: 3,
      settingsOf: (name) => (name === "n2" ? { join } : {}),
      failed: (_, error) => void errors.push(error),
    });
    const victim = world.machine("n2");
    for (const machine of world.machines) machine.start();
    world.expectCall("n1", ["RAFT.CLUSTER", "INIT"], /^OK /);
    if (join === "") world.expectCall("n2", ["RAFT.CLUSTER", "JOIN", "n1:6379"], /^OK$/);
    world.runUntil("n2 votes", () => victim.process?.node.raftStatus().voting === true);
    world.expectCall("n3", ["RAFT.CLUSTER", "JOIN", "n1:6379"], /^OK$/);
    untilWhole(world);
    const oldId = idOf(victim);
    for (let number = 1; number <= 5; number++) world.expectCall("n1", ["SET", "k", "v"], /^OK$/);
    world.run(100);
    victim.kill();
    // What is left to read speaks of two voters, n1 and n2.
    for (let back = 0; back < 2; back++) damageMembers(victim, new SeededRandom(back), back);
    expect(victim.start()).toBe(reason === null);
    if (reason !== null) return expect(errors[0]?.message).toContain(reason);
    untilWhole(world);
    expectReplaced(world, victim, oldId);
  });

  test("leaves when it was removed before it could be replaced", () => {
    const { world, victim, oldId } = withDamaged(6);
    for (const name of ["n1", "n2"]) world.network.cut("n3", name);
    victim.start();
    world.run(500);
    world.expectCall("n1", ["RAFT.NODE", "REMOVE", String(oldId)], /^OK$/);
    expect(stateOf(victim)).toBe("replacing");
    world.network.heal();
    world.runUntil("it leaves", () => victim.hasLeft);
    expect(victim.disk.list(dataPath)).toEqual(["LOCK", `damaged-${oldId}`]);
  });

  test.each([false, true])(
    "found at work stops and is replaced, also where it is the last entry (%p)",
    (isLast) => {
      const errors: Error[] = [];
      const world = new VirtualWorld({ seed: 9, machines: 3, failed: (_, error) => void errors.push(error) });
      world.formCluster();
      const [leader, , behind] = world.machines as [VirtualMachine, VirtualMachine, VirtualMachine];
      const oldId = idOf(leader);
      behind.kill();
      world.expectCall("n1", ["SET", "k", "v"], /^OK$/);
      if (!isLast) world.expectCall("n1", ["SET", "l", "w"], /^OK$/);
      damageNewest(leader, isLast ? 0 : 1);
      behind.start();
      world.runUntil("the leader stops", () => !leader.isRunning);
      expect(errors.map(({ message }) => message)).toEqual([
        expect.stringMatching(/^the log is damaged: entry \d+ /),
      ]);
      expect(leader.disk.list(dataPath)).toEqual(["LOCK", "node", "replacement"]);
      leader.start();
      untilWhole(world);
      expectReplaced(world, leader, oldId);
      expect(textOf(world.call(world.leader?.name ?? "", ["GET", "k"]))).toBe("v");
    },
  );

  test.each(["repair no", "a full disk"])(
    "found at work in the last entry, which is not known to be committed, does not start again: %s",
    (without) => {
      const errors: Error[] = [];
      const settings: Settings = without === "repair no" ? { repair: "no" } : {};
      const failed = (_: unknown, error: Error): void => void errors.push(error);
      const world = new VirtualWorld({ seed: 10, machines: 3, settings, failed });
      world.formCluster();
      const [leader, n2, n3] = world.machines as [VirtualMachine, VirtualMachine, VirtualMachine];
      n2.kill();
      n3.kill();
      // Durable here and nowhere else: with one more, it would be committed.
      world.connect("n1").send(["SET", "k", "v"], () => undefined);
      world.run(20);
      damageNewest(leader);
      if (without === "a full disk") leader.disk.freeBytes = 0;
      n2.start();
      world.runUntil("the leader stops", () => !leader.isRunning);
      leader.disk.freeBytes = Number.MAX_SAFE_INTEGER;
      expect(leader.disk.list(dataPath)).not.toContain("replacement");
      errors.length = 0;
      expect([leader.start(), stateOf(leader)]).toEqual(
        without === "repair no" ? [false, "off"] : [true, "replacing"],
      );
      expect(errors).toMatchObject(without === "repair no" ? [{ code: "LOG_DAMAGED" }] : []);
    },
  );

  test("that is damaged once more, as a new node, is replaced once more", () => {
    const { world, victim, oldId } = withDamaged(7);
    victim.start();
    untilWhole(world);
    const secondId = idOf(victim);
    const { nodeId = 0, clusterId = "" } = world.machine("n1").process?.node ?? {};
    const hello = (target: string, from: number, to: number): string =>
      textOf(
        world.call(target, [
          "RAFT.PEER",
          String(peerVersion),
          clusterId,
          String(from),
          String(to),
          "control",
        ]),
      );
    // Whatever of the old id is still on its way, or still expects it, finds no link.
    expect(hello("n3", nodeId, oldId)).toBe("-ERR wrong target node id");
    expect(hello("n1", oldId, nodeId)).toStartWith("-ERR removed: ");
    victim.kill();
    victim.damage((disk) => disk.remove(hardStatePath));
    victim.start();
    untilWhole(world);
    expectReplaced(world, victim, oldId);
    expectReplaced(world, victim, secondId);
  });
});
