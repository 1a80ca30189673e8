// Finding keys without knowing their names: KEYS, SCAN, RANDOMKEY, DBSIZE.
//
// SCAN's cursor is a position in the order of creation (`Database.scan`): good on every node and for as long as one likes,
// and a scan returns each key once. Redis promises no more than that the keys there throughout are returned.

import { matchesGlob } from "../../base/glob.ts";
import { parseInt64 } from "../../base/parse-integer.ts";
import type { KeyEntry } from "../../keyspace/key-entry.ts";
import { valueType } from "../../keyspace/value.ts";
import { errors } from "../../resp/errors.ts";
import type { Command, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { parseCursor } from "./scan-cursor.ts";

const keys = {
  name: "keys",
  scope: "data",
  summary: "Returns the names of all keys that match a pattern, in the order of their creation.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(N) with N keys in the database",
  arity: 2,
  flags: ["readonly"],
  categories: ["keyspace", "dangerous"],
  keySpecs: [],
  arguments: [{ name: "pattern", type: "pattern" }],
  tips: ["request_policy:all_shards", "nondeterministic_output_order"],
  run(context, args) {
    const pattern = args[1] ?? "";
    const names: string[] = [];
    for (const entry of context.db.entries()) {
      if (pattern === "*" || matchesGlob(pattern, entry.key)) names.push(entry.key);
    }
    context.reply.array(names.length);
    for (const name of names) context.reply.bulk(name);
  },
} as const satisfies DataCommand;

const scan = {
  name: "scan",
  scope: "data",
  summary: "Walks over all keys step by step, from the newest to the oldest.",
  since: "2.8.0",
  history: [["6.0.0", "Takes `TYPE`."]],
  group: "generic",
  complexity: "O(log N + COUNT) a step with N keys in the database",
  arity: -2,
  flags: ["readonly"],
  keySpecs: [],
  arguments: [
    { name: "cursor", type: "integer" },
    { name: "pattern", type: "pattern", token: "MATCH", optional: true },
    { name: "count", type: "integer", token: "COUNT", optional: true },
    { name: "type", type: "string", token: "TYPE", optional: true, since: "6.0.0" },
  ],
  tips: ["nondeterministic_output", "request_policy:special", "response_policy:special"],
  run(context, args) {
    const cursor = parseCursor(args[1] ?? "");
    if (cursor === null) return context.reply.error(errors.invalidCursor);
    const options = readScanOptions(args);
    if (typeof options === "string") return context.reply.error(options);
    const step = context.db.scan(cursor, options.count);
    const names: string[] = [];
    for (const entry of step.entries) {
      if (options.pattern !== null && !matchesGlob(options.pattern, entry.key)) continue;
      if (options.type !== null && !hasType(context, entry, options.type)) continue;
      names.push(entry.key);
    }
    context.reply.array(2);
    context.reply.bulk(String(step.cursor));
    context.reply.array(names.length);
    for (const name of names) context.reply.bulk(name);
  },
} as const satisfies DataCommand;

const randomkey = {
  name: "randomkey",
  scope: "data",
  summary: "Returns the name of a key drawn at random.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 1,
  flags: ["readonly"],
  keySpecs: [],
  arguments: [],
  tips: ["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
  run(context) {
    const entry = context.db.randomEntry(context.random);
    if (entry === undefined) context.reply.nil();
    else context.reply.bulk(entry.key);
  },
} as const satisfies DataCommand;

const dbsize = {
  name: "dbsize",
  scope: "data",
  summary: "Returns how many keys the selected database holds.",
  since: "1.0.0",
  group: "server",
  complexity: "O(1)",
  arity: 1,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keySpecs: [],
  arguments: [],
  tips: ["request_policy:all_shards", "response_policy:agg_sum"],
  run(context) {
    context.reply.integer(context.db.size);
  },
} as const satisfies DataCommand;

export const iterationCommands: readonly Command[] = [keys, scan, randomkey, dbsize];

interface ScanOptions {
  count: number;
  /** null: every name. */
  pattern: string | null;
  /** Lower case; null: every type. */
  type: string | null;
}

const countDefault = 10;

/** The options after the cursor; or the text of the error to answer. */
function readScanOptions(args: readonly string[]): ScanOptions | string {
  const options: ScanOptions = { count: countDefault, pattern: null, type: null };
  for (let at = 2; at < args.length; at += 2) {
    const value = args[at + 1];
    if (value === undefined) return errors.syntax;
    switch (args[at]?.toLowerCase()) {
      case "count": {
        const count = parseInt64(value);
        if (count === null) return errors.notAnInteger;
        if (count < 1n) return errors.syntax;
        options.count = Number(count);
        break;
      }
      case "match":
        options.pattern = value === "*" ? null : value;
        break;
      case "type":
        options.type = value.toLowerCase();
        break;
      default:
        return errors.syntax;
    }
  }
  return options;
}

/** Looks the key up, as in Redis: it counts as a hit. */
function hasType({ db }: DataContext, { key }: KeyEntry, type: string): boolean {
  const entry = db.inspect(key);
  return entry !== undefined && valueType(entry.value) === type;
}
