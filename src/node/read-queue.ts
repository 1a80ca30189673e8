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

  constructor(round: number, index: LogIndex, requests: readonly Request[]) {
    this.round = round;
    this.index = index;
    this.requests = requests;
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

  takeAll(): ReadBatch[] {
    const all = this.#batches;
    this.#batches = [];
    return all;
  }
}
