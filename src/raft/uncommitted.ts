// Counts the bytes of a leader's own proposals that are not committed yet, so that it can refuse more of them. One
// running total per index in a ring: O(1) a proposal and O(1) a commit, however many entries the commit covers.

import type { LogIndex } from "./types.ts";

const initialCapacity = 1024; // a power of two, as every capacity here

export class UncommittedBytes {
  /** `totals[index & mask]`: bytes proposed in this term up to and with `index`, for indexes not committed yet. */
  #totals = new Float64Array(initialCapacity);
  #firstIndex: LogIndex = 1;
  #lastIndex: LogIndex = 0;
  #proposedBytes = 0;
  #committedBytes = 0;

  get bytes(): number {
    return this.#proposedBytes - this.#committedBytes;
  }

  /** Starts a term in which nothing has been proposed; the next proposal is `lastIndex + 1`. */
  reset(lastIndex: LogIndex): void {
    this.#firstIndex = lastIndex + 1;
    this.#lastIndex = lastIndex;
    this.#proposedBytes = 0;
    this.#committedBytes = 0;
  }

  proposed(index: LogIndex, sizeBytes: number): void {
    if (index - this.#firstIndex >= this.#totals.length) this.#grow();
    this.#proposedBytes += sizeBytes;
    this.#totals[index & (this.#totals.length - 1)] = this.#proposedBytes;
    this.#lastIndex = index;
  }

  committed(index: LogIndex): void {
    if (index < this.#firstIndex) return;
    this.#committedBytes = this.#totals[index & (this.#totals.length - 1)] ?? 0;
    this.#firstIndex = index + 1;
  }

  #grow(): void {
    const grown = new Float64Array(this.#totals.length * 2);
    for (let index = this.#firstIndex; index <= this.#lastIndex; index++) {
      grown[index & (grown.length - 1)] = this.#totals[index & (this.#totals.length - 1)] ?? 0;
    }
    this.#totals = grown;
  }
}
