// vlot's command layer without server, log and cluster: table, handlers, keyspace and reply encoder. Each command is an
// entry of its own, stamped with the time of the exchange.

import { byteStringOf } from "../../src/base/byte-strings.ts";
import { SeededRandom } from "../../src/base/random.ts";
import type { DataContext } from "../../src/commands/context.ts";
import { CommandTable } from "../../src/commands/table.ts";
import { databaseCount, Keyspace } from "../../src/keyspace/keyspace.ts";
import { errors } from "../../src/resp/errors.ts";
import { ReplyBuffer } from "../../src/resp/reply-buffer.ts";
import type { Args, Target } from "./target.ts";

export class InProcessTarget implements Target {
  readonly name = "vlot";
  readonly #table = new CommandTable();
  readonly #keyspace = new Keyspace(databaseCount);
  readonly #reply = new ReplyBuffer();
  readonly #random = new SeededRandom(1);
  #dbIndex = 0;

  /** Lookups so far that found their key, and that did not. */
  get hitsAndMisses(): number[] {
    const { hits, misses } = this.#keyspace.counters;
    return [hits, misses];
  }

  exchange(commands: readonly Args[]): Promise<readonly string[]> {
    return Promise.resolve(commands.map((args) => this.run(args)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  run(args: Args): string {
    // The two commands about the connection that the tester itself sends.
    const name = args[0]?.toLowerCase();
    if (name === "select") this.#select(args[1] ?? "");
    else if (name === "hello") {
      this.#reply.protocol = args[1] === "3" ? 3 : 2;
      this.#reply.ok();
    } else this.#runData(args);
    return byteStringOf(this.#reply.takeAll());
  }

  #select(index: string): void {
    const dbIndex = Number(index);
    if (!(dbIndex >= 0 && dbIndex < databaseCount)) return this.#reply.error(errors.databaseOutOfRange);
    this.#dbIndex = dbIndex;
    this.#reply.ok();
  }

  #runData(args: Args): void {
    this.#keyspace.beginEntry(Date.now());
    const found = this.#table.lookup(args);
    if (found.kind === "error") return this.#reply.error(found.text);
    if (found.command.scope !== "data") throw new Error(`no data command: ${found.fullName}`);
    const context: DataContext = {
      reply: this.#reply,
      keyspace: this.#keyspace,
      db: this.#keyspace.db(this.#dbIndex),
      dbIndex: this.#dbIndex,
      nowMs: this.#keyspace.clockMs,
      random: this.#random,
    };
    found.command.run(context, args);
  }
}
