// The same bytes as a connection may deliver them: at once, one by one, and cut at random places.

import type { SeededRandom } from "../../src/base/random.ts";

/** Ways to cut `bytes` into chunks; every chunk is memory of its own, as from a socket. */
export function waysToCut(bytes: Uint8Array, random: SeededRandom): Uint8Array[][] {
  const ways = [[copy(bytes, 0, bytes.length)], cutEvery(bytes, 1)];
  for (let way = 0; way < 8; way++) ways.push(cutAtRandom(bytes, random));
  return ways;
}

export function cutEvery(bytes: Uint8Array, chunkBytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(copy(bytes, at, at + chunkBytes));
  return chunks;
}

export function cutAtRandom(bytes: Uint8Array, random: SeededRandom): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const longest = 1 + random.below(Math.max(1, bytes.length));
  for (let at = 0; at < bytes.length;) {
    const to = Math.min(bytes.length, at + 1 + random.below(longest));
    chunks.push(copy(bytes, at, to));
    at = to;
  }
  return chunks;
}

/** Buffer's own `slice` would share the memory. */
function copy(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return Uint8Array.from(bytes.subarray(from, to));
}
