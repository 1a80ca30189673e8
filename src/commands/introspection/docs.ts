// One command as COMMAND DOCS shows it.

import type { Reply } from "../../resp/reply.ts";
import type { ArgumentSpec, Command } from "../command.ts";
import { fullName, writePairs } from "./describe.ts";

/** Writes a command's name and the map that documents it: one pair of the answer's map. */
export function documentCommand(reply: Reply, command: Command, parent?: string): void {
  const subcommands = command.scope === "container" ? command.subcommands : [];
  const hasArguments = command.arguments.length > 0;
  const hasSubcommands = subcommands.length > 0;
  const { deprecated, history } = command;
  const flags: string[] = [];
  if (deprecated !== undefined) flags.push("deprecated");
  if (command.internal) flags.push("syscmd");
  const optional = [flags.length > 0, history !== undefined, hasArguments, hasSubcommands];
  reply.bulk(fullName(command, parent));
  reply.map(4 + optional.filter(Boolean).length + (deprecated === undefined ? 0 : 2));
  reply.bulk("summary");
  reply.bulk(command.summary);
  reply.bulk("since");
  reply.bulk(command.since);
  reply.bulk("group");
  reply.bulk(command.group);
  reply.bulk("complexity");
  reply.bulk(command.complexity);
  if (flags.length > 0) writeFlags(reply, "doc_flags", flags);
  if (deprecated !== undefined) {
    reply.bulk("deprecated_since");
    reply.bulk(deprecated.since);
    reply.bulk("replaced_by");
    reply.bulk(deprecated.replacedBy);
  }
  if (history !== undefined) writeHistory(reply, history);
  if (hasArguments) {
    reply.bulk("arguments");
    writeArguments(reply, command.arguments);
  }
  if (hasSubcommands) {
    reply.bulk("subcommands");
    reply.map(subcommands.length);
    for (const subcommand of subcommands) documentCommand(reply, subcommand, command.name);
  }
}

function writeFlags(reply: Reply, name: string, flags: readonly string[]): void {
  reply.bulk(name);
  reply.set(flags.length);
  for (const flag of flags) reply.simple(flag);
}

function writeHistory(reply: Reply, history: NonNullable<Command["history"]>): void {
  reply.bulk("history");
  reply.set(history.length);
  for (const [since, change] of history) {
    reply.array(2);
    reply.bulk(since);
    reply.bulk(change);
  }
}

function writeArguments(reply: Reply, list: readonly ArgumentSpec[]): void {
  reply.array(list.length);
  for (const argument of list) writeArgument(reply, argument);
}

function writeArgument(reply: Reply, argument: ArgumentSpec): void {
  const flags: string[] = [];
  if (argument.optional) flags.push("optional");
  if (argument.multiple) flags.push("multiple");
  if (argument.multipleToken) flags.push("multiple_token");
  const inner = argument.type === "oneof" || argument.type === "block" ? (argument.arguments ?? []) : null;
  const pairs: (readonly [string, string | number])[] = [
    ["name", argument.name],
    ["type", argument.type],
  ];
  if (inner === null) pairs.push(["display_text", argument.name]);
  if (argument.keySpecIndex !== undefined) pairs.push(["key_spec_index", argument.keySpecIndex]);
  if (argument.token !== undefined) pairs.push(["token", argument.token]);
  if (argument.since !== undefined) pairs.push(["since", argument.since]);
  reply.map(pairs.length + Number(flags.length > 0) + Number(inner !== null));
  writePairs(reply, pairs);
  if (flags.length > 0) writeFlags(reply, "flags", flags);
  if (inner !== null) {
    reply.bulk("arguments");
    writeArguments(reply, inner);
  }
}
