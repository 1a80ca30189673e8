// Clusters whose members changed: lost writes, two clusters out of one, and nodes that ended, because who belongs to the
// cluster was remembered wrongly or changed twice at a time.

import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { MembershipHistory } from "../../src/raft/membership.ts";
import type { Membership } from "../../src/raft/types.ts";
import { Entry } from "../../src/raft/types.ts";
import { Log } from "../../src/storage/log.ts";
import { channels } from "../../src/peer/hello.ts";
import { PeerImpostor } from "../hostile/peer-impostor.ts";
import { ChosenFaults } from "../sim/chosen-faults.ts";
import { testHistories } from "../sim/histories.ts";
import { CheckedLoad } from "../sim/workload/checked-load.ts";
import { MemoryNode } from "../raft/memory-node.ts";
import { appendEntries, appendEntriesResponse, requestVoteResponse } from "../raft/messages.ts";
import { logOptions, newLog } from "../storage/log-fixture.ts";
import { MemoryDisk } from "../storage/memory-disk.ts";
import { ask, clusterOf, cutOff, leaderOf, othersThan, refusal, sendAll, unknown } from "./scene.ts";

const inProgress = "-ERR one voting change only";

function idOf(world: ReturnType<typeof clusterOf>, name: string): number {
  return world.machine(name).process?.node.nodeId ?? 0;
}

// The first change cannot commit; a second one would make majorities that need not meet.
test("redisraft #17: a second change of the membership waits until the first is committed", () => {
  const world = clusterOf(17, 5);
  const leader = leaderOf(world);
  const [second = "", third = "", fourth = "", fifth = ""] = othersThan(world, leader);
  const acknowledged = ask(world, leader, "SET k acknowledged");
  cutOff(world, leader);
  const first = sendAll(world, leader, `RAFT.NODE REMOVE ${idOf(world, fourth)}`);
  world.run(5);
  const answers = [`REMOVE ${idOf(world, fifth)}`, `REMOVE ${idOf(world, third)}`, "ADD 77 n9:6379"].map(
    (change) => ask(world, leader, `RAFT.NODE ${change}`),
  );
  expect([acknowledged, ...answers]).toEqual(["OK", inProgress, inProgress, inProgress]);
  const isElected = (): boolean => leaderOf(world) !== leader && leaderOf(world) !== "";
  world.runUntil("the others have a leader", isElected);
  expect(ask(world, leaderOf(world), "GET k")).toBe("acknowledged");
  world.runUntil("an answer", () => first.length > 0);
  expect(first[0]).toMatch(unknown);
  world.settle();
  expect(world.machine(second).process?.node.slots().length).toBe(5);
});

// Two changes by two leaders: the second leader must have committed an entry of its own first (raft-dev, 2015).
test("redisraft #17: nor does a new leader change anything before it knows what is committed", () => {
  const node = nodeWithMembership(1, membershipOf([1, 2, 3], [1, 2, 3]));
  const { raft } = node;
  raft.campaignNow(1);
  node.handleReady();
  raft.step(requestVoteResponse({ term: 2, voteGranted: true }), 2);
  node.handleReady();
  expect([raft.role, raft.canServe]).toEqual(["leader", false]);
  expect(raft.proposeMembership({ kind: "remove", id: 3 }, 0)).toBe("change-pending");
  node.sync();
  raft.step(appendEntriesResponse({ term: 2, matchIndex: 2 }), 3);
  expect([raft.canServe, typeof raft.proposeMembership({ kind: "remove", id: 3 }, 0)]).toEqual([
    true,
    "object",
  ]);
});

/** Node `id`, whose log is one entry long, of term 1: a configuration. */
function nodeWithMembership(id: number, membership: Membership): MemoryNode {
  const options = { id, founding: null, random: new SeededRandom(1), tuning: {}, nowMs: 0 };
  const node = new MemoryNode(options, (prepared) => {
    prepared.log.append([new Entry(1, 1, "membership", 0, membership, null)]);
    prepared.hardState = { currentTerm: 1, votedFor: 0 };
  });
  node.raft.step(appendEntries({ prevLogIndex: 1, prevLogTerm: 1, leaderCommit: 1 }), 0);
  node.handleReady();
  return node;
}

/** Members 1 to n, all of them voters unless said otherwise. */
function membershipOf(ids: readonly number[], usedIds: readonly number[], learner = 0): Membership {
  const members = ids.map((id) => ({ id, host: `n${id}`, port: 1, voting: id !== learner }));
  return { members, usedIds };
}

const history: readonly Membership[] = [
  membershipOf([1], [1]),
  membershipOf([1, 2], [1, 2], 2),
  membershipOf([1, 2], [1, 2]),
  membershipOf([1, 2, 3], [1, 2, 3], 3),
  membershipOf([1, 2, 3], [1, 2, 3]),
  membershipOf([1, 3], [1, 2, 3]),
  membershipOf([1, 3, 4], [1, 2, 3, 4], 4),
  membershipOf([3, 4], [1, 2, 3, 4], 4),
  membershipOf([3, 4], [1, 2, 3, 4]),
];

// Restart from every prefix of a log with changes in it: the newest configuration counts, and nobody comes back.
test("redisraft #28: a restart brings back no removed node, wherever the log ends", () => {
  const disk = new MemoryDisk();
  const entries = history.flatMap((membership, at) => [
    new Entry(2 * at + 1, 1, "membership", at, membership, null),
    new Entry(2 * at + 2, 1, "clock", at, null, null),
  ]);
  newLog(disk).append(entries);
  disk.syncDirectory("data");
  for (let last = entries.length; last >= 1; last--) {
    const { log } = Log.open(logOptions(disk));
    log.truncateAfter(last);
    log.close();
    disk.killProcess();
    const reopened = Log.open(logOptions(disk)).log;
    const memberships = new MembershipHistory(1, reopened.memberships());
    const expected = history[Math.floor((last - 1) / 2)];
    expect([reopened.lastIndex, memberships.effective]).toEqual([last, expected ?? membershipOf([], [])]);
    reopened.close();
    disk.killProcess();
  }
});

// Kill all and restart, with a removed node's machine among them; it was to archive its data and to stop.
testHistories("redisraft #28: nor does the removed node itself come back as what it was", 4, (seed) => {
  const world = clusterOf(seed, 4);
  const victim = world.machine(
    seed % 2 === 0 ? leaderOf(world) : (othersThan(world, leaderOf(world))[0] ?? ""),
  );
  const id = victim.process?.node.nodeId ?? 0;
  expect(ask(world, leaderOf(world), `RAFT.NODE REMOVE ${id}`)).toMatch(/^(OK|lost|-TIMEOUT .*)$/);
  world.runUntil("it has left", () => victim.hasLeft);
  expect(victim.disk.list("/data")).toContain(`removed-${id}`);
  for (const machine of world.running) machine.cutPower();
  for (const machine of world.machines) machine.start();
  world.runUntil("a leader", () => leaderOf(world) !== "");
  world.run(1000);
  expect(victim.process?.node.state).toBe("uninitialized");
  expect(ask(world, victim.name, "GET k")).toBe("-NOCLUSTER No Raft Cluster");
  for (const machine of world.running) {
    if (machine === victim) continue;
    expect(machine.process?.node.slots().map(({ host }) => host)).not.toContain(victim.name);
    expect(machine.process?.node.usedNodeIds()).toContain(id);
  }
  return { removed: 1 };
});

// What a log shows that was cut short may be the founder alone: whoever is not that founder must not act on it.
test("redisraft #30: a node whose log shows somebody else as the only voter never leads", () => {
  const node = nodeWithMembership(3, membershipOf([1], [1]));
  for (let nowMs = 1; nowMs < 60_000; nowMs += 100) {
    node.raft.tick(nowMs);
    expect(node.handleReady()).toEqual([]);
    expect(node.raft.role).toBe("follower");
  }
  expect(node.raft.campaignNow(60_000)).toBe("not-voter");
  expect(node.raft.currentTerm).toBe(1);
});

// Promotions, demotions and removals that are rolled back: the configuration is a function of the log, at every moment.
testHistories("redisraft #48: the configuration follows the log, whatever becomes of that", 200, (seed) => {
  const random = new SeededRandom(seed);
  const memberships = new MembershipHistory(1, []);
  let model: (Membership | null)[] = [];
  let committed = 0;
  let overwritten = 0;
  for (let step = 0; step < 60; step++) {
    const choice = random.below(10);
    if (choice < 6) {
      const membership = random.below(3) === 0 ? (history[random.below(history.length)] ?? null) : null;
      model.push(membership);
      if (membership !== null) memberships.append(model.length, membership);
    } else if (choice < 8 && model.length > committed) {
      const from = committed + 1 + random.below(model.length - committed);
      model = model.slice(0, from - 1);
      memberships.truncateFrom(from);
      overwritten++;
    } else if (model.length > committed) {
      const next = committed + random.below(model.length - committed + 1);
      memberships.commit(committed, next);
      committed = next;
    }
    const effective = model.findLast((membership) => membership !== null) ?? membershipOf([], []);
    expect(memberships.effective).toEqual(effective);
    expect(memberships.voterCount).toBe(effective.members.filter(({ voting }) => voting).length);
    const known = model.slice(0, committed).findLast((membership) => membership !== null);
    expect(memberships.committed(committed)).toEqual(known ?? membershipOf([], []));
  }
  return { overwritten };
});

// Add and remove, again and again, under load, with connections that break and hang.
testHistories("redisraft #49: links that end while their node is removed end nothing else", 2, (seed) => {
  const world = clusterOf(seed, 3);
  const load = new CheckedLoad(world, 3);
  const faults = new ChosenFaults(world, ["reset", "mute", "deafen", "cut-link"]);
  const impostor = new PeerImpostor(world, "evil");
  load.start();
  let removed = 0;
  for (let round = 0; round < 4; round++) {
    const machine = world.addMachine();
    machine.start();
    faults.run(60, 20);
    world.network.heal();
    const joined = ask(world, machine.name, `RAFT.CLUSTER JOIN ${leaderOf(world) || "n1"}:6379`);
    if (joined !== "OK") continue;
    const id = machine.process?.node.nodeId ?? 0;
    impostor.ownLink(leaderOf(world) || "n1", "control", id);
    faults.run(150, 20);
    world.network.heal();
    // Its links are opened anew before the old ones have ended, which they do later, and all at once.
    for (const channel of channels) impostor.link(leaderOf(world) || "n1", channel, id);
    world.run(2);
    world.runUntil("its removal", () => {
      const answer = ask(world, leaderOf(world) || "n1", `RAFT.NODE REMOVE ${id}`);
      return answer === "OK" || answer === "-ERR node id does not exist" || machine.hasLeft;
    });
    impostor.closeAll();
    world.runUntil("its end", () => machine.hasLeft || !machine.isRunning);
    removed++;
  }
  world.settle();
  load.finish();
  return { removed, acknowledged: load.counts.acknowledged / 20 };
});

// A round may get its majority only because the leader that was removed does not count any more; or never.
testHistories(
  "redisraft #94: reads that wait while the leader is removed are answered, truly",
  10,
  (seed) => {
    const world = clusterOf(seed, 3);
    const leader = leaderOf(world);
    ask(world, leader, "SET k v");
    const removal = sendAll(world, leader, `RAFT.NODE REMOVE ${idOf(world, leader)}`);
    const reads: string[][] = [];
    const mixed: string[][] = [];
    for (let at = 0; at < 8; at++) {
      reads.push(sendAll(world, leader, "GET k", "GET k"));
      mixed.push(sendAll(world, leader, "GET k", "APPEND k w", "GET k"));
      world.run(0.25);
    }
    const answers = (): string[] => [...reads, ...mixed].flat();
    world.runUntil("every answer", () => removal.length > 0 && answers().length === 8 * (2 + 3));
    // Writes that are in the log of who has left, and reads behind them, have an outcome that he is not told.
    expect(reads.flat()).not.toContain("lost");
    for (const answer of answers()) {
      if (refusal.test(answer) || unknown.test(answer)) continue;
      expect(answer).toMatch(/^(vw*|\d+)$/);
    }
    world.runUntil("it has left", () => world.machine(leader).hasLeft);
    const appended = answers().filter((answer) => /^\d+$/.test(answer)).length;
    world.runUntil("a leader", () => leaderOf(world) !== "");
    expect(ask(world, leaderOf(world), "GET k").length).toBeGreaterThanOrEqual(1 + appended);
    return { read: answers().filter((answer) => answer.startsWith("v")).length };
  },
);
