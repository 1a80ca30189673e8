// Commands about this process: INFO, TIME, SHUTDOWN.

import { errors } from "../resp/errors.ts";
import type { Command, LocalCommand } from "./command.ts";
import type { LocalContext } from "./context.ts";

const info: LocalCommand = {
  name: "info",
  summary: "Returns information and statistics about the server.",
  since: "1.0.0",
  history: [["7.0.0", "Takes several sections."]],
  group: "server",
  complexity: "O(1)",
  arity: -1,
  flags: ["loading", "stale"],
  categories: ["dangerous"],
  keySpecs: [],
  arguments: [{ name: "section", type: "string", optional: true, multiple: true }],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  scope: "local",
  run({ reply, server }, args) {
    reply.verbatim("txt", server.info(args.slice(1)));
  },
};

const time: LocalCommand = {
  name: "time",
  summary: "Returns the server time.",
  since: "2.6.0",
  group: "server",
  complexity: "O(1)",
  arity: 1,
  flags: ["loading", "stale", "fast"],
  keySpecs: [],
  arguments: [],
  tips: ["nondeterministic_output"],
  scope: "local",
  run({ reply, server }) {
    const micros = server.wallMicros();
    reply.array(2);
    reply.bulk(String(Math.floor(micros / 1_000_000)));
    reply.bulk(String(micros % 1_000_000));
  },
};

const shutdown: LocalCommand = {
  name: "shutdown",
  summary: "Synchronously saves the database(s) to disk and shuts down the Redis server.",
  since: "1.0.0",
  history: [["7.0.0", "Takes `NOW`, `FORCE` and `ABORT`."]],
  group: "server",
  complexity:
    "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
  arity: -1,
  flags: ["admin", "noscript", "loading", "stale", "no_multi", "allow_busy"],
  keySpecs: [],
  arguments: [
    {
      name: "save-selector",
      type: "oneof",
      optional: true,
      arguments: [
        { name: "nosave", type: "pure-token", token: "NOSAVE" },
        { name: "save", type: "pure-token", token: "SAVE" },
      ],
    },
    { name: "now", type: "pure-token", token: "NOW", since: "7.0.0", optional: true },
    { name: "force", type: "pure-token", token: "FORCE", since: "7.0.0", optional: true },
    { name: "abort", type: "pure-token", token: "ABORT", since: "7.0.0", optional: true },
  ],
  scope: "local",
  run: runShutdown,
};

// SAVE, NOSAVE and FORCE are understood and change nothing: what was acknowledged is in the log, on disk, already, so
// there is no save that could fail.
function runShutdown(context: LocalContext, args: readonly string[]): void {
  const { reply, server } = context;
  const given = new Set<string>();
  for (let at = 1; at < args.length; at++) {
    const word = (args[at] as string).toLowerCase();
    if (!shutdownWords.has(word)) return reply.error(errors.syntax);
    given.add(word);
  }
  const contradiction = given.has("save") && given.has("nosave");
  if (contradiction || (given.has("abort") && given.size > 1)) return reply.error(errors.syntax);
  if (given.has("abort")) {
    if (server.abortShutdown()) reply.ok();
    else reply.error(errors.shutdownNone);
    return;
  }
  // Answered only if it is taken back: then Redis' error, else the connection just closes.
  const later = context.client.answerLater();
  server.shutdown({
    now: given.has("now"),
    aborted: () => later.answer((out) => out.error(errors.shutdownFailed)),
  });
}

const shutdownWords: ReadonlySet<string> = new Set(["save", "nosave", "now", "force", "abort"]);

export const serverAdminCommands: readonly Command[] = [info, shutdown, time];
