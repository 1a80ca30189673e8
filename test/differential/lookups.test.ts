// INFO's keyspace_hits and keyspace_misses: which lookups count, command by command, against redis-server.

import { expect, test } from "bun:test";
import { allCommands } from "../../src/commands/table.ts";
import { CommandGenerator } from "./generator.ts";
import { InProcessTarget } from "./in-process-target.ts";
import { bulkOf } from "./reply-text.ts";
import { SocketTarget } from "./socket-target.ts";
import type { Args } from "./target.ts";
import { withRedis } from "./with-redis.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const commandCount = 5000;
const statistics: Args = ["INFO", "stats"];

withRedis("lookups", (redis) => {
  test(`count as hits and misses where they do in redis-server (SEED=${seed})`, async () => {
    const theirs = await SocketTarget.connect("redis", { path: redis().socketPath });
    const ours = new InProcessTarget();
    const commands = comparableCommands();
    await Promise.all([
      ours.exchange([["FLUSHALL"]]),
      theirs.exchange([["FLUSHALL"], ["CONFIG", "RESETSTAT"]]),
    ]);
    const replies = await theirs.exchange(commands.flatMap((args) => [args, statistics]));
    await theirs.close();
    const different = [];
    let before = { ours: [0, 0], theirs: [0, 0] };
    for (const [at, args] of commands.entries()) {
      ours.run(args);
      const now = { ours: ours.hitsAndMisses, theirs: hitsAndMisses(replies[at * 2 + 1] ?? "") };
      const counted = { ours: growth(before.ours, now.ours), theirs: growth(before.theirs, now.theirs) };
      if (!Bun.deepEquals(counted.ours, counted.theirs)) different.push({ args, ...counted });
      before = now;
    }
    expect(different.slice(0, 5)).toEqual([]);
    expect(Math.min(...before.ours)).toBeGreaterThan(100);
  });
});

/** Without what depends on the moment, and without SCAN, whose steps show other keys on either side. */
function comparableCommands(): Args[] {
  const generator = new CommandGenerator(allCommands, seed);
  const commands: Args[] = [];
  while (commands.length < commandCount) {
    const { args, commandName, expiresSoon } = generator.next();
    if (commandName !== "scan" && !expiresSoon) commands.push(args);
  }
  return commands;
}

function hitsAndMisses(reply: string): number[] {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)\r$`, "m").exec(bulkOf(reply) ?? "")?.[1]);
  return [field("keyspace_hits"), field("keyspace_misses")];
}

function growth(before: readonly number[], now: readonly number[]): number[] {
  return now.map((count, at) => count - (before[at] ?? 0));
}
