// The replicated state machine: the keyspace, and the one way in which committed entries change it. Every replica comes
// through `run`, with the entry's stamp for time and randomness seeded from the entry's position, so the same log gives
// the same state bit for bit. It knows no clients: whoever wants a reply says where it goes.

import { assert } from "../base/assert.ts";
import { type Random, SeededRandom } from "../base/random.ts";
import type { DataCommand } from "../commands/command.ts";
import type { DataContext } from "../commands/context.ts";
import { type CommandTable } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import { databaseCount, Keyspace } from "../keyspace/keyspace.ts";
import type { LogIndex } from "../raft/types.ts";
import { noReply } from "../resp/no-reply.ts";
import type { Reply } from "../resp/reply.ts";
import { batchProblem, forEachCommand, type MayBeLogged } from "./batch.ts";

export class StateMachine {
  readonly keyspace: Keyspace;
  /** Index of the newest applied entry. */
  appliedIndex: LogIndex = 0;
  readonly #commands: CommandTable;
  readonly #context: ReusedContext;

  constructor(commands: CommandTable) {
    this.keyspace = new Keyspace(databaseCount);
    this.#commands = commands;
    this.#context = new ReusedContext(this.keyspace);
  }

  /** Starts the entry at `index`: moves the replicated clock, which expires what is due. */
  beginEntry(index: LogIndex, stampMs: number): void {
    assert(index === this.appliedIndex + 1, "entries applied in order, each once");
    this.appliedIndex = index;
    this.keyspace.beginEntry(stampMs);
    this.#context.beginEntry(index);
  }

  /** Runs every command of the entry begun last, from its body; nobody here waits for the replies. */
  runBody(body: Uint8Array): void {
    forEachCommand(body, this.#runLogged);
  }

  /** Why the body of a `command` entry could not be executed here, null when it could: see `batchProblem`. */
  bodyProblem(body: Uint8Array): string | null {
    return batchProblem(body, this.#mayBeLogged);
  }

  /** Runs one command of the entry begun last. */
  run(command: DataCommand, args: readonly string[], dbIndex: number, reply: Reply): void {
    const context = this.#context;
    this.keyspace.beginCommand();
    context.beginCommand(dbIndex, reply);
    command.run(context, args);
  }

  /** Runs a read on the applied state; `nowMs` is the wall clock, used for remaining times only. */
  read(command: DataCommand, args: readonly string[], dbIndex: number, options: ReadOptions): void {
    const context = this.#context;
    this.keyspace.beginRead(options.nowMs, options.noTouch);
    context.beginRead(dbIndex, options.reply, Math.max(options.nowMs, this.keyspace.clockMs));
    command.run(context, args);
  }

  readonly #mayBeLogged: MayBeLogged = (dbIndex, name, subname, argumentCount) =>
    dbIndex < databaseCount && this.#commands.isWrite(name, subname, argumentCount);

  readonly #runLogged = (dbIndex: number, args: string[]): void => {
    const found = this.#commands.lookup(args);
    assert(
      found.kind === "command" && found.command.scope === "data",
      `the logged command ${args[0]} known here`,
    );
    this.run(found.command, args, dbIndex, noReply);
  };
}

export interface ReadOptions {
  readonly reply: Reply;
  readonly nowMs: number;
  /** Keys that are read are not noted as accessed. */
  readonly noTouch?: boolean;
}

/** One object for all commands, filled anew for each. Its random numbers are seeded only when a command asks for them. */
class ReusedContext implements DataContext {
  readonly keyspace: Keyspace;
  reply: Reply = noReply;
  db: Database;
  dbIndex = 0;
  nowMs = 0;
  #index: LogIndex = 0;
  /** Place of the running command among those of its entry. Reads must not move it: only the leader runs them. */
  #ordinal = 0;
  #reads = 0;
  #seed = 0;
  #seeded = false;
  readonly #random = new SeededRandom(0);

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.db = keyspace.db(0);
  }

  get random(): Random {
    if (!this.#seeded) {
      this.#random.reseed(this.#seed);
      this.#seeded = true;
    }
    return this.#random;
  }

  beginEntry(index: LogIndex): void {
    this.#index = index;
    this.#ordinal = 0;
  }

  beginCommand(dbIndex: number, reply: Reply): void {
    // Distinct for every command: entries hold far fewer than 2^20 commands, logs fewer than 2^33 entries.
    this.#seed = this.#index * 0x10_0000 + this.#ordinal++;
    this.#seeded = false;
    this.#select(dbIndex, reply);
    this.nowMs = this.keyspace.clockMs;
  }

  beginRead(dbIndex: number, reply: Reply, nowMs: number): void {
    this.#seed = -this.#index * 0x10_0000 - this.#reads++;
    this.#seeded = false;
    this.#select(dbIndex, reply);
    this.nowMs = nowMs;
  }

  #select(dbIndex: number, reply: Reply): void {
    this.reply = reply;
    this.dbIndex = dbIndex;
    this.db = this.keyspace.db(dbIndex);
  }
}
