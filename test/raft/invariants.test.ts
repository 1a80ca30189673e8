// Each promise of Raft is broken on purpose, and exactly that one is reported.

import { expect, test } from "bun:test";
import { ClusterInvariants, type Inspected, InvariantViolation } from "../../src/raft/invariants.ts";
import type { Membership, MembershipRecord, NodeId, Term } from "../../src/raft/types.ts";
import { membershipOf } from "./memory-node.ts";

interface Shown extends Partial<Omit<Inspected, "termAt" | "firstIndex" | "lastIndex">> {
  readonly id: NodeId;
  readonly currentTerm: Term;
  /** Terms of the log, from index 1. */
  readonly log: readonly Term[];
}

/** A core that shows this, and is a follower without a vote otherwise. */
function core({ log, ...shown }: Shown): Inspected {
  const isLeader = shown.role === "leader";
  return {
    role: "follower",
    votedFor: isLeader ? shown.id : 0,
    leaderId: isLeader ? shown.id : 0,
    commitIndex: 0,
    appliedIndex: 0,
    stableIndex: log.length,
    firstIndex: 1,
    lastIndex: log.length,
    termAt: (index) => log[index - 1] ?? 0,
    membership: membershipOf([1, 2, 3]),
    membershipIndex: 0,
    canServe: false,
    peers: () => [],
    ...shown,
  };
}

function leader(id: NodeId, currentTerm: Term, log: readonly Term[], commitIndex = 0): Inspected {
  return core({ id, currentTerm, log, role: "leader", commitIndex });
}

/** The name of the promise that `check` finds broken; null for none. */
function broken(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    if (!(error instanceof InvariantViolation)) throw error;
    return error.invariant;
  }
}

function trusting(): ClusterInvariants {
  return new ClusterInvariants(() => true);
}

function record(index: number, membership: Membership): MembershipRecord {
  return { index, membership };
}

test("two leaders in one term break Election Safety", () => {
  const invariants = trusting();
  invariants.check(leader(1, 2, [2]));
  expect(broken(() => invariants.check(leader(2, 2, [2])))).toBe("Election Safety");
});

test("a second vote in a term, a forgotten one or a forgotten term break Votes, also over a restart", () => {
  for (const [currentTerm, votedFor] of [
    [3, 2],
    [3, 0],
    [2, 0],
  ] as const) {
    const invariants = trusting();
    invariants.check(core({ id: 1, currentTerm: 3, log: [], votedFor: 3 }));
    invariants.restarted(1);
    const restarted = core({ id: 1, currentTerm, log: [], votedFor });
    expect(broken(() => invariants.check(restarted))).toBe("Votes");
  }
});

test("a later leader without a committed entry breaks Leader Completeness, an earlier one does not", () => {
  const committed = (): ClusterInvariants => {
    const invariants = trusting();
    invariants.check(leader(1, 3, [1, 3], 2));
    return invariants;
  };
  expect(broken(() => committed().check(leader(2, 4, [1, 4])))).toBe("Leader Completeness");
  expect(broken(() => committed().check(leader(2, 4, [1, 3, 4])))).toBeNull();
  // Elected before, by votes that were long on their way.
  expect(broken(() => committed().check(leader(2, 2, [1, 2])))).toBeNull();
});

test("an entry of an earlier term that is committed by counting breaks Commitment, and so does going back", () => {
  const invariants = trusting();
  const leading = leader(1, 3, [1, 3]);
  invariants.check(leading);
  expect(broken(() => invariants.check({ ...leading, commitIndex: 1 }))).toBe("Commitment");
  const others = trusting();
  others.check(leader(1, 3, [1, 3], 2));
  expect(broken(() => others.check(leader(1, 3, [1, 3], 1)))).toBe("Commitment");
});

test("a leader that drops entries of its own breaks No Truncation", () => {
  const invariants = trusting();
  invariants.check(leader(1, 2, [1, 2, 2]));
  expect(broken(() => invariants.check(leader(1, 2, [1, 2])))).toBe("No Truncation");
});

test("what commits on the disks of fewer than a majority breaks Durability", () => {
  const invariants = new ClusterInvariants((id) => id === 1);
  expect(broken(() => invariants.check(leader(1, 2, [2], 1)))).toBe("Durability");
  // A learner's disk does not count, nor is it missed.
  const membership = membershipOf([1], [2]);
  const alone = new ClusterInvariants((id) => id === 1);
  expect(broken(() => alone.check({ ...leader(1, 2, [2], 1), membership }))).toBeNull();
});

test("two nodes that commit different entries at one place break State Machine Safety", () => {
  const invariants = trusting();
  invariants.check(leader(1, 2, [2], 1));
  const other = core({ id: 2, currentTerm: 2, log: [1], commitIndex: 1 });
  expect(broken(() => invariants.check(other))).toBe("State Machine Safety");
  const ahead = core({ id: 3, currentTerm: 2, log: [2], appliedIndex: 1 });
  expect(broken(() => trusting().check(ahead))).toBe("State Machine Safety");
});

test("changes that pile up, or concern two voters, or give an id out again break Configuration", () => {
  const one = record(1, membershipOf([1]));
  const two = record(2, membershipOf([1, 2]));
  expect(broken(() => trusting().configured(one, two))).toBe("Configuration");
  const committed = (): ClusterInvariants => {
    const invariants = trusting();
    invariants.check(leader(1, 1, [1, 1, 1], 3));
    return invariants;
  };
  expect(broken(() => committed().configured(one, two))).toBeNull();
  expect(broken(() => committed().configured(one, record(2, membershipOf([1, 2, 3]))))).toBe("Configuration");
  const removed = record(3, { members: membershipOf([1]).members, usedIds: [1, 2] });
  expect(broken(() => committed().configured(two, removed))).toBeNull();
  expect(broken(() => committed().configured(removed, record(4, membershipOf([1, 2]))))).toBe(
    "Configuration",
  );
  expect(broken(() => committed().configured(two, record(4, membershipOf([1]))))).toBe("Configuration");
});

test("serving before anything is committed in the term, or from an old state, breaks Read Safety", () => {
  const early = { ...leader(1, 2, [1, 2], 1), canServe: true };
  const invariants = trusting();
  expect(broken(() => invariants.check(early))).toBe("Read Safety");
  expect(broken(() => invariants.readAnswered(1, 2))).toBe("Read Safety");
});
