// Parts of a string: reading a range of its bytes, overwriting one, appending.

import { assert } from "../../base/assert.ts";
import { parseInteger } from "../../base/parse-integer.ts";
import { errors } from "../../resp/errors.ts";
import { storedString, stringBytesMax, stringOf } from "../../keyspace/value.ts";
import type { ArgumentSpec, Command, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { oneKey } from "../key-specs.ts";
import { findString, readString } from "./string-value.ts";

const key: ArgumentSpec = { name: "key", type: "key", keySpecIndex: 0 };
const value: ArgumentSpec = { name: "value", type: "string" };

const rangeArguments: readonly ArgumentSpec[] = [
  key,
  { name: "start", type: "integer" },
  { name: "end", type: "integer" },
];

const getrange = {
  name: "getrange",
  scope: "data",
  summary:
    "Returns the bytes of a string from one position to another, both included; negative ones count from the end.",
  since: "2.4.0",
  group: "string",
  complexity: "O(N) with N the length of the returned string",
  arity: 4,
  flags: ["readonly"],
  keySpecs: [oneKey(1, "RO", "access")],
  arguments: rangeArguments,
  run: getRange,
} as const satisfies DataCommand;

const substr = {
  name: "substr",
  scope: "data",
  summary: "The old name of GETRANGE.",
  since: "1.0.0",
  deprecated: { since: "2.0.0", replacedBy: "`GETRANGE`" },
  group: "string",
  complexity: "O(N) with N the length of the returned string",
  arity: 4,
  flags: ["readonly"],
  keySpecs: [oneKey(1, "RO", "access")],
  arguments: rangeArguments,
  run: getRange,
} as const satisfies DataCommand;

const setrange = {
  name: "setrange",
  scope: "data",
  summary:
    "Overwrites a string from a position on, after filling it up to there with zero bytes; creates the key if need be.",
  since: "2.2.0",
  group: "string",
  complexity: "O(N) with N the length of the resulting string",
  arity: 4,
  flags: ["write", "denyoom"],
  keySpecs: [oneKey(1, "RW", "update")],
  arguments: [key, { name: "offset", type: "integer" }, value],
  run: setRange,
} as const satisfies DataCommand;

const append = {
  name: "append",
  scope: "data",
  summary: "Appends to the string that a key holds; creates the key if need be.",
  since: "2.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keySpecs: [oneKey(1, "RW", "insert")],
  arguments: [key, value],
  run: appendTo,
} as const satisfies DataCommand;

export const rangeCommands: readonly Command[] = [getrange, substr, setrange, append];

function getRange(context: DataContext, args: readonly string[]): void {
  const { reply } = context;
  const start = parseInteger(args[2] ?? "");
  const end = start === null ? null : parseInteger(args[3] ?? "");
  if (start === null || end === null) return reply.error(errors.notAnInteger);
  const entry = readString(context, args[1] ?? "");
  if (entry === null) return;
  if (entry === undefined) return reply.bulk("");
  // Redis judges the order of two negative positions before it clamps them.
  if (start < 0 && end < 0 && start > end) return reply.bulk("");
  const text = stringOf(entry.value);
  reply.bulk(text.slice(fromStart(start, text.length), fromStart(end, text.length) + 1));
}

/** `position` counted from the start and not below 0; a negative one counts from the end. */
function fromStart(position: number | bigint, length: number): number {
  return position < 0 ? Math.max(0, length + Number(position)) : Number(position);
}

function setRange(context: DataContext, args: readonly string[]): void {
  const { db, reply } = context;
  const position = parseInteger(args[2] ?? "");
  if (position === null) return reply.error(errors.notAnInteger);
  if (position < 0) return reply.error(errors.offsetOutOfRange);
  const keyName = args[1] ?? "";
  const patch = args[3] ?? "";
  const found = findString(context, keyName);
  if (found === null) return;
  const old = found === undefined ? "" : stringOf(found.value);
  if (patch === "") return reply.integer(old.length);
  const offset = Number(position);
  if (offset + patch.length > stringBytesMax) return reply.error(errors.stringTooLong);
  const gap = offset > old.length ? "\0".repeat(offset - old.length) : "";
  const text = old.slice(0, offset) + gap + patch + old.slice(offset + patch.length);
  const entry = found ?? db.set(keyName, text);
  if (found !== undefined) db.replaceValue(found, text);
  entry.rawEncoded = true;
  reply.integer(text.length);
}

function appendTo(context: DataContext, args: readonly string[]): void {
  const { db, reply } = context;
  const keyName = args[1] ?? "";
  const suffix = args[2] ?? "";
  const entry = findString(context, keyName);
  if (entry === null) return;
  if (entry === undefined) {
    db.set(keyName, storedString(suffix));
    return reply.integer(suffix.length);
  }
  const old = stringOf(entry.value);
  if (old.length + suffix.length > stringBytesMax) return reply.error(errors.stringTooLong);
  const text = joined(old, suffix);
  db.replaceValue(entry, text);
  entry.rawEncoded = true;
  reply.integer(text.length);
}

/** JavaScriptCore keeps a sum of two strings as a node of about this size that points to both, until the text is read. */
const unreadSumBytes = 80;

/**
 * `old + suffix`. Sums of small pieces that nobody reads would take many times the text: 80 MB for a million appended
 * bytes, and 150 MB for 20 MB in pieces of 20. So the text is read, which makes it one piece again, whenever it has grown by
 * a 64th, and by 16 bytes at least: then it is 50 MB, at 0.3 us more an APPEND.
 */
function joined(old: string, suffix: string): string {
  const text = old + suffix;
  if (suffix.length >= unreadSumBytes) return text;
  const stepBits = Math.max(4, 25 - Math.clz32(text.length));
  const hasGrown = old.length >>> stepBits !== text.length >>> stepBits;
  if (hasGrown) assert(text.charCodeAt(0) < 256, "a string of bytes");
  return text;
}
