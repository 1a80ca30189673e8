// The log as the core sees it: what the node has stored (`LogView`) followed by the tail, entries accepted here that no
// Ready has handed out yet. An overwritten suffix disappears from view at once, although the stored log still holds it
// until the node has handled the Ready with the entries that replace it:
//
//      firstIndex                         tailFirst          lastIndex
//          |  stored by the node              |  the tail        |
//          [==================|===============)[=================]
//                        stableIndex           next Ready's entries
//
// The bytes of entries stay outside; of sizes the core only knows what `entrySizeBytes` says.

import { assert } from "../base/assert.ts";
import type { Entry, LogIndex, LogView, Term } from "./types.ts";

/** What an entry costs besides its record, for the limits on bytes: its header and bookkeeping, roughly. */
const entryOverheadBytes = 64;

/** Bytes that `entry` counts for in every limit on sizes. */
export function entrySizeBytes(entry: Entry): number {
  return entryOverheadBytes + (entry.record === null ? 0 : entry.record.byteLength);
}

/** The stored log and the tail behind it, as one. */
export class RaftLog {
  readonly #view: LogView;
  #tail: Entry[] = [];
  #handedOut: Entry[] = [];
  #tailFirst: LogIndex;
  #lastIndex: LogIndex;
  #lastTerm: Term;
  #lastStampMs: number;
  #stableIndex: LogIndex;

  /** Everything in `view` is on disk. */
  constructor(view: LogView) {
    this.#view = view;
    this.#lastIndex = view.lastIndex;
    this.#lastTerm = view.termAt(view.lastIndex);
    this.#lastStampMs = view.lastStampMs;
    this.#tailFirst = view.lastIndex + 1;
    this.#stableIndex = view.lastIndex;
  }

  get firstIndex(): LogIndex {
    return this.#view.firstIndex;
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  get lastTerm(): Term {
    return this.#lastTerm;
  }

  /** Stamp of the last entry; the next one's is at least that. */
  get lastStampMs(): number {
    return this.#lastStampMs;
  }

  /** Everything up to here is on this node's disk, as far as the core was told. */
  get stableIndex(): LogIndex {
    return this.#stableIndex;
  }

  get hasTail(): boolean {
    return this.#tail.length > 0;
  }

  /** Term of the entry at `index`, in `[firstIndex - 1, lastIndex]`. */
  termAt(index: LogIndex): Term {
    if (index === this.#lastIndex) return this.#lastTerm;
    assert(
      index >= this.#view.firstIndex - 1 && index < this.#lastIndex,
      "a term is asked for inside the log",
    );
    return index < this.#tailFirst ? this.#view.termAt(index) : this.#tailEntry(index).term;
  }

  /** Whether the log holds an entry (or the snapshot's last one) at `index`, of `term`. */
  matches(index: LogIndex, term: Term): boolean {
    return index >= this.#view.firstIndex - 1 && index <= this.#lastIndex && this.termAt(index) === term;
  }

  /**
   * The greatest index up to `index` whose term is at most `term`; `firstIndex - 2` if there is none in the log.
   * O(log n): terms never go down along a log.
   */
  lastIndexOfTermAtMost(index: LogIndex, term: Term): LogIndex {
    let low = this.#view.firstIndex - 2; // the answer is in [low, high]
    let high = Math.min(index, this.#lastIndex);
    while (low < high) {
      const middle = high - Math.floor((high - low) / 2);
      if (this.termAt(middle) <= term) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** As `LogView.lastIndexWithin`, but may stop where the stored part ends, for `from` in `[firstIndex, lastIndex]`. */
  lastIndexWithin(from: LogIndex, sizeBytesMax: number): LogIndex {
    if (from < this.#tailFirst)
      return Math.min(this.#view.lastIndexWithin(from, sizeBytesMax), this.#tailFirst - 1);
    let index = from;
    let sizeBytes = entrySizeBytes(this.#tailEntry(from));
    while (index < this.#lastIndex) {
      sizeBytes += entrySizeBytes(this.#tailEntry(index + 1));
      if (sizeBytes > sizeBytesMax) break;
      index++;
    }
    return index;
  }

  append(entry: Entry): void {
    assert(entry.index === this.#lastIndex + 1, "an entry is appended right behind the last one");
    assert(entry.term >= this.#lastTerm, "terms never go down along the log");
    this.#tail.push(entry);
    this.#lastIndex = entry.index;
    this.#lastTerm = entry.term;
    this.#lastStampMs = entry.stampMs;
  }

  /** Drops the entries from `index` on, in `[firstIndex, lastIndex]`; the caller appends others in their place at once. */
  truncateFrom(index: LogIndex): void {
    assert(index >= this.#view.firstIndex && index <= this.#lastIndex, "only entries of the log are dropped");
    const term = this.termAt(index - 1);
    if (index >= this.#tailFirst) {
      this.#tail.length = index - this.#tailFirst;
    } else {
      this.#tail.length = 0;
      this.#tailFirst = index;
    }
    this.#lastIndex = index - 1;
    this.#lastTerm = term;
    if (this.#stableIndex >= index) this.#stableIndex = index - 1;
  }

  /** Takes note that a sync covered everything up to `index`; false if it is no news or that entry is gone meanwhile. */
  markStable(index: LogIndex, term: Term): boolean {
    if (index <= this.#stableIndex || index >= this.#tailFirst || this.termAt(index) !== term) return false;
    this.#stableIndex = index;
    return true;
  }

  /** Hands the tail over to the node, which stores it before it calls the core again. The array is reused two calls later. */
  takeTail(): readonly Entry[] {
    const taken = this.#tail;
    const next = this.#handedOut;
    next.length = 0;
    this.#tail = next;
    this.#handedOut = taken;
    this.#tailFirst = this.#lastIndex + 1;
    return taken;
  }

  #tailEntry(index: LogIndex): Entry {
    const entry = this.#tail[index - this.#tailFirst];
    assert(entry !== undefined, "the tail is contiguous up to the last index");
    return entry;
  }
}
