// COMMAND and its subcommands: what the command table says about itself. Shapes are those of Redis 7.2.

import { matchesGlob } from "../../base/glob.ts";
import { errors } from "../../resp/errors.ts";
import { type Command, fitsArity, type LocalCommand } from "../command.ts";
import type { LocalContext } from "../context.ts";
import { helpSubcommand } from "../help.ts";
import { categoriesOf } from "./categories.ts";
import { describeCommand, fullName } from "./describe.ts";
import { documentCommand } from "./docs.ts";
import { type KeyAccess, keyAccesses } from "./key-access.ts";

/** What all of them have in common. */
const shared = {
  group: "server",
  flags: ["loading", "stale"],
  categories: ["connection"],
  keySpecs: [],
  scope: "local",
} as const;

const perTable = "O(N) where N is the total number of Redis commands";
const perName = "O(N) where N is the number of commands to look up";
const perArgument = "O(N) where N is the number of arguments to the command";

const count: LocalCommand = {
  ...shared,
  name: "count",
  summary: "Returns a count of commands.",
  since: "2.8.13",
  complexity: "O(1)",
  arity: 2,
  arguments: [],
  run(context) {
    context.reply.integer(context.commands.commands.length);
  },
};

const docs: LocalCommand = {
  ...shared,
  name: "docs",
  summary: "Returns documentary information about one, multiple or all commands.",
  since: "7.0.0",
  complexity: perName,
  arity: -2,
  arguments: [{ name: "command-name", type: "string", optional: true, multiple: true }],
  tips: ["nondeterministic_output_order"],
  run(context, args) {
    const { reply } = context;
    const found =
      args.length === 2
        ? context.commands.commands.map((command): Named => ({ command }))
        : args.slice(2).flatMap((name) => findCommand(context, name) ?? []);
    reply.map(found.length);
    for (const { command, parent } of found) documentCommand(reply, command, parent);
  },
};

const info: LocalCommand = {
  ...shared,
  name: "info",
  summary: "Returns information about one, multiple or all commands.",
  since: "2.8.13",
  history: [["7.0.0", "Without names describes every command."]],
  complexity: perName,
  arity: -2,
  arguments: [{ name: "command-name", type: "string", optional: true, multiple: true }],
  tips: ["nondeterministic_output_order"],
  run(context, args) {
    if (args.length === 2) return describeAll(context);
    context.reply.array(args.length - 2);
    for (let at = 2; at < args.length; at++) {
      const found = findCommand(context, args[at] as string);
      if (found === undefined) context.reply.nil();
      else describeCommand(context.reply, found.command, found.parent);
    }
  },
};

const list: LocalCommand = {
  ...shared,
  name: "list",
  summary: "Returns a list of command names.",
  since: "7.0.0",
  complexity: perTable,
  arity: -2,
  arguments: [
    {
      name: "filterby",
      type: "oneof",
      token: "FILTERBY",
      optional: true,
      arguments: [
        { name: "module-name", type: "string", token: "MODULE" },
        { name: "category", type: "string", token: "ACLCAT" },
        { name: "pattern", type: "pattern", token: "PATTERN" },
      ],
    },
  ],
  tips: ["nondeterministic_output_order"],
  run: runList,
};

function runList(context: LocalContext, args: readonly string[]): void {
  const { reply } = context;
  let found = everyCommand(context);
  if (args.length > 2) {
    const isFilter = args.length === 5 && (args[2] as string).toLowerCase() === "filterby";
    const select = isFilter ? filters.get((args[3] as string).toLowerCase()) : undefined;
    if (select === undefined) return reply.error(errors.syntax);
    found = found.filter((entry) => select(entry, args[4] as string));
  }
  reply.array(found.length);
  for (const { command, parent } of found) reply.bulk(fullName(command, parent));
}

const filters: ReadonlyMap<string, (entry: Named, wanted: string) => boolean> = new Map([
  // vlot has no modules.
  ["module", () => false],
  ["aclcat", ({ command }: Named, wanted: string) => categoriesOf(command).includes(wanted.toLowerCase())],
  [
    "pattern",
    ({ command, parent }: Named, wanted: string) => matchesGlob(wanted, fullName(command, parent), true),
  ],
]);

const getKeys: LocalCommand = {
  ...shared,
  name: "getkeys",
  summary: "Extracts the key names from an arbitrary command.",
  since: "2.8.13",
  complexity: perArgument,
  arity: -3,
  arguments: [
    { name: "command", type: "string" },
    { name: "arg", type: "string", optional: true, multiple: true },
  ],
  run(context, args) {
    const keys = keysOfFullCommand(context, args.slice(2));
    if (keys === null) return;
    context.reply.array(keys.length);
    for (const { key } of keys) context.reply.bulk(key);
  },
};

const getKeysAndFlags: LocalCommand = {
  ...shared,
  name: "getkeysandflags",
  summary: "Extracts the key names and access flags for an arbitrary command.",
  since: "7.0.0",
  complexity: perArgument,
  arity: -3,
  arguments: [
    { name: "command", type: "string" },
    { name: "arg", type: "string", optional: true, multiple: true },
  ],
  run(context, args) {
    const { reply } = context;
    const keys = keysOfFullCommand(context, args.slice(2));
    if (keys === null) return;
    reply.array(keys.length);
    for (const { key, flags } of keys) {
      reply.array(2);
      reply.bulk(key);
      reply.set(flags.length);
      for (const flag of flags) reply.simple(flag);
    }
  },
};

/** The keys of the command `full`, or null after an error reply. */
function keysOfFullCommand(context: LocalContext, full: readonly string[]): readonly KeyAccess[] | null {
  const { reply } = context;
  const command = commandNamedBy(context, full);
  if (command === undefined) {
    reply.error(errors.getKeysInvalidCommand);
  } else if (command.keySpecs.length === 0) {
    reply.error(errors.getKeysNoKeys);
  } else if (!fitsArity(command, full.length)) {
    reply.error(errors.getKeysInvalidCount);
  } else {
    const keys = keyAccesses(command, full);
    if (keys.length > 0) return keys;
    if (command.flags.includes("no_mandatory_keys")) return [];
    reply.error(errors.getKeysInvalidArguments);
  }
  return null;
}

/** A subcommand is two words here: `client|list` names nothing. */
function commandNamedBy(context: LocalContext, full: readonly string[]): Command | undefined {
  const name = full[0] as string;
  const command = name.includes("|") ? undefined : context.commands.find(name);
  if (command?.scope !== "container" || full.length === 1) return command;
  const word = full[1]?.toLowerCase();
  return command.subcommands.find((subcommand) => subcommand.name === word);
}

/** A command with the name of its container, if it is in one. */
interface Named {
  readonly command: Command;
  readonly parent?: string;
}

/** The command called `name`, which is `get` or `client|list`, in any case. */
function findCommand(context: LocalContext, name: string): Named | undefined {
  const command = context.commands.find(name);
  if (command === undefined) return undefined;
  const bar = name.indexOf("|");
  return bar < 0 ? { command } : { command, parent: name.slice(0, bar).toLowerCase() };
}

/** All commands, each container followed by what it holds. */
function everyCommand(context: LocalContext): Named[] {
  return context.commands.commands.flatMap((command): Named[] =>
    command.scope === "container"
      ? [{ command }, ...command.subcommands.map((inner) => ({ command: inner, parent: command.name }))]
      : [{ command }],
  );
}

function describeAll(context: LocalContext): void {
  const all = context.commands.commands;
  context.reply.array(all.length);
  for (const command of all) describeCommand(context.reply, command);
}

const help = helpSubcommand({
  container: "command",
  group: "server",
  categories: ["connection"],
  lines: [
    "(no subcommand)",
    "    Return details about all Redis commands.",
    "COUNT",
    "    Return the total number of commands in this Redis server.",
    "LIST",
    "    Return a list of all commands in this Redis server.",
    "INFO [<command-name> ...]",
    "    Return details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "DOCS [<command-name> ...]",
    "    Return documentation details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "GETKEYS <full-command>",
    "    Return the keys from a full Redis command.",
    "GETKEYSANDFLAGS <full-command>",
    "    Return the keys and the access flags from a full Redis command.",
  ],
});

export const introspectionCommands: readonly Command[] = [
  {
    name: "command",
    summary: "Returns detailed information about all commands.",
    since: "2.8.13",
    group: "server",
    complexity: perTable,
    arity: -1,
    flags: ["loading", "stale"],
    categories: ["connection"],
    keySpecs: [],
    arguments: [],
    tips: ["nondeterministic_output_order"],
    scope: "container",
    subcommands: [count, docs, getKeys, getKeysAndFlags, help, info, list],
    runAlone: describeAll,
  },
];
