// Commands about the connection itself: handshake, authentication, liveliness, database. What a connection *is* lives
// in the server; this file knows only the port.

import { redisVersion } from "../base/version.ts";
import { parseSafeInteger } from "../base/parse-integer.ts";
import { errorFor, errors } from "../resp/errors.ts";
import type { Command, LocalCommand } from "./command.ts";
import type { LocalContext } from "./context.ts";
import { readDatabaseIndex } from "./database-index.ts";

/** Redis' rule for names of clients and libraries: printable ASCII without the space. */
export function isPrintableName(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return true;
}

/** Logs the client in as `user`, or returns false and leaves it as it was. */
function authenticate(context: LocalContext, user: string, password: string): boolean {
  if (user !== "default" || !context.server.passwordMatches(password)) return false;
  context.client.user = user;
  context.client.authenticated = true;
  return true;
}

const hello: LocalCommand = {
  name: "hello",
  summary: "Handshakes with the Redis server.",
  since: "6.0.0",
  history: [["6.2.0", "Without a version tells about the connection and keeps its protocol."]],
  group: "connection",
  complexity: "O(1)",
  arity: -1,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  keySpecs: [],
  arguments: [
    {
      name: "arguments",
      type: "block",
      optional: true,
      arguments: [
        { name: "protover", type: "integer" },
        {
          name: "auth",
          type: "block",
          token: "AUTH",
          optional: true,
          arguments: [
            { name: "username", type: "string" },
            { name: "password", type: "string" },
          ],
        },
        { name: "clientname", type: "string", token: "SETNAME", optional: true },
      ],
    },
  ],
  scope: "local",
  run: runHello,
};

function runHello(context: LocalContext, args: readonly string[]): void {
  const { reply, client } = context;
  let protocol: 2 | 3 = client.protocol;
  if (args.length > 1) {
    const version = parseSafeInteger(args[1] as string);
    if (version === null) return reply.error(errors.helloVersionNotAnInteger);
    if (version !== 2 && version !== 3) return reply.error(errors.noProto);
    protocol = version;
  }
  let user: string | undefined;
  let password = "";
  let name: string | undefined;
  for (let at = 2; at < args.length;) {
    const option = (args[at] as string).toLowerCase();
    const following = args.length - 1 - at;
    if (option === "auth" && following >= 2) {
      user = args[at + 1] as string;
      password = args[at + 2] as string;
      at += 3;
    } else if (option === "setname" && following >= 1) {
      name = args[at + 1] as string;
      if (!isPrintableName(name)) return reply.error(errors.clientNameInvalid);
      at += 2;
    } else {
      return reply.error(errorFor.helloSyntax(args[at] as string));
    }
  }
  if (user !== undefined && !authenticate(context, user, password)) return reply.error(errors.wrongPass);
  if (!client.authenticated) return reply.error(errors.helloNoAuth);
  if (name !== undefined) client.name = name;
  client.protocol = protocol;
  writeHello(context);
}

function writeHello(context: LocalContext): void {
  const { reply, client } = context;
  reply.map(7);
  reply.bulk("server");
  reply.bulk("redis");
  reply.bulk("version");
  reply.bulk(redisVersion);
  reply.bulk("proto");
  reply.integer(client.protocol);
  reply.bulk("id");
  reply.integer(client.id);
  reply.bulk("mode");
  reply.bulk("cluster");
  reply.bulk("role");
  reply.bulk(context.cluster.leading ? "master" : "replica");
  reply.bulk("modules");
  reply.array(0);
}

const auth: LocalCommand = {
  name: "auth",
  summary: "Authenticates the connection.",
  since: "1.0.0",
  history: [["6.0.0", "Takes a user's name before the password."]],
  group: "connection",
  complexity: "O(N) where N is the number of passwords defined for the user",
  arity: -2,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  keySpecs: [],
  arguments: [
    { name: "username", type: "string", since: "6.0.0", optional: true },
    { name: "password", type: "string" },
  ],
  scope: "local",
  run(context, args) {
    const { reply, server } = context;
    if (args.length > 3) return reply.error(errors.syntax);
    if (args.length === 2 && !server.passwordRequired) return reply.error(errors.authWithoutPassword);
    const user = args.length === 2 ? "default" : (args[1] as string);
    if (!authenticate(context, user, args[args.length - 1] as string)) return reply.error(errors.wrongPass);
    reply.ok();
  },
};

const ping: LocalCommand = {
  name: "ping",
  summary: "Returns the server's liveliness response.",
  since: "1.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: -1,
  flags: ["fast"],
  keySpecs: [],
  arguments: [{ name: "message", type: "string", optional: true }],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  scope: "local",
  run({ reply }, args) {
    if (args.length > 2) return reply.error(errorFor.wrongArity("ping"));
    if (args.length === 2) reply.bulk(args[1] as string);
    else reply.simple("PONG");
  },
};

const echo: LocalCommand = {
  name: "echo",
  summary: "Returns the given string.",
  since: "1.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  keySpecs: [],
  arguments: [{ name: "message", type: "string" }],
  scope: "local",
  run({ reply }, args) {
    reply.bulk(args[1] as string);
  },
};

const quit: LocalCommand = {
  name: "quit",
  summary: "Closes the connection.",
  since: "1.0.0",
  deprecated: { since: "7.2.0", replacedBy: "closing the connection" },
  group: "connection",
  complexity: "O(1)",
  arity: -1,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  keySpecs: [],
  arguments: [],
  scope: "local",
  run({ reply, client }) {
    reply.ok();
    client.closeAfterReplies();
  },
};

const reset: LocalCommand = {
  name: "reset",
  summary: "Resets the connection.",
  since: "6.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  keySpecs: [],
  arguments: [],
  scope: "local",
  run({ client }) {
    client.reset();
    // The client may have another reply by now than the one that this command began with.
    client.reply.simple("RESET");
  },
};

const select: LocalCommand = {
  name: "select",
  summary: "Changes the selected database.",
  since: "1.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  keySpecs: [],
  arguments: [{ name: "index", type: "integer" }],
  scope: "local",
  run({ reply, client }, args) {
    const index = readDatabaseIndex(args[1] as string);
    if (typeof index === "string") return reply.error(index);
    client.dbIndex = index;
    reply.ok();
  },
};

export const connectionCommands: readonly Command[] = [auth, echo, hello, ping, quit, reset, select];
