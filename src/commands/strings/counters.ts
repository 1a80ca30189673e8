// Strings as numbers: 64-bit integers that refuse to overflow, and floats in Redis' extended precision.
// Counters within ±2^53 are JS numbers from end to end; only those beyond take the bigint road.

import {
  addLongDoubles,
  formatLongDouble,
  longDoubleFromInteger,
  parseLongDouble,
} from "../../base/long-double.ts";
import { int64Max, int64Min, parseInteger } from "../../base/parse-integer.ts";
import { errors } from "../../resp/errors.ts";
import type { Database } from "../../keyspace/database.ts";
import { storedString } from "../../keyspace/value.ts";
import type { ArgumentSpec, Command, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { oneKey } from "../key-specs.ts";
import { findString, type StringEntry, type StringValue } from "./string-value.ts";

const key: ArgumentSpec = { name: "key", type: "key", keySpecIndex: 0 };

const incr = {
  name: "incr",
  scope: "data",
  summary: "Adds one to the integer that a key holds; a missing key counts as 0.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "denyoom", "fast"],
  keySpecs: [oneKey(1, "RW", "access", "update")],
  arguments: [key],
  run(context, args) {
    addInteger(context, args[1] ?? "", 1);
  },
} as const satisfies DataCommand;

const decr = {
  name: "decr",
  scope: "data",
  summary: "Subtracts one from the integer that a key holds; a missing key counts as 0.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "denyoom", "fast"],
  keySpecs: [oneKey(1, "RW", "access", "update")],
  arguments: [key],
  run(context, args) {
    addInteger(context, args[1] ?? "", -1);
  },
} as const satisfies DataCommand;

const incrby = {
  name: "incrby",
  scope: "data",
  summary: "Adds an integer to the one that a key holds; a missing key counts as 0.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keySpecs: [oneKey(1, "RW", "access", "update")],
  arguments: [key, { name: "increment", type: "integer" }],
  run(context, args) {
    const amount = parseInteger(args[2] ?? "");
    if (amount === null) return context.reply.error(errors.notAnInteger);
    addInteger(context, args[1] ?? "", amount);
  },
} as const satisfies DataCommand;

const decrby = {
  name: "decrby",
  scope: "data",
  summary: "Subtracts an integer from the one that a key holds; a missing key counts as 0.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keySpecs: [oneKey(1, "RW", "access", "update")],
  arguments: [key, { name: "decrement", type: "integer" }],
  run(context, args) {
    const amount = parseInteger(args[2] ?? "");
    if (amount === null) return context.reply.error(errors.notAnInteger);
    if (amount === int64Min) return context.reply.error(errors.decrementOverflow);
    addInteger(context, args[1] ?? "", -amount);
  },
} as const satisfies DataCommand;

const incrbyfloat = {
  name: "incrbyfloat",
  scope: "data",
  summary: "Adds a floating-point number to the one that a key holds; a missing key counts as 0.",
  since: "2.6.0",
  group: "string",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keySpecs: [oneKey(1, "RW", "access", "update")],
  arguments: [key, { name: "increment", type: "double" }],
  run: addFloat,
} as const satisfies DataCommand;

export const counterCommands: readonly Command[] = [incr, decr, incrby, decrby, incrbyfloat];

function addInteger(context: DataContext, keyName: string, amount: number | bigint): void {
  const entry = findString(context, keyName);
  if (entry === null) return;
  const old = entry === undefined ? 0 : integerOf(entry.value);
  if (old === null) return context.reply.error(errors.notAnInteger);
  if (typeof old === "number" && typeof amount === "number") {
    const sum = old + amount;
    // Adding two safe integers that leave the safe range never lands inside it by rounding.
    if (Number.isSafeInteger(sum)) {
      store(context.db, keyName, entry, sum);
      return context.reply.integer(sum);
    }
  }
  const sum = BigInt(old) + BigInt(amount);
  if (sum < int64Min || sum > int64Max) return context.reply.error(errors.incrementOverflow);
  store(context.db, keyName, entry, storedString(sum.toString()));
  context.reply.integer(sum);
}

function integerOf(value: StringValue): number | bigint | null {
  return typeof value === "number" ? value : parseInteger(value);
}

/** Replaces the value of an existing key, whose expiry stays, or creates the key. */
function store(db: Database, keyName: string, entry: StringEntry | undefined, value: StringValue): void {
  if (entry === undefined) db.set(keyName, value);
  else db.replaceValue(entry, value);
}

function addFloat(context: DataContext, args: readonly string[]): void {
  const { reply } = context;
  const keyName = args[1] ?? "";
  const entry = findString(context, keyName);
  if (entry === null) return;
  const value = entry === undefined ? 0 : entry.value;
  const old = typeof value === "number" ? longDoubleFromInteger(value) : parseLongDouble(value);
  const amount = old === null ? null : parseLongDouble(args[2] ?? "");
  if (old === null || amount === null) return reply.error(errors.notAFloat);
  const sum = addLongDoubles(old, amount);
  if (sum === null) return reply.error(errors.incrementNotFinite);
  // Kept as text even if integral: Redis does not give the result its integer encoding.
  const text = formatLongDouble(sum);
  store(context.db, keyName, entry, text);
  reply.bulk(text);
}
