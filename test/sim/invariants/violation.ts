// The promises that the simulator checks, by number, and the error that says which one is broken.

import { InvariantViolation, type RaftInvariant } from "../../../src/raft/invariants.ts";

/** 13 to 17 are checked on what clients have seen (the workloads), 18 and 20 by the simulator itself, the rest here. */
export const promises = {
  1: "Election Safety: at most one leader in a term",
  2: "Votes: one vote per term and node, also across crashes",
  3: "Log Matching: entries of equal index and term are equal, and so is all before them",
  4: "Leader Completeness: what is committed is in the log of every later leader",
  5: "Commitment: only entries of the own term are counted, and the commit index never goes back",
  6: "No Truncation: nobody drops or overwrites what it knows as committed",
  7: "Durability: what is acknowledged is on disk before that is said, and stays there",
  8: "State Machine Safety: equal states at equal places, which replaying the log gives again",
  9: "Snapshots: snapshot and log fit together",
  10: "Configuration: one change at a time, overlapping majorities, no id twice, only voters count",
  11: "Read Safety: a read sees all that was committed before it came, from a confirmed leader",
  12: "Damage: damaged data is never taken in, applied or counted",
  13: "Linearizability",
  14: "Every acknowledged write is there",
  15: "Nothing happens twice, and nothing that was refused",
  16: "Every reply belongs to its request",
  17: "What has expired stays away",
  18: "Liveness: once the faults end, the cluster works again",
  19: "Stability: a leader in touch with a healthy majority stays",
  20: "Determinism: one seed, one history",
} as const;

export type PromiseNumber = keyof typeof promises;

const numbers: Readonly<Record<RaftInvariant, PromiseNumber>> = {
  "Election Safety": 1,
  Votes: 2,
  "Log Matching": 3,
  "Leader Completeness": 4,
  Commitment: 5,
  "No Truncation": 6,
  Durability: 7,
  "State Machine Safety": 8,
  Compaction: 9,
  Configuration: 10,
  "Read Safety": 11,
};

/** A promise does not hold. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly promise: PromiseNumber;

  constructor(promise: PromiseNumber, what: string, options?: ErrorOptions) {
    super(`invariant ${promise} (${promises[promise]}): ${what}`, options);
    this.promise = promise;
  }
}

/** `error` as a violation, if it is one; else as it is. */
export function violationOf(error: unknown, where: string): unknown {
  if (!(error instanceof InvariantViolation)) return error;
  return new Violation(numbers[error.invariant], `${where}: ${error.message}`, { cause: error });
}
