// Integers of 64 bits in files, as numbers: terms, indexes and sizes stay below 2^53, and `bigint` costs ten times more.

const high = 0x1_0000_0000;

/** Writes `value`, an integer in `[0, 2^53)`, as a little-endian unsigned 64-bit integer. */
export function setUint53(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / high), true);
}

/** Reads a little-endian unsigned 64-bit integer; values of 2^53 and more lose their lowest bits. */
export function getUint53(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * high + view.getUint32(offset, true);
}
