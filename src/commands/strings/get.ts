// Reading one string: GET, STRLEN, and the reads that also change the key's existence or expiry.

import { errors } from "../../resp/errors.ts";
import { stringOf } from "../../keyspace/value.ts";
import type { ArgumentSpec, Command, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { oneKey } from "../key-specs.ts";
import { type DeadlineUnit, isDeadlineUnit, readDeadline } from "./deadline.ts";
import { readString } from "./string-value.ts";

const key: ArgumentSpec = { name: "key", type: "key", keySpecIndex: 0 };

const get = {
  name: "get",
  scope: "data",
  summary: "Returns the string that a key holds.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keySpecs: [oneKey(1, "RO", "access")],
  arguments: [key],
  run(context, args) {
    const entry = readString(context, args[1] ?? "");
    if (entry === undefined) context.reply.nil();
    else if (entry !== null) context.reply.bulk(stringOf(entry.value));
  },
} as const satisfies DataCommand;

const strlen = {
  name: "strlen",
  scope: "data",
  summary: "Returns the length in bytes of the string that a key holds, 0 without the key.",
  since: "2.2.0",
  group: "string",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keySpecs: [oneKey(1, "RO")],
  arguments: [key],
  run(context, args) {
    const entry = readString(context, args[1] ?? "");
    if (entry === undefined) context.reply.integer(0);
    else if (entry !== null) context.reply.integer(stringOf(entry.value).length);
  },
} as const satisfies DataCommand;

const getdel = {
  name: "getdel",
  scope: "data",
  summary: "Returns the string that a key holds and deletes the key.",
  since: "6.2.0",
  group: "string",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "fast"],
  keySpecs: [oneKey(1, "RW", "access", "delete")],
  arguments: [key],
  run(context, args) {
    const entry = readString(context, args[1] ?? "");
    if (entry === undefined) return context.reply.nil();
    if (entry === null) return;
    context.reply.bulk(stringOf(entry.value));
    context.db.remove(entry.key);
  },
} as const satisfies DataCommand;

const getex = {
  name: "getex",
  scope: "data",
  summary: "Returns the string that a key holds, and sets or removes the key's expiry.",
  since: "6.2.0",
  group: "string",
  complexity: "O(1)",
  arity: -2,
  flags: ["write", "fast"],
  keySpecs: [{ ...oneKey(1, "RW", "access", "update"), notes: "The update is that of the expiry." }],
  arguments: [
    key,
    {
      name: "expiration",
      type: "oneof",
      optional: true,
      arguments: [
        { name: "seconds", type: "integer", token: "EX" },
        { name: "milliseconds", type: "integer", token: "PX" },
        { name: "unix-time-seconds", type: "unix-time", token: "EXAT" },
        { name: "unix-time-milliseconds", type: "unix-time", token: "PXAT" },
        { name: "persist", type: "pure-token", token: "PERSIST" },
      ],
    },
  ],
  run: getAndExpire,
} as const satisfies DataCommand;

export const getCommands: readonly Command[] = [get, strlen, getdel, getex];

interface GetexOptions {
  expiry: "none" | "persist" | DeadlineUnit;
  amount: string;
}

function getAndExpire(context: DataContext, args: readonly string[]): void {
  const { db, reply } = context;
  const options = parseGetexOptions(args);
  if (options === null) return reply.error(errors.syntax);
  const entry = readString(context, args[1] ?? "");
  if (entry === undefined) return reply.nil();
  if (entry === null) return;
  const { expiry } = options;
  if (expiry === "none" || expiry === "persist") {
    reply.bulk(stringOf(entry.value));
    if (expiry === "persist") db.clearExpiry(entry);
    return;
  }
  const deadlineMs = readDeadline(options.amount, expiry, context.nowMs, "getex");
  if (typeof deadlineMs === "string") return reply.error(deadlineMs);
  reply.bulk(stringOf(entry.value));
  db.setExpiry(entry, deadlineMs);
}

/** The options after the key; null when they are not understood or exclude each other. Repeating one is allowed. */
function parseGetexOptions(args: readonly string[]): GetexOptions | null {
  const options: GetexOptions = { expiry: "none", amount: "" };
  for (let at = 2; at < args.length; at++) {
    const word = (args[at] ?? "").toLowerCase();
    if (word !== "persist" && !isDeadlineUnit(word)) return null;
    if (options.expiry !== "none" && options.expiry !== word) return null;
    options.expiry = word;
    if (word === "persist") continue;
    const amount = args[++at];
    if (amount === undefined) return null;
    options.amount = amount;
  }
  return options;
}
