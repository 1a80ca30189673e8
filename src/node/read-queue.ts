// Linearizable reads on their way (dissertation §6.4). All reads of a turn share one round: it is confirmed once a
// majority has answered a message sent after they arrived, and they are answered when the state has reached the index
// that was committed then. Rounds are confirmed in order, so the queue is a plain list.

import type { LogIndex } from "../raft/types.ts";
import type { Request } from "./request.ts";

/** The reads of one turn: answerable when `round` is confirmed and `index` applied. */
export class ReadBatch {
  readonly round: number;
  readonly index: LogIndex;
  readonly requests: readonly Request[];
  /** No entry can be written that would move the clock: keys whose deadline has passed are neither there nor gone. */
  readonly clockStands: boolean;
  /** What the wall clock showed when they arrived, in milliseconds since 1970. */
  readonly arrivedMs: number;

  constructor(
    round: number,
    index: LogIndex,
    requests: readonly Request[],
    time: { readonly arrivedMs: number; readonly clockStands: boolean } = {
      arrivedMs: 0,
      clockStands: false,
    },
  ) {
    this.round = round;
    this.index = index;
    this.requests = requests;
    this.clockStands = time.clockStands;
    this.arrivedMs = time.arrivedMs;
  }
}

/** Oldest round first. */
export class ReadQueue {
  #batches: ReadBatch[] = [];

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  push(batch: ReadBatch): void {
    this.#batches.push(batch);
  }

  /** Takes out the oldest batch if it may be answered now; null when there is none. */
  takeAnswerable(confirmedRound: number, appliedIndex: LogIndex): ReadBatch | null {
    const batch = this.#batches[0];
    if (batch === undefined || batch.round > confirmedRound || batch.index > appliedIndex) return null;
    // A handful of rounds is under way at most, so shifting is cheap.
    this.#batches.shift();
    return batch;
  }

  /** Puts back what `takeAnswerable` gave: it is the oldest again. */
  putBack(batch: ReadBatch): void {
    this.#batches.unshift(batch);
  }

  /** Takes out the batches that wait for more than `index`, and those before them: the last of them comes last. */
  takeBeyond(index: LogIndex): ReadBatch[] {
    return this.#batches.splice(0, this.#batches.findLastIndex((batch) => batch.index > index) + 1);
  }

  takeAll(): ReadBatch[] {
    const all = this.#batches;
    this.#batches = [];
    return all;
  }
}
