// Runs data commands on a keyspace of their own, each as one log entry at the harness' time, and shows the replies as
// redis-cli would:
//
//     const h = new CommandHarness(stringCommands);
//     h.run("SET k v PX 100");        // OK
//     h.nowMs += 100;
//     h.run("GET k");                 // (nil)
//     h.runArgs(["SET", "a b", "\x00"]);
//
// The generic key commands are always there; a family's tests hand in the family's array.

import { assert } from "../../src/base/assert.ts";
import { SeededRandom } from "../../src/base/random.ts";
import type { Command, DataCommand } from "../../src/commands/command.ts";
import type { DataContext } from "../../src/commands/context.ts";
import { databaseCommands } from "../../src/commands/keys/databases.ts";
import { expiryCommands } from "../../src/commands/keys/expiry.ts";
import { iterationCommands } from "../../src/commands/keys/iteration.ts";
import { objectCommands } from "../../src/commands/keys/object.ts";
import { presenceCommands } from "../../src/commands/keys/presence.ts";
import { relocationCommands } from "../../src/commands/keys/relocation.ts";
import { timeToLiveCommands } from "../../src/commands/keys/time-to-live.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { type RecordedReply, ReplyRecorder, replyText } from "./reply-recorder.ts";

const keyFamilies = [
  databaseCommands,
  expiryCommands,
  iterationCommands,
  objectCommands,
  presenceCommands,
  relocationCommands,
  timeToLiveCommands,
];

/** Where the harness' clock starts: 2023-11-14T22:13:20Z. */
export const startMs = 1_700_000_000_000;

export class CommandHarness {
  readonly keyspace = new Keyspace(16);
  /** Time of the next command; may be set to anything. */
  nowMs = startMs;
  dbIndex = 0;
  protocol: 2 | 3 = 2;
  readonly #random = new SeededRandom(1);
  readonly #commands = new Map<string, Command>();

  constructor(...families: readonly (readonly Command[])[]) {
    for (const command of [...keyFamilies, ...families].flat()) this.#commands.set(command.name, command);
  }

  /** Runs one line, split at spaces; "…" and '…' quote as in redis-cli, with \n \r \t \a \b \\ \" \xHH inside "…". */
  run(line: string): string {
    return this.runArgs(splitLine(line));
  }

  runArgs(args: readonly string[]): string {
    return replyText(this.replyTo(args), this.protocol);
  }

  /** The reply itself, for tests that ask for its kind. */
  replyTo(args: readonly string[]): RecordedReply {
    const reply = new ReplyRecorder(this.protocol);
    this.keyspace.beginEntry(this.nowMs);
    const command = this.#resolve(args);
    if (typeof command === "string") reply.error(command);
    else command.run(this.#context(reply), args);
    return reply.only;
  }

  #context(reply: ReplyRecorder): DataContext {
    return {
      reply,
      keyspace: this.keyspace,
      db: this.keyspace.db(this.dbIndex),
      dbIndex: this.dbIndex,
      nowMs: this.keyspace.clockMs,
      random: this.#random,
    };
  }

  /** The command that `args` name, or the error of a bad count of arguments. */
  #resolve(args: readonly string[]): DataCommand | string {
    let command = this.#commands.get(args[0]?.toLowerCase() ?? "");
    assert(command !== undefined, `a command the harness knows: ${args[0]}`);
    let fullName: string = command.name;
    if (command.scope === "container") {
      const name = args[1]?.toLowerCase();
      if (name === undefined) return wrongArity(fullName);
      const subcommand: Command | undefined = command.subcommands.find(
        (candidate) => candidate.name === name,
      );
      if (subcommand === undefined) {
        return `ERR unknown subcommand '${args[1]}'. Try ${fullName.toUpperCase()} HELP.`;
      }
      command = subcommand;
      fullName = `${fullName}|${name}`;
    }
    assert(command.scope === "data", "a data command");
    const fits = command.arity < 0 ? args.length >= -command.arity : args.length === command.arity;
    return fits ? command : wrongArity(fullName);
  }
}

/** A harness whose database 0 has keys of these names, each holding "v". */
export function harnessWith(...names: readonly string[]): CommandHarness {
  const harness = new CommandHarness();
  harness.keyspace.beginEntry(harness.nowMs);
  for (const name of names) harness.keyspace.db(0).set(name, "v");
  return harness;
}

function wrongArity(fullName: string): string {
  return `ERR wrong number of arguments for '${fullName}' command`;
}

const wordPattern = /"((?:\\.|[^"\\])*)"|'([^']*)'|(\S+)/gs;

/** A line as redis-cli splits it into arguments. */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  for (const [, inDouble, inSingle, plain] of line.matchAll(wordPattern)) {
    words.push(inDouble === undefined ? (inSingle ?? plain ?? "") : unescaped(inDouble));
  }
  return words;
}

const escaped: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b" };

function unescaped(text: string): string {
  return text.replace(/\\(x([0-9a-fA-F]{2})|.)/gs, (_match, char: string, hex: string | undefined) => {
    return hex === undefined ? (escaped[char] ?? char) : String.fromCharCode(parseInt(hex, 16));
  });
}
