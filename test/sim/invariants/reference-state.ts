// The state that the committed log of a cluster gives, replayed from empty as its entries commit, by the code that every
// follower runs. Each replica is compared with it at the place in the log that it has come to, in every life. It also
// counts the commands that are committed: no client may be told that one is done more often than that.
//
// A digest costs as much as there is data, so with more data fewer places are compared: O(1) an entry, amortised.

import type { CommandTable } from "../../../src/commands/table.ts";
import { forEachCommand } from "../../../src/node/batch.ts";
import { StateMachine } from "../../../src/node/state-machine.ts";
import type { LogIndex } from "../../../src/raft/types.ts";
import type { Log } from "../../../src/storage/log.ts";
import { LogDamagedError } from "../../../src/storage/errors.ts";
import { Violation } from "./violation.ts";

/** Keys for which every place is compared; with twice as many, every second one. */
const keysPerComparison = 32;

export class ReferenceState {
  readonly machine: StateMachine;
  /** By index: digests of the places that were compared. */
  readonly #digests = new Map<LogIndex, string>();
  readonly #committed = new Map<string, number>();
  readonly #claimed = new Map<string, number>();
  comparisons = 0;

  constructor(commands: CommandTable) {
    this.machine = new StateMachine(commands);
  }

  /** All entries of `log` up to `committedIndex` are committed. */
  advance(log: Log, committedIndex: LogIndex): void {
    const { machine } = this;
    try {
      while (machine.appliedIndex < committedIndex && machine.appliedIndex + 1 >= log.firstIndex) {
        const index = machine.appliedIndex + 1;
        const { kind, stampMs } = log.entry(index);
        const body = log.body(index);
        machine.beginEntry(index, stampMs);
        if (kind === "command") this.#run(body);
        this.#digestIfDue();
      }
    } catch (error) {
      // Another log holds it whole.
      if (!(error instanceof LogDamagedError)) throw error;
    }
  }

  /** A replica on `where` has come to the place where `machine` is. */
  compare(machine: StateMachine, where: string): void {
    const index = machine.appliedIndex;
    const known = this.#digests.get(index);
    if (known === undefined) return;
    this.comparisons++;
    if (machine.keyspace.digest() === known) return;
    throw new Violation(8, `${where} has another state after entry ${index} than the log gives`);
  }

  /** The same, wherever the replica is; the reference must have come exactly that far. */
  compareAtRest(machine: StateMachine, where: string): void {
    this.#digests.set(this.machine.appliedIndex, this.machine.keyspace.digest());
    if (machine.appliedIndex !== this.machine.appliedIndex)
      throw new Violation(
        8,
        `${where} rests at entry ${machine.appliedIndex}, not ${this.machine.appliedIndex}`,
      );
    this.compare(machine, where);
  }

  /** A client is told that the command `args` was executed. */
  claim(args: readonly string[], where: string): void {
    const text = textOf(args);
    const claimed = (this.#claimed.get(text) ?? 0) + 1;
    this.#claimed.set(text, claimed);
    if (claimed <= (this.#committed.get(text) ?? 0)) return;
    throw new Violation(
      7,
      `${where} acknowledges ${args.join(" ")}, which is in no committed entry that often`,
    );
  }

  #run(body: Uint8Array): void {
    forEachCommand(body, (_dbIndex, args) => {
      const text = textOf(args);
      this.#committed.set(text, (this.#committed.get(text) ?? 0) + 1);
    });
    this.machine.runBody(body);
  }

  #digestIfDue(): void {
    const { appliedIndex, keyspace } = this.machine;
    let size = 0;
    for (const database of keyspace.databases) size += database.size;
    if (appliedIndex % (1 + Math.floor(size / keysPerComparison)) !== 0) return;
    this.#digests.set(appliedIndex, keyspace.digest());
  }
}

function textOf(args: readonly string[]): string {
  return args.join("\0");
}
