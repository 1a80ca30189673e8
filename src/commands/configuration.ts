// CONFIG: looking at options and changing them. Which options there are, what they accept and every error text about
// them is the business of the option table.

import type { Command, LocalCommand } from "./command.ts";
import { helpSubcommand } from "./help.ts";

const get: LocalCommand = {
  name: "get",
  summary: "Returns the effective values of configuration parameters.",
  since: "2.0.0",
  history: [["7.0.0", "Takes several patterns."]],
  group: "server",
  complexity: "O(N) when N is the number of configuration parameters provided",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [{ name: "parameter", type: "string", multiple: true }],
  scope: "local",
  run({ reply, config }, args) {
    const found = config.getMatching(args.slice(2));
    reply.map(found.length);
    for (const [name, text] of found) {
      reply.bulk(name);
      reply.bulk(text);
    }
  },
};

const set: LocalCommand = {
  name: "set",
  summary: "Sets configuration parameters in-flight.",
  since: "2.0.0",
  history: [["7.0.0", "Takes several parameters with their values."]],
  group: "server",
  complexity: "O(N) when N is the number of configuration parameters provided",
  arity: -4,
  flags: ["admin", "noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [
    {
      name: "data",
      type: "block",
      multiple: true,
      arguments: [
        { name: "parameter", type: "string" },
        { name: "value", type: "string" },
      ],
    },
  ],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  scope: "local",
  run({ reply, config }, args) {
    const error = config.set(args.slice(2));
    if (error === null) reply.ok();
    else reply.error(error);
  },
};

const rewrite: LocalCommand = {
  name: "rewrite",
  summary: "Persists the effective configuration to file.",
  since: "2.8.0",
  group: "server",
  complexity: "O(1)",
  arity: 2,
  flags: ["admin", "noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  scope: "local",
  run({ reply, server }) {
    const error = server.rewriteConfig();
    if (error === null) reply.ok();
    else reply.error(error);
  },
};

const resetStat: LocalCommand = {
  name: "resetstat",
  summary: "Resets the server's statistics.",
  since: "2.0.0",
  group: "server",
  complexity: "O(1)",
  arity: 2,
  flags: ["admin", "noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  scope: "local",
  run({ reply, server }) {
    server.resetStatistics();
    reply.ok();
  },
};

const help = helpSubcommand({
  container: "config",
  group: "server",
  lines: [
    "GET <pattern>",
    "    Return parameters matching the glob-like <pattern> and their values.",
    "SET <directive> <value>",
    "    Set the configuration <directive> to <value>.",
    "RESETSTAT",
    "    Reset statistics reported by the INFO command.",
    "REWRITE",
    "    Rewrite the configuration file.",
  ],
});

export const configCommands: readonly Command[] = [
  {
    name: "config",
    summary: "A container for server configuration commands.",
    since: "2.0.0",
    group: "server",
    complexity: "Depends on subcommand.",
    arity: -2,
    flags: [],
    keySpecs: [],
    arguments: [],
    scope: "container",
    subcommands: [get, help, resetStat, rewrite, set],
  },
];
