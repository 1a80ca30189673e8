// Runs data commands on a keyspace of their own, each as one log entry at the harness' time, and shows the replies as
// redis-cli would:
//
//     const h = new CommandHarness();
//     h.run("SET k v PX 100");        // OK
//     h.nowMs += 100;
//     h.run("GET k");                 // (nil)
//     h.runArgs(["SET", "a b", "\x00"]);

import { assert } from "../../src/base/assert.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { splitArguments } from "../../src/base/split-arguments.ts";
import type { DataContext } from "../../src/commands/context.ts";
import { CommandTable } from "../../src/commands/table.ts";
import { databaseCount, Keyspace } from "../../src/keyspace/keyspace.ts";
import { type RecordedReply, ReplyRecorder, replyText } from "./reply-recorder.ts";

const table = new CommandTable();

/** Where the harness' clock starts: 2023-11-14T22:13:20Z. */
export const startMs = 1_700_000_000_000;

export class CommandHarness {
  readonly keyspace = new Keyspace(databaseCount);
  /** Time of the next command; may be set to anything. */
  nowMs = startMs;
  dbIndex = 0;
  protocol: 2 | 3 = 2;
  readonly #random = new SeededRandom(1);

  /** Runs one line, split and unquoted as redis-cli does. */
  run(line: string): string {
    const args = splitArguments(line);
    assert(args !== null, "a line with balanced quotes");
    return this.runArgs(args);
  }

  runArgs(args: readonly string[]): string {
    return replyText(this.replyTo(args), this.protocol);
  }

  /** The reply itself, for tests that ask for its kind. */
  replyTo(args: readonly string[]): RecordedReply {
    const reply = new ReplyRecorder(this.protocol);
    this.keyspace.beginEntry(this.nowMs);
    assert(table.find(args[0] ?? "") !== undefined, `a command that there is: ${args[0]}`);
    const found = table.lookup(args);
    if (found.kind === "error") {
      reply.error(found.text);
    } else {
      assert(found.command.scope === "data", "a data command");
      found.command.run(this.#context(reply), args);
    }
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
}

/** A harness whose database 0 has keys of these names, each holding "v". */
export function harnessWith(...names: readonly string[]): CommandHarness {
  const harness = new CommandHarness();
  harness.keyspace.beginEntry(harness.nowMs);
  for (const name of names) harness.keyspace.db(0).set(name, "v");
  return harness;
}
