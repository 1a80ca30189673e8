// Commands on whole databases: FLUSHALL, FLUSHDB, SWAPDB. All take constant time: flushed keys go to the garbage collector,
// with ASYNC and without.

import { parseSafeInteger } from "../../base/parse-integer.ts";
import { errors } from "../../resp/errors.ts";
import type { ArgumentSpec, Command, CommandFacts, DataCommand } from "../command.ts";

const flushType: ArgumentSpec = {
  name: "flush-type",
  type: "oneof",
  optional: true,
  arguments: [
    { name: "async", type: "pure-token", token: "ASYNC", since: "4.0.0" },
    { name: "sync", type: "pure-token", token: "SYNC", since: "6.2.0" },
  ],
};

const flushHistory: CommandFacts["history"] = [
  ["4.0.0", "Takes `ASYNC`."],
  ["6.2.0", "Takes `SYNC`."],
];

const flushall = {
  name: "flushall",
  scope: "data",
  summary: "Deletes all keys of all databases.",
  since: "1.0.0",
  history: flushHistory,
  group: "server",
  complexity: "O(1)",
  arity: -1,
  flags: ["write"],
  categories: ["keyspace", "dangerous"],
  keySpecs: [],
  arguments: [flushType],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  run(context, args) {
    if (!isFlush(args)) return context.reply.error(errors.syntax);
    context.keyspace.clear();
    context.reply.ok();
  },
} as const satisfies DataCommand;

const flushdb = {
  name: "flushdb",
  scope: "data",
  summary: "Deletes all keys of the selected database.",
  since: "1.0.0",
  history: flushHistory,
  group: "server",
  complexity: "O(1)",
  arity: -1,
  flags: ["write"],
  categories: ["keyspace", "dangerous"],
  keySpecs: [],
  arguments: [flushType],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  run(context, args) {
    if (!isFlush(args)) return context.reply.error(errors.syntax);
    context.db.clear();
    context.reply.ok();
  },
} as const satisfies DataCommand;

const swapdb = {
  name: "swapdb",
  scope: "data",
  summary: "Swaps the contents of two databases, for all clients at once.",
  since: "4.0.0",
  group: "server",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "fast"],
  categories: ["keyspace", "dangerous"],
  keySpecs: [],
  arguments: [
    { name: "index1", type: "integer" },
    { name: "index2", type: "integer" },
  ],
  run(context, args) {
    const first = parseInt32(args[1] ?? "");
    if (first === null) return context.reply.error(errors.firstDatabaseInvalid);
    const second = parseInt32(args[2] ?? "");
    if (second === null) return context.reply.error(errors.secondDatabaseInvalid);
    const count = context.keyspace.databases.length;
    if (first < 0 || first >= count || second < 0 || second >= count) {
      return context.reply.error(errors.databaseOutOfRange);
    }
    context.keyspace.swap(first, second);
    context.reply.ok();
  },
} as const satisfies DataCommand;

export const databaseCommands: readonly Command[] = [flushall, flushdb, swapdb];

function isFlush(args: readonly string[]): boolean {
  if (args.length === 1) return true;
  const word = args[1]?.toLowerCase();
  return args.length === 2 && (word === "async" || word === "sync");
}

/** A canonical 32-bit integer, as Redis reads the number of a database; null for anything else. */
function parseInt32(text: string): number | null {
  const value = parseSafeInteger(text);
  return value === null || value !== (value | 0) ? null : value;
}
