// Where vlot's reply may differ from that of redis-server 7.0, each with its reason. Everything else must be equal to the
// byte. A rule sees only replies that differ; it says what must hold all the same.

import type { Args } from "./target.ts";
import { bulkOf, elementsOf, integerOf, isError } from "./reply-text.ts";

export interface ExpectedDifference {
  /** Full names as in the table. */
  readonly commands: readonly string[];
  readonly reason: string;
  /** Whether the difference is the expected one. */
  accepts(ours: string, theirs: string, args: Args): boolean;
}

/** The two sides run a command at different moments, and a batch may wait for the processor. */
const toleranceMs = 3000n;
/** What OBJECT REFCOUNT says of an object that everybody shares. */
const sharedReferences = 2147483647n;

const expectedDifferences: readonly ExpectedDifference[] = [
  {
    commands: ["ttl", "expiretime"],
    reason: "The two sides run the commands at different milliseconds.",
    accepts: (ours, theirs) => areClose(ours, theirs, toleranceMs / 1000n),
  },
  {
    commands: ["pttl", "pexpiretime"],
    reason:
      "As TTL; and deadlines after the year 287396 (2^53 ms) are kept to the nearest double, which is at most 1024 ms off.",
    accepts: (ours, theirs) => areClose(ours, theirs, toleranceMs),
  },
  {
    commands: ["keys"],
    reason: "Redis lists keys in the order of its hash table, vlot in the order of their creation.",
    accepts: sameElements,
  },
  {
    commands: ["scan"],
    reason:
      "Cursors are each server's own; only walks that end at once can be compared, whole walks are elsewhere.",
    accepts: acceptsScan,
  },
  {
    commands: ["dbsize"],
    reason:
      "Redis counts keys whose deadline has passed until it comes across them, vlot frees them at the next entry.",
    accepts: (ours, theirs) => (integerOf(ours) ?? 1n) < (integerOf(theirs) ?? 0n),
  },
  {
    commands: ["randomkey"],
    reason: "Chance.",
    accepts: (ours, theirs) => bulkOf(ours) !== null && bulkOf(theirs) !== null,
  },
  {
    commands: ["object|refcount"],
    reason:
      "The copy that COPY makes of a small integer is in Redis an object of its own, not the shared one.",
    accepts: (ours, theirs) => integerOf(ours) === sharedReferences && integerOf(theirs) === 1n,
  },
  {
    commands: ["object|encoding"],
    reason: "An integer beyond 2^53 made by INCRBYFLOAT is kept in the same form as one made by SET.",
    accepts: (ours, theirs) => bulkOf(ours) === "int" && bulkOf(theirs) === "embstr",
  },
  {
    commands: ["object|idletime"],
    reason:
      "Keys that hold the same small integer share an object in Redis, and with it the time of the last access.",
    accepts: (ours, theirs) => integerOf(ours) !== null && integerOf(theirs) !== null,
  },
];

/** The rule that accepts the difference; null if nothing explains it. */
export function explanationOf(
  commandName: string,
  replies: { readonly ours: string; readonly theirs: string },
  args: Args,
): ExpectedDifference | null {
  for (const rule of expectedDifferences) {
    if (rule.commands.includes(commandName) && rule.accepts(replies.ours, replies.theirs, args)) return rule;
  }
  return null;
}

function areClose(ours: string, theirs: string, tolerance: bigint): boolean {
  const left = integerOf(ours);
  const right = integerOf(theirs);
  if (left === null || right === null || left < 0n || right < 0n) return false;
  return left - right <= tolerance && right - left <= tolerance;
}

function sameElements(ours: string, theirs: string): boolean {
  const left = elementsOf(ours);
  const right = elementsOf(theirs);
  if (left === null || right === null) return false;
  return [...left].sort().join("") === [...right].sort().join("");
}

function acceptsScan(ours: string, theirs: string, args: Args): boolean {
  if (isError(ours) || isError(theirs)) return false;
  const [ourCursor = "", ourKeys = ""] = elementsOf(ours) ?? [];
  const [theirCursor = "", theirKeys = ""] = elementsOf(theirs) ?? [];
  if (bulkOf(ourCursor) === null || bulkOf(theirCursor) === null) return false;
  const isWholeWalk = args[1] === "0" && bulkOf(ourCursor) === "0" && bulkOf(theirCursor) === "0";
  if (!isWholeWalk) return elementsOf(ourKeys) !== null && elementsOf(theirKeys) !== null;
  return sameElements(ourKeys, theirKeys);
}
