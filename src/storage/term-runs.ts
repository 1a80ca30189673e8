// The terms of a log's entries, as runs: a term covers thousands of entries, so one pair of numbers a term is enough.

import { assert } from "../base/assert.ts";
import type { LogIndex, Term } from "../raft/types.ts";

export class TermRuns {
  /** First index of each run, ascending; the first one stands for the entry before the log. */
  readonly #firsts: LogIndex[];
  readonly #terms: Term[];

  constructor(index: LogIndex, term: Term) {
    this.#firsts = [index];
    this.#terms = [term];
  }

  /** Notes the term of the next entry. */
  push(index: LogIndex, term: Term): void {
    const last = this.#terms[this.#terms.length - 1] as Term;
    if (term === last) return;
    assert(term > last, "terms that never go back along the log");
    this.#firsts.push(index);
    this.#terms.push(term);
  }

  /** Forgets the entries after `index`. */
  truncateAfter(index: LogIndex): void {
    let length = this.#firsts.length;
    while (length > 1 && (this.#firsts[length - 1] as LogIndex) > index) length--;
    this.#firsts.length = length;
    this.#terms.length = length;
  }

  /** O(1) in the newest term, else O(log terms). */
  termAt(index: LogIndex): Term {
    let low = 0;
    let high = this.#firsts.length - 1;
    if (index >= (this.#firsts[high] as LogIndex)) return this.#terms[high] as Term;
    // The run is in [low, high).
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if ((this.#firsts[middle] as LogIndex) <= index) low = middle;
      else high = middle;
    }
    return this.#terms[low] as Term;
  }
}
