// The core's own promises, beyond the paper's: messages that are not sound change nothing, odd calls are harmless, limits
// hold, and the checkers notice what they are there to notice.

import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { ClusterInvariants, NodeInvariants } from "../../src/raft/invariants.ts";
import { type Entry, hostLengthMax, type Membership, type Message } from "../../src/raft/types.ts";
import { LocalCluster } from "./local-cluster.ts";
import { membershipOf } from "./memory-node.ts";
import { appendEntries, appendEntriesResponse, entry, requestVote, requestVoteResponse } from "./messages.ts";

function membershipEntry(membership: Membership | null): Entry {
  return entry(1, 1, { kind: "membership", membership });
}

/** Everything that a message could have changed. */
function everythingOf(cluster: LocalCluster, id: number): unknown {
  const { raft } = cluster.node(id);
  const { role, currentTerm, votedFor, leaderId, commitIndex, lastIndex, stableIndex, hasReady, membership } =
    raft;
  return { role, currentTerm, votedFor, leaderId, commitIndex, lastIndex, stableIndex, hasReady, membership };
}

const faulty: [name: string, message: Message, fault: string][] = [
  ["for another node", appendEntries({ term: 5, to: 3 }), "misdirected"],
  ["from this node", appendEntries({ term: 5, from: 1 }), "misdirected"],
  ["from nobody", appendEntries({ term: 5, from: 0 }), "misdirected"],
  ["of term 0", appendEntries({ term: 0 }), "bad-field"],
  ["of a broken term", appendEntries({ term: 1.5 }), "bad-field"],
  [
    "with a negative prevLogIndex",
    appendEntries({ term: 5, prevLogIndex: -1, lastEntryIndex: -1 }),
    "bad-field",
  ],
  [
    "with a prevLogTerm after its term",
    appendEntries({ term: 5, prevLogIndex: 1, prevLogTerm: 6 }),
    "bad-field",
  ],
  ["with a term for the start of the log", appendEntries({ term: 5, prevLogTerm: 1 }), "bad-field"],
  ["with NaN for leaderCommit", appendEntries({ term: 5, leaderCommit: Number.NaN }), "bad-field"],
  ["with a negative round", appendEntries({ term: 5, round: -1 }), "bad-field"],
  ["with fewer entries than it says", appendEntries({ term: 5, lastEntryIndex: 1 }), "bad-entries"],
  [
    "with a gap before its entries",
    appendEntries({ term: 5, entries: [entry(2, 1)], lastEntryIndex: 1 }),
    "bad-entries",
  ],
  [
    "with a gap in its entries",
    appendEntries({ term: 5, entries: [entry(1, 1), entry(3, 1)] }),
    "bad-entries",
  ],
  ["with terms that go down", appendEntries({ term: 5, entries: [entry(1, 2), entry(2, 1)] }), "bad-entries"],
  ["with an entry of a later term", appendEntries({ term: 5, entries: [entry(1, 6)] }), "bad-entries"],
  ["with an entry of term 0", appendEntries({ term: 5, entries: [entry(1, 0)] }), "bad-entries"],
  [
    "with stamps that go back",
    appendEntries({ term: 5, entries: [entry(1, 1, { stampMs: 2 }), entry(2, 1, { stampMs: 1 })] }),
    "bad-entries",
  ],
  [
    "with a membership entry without one",
    appendEntries({ term: 5, entries: [membershipEntry(null)] }),
    "bad-entries",
  ],
  [
    "with a membership in a command",
    appendEntries({ term: 5, entries: [entry(1, 1, { membership: membershipOf([1]) })] }),
    "bad-entries",
  ],
  [
    "with a member twice",
    appendEntries({
      term: 5,
      entries: [membershipEntry({ ...membershipOf([1]), members: [...membershipOf([1, 1]).members] })],
    }),
    "bad-membership",
  ],
  [
    "with a member whose id is not used",
    appendEntries({ term: 5, entries: [membershipEntry({ ...membershipOf([1, 2]), usedIds: [1] })] }),
    "bad-membership",
  ],
  [
    "with a port out of range",
    appendEntries({
      term: 5,
      entries: [membershipEntry({ members: [{ id: 1, host: "h", port: 0, voting: true }], usedIds: [1] })],
    }),
    "bad-membership",
  ],
  [
    "with a host that no log can hold",
    appendEntries({
      term: 5,
      entries: [
        membershipEntry({
          members: [{ id: 1, host: "h".repeat(hostLengthMax + 1), port: 1, voting: true }],
          usedIds: [1],
        }),
      ],
    }),
    "bad-membership",
  ],
  [
    "that asks for a vote with a log of its own future",
    requestVote({ term: 5, lastLogIndex: 1, lastLogTerm: 5 }),
    "bad-field",
  ],
];

describe("step()", () => {
  for (const [name, message, fault] of faulty) {
    test(`refuses ${message.kind} ${name} as ${fault}`, () => {
      const cluster = new LocalCluster(3);
      const before = everythingOf(cluster, 1);
      expect(cluster.raft(1).step(message, 0)).toBe(fault as never);
      expect(everythingOf(cluster, 1)).toEqual(before);
    });
  }

  test("refuses to undo what is committed", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    cluster.tick(200);
    cluster.deliver();
    expect(cluster.raft(3).commitIndex).toBe(2);
    const overwriting = appendEntries({ term: 5, from: 2, to: 3, entries: [entry(1, 1), entry(2, 4)] });
    expect(cluster.raft(3).step(overwriting, 0)).toBe("conflicts-with-committed");
    const behind = appendEntries({
      term: 5,
      from: 2,
      to: 3,
      prevLogIndex: 2,
      prevLogTerm: 4,
      entries: [entry(3, 4)],
    });
    expect(cluster.raft(3).step(behind, 0)).toBe("conflicts-with-committed");
    expect([cluster.raft(3).currentTerm, cluster.terms(3)]).toEqual([1, [1, 1]]);
  });

  test("refuses a second leader, and a second log, in one term", () => {
    const cluster = new LocalCluster(4);
    cluster.deliverOne(appendEntries({ term: 5, from: 2, entries: [entry(1, 3), entry(2, 4)] }));
    expect(cluster.raft(1).step(appendEntries({ term: 5, from: 3 }), 0)).toBe("two-leaders");
    expect(cluster.raft(1).step(appendEntries({ term: 5, from: 2, entries: [entry(1, 2)] }), 0)).toBe(
      "two-leaders",
    );
    expect(
      cluster.raft(1).step(appendEntries({ term: 5, from: 2, entries: [entry(1, 3), entry(2, 4)] }), 0),
    ).toBe(null);
  });

  test("refuses an answer to what was never sent", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    const response = appendEntriesResponse({ matchIndex: 2 });
    expect(leader.step({ ...response, matchIndex: 3 }, 0)).toBe("ahead-of-leader");
    expect(leader.step({ ...response, round: 1 }, 0)).toBe("ahead-of-leader");
    expect(leader.step(response, 0)).toBe(null);
  });

  test("does not let the late answer of a removed node unseat the leader", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    leader.proposeMembership({ kind: "remove", id: 3 }, 0);
    cluster.deliver();
    const response = requestVoteResponse({ from: 3, term: 9 });
    leader.step(response, 0);
    expect([leader.role, leader.currentTerm]).toEqual(["leader", 1]);
    leader.step({ ...response, from: 2 }, 0);
    expect([leader.role, leader.currentTerm]).toEqual(["follower", 9]);
  });

  test("survives messages with random fields", () => {
    const random = new SeededRandom(7);
    const numbers = [-1, 0, 0.5, 1, 2, 3, 4, 5, 100, 2 ** 31, 2 ** 53, Number.NaN, Infinity];
    for (let run = 0; run < 200; run++) {
      const cluster = new LocalCluster(3);
      cluster.elect(1);
      cluster.propose(1);
      cluster.settleAll();
      const invariants = new Map([...cluster.nodes.keys()].map((id) => [id, new NodeInvariants()]));
      for (let nth = 0; nth < 40; nth++) {
        const message = cluster.messages.shift();
        if (message === undefined) {
          cluster.tick(random.below(400));
          continue;
        }
        const broken: Record<string, unknown> = { ...message };
        const fields = Object.keys(message).filter((key) => key !== "kind" && key !== "entries");
        for (let count = random.below(3); count > 0; count--) {
          const field = fields[random.below(fields.length)] ?? "term";
          const isFlag = typeof broken[field] === "boolean";
          broken[field] = isFlag ? random.below(2) === 0 : numbers[random.below(numbers.length)];
        }
        const node = cluster.nodes.get(message.to);
        if (node === undefined) continue;
        node.raft.step({ ...message, ...broken }, cluster.nowMs);
        cluster.settle(node);
        invariants.get(node.id)?.check(node.raft);
      }
    }
  });
});

describe("stable()", () => {
  test("ignores the sync of an entry that has been overwritten since, and of one not handed out yet", () => {
    const cluster = new LocalCluster(3);
    const { raft } = cluster.node(1);
    raft.step(appendEntries({ term: 5, entries: [entry(1, 1), entry(2, 1)] }), 0);
    raft.stable(2, 1);
    expect(raft.stableIndex).toBe(0);
    cluster.node(1).handleReady();
    raft.step(
      appendEntries({ from: 3, term: 6, prevLogIndex: 1, prevLogTerm: 1, entries: [entry(2, 6)] }),
      0,
    );
    cluster.node(1).handleReady();
    raft.stable(2, 1);
    expect(raft.stableIndex).toBe(0);
    raft.stable(2, 6);
    expect(raft.stableIndex).toBe(2);
    raft.stable(1, 1);
    raft.stable(9, 6);
    expect(raft.stableIndex).toBe(2);
  });
});

describe("ready()", () => {
  test("has nothing to say when nothing happened, and says everything once", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    expect(leader.hasReady).toBe(false);
    cluster.propose(1, new Uint8Array(1));
    expect(leader.hasReady).toBe(true);
    const ready = leader.ready();
    expect([ready.entries.length, ready.messages.length, ready.hardState]).toEqual([1, 2, null]);
    cluster.node(1).log.append(ready.entries);
    expect(leader.hasReady).toBe(false);
    expect(leader.ready()).toBe(ready);
    expect([ready.entries.length, ready.messages.length]).toEqual([0, 0]);
  });

  test("tells of a lost leadership even if there is nothing else to do", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    leader.tick(1000);
    expect([leader.role, leader.hasReady]).toEqual(["follower", true]);
    leader.ready();
    expect(leader.hasReady).toBe(false);
  });
});

describe("propose()", () => {
  test("makes the stamps of a leader, and of leaders after it, never go back", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1).propose("command", 1000, null);
    cluster.raft(1).propose("clock", 900, null);
    cluster.deliver();
    const next = cluster.elect(2);
    next.propose("command", 5, null);
    cluster.deliver();
    const { log } = cluster.node(2);
    expect(log.slice(3, log.lastIndex + 1).map((each) => each.stampMs)).toEqual([1000, 1000, 1000, 1000]);
  });

  test("bounds the bytes that wait for a majority, over many entries and commits", () => {
    const cluster = new LocalCluster(3, {}, { uncommittedMaxBytes: 100_000 });
    const leader = cluster.elect(1);
    for (let round = 0; round < 3; round++) {
      let accepted = 0;
      while (typeof leader.propose("command", 0, new Uint8Array(16)) !== "string") accepted++;
      expect(accepted).toBeGreaterThan(1200);
      expect(accepted * 80).toBeLessThanOrEqual(100_000);
      cluster.deliver();
      expect(leader.commitIndex).toBe(leader.lastIndex);
    }
    expect(typeof leader.propose("command", 0, new Uint8Array(1_000_000))).toBe("object");
  });
});

describe("proposeMembership()", () => {
  test("refuses a host that no log can hold, before it is in this one", () => {
    const leader = new LocalCluster(1).raft(1);
    const change = { kind: "add-learner", id: 2, port: 7002 } as const;
    const { lastIndex } = leader;
    expect(leader.proposeMembership({ ...change, host: "h".repeat(hostLengthMax + 1) }, 0)).toBe(
      "bad-member",
    );
    expect(leader.lastIndex).toBe(lastIndex);
    expect(typeof leader.proposeMembership({ ...change, host: "h".repeat(hostLengthMax) }, 0)).toBe("object");
  });
});

describe("configure()", () => {
  test("takes effect on a running leader", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    leader.configure({ heartbeatIntervalMs: 50, electionTimeoutMs: 10_000 });
    cluster.tick(200);
    cluster.deliver();
    expect(leader.wakeAtMs).toBe(cluster.nowMs + 50);
    leader.tick(cluster.nowMs + 9_999);
    expect(leader.role).toBe("leader");
  });

  test("keeps the heartbeats within a third of the election timeout", () => {
    const cluster = new LocalCluster(3, {}, { heartbeatIntervalMs: 5000, electionTimeoutMs: 900 });
    expect(cluster.elect(1).wakeAtMs).toBeLessThanOrEqual(300);
  });
});

describe("isRemoved", () => {
  test("is true of a node whose removal has committed, and of no node that has yet to join", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    const joiner = cluster.create(4).raft;
    expect([joiner.isRemoved, leader.isRemoved]).toEqual([false, false]);
    leader.proposeMembership({ kind: "remove", id: 3 }, 0);
    cluster.settleAll();
    expect(cluster.raft(3).isRemoved).toBe(false);
    cluster.deliver();
    expect(cluster.raft(3).isRemoved).toBe(true);
    // The joiner's log begins with configurations that do not know it.
    leader.proposeMembership({ kind: "add-learner", id: 4, host: "localhost", port: 7004 }, 0);
    const seen = new Set<boolean>();
    for (cluster.settleAll(); cluster.messages.length > 0; seen.add(joiner.isRemoved)) {
      cluster.deliverOne(cluster.messages.shift() as Message);
    }
    expect([...seen]).toEqual([false]);
    expect(joiner.membership.members.map(({ id }) => id)).toEqual([1, 2, 4]);
  });

  test("is not misled by a restart, when no configuration is known to be committed", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    cluster.node(2).restart(0);
    expect([cluster.raft(2).committedMembership.members.length, cluster.raft(2).isRemoved]).toEqual([
      0,
      false,
    ]);
  });
});

describe("the invariants notice", () => {
  test("two leaders in one term", () => {
    const invariants = new ClusterInvariants(() => true);
    const cluster = new LocalCluster(2);
    const other = new LocalCluster(2);
    invariants.check(cluster.elect(1));
    expect(() => invariants.check(other.elect(2))).toThrow("Election Safety");
  });

  test("logs that differ in an entry, or before it", () => {
    const invariants = new ClusterInvariants(() => true);
    invariants.appended([entry(1, 1), entry(2, 2)], 0);
    expect(() => invariants.appended([entry(1, 1, { stampMs: 1 })], 0)).toThrow("Log Matching");
    expect(() => invariants.appended([entry(2, 2)], 2)).toThrow("Log Matching");
  });

  test("a committed entry that no majority keeps", () => {
    const invariants = new ClusterInvariants((id) => id === 1);
    const cluster = new LocalCluster(3);
    expect(() => invariants.check(cluster.elect(1))).toThrow("on the disks of a majority");
  });

  test("a leader without a committed entry, and two committed entries in one place", () => {
    const invariants = new ClusterInvariants(() => true);
    const cluster = new LocalCluster(3);
    const other = new LocalCluster(3);
    cluster.elect(1);
    cluster.elect(2);
    invariants.check(cluster.raft(2));
    other.elect(1);
    other.propose(1);
    other.deliver();
    other.elect(2);
    expect(() => invariants.check(other.elect(3))).toThrow(/Leader Completeness|State Machine Safety/);
  });

  test("a read from before what was committed", () => {
    expect(() => new ClusterInvariants(() => true).readAnswered(1, 2)).toThrow("a read sees everything");
  });
});

describe("campaigns that nobody decides", () => {
  /** Two of three voters ask for votes in the same instant, the third is gone; how long until one of them leads. */
  function splitVoteMs(tuning: { readonly electionTimeoutMs: number }): number {
    const cluster = new LocalCluster(3, {}, tuning);
    cluster.elect(1);
    cluster.isolated.add(1);
    for (const id of [2, 3]) cluster.raft(id).campaignNow(cluster.nowMs);
    cluster.deliver();
    const startMs = cluster.nowMs;
    while (cluster.raft(2).role !== "leader" && cluster.raft(3).role !== "leader") {
      cluster.tick(1, [2, 3]);
      cluster.deliver();
    }
    return cluster.nowMs - startMs;
  }

  test("a split vote costs a fraction of an election timeout", () => {
    expect(splitVoteMs({ electionTimeoutMs: 1000 })).toBeLessThan(250);
  });

  test("are repeated at growing distances, up to the election timeout", () => {
    const cluster = new LocalCluster(3);
    for (const id of [1, 2]) cluster.isolated.add(id);
    const startsMs: number[] = [];
    let { wakeAtMs } = cluster.raft(3);
    while (startsMs.length < 7) {
      cluster.tick(Math.max(1, wakeAtMs - cluster.nowMs), [3]);
      if (cluster.raft(3).wakeAtMs === wakeAtMs) continue;
      startsMs.push(cluster.nowMs);
      ({ wakeAtMs } = cluster.raft(3));
    }
    const gapsMs = startsMs.slice(1).map((ms, at) => ms - (startsMs[at] ?? 0));
    expect(gapsMs).toEqual([155, 280, 530, 1030, 1030, 1030]);
  });
});
