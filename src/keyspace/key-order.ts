// The keys of a database in the order of their creation: what SCAN, RANDOMKEY and every ordered walk go by. Knows
// sequence numbers and nothing else of a key.
//
//   froms    1           9           20                 a lower bound of each chunk's sequences
//   chunks   [ 1 2 4 5 ] [ 9 11 12 ] [ 20 21 22 … ]     arrays of entries, ascending by sequence
//
// A new key has the highest sequence and goes to the last chunk. A removal finds its chunk by binary search and its place
// there by identity: comparing up to 512 pointers that lie side by side takes less time than nine sequences read from
// entries anywhere in memory. A chunk that has shrunk joins a neighbour when both fit into half a chunk, so two neighbours
// always hold more than half a chunk together: chunks are about a quarter full at worst, which bounds both the memory and
// the tries of `random`.

import { assert } from "../base/assert.ts";
import type { Random } from "../base/random.ts";
import type { KeyEntry } from "./key-entry.ts";

const chunkLengthMax = 512;

export class KeyOrder {
  readonly #chunks: KeyEntry[][] = [];
  /** Above all sequences of the chunk before. */
  readonly #froms: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds `entry`, whose sequence is above all others. O(1). */
  append(entry: KeyEntry): void {
    this.#size += 1;
    const last = this.#chunks[this.#chunks.length - 1];
    if (last !== undefined && last.length < chunkLengthMax) {
      last.push(entry);
    } else {
      this.#chunks.push([entry]);
      this.#froms.push(entry.sequence);
    }
  }

  /** Takes out `entry`, which is inside. O(log n). */
  delete(entry: KeyEntry): void {
    const chunkIndex = this.#chunkOf(entry.sequence);
    const chunk = this.#chunks[chunkIndex] ?? [];
    const place = chunk.indexOf(entry);
    assert(place >= 0, "a removed key is in the order");
    chunk.splice(place, 1);
    this.#size -= 1;
    this.#mergeWithNext(chunkIndex);
    this.#mergeWithNext(chunkIndex - 1);
  }

  /** An entry drawn evenly; undefined when there is none. */
  random(random: Random): KeyEntry | undefined {
    const chunks = this.#chunks;
    if (this.#size === 0) return undefined;
    if (chunks.length === 1) return chunks[0]?.[random.below(this.#size)];
    // A place in an imagined grid of full chunks, drawn until it is taken: even over entries, four tries on average at worst.
    for (;;) {
      const cell = random.below(chunks.length * chunkLengthMax);
      const entry = chunks[Math.floor(cell / chunkLengthMax)]?.[cell % chunkLengthMax];
      if (entry !== undefined) return entry;
    }
  }

  /** All entries, oldest first. The order must not change meanwhile. */
  *ascending(): Generator<KeyEntry, void, undefined> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  /** The entries with a sequence of at most `sequence`, newest first. The order must not change meanwhile. */
  *descendingFrom(sequence: number): Generator<KeyEntry, void, undefined> {
    const chunkIndex = this.#chunkOf(sequence);
    for (let index = chunkIndex; index >= 0; index--) {
      const chunk = this.#chunks[index] ?? [];
      let place = index === chunkIndex ? placeOf(chunk, sequence) : chunk.length - 1;
      for (; place >= 0; place--) {
        const entry = chunk[place];
        if (entry !== undefined) yield entry;
      }
    }
  }

  /** Index of the chunk that holds `sequence` if any does; -1 when it is below all. */
  #chunkOf(sequence: number): number {
    const froms = this.#froms;
    let low = 0;
    let high = froms.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((froms[middle] ?? 0) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Joins a chunk and the next when they are small enough; there may be neither. */
  #mergeWithNext(chunkIndex: number): void {
    const chunk = this.#chunks[chunkIndex];
    const next = this.#chunks[chunkIndex + 1];
    if (chunk === undefined || next === undefined) return;
    if (chunk.length + next.length > chunkLengthMax / 2) return;
    for (const entry of next) chunk.push(entry);
    this.#chunks.splice(chunkIndex + 1, 1);
    this.#froms.splice(chunkIndex + 1, 1);
  }
}

/** The place of the highest sequence of at most `sequence`; -1 when all are above. */
function placeOf(entries: readonly KeyEntry[], sequence: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && entry.sequence <= sequence) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
