// The facts of every data command against those that redis-server tells of itself; of the other commands, their history.

import { expect, test } from "bun:test";
import type { ArgumentSpec, Command, CommandFacts, KeySpec } from "../../src/commands/command.ts";
import { categoriesOf } from "../../src/commands/introspection/categories.ts";
import { keysOf } from "../../src/commands/keys-of.ts";
import { allCommands, CommandTable } from "../../src/commands/table.ts";
import { CommandGenerator } from "./generator.ts";
import { bulkOf, elementsOf, integerOf } from "./reply-text.ts";
import { SocketTarget } from "./socket-target.ts";
import { withRedis } from "./with-redis.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const callCount = 3000;

/** What Redis 7.2 changed in the facts of 7.0, applied to what the 7.0 server says. */
const changesIn72: Readonly<Record<string, (facts: PlainFacts) => void>> = {
  // The tips wrongly let clients split the command (redis/redis#12417).
  msetnx: (facts) => {
    facts.tips = [];
    renameFirst(facts.arguments, "key_value", "data");
  },
  mset: (facts) => renameFirst(facts.arguments, "key_value", "data"),
  lcs: (facts) => {
    const minMatchLength = facts.arguments.find((spec) => spec.token === "MINMATCHLEN");
    if (minMatchLength !== undefined) minMatchLength.name = "min-match-len";
  },
  flushall: (facts) => renameFirst(facts.arguments, "async", "flush-type"),
  flushdb: (facts) => renameFirst(facts.arguments, "async", "flush-type"),
  scan: (facts) => facts.tips.push("response_policy:special"),
  randomkey: (facts) => facts.tips.push("response_policy:special"),
};

/** The history that Redis 7.2 added to that of 7.0. */
const historyIn72: Readonly<Record<string, (history: PlainHistory) => void>> = {
  setex: (history) => deprecate(history, "2.6.12"),
  psetex: (history) => deprecate(history, "2.6.12"),
  setnx: (history) => deprecate(history, "2.6.12"),
  quit: (history) => deprecate(history, "7.2.0"),
  "client|list": (history) => history.changedIn.push("7.2.0"),
};

interface PlainArgument {
  name: string;
  type: string;
  token?: string;
  since?: string;
  flags: string[];
  arguments: PlainArgument[];
}

interface PlainFacts {
  arity: number;
  flags: string[];
  categories: string[];
  tips: string[];
  keySpecs: unknown[];
  since: string;
  group: string;
  arguments: PlainArgument[];
}

/** What COMMAND DOCS tells of a command's life, without the sentences, which are our own. */
interface PlainHistory {
  docFlags: string[];
  deprecatedSince: string | null;
  hasReplacement: boolean;
  changedIn: string[];
}

withRedis("facts", (redis) => {
  for (const [fullName, command] of everyCommand()) {
    if (command.scope !== "data") continue;
    test(`of ${fullName} are those of redis-server`, async () => {
      const theirs = await factsOfRedis(redis().socketPath, fullName);
      changesIn72[fullName]?.(theirs);
      expect(ownFacts(command)).toEqual(theirs);
    });
  }

  test("tell of every command that redis-server has too what changed in it and since when it is deprecated", async () => {
    const commands = new Map(everyCommand());
    const theirs = await historiesOfRedis(redis().socketPath, [...commands.keys()]);
    for (const [fullName, command] of commands) {
      const history = theirs.get(fullName);
      if (history === undefined) {
        expect([fullName, command.since]).toEqual([fullName, command.group === "raft" ? "0.1.0" : "7.2.0"]);
        continue;
      }
      historyIn72[fullName]?.(history);
      expect([fullName, ownHistory(command)]).toEqual([fullName, history]);
    }
  });

  test(`lead to the keys that COMMAND GETKEYS finds (SEED=${seed})`, async () => {
    const generator = new CommandGenerator(allCommands, seed);
    const table = new CommandTable();
    const calls = Array.from({ length: callCount }, () => generator.next().args);
    const server = await SocketTarget.connect("redis-server", { path: redis().socketPath });
    const replies = await server.exchange(calls.map((args) => ["COMMAND", "GETKEYS", ...args]));
    await server.close();
    const different = calls.flatMap((args, at) => {
      const found = table.lookup(args);
      const ours =
        found.kind === "error" ? [] : keysOf(found.command, args).map((position) => args[position]);
      const theirs = texts(replies[at]);
      return Bun.deepEquals(ours, theirs) ? [] : [{ args, ours, theirs }];
    });
    expect(different.slice(0, 5)).toEqual([]);
  });
});

/** Containers and what they hold, by full name. */
function everyCommand(): [string, Command][] {
  return allCommands.flatMap((command): [string, Command][] => {
    const inner = command.scope === "container" ? command.subcommands : [];
    return [
      [command.name, command],
      ...inner.map((subcommand): [string, Command] => [`${command.name}|${subcommand.name}`, subcommand]),
    ];
  });
}

function ownHistory({ deprecated, history, internal }: CommandFacts): PlainHistory {
  return {
    docFlags: [...(deprecated === undefined ? [] : ["deprecated"]), ...(internal ? ["syscmd"] : [])],
    deprecatedSince: deprecated?.since ?? null,
    hasReplacement: (deprecated?.replacedBy ?? "") !== "",
    changedIn: (history ?? []).map(([since]) => since),
  };
}

function deprecate(history: PlainHistory, since: string): void {
  history.docFlags.push("deprecated");
  history.deprecatedSince = since;
  history.hasReplacement = true;
}

function ownFacts(command: CommandFacts & Command): PlainFacts {
  return {
    arity: command.arity,
    flags: [...command.flags].sort(),
    categories: categoriesOf(command).map((category) => `@${category}`),
    tips: [...(command.tips ?? [])].sort(),
    keySpecs: command.keySpecs.map(plainKeySpec),
    since: command.since,
    group: command.group,
    arguments: command.arguments.map(plainArgument),
  };
}

function plainKeySpec(spec: KeySpec): unknown {
  const begin = spec.beginSearch;
  const find = spec.findKeys;
  return {
    flags: [...spec.flags].sort(),
    begin:
      begin.kind === "keyword"
        ? { kind: "keyword", keyword: begin.keyword, startfrom: begin.startFrom }
        : { ...begin },
    find: plainFind(find),
  };
}

function plainFind(find: KeySpec["findKeys"]): unknown {
  if (find.kind === "range") {
    return { kind: "range", lastkey: find.lastKey, keystep: find.step, limit: find.limit };
  }
  if (find.kind === "unknown") return { kind: "unknown" };
  return { kind: "keynum", keynumidx: find.keyNumberIndex, firstkey: find.firstKey, keystep: find.step };
}

function plainArgument(spec: ArgumentSpec): PlainArgument {
  const flags: string[] = [];
  if (spec.optional === true) flags.push("optional");
  if (spec.multiple === true) flags.push("multiple");
  if (spec.multipleToken === true) flags.push("multiple_token");
  return {
    name: spec.name,
    type: spec.type,
    ...(spec.token === undefined ? {} : { token: spec.token }),
    ...(spec.since === undefined ? {} : { since: spec.since }),
    flags,
    arguments: (spec.arguments ?? []).map(plainArgument),
  };
}

async function factsOfRedis(path: string, fullName: string): Promise<PlainFacts> {
  const server = await SocketTarget.connect("redis-server", { path });
  const [infos, allDocs] = await server.exchange([
    ["COMMAND", "INFO", fullName],
    ["COMMAND", "DOCS", fullName],
  ]);
  await server.close();
  const [, arity, flags, , , , categories, tips, keySpecs] = elements(elements(infos)[0]);
  const docs = record(elements(allDocs)[1]);
  return {
    arity: Number(integerOf(arity ?? "")),
    flags: texts(flags).sort(),
    categories: texts(categories),
    tips: texts(tips).sort(),
    keySpecs: elements(keySpecs).map(keySpecOfRedis),
    since: text(docs["since"]),
    group: text(docs["group"]),
    arguments: elements(docs["arguments"]).map(argumentOfRedis),
  };
}

/** By full name, of those commands that redis-server has. */
async function historiesOfRedis(path: string, names: readonly string[]): Promise<Map<string, PlainHistory>> {
  const server = await SocketTarget.connect("redis-server", { path });
  const [allDocs] = await server.exchange([["COMMAND", "DOCS", ...names]]);
  await server.close();
  const histories = Object.entries(record(allDocs)).map(([name, reply]): [string, PlainHistory] => {
    const docs = record(reply);
    const deprecatedSince = docs["deprecated_since"];
    return [
      name,
      {
        docFlags: texts(docs["doc_flags"]),
        deprecatedSince: deprecatedSince === undefined ? null : text(deprecatedSince),
        hasReplacement: text(docs["replaced_by"]) !== "",
        changedIn: elements(docs["history"]).map((change) => text(elements(change)[0])),
      },
    ];
  });
  return new Map(histories);
}

function keySpecOfRedis(reply: string): unknown {
  const spec = record(reply);
  return {
    flags: texts(spec["flags"]).sort(),
    begin: searchOfRedis(spec["begin_search"]),
    find: searchOfRedis(spec["find_keys"]),
  };
}

function searchOfRedis(reply: string | undefined): unknown {
  const search = record(reply);
  const details = Object.entries(record(search["spec"])).map(([name, value]) => {
    const number = integerOf(value);
    return [name, number === null ? text(value) : Number(number)];
  });
  return { kind: text(search["type"]), ...Object.fromEntries(details) };
}

function argumentOfRedis(reply: string): PlainArgument {
  const spec = record(reply);
  return {
    name: text(spec["name"]),
    type: text(spec["type"]),
    ...(spec["token"] === undefined ? {} : { token: text(spec["token"]) }),
    ...(spec["since"] === undefined ? {} : { since: text(spec["since"]) }),
    flags: texts(spec["flags"]),
    arguments: elements(spec["arguments"]).map(argumentOfRedis),
  };
}

function renameFirst(specs: PlainArgument[], from: string, to: string): void {
  const spec = specs.find((candidate) => candidate.name === from);
  if (spec !== undefined) spec.name = to;
}

function elements(reply: string | undefined): readonly string[] {
  return elementsOf(reply ?? "") ?? [];
}

function texts(reply: string | undefined): string[] {
  return elements(reply).map(text);
}

/** The text of a bulk or simple string. */
function text(reply: string | undefined): string {
  return bulkOf(reply ?? "") ?? (reply ?? "").slice(1, -2);
}

/** Names and values in turn, as RESP2 gives a map. */
function record(reply: string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  const parts = elements(reply);
  for (let at = 0; at + 1 < parts.length; at += 2) found[text(parts[at])] = parts[at + 1] ?? "";
  return found;
}
