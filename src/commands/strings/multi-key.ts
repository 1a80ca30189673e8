// Several strings at once, all or nothing: one command is one step of the log.

import { errorFor } from "../../resp/errors.ts";
import { storedString, stringOf } from "../../keyspace/value.ts";
import type { ArgumentSpec, Command, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { keyRange, keyRangeWithStep } from "../key-specs.ts";
import { isStringEntry } from "./string-value.ts";

const pairs: ArgumentSpec = {
  name: "data",
  type: "block",
  multiple: true,
  arguments: [
    { name: "key", type: "key", keySpecIndex: 0 },
    { name: "value", type: "string" },
  ],
};

const mget = {
  name: "mget",
  scope: "data",
  summary: "Returns the strings that several keys hold; nil for those without one.",
  since: "1.0.0",
  group: "string",
  complexity: "O(N) with N the number of keys",
  arity: -2,
  flags: ["readonly", "fast"],
  keySpecs: [keyRange(1, -1, "RO", "access")],
  arguments: [{ name: "key", type: "key", keySpecIndex: 0, multiple: true }],
  tips: ["request_policy:multi_shard"],
  run: getAll,
} as const satisfies DataCommand;

const mset = {
  name: "mset",
  scope: "data",
  summary: "Stores a string in each of several keys, whatever they held before.",
  since: "1.0.1",
  group: "string",
  complexity: "O(N) with N the number of keys",
  arity: -3,
  flags: ["write", "denyoom"],
  keySpecs: [keyRangeWithStep({ index: 1, lastKey: -1, step: 2 }, "OW", "update")],
  arguments: [pairs],
  tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
  run(context, args) {
    if (args.length % 2 === 0) return context.reply.error(errorFor.wrongArity("mset"));
    setAll(context, args);
    context.reply.ok();
  },
} as const satisfies DataCommand;

const msetnx = {
  name: "msetnx",
  scope: "data",
  summary: "Stores a string in each of several keys, if none of them exists.",
  since: "1.0.1",
  group: "string",
  complexity: "O(N) with N the number of keys",
  arity: -3,
  flags: ["write", "denyoom"],
  keySpecs: [keyRangeWithStep({ index: 1, lastKey: -1, step: 2 }, "OW", "insert")],
  arguments: [pairs],
  run(context, args) {
    if (args.length % 2 === 0) return context.reply.error(errorFor.wrongArity("msetnx"));
    for (let at = 1; at < args.length; at += 2) {
      if (context.db.find(args[at] ?? "") !== undefined) return context.reply.integer(0);
    }
    setAll(context, args);
    context.reply.integer(1);
  },
} as const satisfies DataCommand;

export const multiKeyCommands: readonly Command[] = [mget, mset, msetnx];

function getAll(context: DataContext, args: readonly string[]): void {
  const { db, reply } = context;
  reply.array(args.length - 1);
  for (let at = 1; at < args.length; at++) {
    const entry = db.read(args[at] ?? "");
    if (entry !== undefined && isStringEntry(entry)) reply.bulk(stringOf(entry.value));
    else reply.nil();
  }
}

function setAll(context: DataContext, args: readonly string[]): void {
  for (let at = 1; at < args.length; at += 2) {
    context.db.set(args[at] ?? "", storedString(args[at + 1] ?? ""));
  }
}
