// OBJECT: what a key's value is made of. Encodings and reference counts are told as Redis would have them; idle times are
// those of the node that answers, and access frequencies are not kept.

import { encodingOf, referenceCount } from "../../keyspace/value.ts";
import type { KeyEntry } from "../../keyspace/key-entry.ts";
import { errors } from "../../resp/errors.ts";
import type { ArgumentSpec, Command, ContainerCommand, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { helpSubcommand } from "../help.ts";
import { oneKey } from "../key-specs.ts";

const key: ArgumentSpec = { name: "key", type: "key", keySpecIndex: 0 };

const encoding = {
  name: "encoding",
  scope: "data",
  summary: "Returns the encoding that Redis would give the value of a key.",
  since: "2.2.3",
  group: "generic",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly"],
  keySpecs: [oneKey(2, "RO")],
  arguments: [key],
  tips: ["nondeterministic_output"],
  run(context, args) {
    const entry = lookUp(context, args);
    if (entry !== undefined) context.reply.bulk(encodingOf(entry));
  },
} as const satisfies DataCommand;

const freq = {
  name: "freq",
  scope: "data",
  summary: "Returns an error: the access frequency of keys is not kept.",
  since: "4.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly"],
  keySpecs: [oneKey(2, "RO")],
  arguments: [key],
  tips: ["nondeterministic_output"],
  run(context, args) {
    if (lookUp(context, args) !== undefined) context.reply.error(errors.objectNoFrequency);
  },
} as const satisfies DataCommand;

const idletime = {
  name: "idletime",
  scope: "data",
  summary: "Returns the seconds since a key was last accessed on the node that answers.",
  since: "2.2.3",
  group: "generic",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly"],
  keySpecs: [oneKey(2, "RO")],
  arguments: [key],
  tips: ["nondeterministic_output"],
  run(context, args) {
    const entry = lookUp(context, args);
    if (entry === undefined) return;
    context.reply.integer(Math.max(0, Math.floor((context.nowMs - entry.accessedMs) / 1000)));
  },
} as const satisfies DataCommand;

const refcount = {
  name: "refcount",
  scope: "data",
  summary: "Returns the reference count that Redis would give the value of a key.",
  since: "2.2.3",
  group: "generic",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly"],
  keySpecs: [oneKey(2, "RO")],
  arguments: [key],
  tips: ["nondeterministic_output"],
  run(context, args) {
    const entry = lookUp(context, args);
    if (entry !== undefined) context.reply.integer(referenceCount(entry));
  },
} as const satisfies DataCommand;

const help = {
  ...helpSubcommand({
    container: "object",
    group: "generic",
    categories: ["keyspace"],
    lines: [
      "ENCODING <key>",
      "    Return the kind of internal representation used in order to store the value",
      "    associated with a <key>.",
      "FREQ <key>",
      "    Return the access frequency index of the <key>. The returned integer is",
      "    proportional to the logarithm of the recent access frequency of the key.",
      "IDLETIME <key>",
      "    Return the idle time of the <key>, that is the approximated number of",
      "    seconds elapsed since the last access to the key.",
      "REFCOUNT <key>",
      "    Return the number of references of the value associated with the specified",
      "    <key>.",
    ],
  }),
  since: "6.2.0",
};

const object = {
  name: "object",
  scope: "container",
  summary: "Tells what the value of a key is made of.",
  since: "2.2.3",
  group: "generic",
  complexity: "Depends on the subcommand.",
  arity: -2,
  flags: [],
  keySpecs: [],
  arguments: [],
  subcommands: [encoding, freq, idletime, refcount, help],
} as const satisfies ContainerCommand;

export const objectCommands: readonly Command[] = [object];

/** The entry of the key asked for, whose access is not noted; without it, nil has been answered. */
function lookUp(context: DataContext, args: readonly string[]): KeyEntry | undefined {
  const entry = context.db.inspect(args[2] ?? "");
  if (entry === undefined) context.reply.nil();
  return entry;
}
