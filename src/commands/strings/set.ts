// SET and the older commands that it replaces.

import { errors } from "../../resp/errors.ts";
import { storedString, stringOf } from "../../keyspace/value.ts";
import type { ArgumentSpec, Command, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { oneKey } from "../key-specs.ts";
import { type DeadlineUnit, isDeadlineUnit, readDeadline } from "./deadline.ts";
import { readString } from "./string-value.ts";

const key: ArgumentSpec = { name: "key", type: "key", keySpecIndex: 0 };
const value: ArgumentSpec = { name: "value", type: "string" };

const set = {
  name: "set",
  scope: "data",
  summary: "Stores a string in a key, whatever it held before; creates the key if need be.",
  since: "1.0.0",
  history: [
    ["2.6.12", "Takes `EX`, `PX`, `NX` and `XX`."],
    ["6.0.0", "Takes `KEEPTTL`."],
    ["6.2.0", "Takes `GET`, `EXAT` and `PXAT`."],
    ["7.0.0", "Takes `NX` together with `GET`."],
  ],
  group: "string",
  complexity: "O(1)",
  arity: -3,
  flags: ["write", "denyoom"],
  keySpecs: [
    {
      ...oneKey(1, "RW", "access", "update", "variable_flags"),
      notes: "Without `GET` the key is not read.",
    },
  ],
  arguments: [
    key,
    value,
    {
      name: "condition",
      type: "oneof",
      since: "2.6.12",
      optional: true,
      arguments: [
        { name: "nx", type: "pure-token", token: "NX" },
        { name: "xx", type: "pure-token", token: "XX" },
      ],
    },
    { name: "get", type: "pure-token", token: "GET", since: "6.2.0", optional: true },
    {
      name: "expiration",
      type: "oneof",
      optional: true,
      arguments: [
        { name: "seconds", type: "integer", token: "EX", since: "2.6.12" },
        { name: "milliseconds", type: "integer", token: "PX", since: "2.6.12" },
        { name: "unix-time-seconds", type: "unix-time", token: "EXAT", since: "6.2.0" },
        { name: "unix-time-milliseconds", type: "unix-time", token: "PXAT", since: "6.2.0" },
        { name: "keepttl", type: "pure-token", token: "KEEPTTL", since: "6.0.0" },
      ],
    },
  ],
  run(context, args) {
    if (args.length > 3) return setWithOptions(context, args);
    context.db.set(args[1] ?? "", storedString(args[2] ?? ""));
    context.reply.ok();
  },
} as const satisfies DataCommand;

const setex = {
  name: "setex",
  scope: "data",
  summary: "Stores a string in a key that expires after the given seconds.",
  since: "2.0.0",
  deprecated: { since: "2.6.12", replacedBy: "`SET` with `EX`" },
  group: "string",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom"],
  keySpecs: [oneKey(1, "OW", "update")],
  arguments: [key, { name: "seconds", type: "integer" }, value],
  run(context, args) {
    setUntil(context, args, "ex", "setex");
  },
} as const satisfies DataCommand;

const psetex = {
  name: "psetex",
  scope: "data",
  summary: "Stores a string in a key that expires after the given milliseconds.",
  since: "2.6.0",
  deprecated: { since: "2.6.12", replacedBy: "`SET` with `PX`" },
  group: "string",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom"],
  keySpecs: [oneKey(1, "OW", "update")],
  arguments: [key, { name: "milliseconds", type: "integer" }, value],
  run(context, args) {
    setUntil(context, args, "px", "psetex");
  },
} as const satisfies DataCommand;

const setnx = {
  name: "setnx",
  scope: "data",
  summary: "Stores a string in a key unless the key exists.",
  since: "1.0.0",
  deprecated: { since: "2.6.12", replacedBy: "`SET` with `NX`" },
  group: "string",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keySpecs: [oneKey(1, "OW", "insert")],
  arguments: [key, value],
  run(context, args) {
    const keyName = args[1] ?? "";
    const exists = context.db.find(keyName) !== undefined;
    if (!exists) context.db.set(keyName, storedString(args[2] ?? ""));
    context.reply.integer(exists ? 0 : 1);
  },
} as const satisfies DataCommand;

const getset = {
  name: "getset",
  scope: "data",
  summary: "Stores a string in a key and returns the one that was there.",
  since: "1.0.0",
  deprecated: { since: "6.2.0", replacedBy: "`SET` with `GET`" },
  group: "string",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keySpecs: [oneKey(1, "RW", "access", "update")],
  arguments: [key, value],
  run(context, args) {
    const keyName = args[1] ?? "";
    if (!answerOldValue(context, keyName)) return;
    context.db.set(keyName, storedString(args[2] ?? ""));
  },
} as const satisfies DataCommand;

export const setCommands: readonly Command[] = [set, setex, psetex, setnx, getset];

/** SET's options, each as often and in whatever order they come. */
interface SetOptions {
  condition: "none" | "nx" | "xx";
  get: boolean;
  expiry: "none" | "keepttl" | DeadlineUnit;
  /** The argument of `expiry`, if that is a unit; the last one given counts. */
  amount: string;
}

function setWithOptions(context: DataContext, args: readonly string[]): void {
  const { db, reply } = context;
  const options = parseSetOptions(args);
  if (options === null) return reply.error(errors.syntax);
  const { condition, expiry } = options;
  let deadlineMs = 0;
  if (expiry !== "none" && expiry !== "keepttl") {
    const deadline = readDeadline(options.amount, expiry, context.nowMs, "set");
    if (typeof deadline === "string") return reply.error(deadline);
    deadlineMs = deadline;
  }
  const keyName = args[1] ?? "";
  if (options.get && !answerOldValue(context, keyName)) return;
  const found = db.find(keyName);
  if ((condition === "nx" && found !== undefined) || (condition === "xx" && found === undefined)) {
    if (!options.get) reply.nil();
    return;
  }
  const stored = storedString(args[2] ?? "");
  if (expiry === "keepttl" && found !== undefined) db.replaceValue(found, stored);
  else {
    const entry = db.set(keyName, stored);
    if (deadlineMs !== 0) db.setExpiry(entry, deadlineMs);
  }
  if (!options.get) reply.ok();
}

/** The options after key and value; null when they are not understood or exclude each other. */
function parseSetOptions(args: readonly string[]): SetOptions | null {
  const options: SetOptions = { condition: "none", get: false, expiry: "none", amount: "" };
  for (let at = 3; at < args.length; at++) {
    const word = (args[at] ?? "").toLowerCase();
    if (word === "nx" || word === "xx") {
      if (options.condition !== "none" && options.condition !== word) return null;
      options.condition = word;
    } else if (word === "get") {
      options.get = true;
    } else if (word === "keepttl" || isDeadlineUnit(word)) {
      if (options.expiry !== "none" && options.expiry !== word) return null;
      options.expiry = word;
      if (word === "keepttl") continue;
      const amount = args[++at];
      if (amount === undefined) return null;
      options.amount = amount;
    } else return null;
  }
  return options;
}

function setUntil(
  context: DataContext,
  args: readonly string[],
  unit: DeadlineUnit,
  commandName: string,
): void {
  const deadlineMs = readDeadline(args[2] ?? "", unit, context.nowMs, commandName);
  if (typeof deadlineMs === "string") return context.reply.error(deadlineMs);
  const entry = context.db.set(args[1] ?? "", storedString(args[3] ?? ""));
  context.db.setExpiry(entry, deadlineMs);
  context.reply.ok();
}

/** Answers what the key holds; false if that was WRONGTYPE. */
function answerOldValue(context: DataContext, keyName: string): boolean {
  const entry = readString(context, keyName);
  if (entry === null) return false;
  if (entry === undefined) context.reply.nil();
  else context.reply.bulk(stringOf(entry.value));
  return true;
}
