// Setting and dropping deadlines: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, PERSIST. "Now" is the stamp of the entry, so every
// replica computes the same deadline; one that has come already deletes the key at once.

import { parseInteger } from "../../base/parse-integer.ts";
import type { KeyEntry } from "../../keyspace/key-entry.ts";
import { errorFor, errors } from "../../resp/errors.ts";
import type { ArgumentSpec, Command, CommandFacts, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { deadlineOf, type DeadlineScale } from "../deadline.ts";
import { oneKey } from "../key-specs.ts";

const key: ArgumentSpec = { name: "key", type: "key", keySpecIndex: 0 };

const condition: ArgumentSpec = {
  name: "condition",
  type: "oneof",
  since: "7.0.0",
  optional: true,
  arguments: [
    { name: "nx", type: "pure-token", token: "NX" },
    { name: "xx", type: "pure-token", token: "XX" },
    { name: "gt", type: "pure-token", token: "GT" },
    { name: "lt", type: "pure-token", token: "LT" },
  ],
};

const conditionHistory: CommandFacts["history"] = [["7.0.0", "Takes `NX`, `XX`, `GT` and `LT`."]];

const expire = {
  name: "expire",
  scope: "data",
  summary: "Lets a key expire a number of seconds from now.",
  since: "1.0.0",
  history: conditionHistory,
  group: "generic",
  complexity: "O(log N) with N volatile keys",
  arity: -3,
  flags: ["write", "fast"],
  keySpecs: [oneKey(1, "RW", "update")],
  arguments: [key, { name: "seconds", type: "integer" }, condition],
  run(context, args) {
    expireKey(context, args, { unitMs: 1000, fromMs: context.nowMs, commandName: "expire" });
  },
} as const satisfies DataCommand;

const pexpire = {
  name: "pexpire",
  scope: "data",
  summary: "Lets a key expire a number of milliseconds from now.",
  since: "2.6.0",
  history: conditionHistory,
  group: "generic",
  complexity: "O(log N) with N volatile keys",
  arity: -3,
  flags: ["write", "fast"],
  keySpecs: [oneKey(1, "RW", "update")],
  arguments: [key, { name: "milliseconds", type: "integer" }, condition],
  run(context, args) {
    expireKey(context, args, { unitMs: 1, fromMs: context.nowMs, commandName: "pexpire" });
  },
} as const satisfies DataCommand;

const expireat = {
  name: "expireat",
  scope: "data",
  summary: "Lets a key expire at a Unix time in seconds.",
  since: "1.2.0",
  history: conditionHistory,
  group: "generic",
  complexity: "O(log N) with N volatile keys",
  arity: -3,
  flags: ["write", "fast"],
  keySpecs: [oneKey(1, "RW", "update")],
  arguments: [key, { name: "unix-time-seconds", type: "unix-time" }, condition],
  run(context, args) {
    expireKey(context, args, { unitMs: 1000, fromMs: 0, commandName: "expireat" });
  },
} as const satisfies DataCommand;

const pexpireat = {
  name: "pexpireat",
  scope: "data",
  summary: "Lets a key expire at a Unix time in milliseconds.",
  since: "2.6.0",
  history: conditionHistory,
  group: "generic",
  complexity: "O(log N) with N volatile keys",
  arity: -3,
  flags: ["write", "fast"],
  keySpecs: [oneKey(1, "RW", "update")],
  arguments: [key, { name: "unix-time-milliseconds", type: "unix-time" }, condition],
  run(context, args) {
    expireKey(context, args, { unitMs: 1, fromMs: 0, commandName: "pexpireat" });
  },
} as const satisfies DataCommand;

const persist = {
  name: "persist",
  scope: "data",
  summary: "Drops the deadline of a key.",
  since: "2.2.0",
  group: "generic",
  complexity: "O(log N) with N volatile keys",
  arity: 2,
  flags: ["write", "fast"],
  keySpecs: [oneKey(1, "RW", "update")],
  arguments: [key],
  run(context, args) {
    const entry = context.db.find(args[1] ?? "");
    const had = entry !== undefined && entry.expireAtMs !== 0;
    if (had) context.db.clearExpiry(entry);
    context.reply.integer(had ? 1 : 0);
  },
} as const satisfies DataCommand;

export const expiryCommands: readonly Command[] = [expire, pexpire, expireat, pexpireat, persist];

interface Conditions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
}

function expireKey(context: DataContext, args: readonly string[], scale: DeadlineScale): void {
  const { db, reply } = context;
  const conditions = readConditions(args);
  if (typeof conditions === "string") return reply.error(conditions);
  const amount = parseInteger(args[2] ?? "");
  if (amount === null) return reply.error(errors.notAnInteger);
  const deadlineMs = deadlineOf(amount, scale);
  if (typeof deadlineMs === "string") return reply.error(deadlineMs);
  const entry = db.find(args[1] ?? "");
  if (entry === undefined || !meets(entry, deadlineMs, conditions)) return reply.integer(0);
  db.setExpiry(entry, deadlineMs);
  reply.integer(1);
}

/** The options after the amount; or the text of the error to answer. */
function readConditions(args: readonly string[]): Conditions | string {
  const found: Conditions = { nx: false, xx: false, gt: false, lt: false };
  for (let at = 3; at < args.length; at++) {
    const word = args[at]?.toLowerCase();
    if (word === "nx" || word === "xx" || word === "gt" || word === "lt") found[word] = true;
    else return errorFor.unsupportedOption(args[at] ?? "");
  }
  if (found.nx && (found.xx || found.gt || found.lt)) return errors.expireNxConflict;
  if (found.gt && found.lt) return errors.expireGtLtConflict;
  return found;
}

/** A key without deadline counts as living for ever: no deadline is greater, every one is less. */
function meets(entry: KeyEntry, deadlineMs: number, conditions: Conditions): boolean {
  const currentMs = entry.expireAtMs === 0 ? Infinity : entry.expireAtMs;
  if (conditions.nx && currentMs !== Infinity) return false;
  if (conditions.xx && currentMs === Infinity) return false;
  if (conditions.gt && deadlineMs <= currentMs) return false;
  return !conditions.lt || deadlineMs < currentMs;
}
