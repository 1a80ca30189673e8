// Whether keys are there, what they hold, and away with them: DEL, UNLINK, EXISTS, TOUCH, TYPE.

import { valueType } from "../../keyspace/value.ts";
import type { ArgumentSpec, Command, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { keyRange, oneKey } from "../key-specs.ts";

const keys: ArgumentSpec = { name: "key", type: "key", keySpecIndex: 0, multiple: true };

const del = {
  name: "del",
  scope: "data",
  summary: "Deletes keys and returns how many there were.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(N) with N keys to delete",
  arity: -2,
  flags: ["write"],
  keySpecs: [keyRange(1, -1, "RM", "delete")],
  arguments: [keys],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
  run: removeKeys,
} as const satisfies DataCommand;

const unlink = {
  name: "unlink",
  scope: "data",
  summary: "Deletes keys as DEL does; here both leave the memory to the garbage collector.",
  since: "4.0.0",
  group: "generic",
  complexity: "O(N) with N keys to delete",
  arity: -2,
  flags: ["write", "fast"],
  keySpecs: [keyRange(1, -1, "RM", "delete")],
  arguments: [keys],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
  run: removeKeys,
} as const satisfies DataCommand;

const exists = {
  name: "exists",
  scope: "data",
  summary: "Returns how many of the keys exist; a key named twice counts twice.",
  since: "1.0.0",
  history: [["3.0.3", "Takes several keys."]],
  group: "generic",
  complexity: "O(N) with N keys to look up",
  arity: -2,
  flags: ["readonly", "fast"],
  keySpecs: [keyRange(1, -1, "RO")],
  arguments: [keys],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
  run(context, args) {
    let count = 0;
    for (let at = 1; at < args.length; at++) if (context.db.inspect(args[at] ?? "") !== undefined) count += 1;
    context.reply.integer(count);
  },
} as const satisfies DataCommand;

const touch = {
  name: "touch",
  scope: "data",
  summary: "Notes an access to keys, for OBJECT IDLETIME, and returns how many exist.",
  since: "3.2.1",
  group: "generic",
  complexity: "O(N) with N keys to look up",
  arity: -2,
  flags: ["readonly", "fast"],
  keySpecs: [keyRange(1, -1, "RO")],
  arguments: [keys],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
  run(context, args) {
    let count = 0;
    for (let at = 1; at < args.length; at++) {
      if (context.db.touch(args[at] ?? "", context.nowMs) !== undefined) count += 1;
    }
    context.reply.integer(count);
  },
} as const satisfies DataCommand;

const type = {
  name: "type",
  scope: "data",
  summary: "Returns the type of the value that a key holds, or none.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keySpecs: [oneKey(1, "RO")],
  arguments: [{ name: "key", type: "key", keySpecIndex: 0 }],
  run(context, args) {
    const entry = context.db.inspect(args[1] ?? "");
    context.reply.simple(entry === undefined ? "none" : valueType(entry.value));
  },
} as const satisfies DataCommand;

export const presenceCommands: readonly Command[] = [del, unlink, exists, touch, type];

function removeKeys(context: DataContext, args: readonly string[]): void {
  let count = 0;
  for (let at = 1; at < args.length; at++) if (context.db.remove(args[at] ?? "")) count += 1;
  context.reply.integer(count);
}
