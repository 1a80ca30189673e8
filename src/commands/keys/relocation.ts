// Giving a value another name or another database: RENAME, RENAMENX, COPY, MOVE. The deadline goes along.

import type { Database } from "../../keyspace/database.ts";
import type { KeyEntry } from "../../keyspace/key-entry.ts";
import { copyOf, type Value } from "../../keyspace/value.ts";
import { errors } from "../../resp/errors.ts";
import type { Command, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { readDatabaseIndex } from "../database-index.ts";
import { oneKey } from "../key-specs.ts";

const rename = {
  name: "rename",
  scope: "data",
  summary: "Gives a key another name, in place of the key that had it.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(log N) with N keys in the database",
  arity: 3,
  flags: ["write"],
  keySpecs: [oneKey(1, "RW", "access", "delete"), oneKey(2, "OW", "update")],
  arguments: [
    { name: "key", type: "key", keySpecIndex: 0 },
    { name: "newkey", type: "key", keySpecIndex: 1 },
  ],
  run(context, args) {
    const { db, reply } = context;
    const entry = db.find(args[1] ?? "");
    const name = args[2] ?? "";
    if (entry === undefined) return reply.error(errors.noSuchKey);
    if (entry.key !== name) moveEntry(db, entry, db, name);
    reply.ok();
  },
} as const satisfies DataCommand;

const renamenx = {
  name: "renamenx",
  scope: "data",
  summary: "Gives a key another name unless there is a key of that name.",
  since: "1.0.0",
  history: [["3.2.0", "Answers 0 instead of an error when both names are the same."]],
  group: "generic",
  complexity: "O(log N) with N keys in the database",
  arity: 3,
  flags: ["write", "fast"],
  keySpecs: [oneKey(1, "RW", "access", "delete"), oneKey(2, "OW", "insert")],
  arguments: [
    { name: "key", type: "key", keySpecIndex: 0 },
    { name: "newkey", type: "key", keySpecIndex: 1 },
  ],
  run(context, args) {
    const { db, reply } = context;
    const entry = db.find(args[1] ?? "");
    const name = args[2] ?? "";
    if (entry === undefined) return reply.error(errors.noSuchKey);
    if (db.find(name) !== undefined) return reply.integer(0);
    moveEntry(db, entry, db, name);
    reply.integer(1);
  },
} as const satisfies DataCommand;

const copy = {
  name: "copy",
  scope: "data",
  summary: "Copies the value and the deadline of a key to another name or database.",
  since: "6.2.0",
  group: "generic",
  complexity: "O(N) with N elements of a collection, O(1) for a string",
  arity: -3,
  flags: ["write", "denyoom"],
  keySpecs: [oneKey(1, "RO", "access"), oneKey(2, "OW", "update")],
  arguments: [
    { name: "source", type: "key", keySpecIndex: 0 },
    { name: "destination", type: "key", keySpecIndex: 1 },
    { name: "destination-db", type: "integer", token: "DB", optional: true },
    { name: "replace", type: "pure-token", token: "REPLACE", optional: true },
  ],
  run(context, args) {
    const { db, reply } = context;
    const options = readCopyOptions(context, args);
    if (typeof options === "string") return reply.error(options);
    const name = args[2] ?? "";
    if (options.target === db && args[1] === name) return reply.error(errors.sameObject);
    const entry = db.read(args[1] ?? "");
    if (entry === undefined) return reply.integer(0);
    if (options.target.find(name) !== undefined && !options.replace) return reply.integer(0);
    store(options.target, name, copyOf(entry.value), entry);
    reply.integer(1);
  },
} as const satisfies DataCommand;

const move = {
  name: "move",
  scope: "data",
  summary: "Moves a key to another database unless that has a key of its name.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(log N) with N keys in the database",
  arity: 3,
  flags: ["write", "fast"],
  keySpecs: [oneKey(1, "RW", "access", "update")],
  arguments: [
    { name: "key", type: "key", keySpecIndex: 0 },
    { name: "db", type: "integer" },
  ],
  run(context, args) {
    const { db, reply } = context;
    const target = readDatabase(context, args[2] ?? "");
    if (typeof target === "string") return reply.error(target);
    if (target === db) return reply.error(errors.sameObject);
    const entry = db.find(args[1] ?? "");
    if (entry === undefined || target.find(entry.key) !== undefined) return reply.integer(0);
    moveEntry(db, entry, target, entry.key);
    reply.integer(1);
  },
} as const satisfies DataCommand;

export const relocationCommands: readonly Command[] = [rename, renamenx, copy, move];

function moveEntry(from: Database, entry: KeyEntry, to: Database, name: string): void {
  store(to, name, entry.value, entry);
  from.remove(entry.key);
}

/** Puts `value` under `name`, with the deadline and the encoding of `like`. */
function store(database: Database, name: string, value: Value, like: KeyEntry): void {
  const stored = database.set(name, value);
  stored.rawEncoded = like.rawEncoded;
  if (like.expireAtMs !== 0) database.setExpiry(stored, like.expireAtMs);
}

interface CopyOptions {
  target: Database;
  replace: boolean;
}

/** The options after the names; or the text of the error to answer. */
function readCopyOptions(context: DataContext, args: readonly string[]): CopyOptions | string {
  const options: CopyOptions = { target: context.db, replace: false };
  for (let at = 3; at < args.length; at++) {
    const word = args[at]?.toLowerCase();
    if (word === "replace") {
      options.replace = true;
    } else if (word === "db" && at + 1 < args.length) {
      at += 1;
      const target = readDatabase(context, args[at] ?? "");
      if (typeof target === "string") return target;
      options.target = target;
    } else {
      return errors.syntax;
    }
  }
  return options;
}

/** The database of that number; or the text of the error to answer. */
function readDatabase(context: DataContext, text: string): Database | string {
  const index = readDatabaseIndex(text);
  return typeof index === "string" ? index : context.keyspace.db(index);
}
