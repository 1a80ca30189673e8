// One file of the log. Its size is fixed when it is made and all of it is written zeros then, so that appending changes
// no metadata (a sync is one write of the data) and cannot run out of space. It is read through a mapping and written
// with positional writes.
//
//   offset  size
//        0     8  "vlotsegm"
//        8     4  format version (1)
//       12     4  zero
//       16     8  size of the file
//       24     8  index of the first entry
//       32     8  term of the entry before it
//       40     8  stamp of the entry before it, IEEE double
//       48     4  CRC-32 of the record before it
//       52    72  owner: node id, length of the cluster id, cluster id (owner.ts)
//      124     4  CRC-32 of all before
//      128        records (record.ts), back to back, then zeros to the end
//
// Magic, format version, the header's size and the place of its checksum stay the same in every version. The name is the
// index of the first entry, 16 digits, so that names sort like indexes. What was behind the last record stays zero: the
// end of the log is where the zeros begin, and a record's padding need not be written.

import { assert } from "../base/assert.ts";
import { bytesOf } from "../base/byte-strings.ts";
import type { LogIndex } from "../raft/types.ts";
import type { DiskFile } from "./disk.ts";
import { newerFormat, rejoinAdvice, StorageError } from "./errors.ts";
import { checkOwner, type Owner, readOwner, writeOwner } from "./owner.ts";
import { type ChainPoint, chainPointAt } from "./record.ts";
import { getUint53, setUint53 } from "./uint53.ts";

export const segmentHeaderBytes = 128;
/** Offsets are kept in 32 bits, and one mapping should stay in proportion. */
export const segmentSizeBytesMax = 2 ** 31;

const magic = bytesOf("vlotsegm");
const formatVersion = 1;
const ownerOffset = 52;
const crcOffset = 124;

/** File name of the segment that begins with the entry at `firstIndex`. */
export function segmentName(firstIndex: LogIndex): string {
  return `${String(firstIndex).padStart(16, "0")}.segment`;
}

/** The first index in a segment's name; null for any other name. */
export function firstIndexOfName(name: string): LogIndex | null {
  const match = /^(\d{16})\.segment$/.exec(name);
  return match === null ? null : Number(match[1]);
}

/** The header of a new segment whose first entry follows `before`. */
export function segmentHeader(sizeBytes: number, before: ChainPoint, owner: Owner): Uint8Array {
  const header = new Uint8Array(segmentHeaderBytes);
  const view = new DataView(header.buffer);
  header.set(magic);
  view.setUint32(8, formatVersion, true);
  setUint53(view, 16, sizeBytes);
  setUint53(view, 24, before.index + 1);
  setUint53(view, 32, before.term);
  view.setFloat64(40, before.stampMs, true);
  view.setUint32(48, before.crc, true);
  writeOwner(header, ownerOffset, owner);
  view.setUint32(crcOffset, Bun.hash.crc32(header.subarray(0, crcOffset)), true);
  return header;
}

/** What a segment's header says. */
export interface SegmentHeader {
  readonly firstIndex: LogIndex;
  /** What the first record follows. */
  readonly before: ChainPoint;
  /** The header's checksum, which ties the records' local parts to this file. */
  readonly seed: number;
}

/**
 * Reads the header at the beginning of `bytes`, of a file of that name and size. Throws StorageError when it is bad, does
 * not fit the file, or is not `owner`'s.
 */
export function readSegmentHeader(
  bytes: Uint8Array,
  file: { readonly path: string; readonly sizeBytes: number },
  owner: Owner,
): SegmentHeader {
  const { path, sizeBytes } = file;
  if (bytes.length < segmentHeaderBytes) {
    throw wrongSize(path, `has only ${sizeBytes} bytes, less than a header of ${segmentHeaderBytes}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seed = view.getUint32(crcOffset, true);
  if (!magic.equals(bytes.subarray(0, magic.length))) throw damagedHeader(path, "does not begin as one");
  if (seed !== Bun.hash.crc32(bytes.subarray(0, crcOffset)))
    throw damagedHeader(path, "has a wrong checksum");
  const version = view.getUint32(8, true);
  if (version !== formatVersion) throw newerFormat(path, 0, version);
  checkOwner(bytes, ownerOffset, owner, path);
  const wantedBytes = getUint53(view, 16);
  if (wantedBytes !== sizeBytes || sizeBytes > segmentSizeBytesMax) {
    throw wrongSize(path, `has ${sizeBytes} bytes, but was made with ${wantedBytes}, as its header says`);
  }
  const firstIndex = getUint53(view, 24);
  const before = {
    index: firstIndex - 1,
    term: getUint53(view, 32),
    stampMs: view.getFloat64(40, true),
    crc: view.getUint32(48, true),
  };
  return { firstIndex, before, seed };
}

/** Whose segment begins with `bytes`, if its header is whole; else null. */
export function segmentOwnerIn(bytes: Uint8Array): Owner | null {
  if (bytes.length < segmentHeaderBytes || !magic.equals(bytes.subarray(0, magic.length))) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(crcOffset, true) !== Bun.hash.crc32(bytes.subarray(0, crcOffset))) return null;
  return view.getUint32(8, true) === formatVersion ? readOwner(bytes, ownerOffset) : null;
}

/** An open segment: its bytes, and where each record in it begins. Whoever opened it pushes the records that are there. */
export class Segment {
  readonly path: string;
  readonly file: DiskFile;
  /** The whole file; shows each write at once. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly sizeBytes: number;
  readonly firstIndex: LogIndex;
  /** What the first record follows. */
  readonly before: ChainPoint;
  /** The header's checksum, which ties the records' local parts to this file. */
  readonly seed: number;
  /** Where the records end and the next one goes. */
  endOffset = segmentHeaderBytes;
  /** Nothing behind this was ever written. */
  writtenOffset = segmentHeaderBytes;
  #offsets = new Uint32Array(256);
  #count = 0;

  /** Takes the file over. Throws StorageError when the header is bad or not `owner`'s. */
  constructor(file: DiskFile, owner: Owner) {
    this.file = file;
    this.path = file.path;
    this.sizeBytes = file.sizeBytes;
    // A file without a header is not mapped: an empty mapping does not exist.
    this.bytes = file.sizeBytes < segmentHeaderBytes ? new Uint8Array(0) : file.map();
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    const { firstIndex, before, seed } = readSegmentHeader(this.bytes, file, owner);
    this.firstIndex = firstIndex;
    this.before = before;
    this.seed = seed;
  }

  get lastIndex(): LogIndex {
    return this.firstIndex + this.#count - 1;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Bytes free for records. */
  get roomBytes(): number {
    return this.sizeBytes - this.endOffset;
  }

  /** Where the record of `index` begins. O(1). */
  offsetOf(index: LogIndex): number {
    const position = index - this.firstIndex;
    assert(position >= 0 && position < this.#count, "an index that this segment holds");
    return this.#offsets[position] as number;
  }

  /** Where the record of `index` ends. O(1). */
  endOf(index: LogIndex): number {
    return index === this.lastIndex ? this.endOffset : this.offsetOf(index + 1);
  }

  /** Term, stamp and checksum at `index`, which may also be the one before the first. */
  pointAt(index: LogIndex): ChainPoint {
    return index === this.firstIndex - 1 ? this.before : chainPointAt(this.view, this.offsetOf(index));
  }

  /** The greatest index whose record ends at or before `offset`; `firstIndex - 1` when none does. O(log entries). */
  lastIndexEndingBy(offset: number): LogIndex {
    let low = this.firstIndex - 1;
    let high = this.lastIndex;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.endOf(middle) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Takes the next record in, which has been written at the end and takes `sizeBytes`. */
  push(sizeBytes: number): void {
    if (this.#count === this.#offsets.length) {
      const grown = new Uint32Array(this.#count * 2);
      grown.set(this.#offsets);
      this.#offsets = grown;
    }
    this.#offsets[this.#count++] = this.endOffset;
    this.endOffset += sizeBytes;
  }

  /** Writes at `offset`, and remembers up to where the segment may hold something. */
  write(bytes: Uint8Array, offset: number): void {
    assert(offset + bytes.length <= this.sizeBytes, "a write within the segment");
    this.writtenOffset = Math.max(this.writtenOffset, offset + bytes.length);
    this.file.write(bytes, offset);
  }

  /** Drops the records after `index`, in memory and durably: their bytes become zeros again. */
  truncateAfter(index: LogIndex): void {
    if (index < this.lastIndex) {
      this.endOffset = this.offsetOf(index + 1);
      this.#count = index - this.firstIndex + 1;
    }
    this.clearTail();
  }

  /** Makes what was written behind the last record zeros again, durably. Returns how many bytes that were. */
  clearTail(): number {
    const sizeBytes = this.writtenOffset - this.endOffset;
    if (sizeBytes <= 0) return 0;
    for (let offset = this.endOffset; offset < this.writtenOffset; offset += zeros.length) {
      this.file.write(zeros.subarray(0, Math.min(zeros.length, this.writtenOffset - offset)), offset);
    }
    this.file.sync();
    this.writtenOffset = this.endOffset;
    return sizeBytes;
  }

  /** Looks for what is not zero behind the records and sets `writtenOffset`; for a segment just opened. */
  findWrittenOffset(): void {
    let to = this.sizeBytes;
    while (to > this.endOffset) {
      const from = Math.max(this.endOffset, to - zeros.length);
      // Comparing whole pieces runs at memory speed (13 ms for 64 MiB); only one piece is searched byte by byte.
      if (!zeros.subarray(0, to - from).equals(this.bytes.subarray(from, to))) break;
      to = from;
    }
    while (to > this.endOffset && this.bytes[to - 1] === 0) to--;
    this.writtenOffset = Math.max(to, this.endOffset);
  }
}

const zeros = Buffer.alloc(256 * 1024);

function damagedHeader(path: string, finding: string): StorageError {
  return new StorageError(
    "SEGMENT_HEADER_DAMAGED",
    path,
    `the header of ${path}, at offset 0, ${finding}, so the entries in it cannot be trusted. ${rejoinAdvice}`,
  );
}

function wrongSize(path: string, finding: string): StorageError {
  return new StorageError(
    "SEGMENT_SIZE_WRONG",
    path,
    `${path} ${finding}: somebody has cut it short or added to it, and entries may be lost. If there is a whole copy, ` +
      `put it back. ${rejoinAdvice}`,
  );
}
