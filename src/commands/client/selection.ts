// Looking at other connections and closing them: CLIENT LIST and CLIENT KILL.

import { parseInt64 } from "../../base/parse-integer.ts";
import { errorFor, errors } from "../../resp/errors.ts";
import type { ArgumentSpec, LocalCommand } from "../command.ts";
import type { ClientPort, ClientType, LocalContext } from "../context.ts";

const typeWords: ReadonlyMap<string, ClientType> = new Map([
  ["normal", "normal"],
  ["master", "master"],
  ["slave", "replica"],
  ["replica", "replica"],
  ["pubsub", "pubsub"],
]);

const typeTokens: readonly ArgumentSpec[] = [
  { name: "normal", type: "pure-token", token: "NORMAL" },
  { name: "master", type: "pure-token", token: "MASTER" },
  { name: "replica", type: "pure-token", token: "REPLICA" },
  { name: "pubsub", type: "pure-token", token: "PUBSUB" },
];

const list: LocalCommand = {
  name: "list",
  summary: "Lists open connections.",
  since: "2.4.0",
  history: [
    ["2.8.12", "Shows `id`, which is never used twice."],
    ["5.0.0", "Filters by `TYPE`."],
    ["6.0.0", "Shows `user`."],
    ["6.2.0", "Filters by `ID`; shows `argv-mem`, `tot-mem`, `laddr` and `redir`."],
    ["7.0.0", "Shows `resp`, `multi-mem`, `rbs` and `rbp`."],
    ["7.0.3", "Shows `ssub`."],
    ["7.2.0", "Shows `lib-name` and `lib-ver`."],
  ],
  group: "connection",
  complexity: "O(N) where N is the number of client connections",
  arity: -2,
  flags: ["admin", "noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [
    {
      name: "client-type",
      type: "oneof",
      token: "TYPE",
      since: "5.0.0",
      optional: true,
      arguments: typeTokens,
    },
    { name: "client-id", type: "integer", token: "ID", since: "6.2.0", optional: true, multiple: true },
  ],
  tips: ["nondeterministic_output"],
  scope: "local",
  run: runList,
};

function runList(context: LocalContext, args: readonly string[]): void {
  const { reply, server } = context;
  const word = args.length > 2 ? (args[2] as string).toLowerCase() : "";
  let listed = [...server.clients];
  if (word === "type" && args.length === 4) {
    const type = typeWords.get((args[3] as string).toLowerCase());
    if (type === undefined) return reply.error(errorFor.unknownClientType(args[3] as string));
    listed = listed.filter((client) => client.type === type);
  } else if (word === "id" && args.length > 3) {
    listed = [];
    for (let at = 3; at < args.length; at++) {
      const id = parseInt64(args[at] as string);
      if (id === null) return reply.error(errors.clientIdInvalid);
      const client = server.clientById(Number(id));
      if (client !== undefined) listed.push(client);
    }
  } else if (args.length > 2) {
    return reply.error(errors.syntax);
  }
  let text = "";
  for (const client of listed) text += `${client.describe()}\n`;
  reply.verbatim("txt", text);
}

/** Everything CLIENT KILL may ask for; what is undefined matches all. */
interface KillFilter {
  id?: number;
  type?: ClientType;
  user?: string;
  address?: string;
  localAddress?: string;
  skipMe: boolean;
}

const kill: LocalCommand = {
  name: "kill",
  summary: "Terminates open connections.",
  since: "2.4.0",
  history: [
    ["2.8.12", "Takes filters as options."],
    ["2.8.12", "Filters by `ID`."],
    ["3.2.0", "`TYPE` may be `master`."],
    ["5.0.0", "`TYPE` may be `replica`, and still `slave`."],
    ["6.2.0", "Filters by `LADDR`."],
  ],
  group: "connection",
  complexity: "O(N) where N is the number of client connections",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  keySpecs: [],
  arguments: [
    {
      name: "filter",
      type: "oneof",
      arguments: [
        { name: "old-format", type: "string" },
        {
          name: "new-format",
          type: "oneof",
          multiple: true,
          arguments: [
            { name: "client-id", type: "integer", token: "ID", since: "2.8.12", optional: true },
            {
              name: "client-type",
              type: "oneof",
              token: "TYPE",
              since: "2.8.12",
              optional: true,
              arguments: typeTokens,
            },
            { name: "username", type: "string", token: "USER", optional: true },
            { name: "addr", type: "string", token: "ADDR", optional: true },
            { name: "laddr", type: "string", token: "LADDR", since: "6.2.0", optional: true },
            {
              name: "skipme",
              type: "oneof",
              token: "SKIPME",
              optional: true,
              arguments: [
                { name: "yes", type: "pure-token", token: "YES" },
                { name: "no", type: "pure-token", token: "NO" },
              ],
            },
          ],
        },
      ],
    },
  ],
  scope: "local",
  run(context, args) {
    const oldForm = args.length === 3;
    const filter = oldForm ? { address: args[2] as string, skipMe: false } : parseKillFilter(args);
    if (typeof filter === "string") return context.reply.error(filter);
    const killed = killMatching(context, filter);
    if (!oldForm) context.reply.integer(killed);
    else if (killed === 0) context.reply.error(errors.noSuchClient);
    else context.reply.ok();
  },
};

/** The filter that the new form describes, or an error text. */
function parseKillFilter(args: readonly string[]): KillFilter | string {
  const filter: KillFilter = { skipMe: true };
  for (let at = 2; at < args.length; at += 2) {
    if (at + 1 >= args.length) return errors.syntax;
    const error = addToFilter(filter, (args[at] as string).toLowerCase(), args[at + 1] as string);
    if (error !== null) return error;
  }
  return filter;
}

function addToFilter(filter: KillFilter, option: string, value: string): string | null {
  switch (option) {
    case "id": {
      const id = parseInt64(value);
      if (id === null || id < 1) return errors.clientIdNotPositive;
      filter.id = Number(id);
      return null;
    }
    case "type": {
      const type = typeWords.get(value.toLowerCase());
      if (type === undefined) return errorFor.unknownClientType(value);
      filter.type = type;
      return null;
    }
    case "user":
      if (value !== "default") return errorFor.noSuchUser(value);
      filter.user = value;
      return null;
    case "addr":
      filter.address = value;
      return null;
    case "laddr":
      filter.localAddress = value;
      return null;
    case "skipme": {
      const word = value.toLowerCase();
      if (word !== "yes" && word !== "no") return errors.syntax;
      filter.skipMe = word === "yes";
      return null;
    }
    default:
      return errors.syntax;
  }
}

/** Closes what matches and returns how many; the caller itself goes once it has its reply. */
function killMatching(context: LocalContext, filter: KillFilter): number {
  const matching: ClientPort[] = [];
  for (const client of context.server.clients) if (matches(context, client, filter)) matching.push(client);
  for (const client of matching) {
    if (client === context.client) client.closeAfterReplies();
    else context.server.killClient(client);
  }
  return matching.length;
}

function matches(context: LocalContext, client: ClientPort, filter: KillFilter): boolean {
  return (
    (filter.address === undefined || client.address === filter.address) &&
    (filter.localAddress === undefined || client.localAddress === filter.localAddress) &&
    (filter.type === undefined || client.type === filter.type) &&
    (filter.id === undefined || client.id === filter.id) &&
    (filter.user === undefined || client.user === filter.user) &&
    !(filter.skipMe && client === context.client)
  );
}

export const clientSelectionCommands: readonly LocalCommand[] = [kill, list];
