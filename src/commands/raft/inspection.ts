// Looking into a node: RAFT.INFO, RAFT.CONFIG, RAFT.DEBUG.

import { errorFor, errors } from "../../resp/errors.ts";
import type { Command, LocalCommand } from "../command.ts";
import type { LocalContext } from "../context.ts";
import { isWord } from "./arguments.ts";
import { raftFacts } from "./facts.ts";

const info: LocalCommand = {
  ...raftFacts,
  name: "raft.info",
  summary: "Returns the state of Raft on this node as text.",
  flags: ["loading", "stale"],
  arity: 1,
  arguments: [],
  run({ reply, server }) {
    reply.bulk(server.raftInfo());
  },
};

const config: LocalCommand = {
  ...raftFacts,
  name: "raft.config",
  summary: "Shows or sets an option.",
  arity: -2,
  arguments: [
    {
      name: "operation",
      type: "oneof",
      arguments: [
        { name: "pattern", type: "pattern", token: "GET" },
        {
          name: "set",
          type: "block",
          token: "SET",
          arguments: [
            { name: "name", type: "string" },
            { name: "value", type: "string" },
          ],
        },
      ],
    },
  ],
  run(context, args) {
    const { reply } = context;
    const word = args[1] as string;
    if (isWord(word, "get") && args.length === 3) {
      const found = context.config.getMatching([args[2] as string], "raft");
      reply.array(2 * found.length);
      for (const [name, text] of found) {
        reply.bulk(name);
        reply.bulk(text);
      }
    } else if (isWord(word, "set") && args.length === 4) {
      const error = setOption(context, args[2] as string, args[3] as string);
      if (error === null) reply.ok();
      else reply.error(error);
    } else {
      reply.error(errorFor.wrongArity("raft.config"));
    }
  },
};

/** RedisRaft's three texts, with the option table's reason behind a bad value. */
function setOption(context: LocalContext, name: string, value: string): string | null {
  const error = context.config.set([name, value]);
  if (error === null) return null;
  if (error === errorFor.configUnknownOption(name)) return errorFor.raftParameterUnknown(name);
  const reason = error.slice(error.indexOf(" - ") + 3);
  const fixed = reason === "can't set immutable config" || reason.includes("after init/join");
  return fixed ? errorFor.raftParameterFixed(name) : errorFor.raftParameterInvalid(name, reason);
}

const debug: LocalCommand = {
  ...raftFacts,
  name: "raft.debug",
  summary: "Tools for diagnosis and tests.",
  arity: -2,
  arguments: [
    {
      name: "operation",
      type: "oneof",
      arguments: [
        { name: "argument", type: "string", token: "EXEC", multiple: true },
        { name: "command", type: "string", token: "COMMANDSPEC" },
        { name: "used-node-ids", type: "pure-token", token: "USED_NODE_IDS" },
        { name: "digest", type: "pure-token", token: "DIGEST" },
      ],
    },
  ],
  run(context, args) {
    const { reply, cluster } = context;
    const word = args[1] as string;
    if (isWord(word, "exec") && args.length > 2) {
      cluster.executeLocally(args.slice(2), reply);
    } else if (isWord(word, "commandspec") && args.length === 3) {
      const command = context.commands.find(args[2] as string);
      if (command === undefined) reply.error(errors.debugNoSuchCommand);
      else reply.integer(commandSpecOf(command));
    } else if (isWord(word, "used_node_ids") && args.length === 2) {
      const ids = cluster.usedNodeIds();
      reply.array(ids.length);
      for (const id of ids) reply.integer(id);
    } else if (isWord(word, "digest") && args.length === 2) {
      const { appliedIndex, digest } = cluster.digest();
      reply.array(2);
      reply.integer(appliedIndex);
      reply.bulk(digest);
    } else {
      reply.error(errors.debugSubcommandInvalid);
    }
  },
};

const specBits = {
  readonly: 2,
  write: 4,
  local: 16,
  unordered: 32,
  random: 64,
  script: 128,
  blocking: 256,
  transaction: 512,
  subcommands: 1024,
} as const;

/** RedisRaft's bits for a command; it has no bit for what vlot does not know, since that is an unknown command here. */
function commandSpecOf(command: Command): number {
  let bits = 0;
  if (command.flags.includes("readonly")) bits |= specBits.readonly;
  if (command.flags.includes("write")) bits |= specBits.write;
  if (command.scope === "local") bits |= specBits.local;
  if (command.tips?.includes("nondeterministic_output_order")) bits |= specBits.unordered;
  if (command.tips?.includes("nondeterministic_output")) bits |= specBits.random;
  if (/^(eval|fcall)/.test(command.name)) bits |= specBits.script;
  if (command.flags.includes("blocking")) bits |= specBits.blocking;
  if (command.group === "transactions") bits |= specBits.transaction;
  if (command.scope === "container") bits |= specBits.subcommands;
  return bits;
}

export const inspectionCommands: readonly LocalCommand[] = [config, debug, info];
