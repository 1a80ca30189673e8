// Tells a record that was never written to its end from one that was, and has changed since. It only looks at the bytes:
// what else proves that a record was durable is log-judge.ts' matter.
//
// The space ahead of the log is zeros, durably: segments are made of them, and whatever is cut is overwritten with them
// and synced under a note before anything else is written there. Of a write that was not synced a power cut keeps any
// subset of the sectors, and at worst the beginning or the end of what belongs into one. So whatever is missing of a torn
// record shows as zeros, and they reach one of the two edges of a piece, which is what of the record lies in one sector:
//
//   sectors    |               |               |               |
//   record            [ piece 1 |    piece 2    |  piece 3 ]         padding is no part of it: it need not be written
//   torn               #########|00000000000000 |#####00000          zeros at both edges of piece 2 and at the end of 3
//
// Hence a bad record with no zero at any edge was complete, and is damage. (Its first byte is zero for one entry in 256, and
// was written nevertheless if the check of the local part is right.) Its length can be believed then, as the pieces
// with the header are whole; one that no record can have is damage as well.
//
// Complete records also have zeros at edges, above all large ones, and a changed length moves the last edge. So a record
// that one changed bit in the header explains is damage too, and one anywhere, where the edges lack a few bytes at most;
// unless the bit is missing at an edge itself. A torn record passes for that by accident: one in ten million, and one in
// 2^32 for each bit of the body in a record of which the power cut spared all but some bytes at edges.
//
// What this takes for torn though it was complete: a sector that was lost whole, zeros in its stead; several bits changed in
// a record with zeros at an edge; and the one bit whose change made the byte at an edge zero. Of single flips that is one
// in a thousand and less (test/storage/torn-record.test.ts).

import {
  bodyBytesAt,
  type ChainPoint,
  crcAt,
  crcOf,
  durableIndexAt,
  linkProblem,
  recordBodyBytesMax,
  recordHeaderBytes,
  recordProblem,
  recordSizeBytes,
} from "./record.ts";
import type { Segment } from "./segment.ts";

/** The smallest unit in which disks write; files begin with one, and larger ones consist of several. */
const sectorBytes = 512;
/** So many bytes at an edge of a piece are all zeros in one of 2^32 by accident. */
const edgeBytes = 4;
/** Where the checksum of a record lies, and where begins what it covers. */
const crcOffset = 8;
const checkedFrom = 12;
const lengthOffset = 12;
/** The fields that tie a record to the one before it, the stamp apart; many of their bytes are zeros. */
const linkOffset = 20;
const termOffset = 32;
const stampOffset = 40;
/** CRC-32 (IEEE), the low bit first. */
const crcPolynomial = 0xedb8_8320 | 0;

/**
 * Whether the bad record at the end of `segment` was complete once, so that it was damaged and not torn. Takes about a
 * second for 64 MiB.
 */
export function wasComplete(segment: Segment): boolean {
  const { bytes, view, endOffset: offset, seed } = segment;
  const previous = segment.pointAt(segment.lastIndex);
  const isLinked = linkProblem(view, offset, previous) === null;
  // With nothing wrong but the local part, no other byte can be missing.
  if (isLinked && recordProblem(bytes, view, offset) === null) return bytes[offset] !== 0;
  const bodyBytes = bodyBytesAt(view, offset);
  const isPossible = isPossibleLength(bodyBytes, bytes.length - offset);
  const extent: Extent = {
    from: offset,
    to: offset + recordHeaderBytes + (isPossible ? bodyBytes : 0),
    // Without the check itself it proves nothing.
    isBegun: durableIndexAt(view, offset, seed) >= 0 && view.getUint16(offset + 6) !== 0,
    isLinked,
  };
  if (hasWrittenEdges(bytes, extent, 1)) return true;
  // All else in the header must be right as it stands.
  if (isLinked && lengthHasChanged(bytes, view, offset, previous)) return true;
  if (!isPossible) return false;
  const at = changedBit(bytes, view, offset);
  if (at === null) return false;
  const inHeader = at.offset < recordHeaderBytes;
  if (canBeMissing(bytes, extent, offset + at.offset)) return false;
  if (!inHeader && !hasWrittenEdges(bytes, extent, edgeBytes)) return false;
  const record = bytes.slice(offset, offset + recordSizeBytes(bodyBytes));
  record[at.offset] = (record[at.offset] as number) ^ at.mask;
  return continues(record, previous);
}

/** The bytes `[from, to)` of a record. */
interface Extent {
  readonly from: number;
  readonly to: number;
  /** Whether its first bytes are known to have been written, zeros or not. */
  readonly isBegun: boolean;
  /** Whether it names the record before it, its own index and a term that can be: those are then what was written. */
  readonly isLinked: boolean;
}

function isPossibleLength(bodyBytes: number, roomBytes: number): boolean {
  return bodyBytes <= recordBodyBytesMax && recordSizeBytes(bodyBytes) <= roomBytes;
}

/** Whether each piece has something other than zeros in its first and in its last `edge` bytes. */
function hasWrittenEdges(bytes: Uint8Array, extent: Extent, edge: number): boolean {
  const { from, to } = extent;
  for (let start = from; start < to;) {
    const end = Math.min(to, start - (start % sectorBytes) + sectorBytes);
    const width = Math.min(edge, end - start);
    if (!isKnownBeginning(extent, start) && isZero(bytes, start, start + width)) return false;
    if (!isKnownEnd(extent, end) && isZero(bytes, end - width, end)) return false;
    start = end;
  }
  return true;
}

function isKnownBeginning({ from, isBegun, isLinked }: Extent, start: number): boolean {
  return start === from ? isBegun : isLinked && start - from >= linkOffset && start - from < termOffset;
}

function isKnownEnd({ from, isLinked }: Extent, end: number): boolean {
  return isLinked && end - from > linkOffset && end - from <= stampOffset;
}

/** Whether a torn write can lack the byte at `at`: nothing but zeros between it and an edge of its piece. */
function canBeMissing(bytes: Uint8Array, { from, to }: Pick<Extent, "from" | "to">, at: number): boolean {
  const sector = at - (at % sectorBytes);
  return (
    isZero(bytes, Math.max(from, sector), at + 1) || isZero(bytes, at, Math.min(to, sector + sectorBytes))
  );
}

/** Whether another bit in the field of its length makes the record at `offset` a good one. */
function lengthHasChanged(bytes: Uint8Array, view: DataView, offset: number, previous: ChainPoint): boolean {
  for (let bit = 0; bit < 32; bit++) {
    const bodyBytes = (bodyBytesAt(view, offset) ^ (1 << bit)) >>> 0;
    if (!isPossibleLength(bodyBytes, bytes.length - offset)) continue;
    const extent = { from: offset, to: offset + recordHeaderBytes + bodyBytes };
    if (canBeMissing(bytes, extent, offset + lengthOffset + (bit >> 3))) continue;
    const record = bytes.slice(offset, offset + recordSizeBytes(bodyBytes));
    new DataView(record.buffer).setUint32(lengthOffset, bodyBytes, true);
    if (continues(record, previous)) return true;
  }
  return false;
}

function continues(record: Uint8Array, previous: ChainPoint): boolean {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  return recordProblem(record, view, 0) === null && linkProblem(view, 0, previous) === null;
}

/**
 * The one bit whose change would make the checksum of the record at `offset` right, if there is one: the byte's offset in
 * the record and the bit's mask. A bit's effect on a CRC depends on nothing but its distance from the end, and is another
 * for each of the 2^32 nearest.
 */
function changedBit(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
): { readonly offset: number; readonly mask: number } | null {
  const sizeBytes = recordHeaderBytes + bodyBytesAt(view, offset);
  const difference = crcAt(view, offset) ^ crcOf(bytes, offset, offset + sizeBytes);
  if (difference !== 0 && (difference & (difference - 1)) === 0) {
    const bit = 31 - Math.clz32(difference);
    return { offset: crcOffset + (bit >> 3), mask: 1 << (bit & 7) };
  }
  let effect = crcPolynomial;
  for (let at = sizeBytes - 1; at >= checkedFrom; at--) {
    for (let mask = 0x80; mask !== 0; mask >>= 1) {
      if (effect === difference) return { offset: at, mask };
      effect = (effect >>> 1) ^ (-(effect & 1) & crcPolynomial);
    }
  }
  return null;
}

/** Whether all of `[from, to)` is zeros. */
export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}
