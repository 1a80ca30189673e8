// The format of a log record, which is the same on disk and on the wire: a leader encodes an entry once, sends the bytes
// that it stored, and followers store what they received. All integers are little endian.
//
//   offset  size
//        0     6  durable index: how far the log of the node that wrote this copy was synced by then  ┐ local part,
//        6     2  check of the local part, tied to its place in the file                              ┘ see below
//        8     4  CRC-32 (IEEE) of everything after it up to the end of the body
//       12     4  length of the body
//       16     1  format version (1)
//       17     1  kind: 1 empty, 2 command, 3 clock, 4 membership
//       18     2  zero
//       20     4  CRC-32 of the previous record, its field at offset 8; 0 for the first entry of all
//       24     8  index
//       32     8  term
//       40     8  stamp, milliseconds since 1970, IEEE double
//       48        body: commands for `command`, msgpackr for `membership`, nothing for the others
//                 zeros up to a multiple of 8
//
// The first 24 bytes keep their place in every format version, so that an old program can tell a new format from damage.
//
// Because each record holds its predecessor's checksum, the records form a chain: a record that is intact but stands in
// the wrong place (a lost or misdirected write left an old block) breaks it, and two logs that agree on the checksum at
// one index agree on everything before. So the checksum is also how two nodes find that their histories differ.
//
// The local part is the one thing that differs between nodes, so it is outside the checksum and is written anew by
// whoever stores the record. It tells recovery how far an append was acknowledged before this record was written, which
// is what separates a torn tail from damage (recovery.ts). Its check covers the record's checksum and its place in the
// file too, and starts from the segment's own checksum: of copies of a record inside clients' values one in 65,536 passes.

import { assert, unreachable } from "../base/assert.ts";
import { Entry, type EntryKind, type LogIndex, type Term } from "../raft/types.ts";
import { encodeMembership, decodeMembership } from "./membership-codec.ts";
import { getUint53, setUint53 } from "./uint53.ts";

export const recordHeaderBytes = 48;
export const recordFormatVersion = 1;
/**
 * Longest body, in bytes: a full batch (64 MiB) and one more command, which fits into client-query-buffer-limit (which counts
 * for at most 1 GiB) and the rest of a read.
 */
export const recordBodyBytesMax = (1024 + 128) * 1024 * 1024;
/** Indexes fit the six bytes of the local part: at a million entries a second that is nine years. */
export const logIndexMax: LogIndex = 2 ** 48 - 1;

const checkedFrom = 12;

/** What is wrong with a record; `cut short` when the bytes end before it does. */
export type RecordProblem =
  | "cut short"
  | "length out of range"
  | "wrong checksum"
  | "newer format"
  | "unknown kind"
  | "field out of range"
  | "bad body"
  | "bytes after its end"
  | "wrong durability mark"
  | "wrong index"
  | "wrong term"
  | "does not follow the record before it"
  | "term goes back"
  | "time goes back"
  | "missing";

/** All that a record must know of the one before it. */
export interface ChainPoint {
  readonly index: LogIndex;
  readonly term: Term;
  readonly stampMs: number;
  readonly crc: number;
}

/** Stands before the first entry of all. */
export const chainStart: ChainPoint = { index: 0, term: 0, stampMs: 0, crc: 0 };

/** Bytes that a record with this body takes in the log. */
export function recordSizeBytes(bodyBytes: number): number {
  return (recordHeaderBytes + bodyBytes + 7) & ~7;
}

// ── Encoding ────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The bytes of `entry` with a complete header but for the local part, in the entry's own buffer if it has one. Bytes
 * whose header names this very entry came from a peer and are checked; any other header is free room and gets filled.
 * The result may lack the zeros after the body. Throws when the entry cannot follow a record with `previousCrc`.
 */
export function sealRecord(entry: Entry, previousCrc: number): Uint8Array {
  const record = entry.record ?? recordWithoutBatch(entry);
  assert(record.length >= recordHeaderBytes, "a record with room for its header");
  const view = new DataView(record.buffer, record.byteOffset, recordHeaderBytes);
  if (headerNames(view, entry)) {
    const end = recordHeaderBytes + view.getUint32(12, true);
    assert(
      end <= record.length && record.length <= ((end + 7) & ~7),
      "a record of the length its header says",
    );
    assert(crcAt(view, 0) === crcOf(record, 0, end), "a record that nobody changed after it was checked");
    return record;
  }
  assert(record.length - recordHeaderBytes <= recordBodyBytesMax, "a body within its limit");
  view.setUint32(12, record.length - recordHeaderBytes, true);
  record[16] = recordFormatVersion;
  record[17] = kindCode(entry.kind);
  record[18] = 0;
  record[19] = 0;
  view.setUint32(20, previousCrc, true);
  setUint53(view, 24, entry.index);
  setUint53(view, 32, entry.term);
  view.setFloat64(40, entry.stampMs, true);
  view.setUint32(8, crcOf(record, 0, record.length), true);
  return record;
}

function recordWithoutBatch(entry: Entry): Uint8Array {
  assert(entry.kind !== "command", "bytes for an entry that carries commands");
  if (entry.kind !== "membership") return new Uint8Array(recordHeaderBytes);
  assert(entry.membership !== null, "a membership in a membership entry");
  const body = encodeMembership(entry.membership);
  const record = new Uint8Array(recordHeaderBytes + body.length);
  record.set(body, recordHeaderBytes);
  return record;
}

function headerNames(view: DataView, entry: Entry): boolean {
  return (
    view.getUint8(16) === recordFormatVersion &&
    view.getUint8(17) === kindCode(entry.kind) &&
    getUint53(view, 24) === entry.index &&
    getUint53(view, 32) === entry.term &&
    view.getFloat64(40, true) === entry.stampMs
  );
}

/** The CRC that the record at `offset`, whose body ends at `end`, should have. */
export function crcOf(bytes: Uint8Array, offset: number, end: number): number {
  return Bun.hash.crc32(bytes.subarray(offset + checkedFrom, end));
}

// ── The local part ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Writes the local part of the record at the start of `record`, whose checksum is complete and which will lie `place`
 * bytes into a segment whose header has the checksum `seed`.
 */
export function markDurable(record: Uint8Array, durableIndex: LogIndex, seed: number, place: number): void {
  const view = new DataView(record.buffer, record.byteOffset, recordHeaderBytes);
  view.setUint32(0, durableIndex >>> 0, true);
  view.setUint16(4, Math.floor(durableIndex / 0x1_0000_0000), true);
  view.setUint16(6, localCheck(view, 0, seed, place), true);
}

/** The durable index in the local part of the record at `offset`, or -1 when its check fails there. */
export function durableIndexAt(view: DataView, offset: number, seed: number): LogIndex {
  if (view.getUint16(offset + 6, true) !== localCheck(view, offset, seed, offset)) return -1;
  return view.getUint16(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
}

const checkInput = new Uint8Array(16);
const checkView = new DataView(checkInput.buffer);

function localCheck(view: DataView, at: number, seed: number, place: number): number {
  checkView.setUint32(0, view.getUint32(at, true), true);
  checkView.setUint32(4, view.getUint16(at + 4, true), true);
  checkView.setUint32(8, view.getUint32(at + 8, true), true);
  checkView.setUint32(12, place, true);
  const crc = Bun.hash.crc32(checkInput, seed);
  return (crc ^ (crc >>> 16)) & 0xffff;
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Length of the body of the record at `offset`. */
export function bodyBytesAt(view: DataView, offset: number): number {
  return view.getUint32(offset + 12, true);
}

/** The body in `record`, which holds nothing else; a view of it. */
export function bodyOf(record: Uint8Array): Uint8Array {
  const view = new DataView(record.buffer, record.byteOffset, recordHeaderBytes);
  return record.subarray(recordHeaderBytes, recordHeaderBytes + bodyBytesAt(view, 0));
}

/** Checksum of `record`, which holds nothing else. */
export function checksumOf(record: Uint8Array): number {
  return crcAt(new DataView(record.buffer, record.byteOffset, recordHeaderBytes), 0);
}

/** Checksum of the record at `offset`. */
export function crcAt(view: DataView, offset: number): number {
  return view.getUint32(offset + 8, true);
}

/** Checksum of the record before the one at `offset`, as that one remembers it. */
export function previousCrcAt(view: DataView, offset: number): number {
  return view.getUint32(offset + 20, true);
}

/** Index of the record at `offset`. */
export function indexAt(view: DataView, offset: number): LogIndex {
  return getUint53(view, offset + 24);
}

/** Term of the record at `offset`. */
export function termAt(view: DataView, offset: number): Term {
  return getUint53(view, offset + 32);
}

/** Stamp of the record at `offset`, in milliseconds since 1970. */
export function stampMsAt(view: DataView, offset: number): number {
  return view.getFloat64(offset + 40, true);
}

/** Kind of the checked record at `offset`. */
export function kindAt(view: DataView, offset: number): EntryKind {
  const kind = kindOf(view.getUint8(offset + 17));
  assert(kind !== null, "a record that was checked before");
  return kind;
}

/** What the successor of the record at `offset` must know. */
export function chainPointAt(view: DataView, offset: number): ChainPoint {
  return {
    index: indexAt(view, offset),
    term: termAt(view, offset),
    stampMs: stampMsAt(view, offset),
    crc: crcAt(view, offset),
  };
}

/** The entry of the checked record at `offset`; its `record` is a view of `bytes`. */
export function entryAt(bytes: Uint8Array, view: DataView, offset: number): Entry {
  const bodyBytes = bodyBytesAt(view, offset);
  const kind = kindAt(view, offset);
  const body = offset + recordHeaderBytes;
  const membership = kind === "membership" ? decodeMembership(bytes.subarray(body, body + bodyBytes)) : null;
  const record = bytes.subarray(offset, offset + recordSizeBytes(bodyBytes));
  return new Entry(
    indexAt(view, offset),
    termAt(view, offset),
    kind,
    stampMsAt(view, offset),
    membership,
    record,
  );
}

/**
 * Checks the record at `offset` of `bytes` by itself, without its predecessor and its local part; null when it is good.
 * `view` spans `bytes`. Never throws, whatever the bytes are.
 */
export function recordProblem(bytes: Uint8Array, view: DataView, offset: number): RecordProblem | null {
  const room = bytes.length - offset;
  if (room < recordHeaderBytes) return "cut short";
  const bodyBytes = bodyBytesAt(view, offset);
  if (bodyBytes > recordBodyBytesMax) return "length out of range";
  const sizeBytes = recordSizeBytes(bodyBytes);
  if (room < sizeBytes) return "cut short";
  const end = offset + recordHeaderBytes + bodyBytes;
  if (crcAt(view, offset) !== crcOf(bytes, offset, end)) return "wrong checksum";
  if (view.getUint8(offset + 16) !== recordFormatVersion) return "newer format";
  const kind = kindOf(view.getUint8(offset + 17));
  if (kind === null) return "unknown kind";
  if (!fieldsInRange(view, offset)) return "field out of range";
  for (let i = end; i < offset + sizeBytes; i++) if (bytes[i] !== 0) return "bytes after its end";
  if (kind === "membership") {
    return decodeMembership(bytes.subarray(offset + recordHeaderBytes, end)) === null ? "bad body" : null;
  }
  return kind !== "command" && bodyBytes > 0 ? "bad body" : null;
}

function fieldsInRange(view: DataView, offset: number): boolean {
  const index = indexAt(view, offset);
  const term = termAt(view, offset);
  const stampMs = stampMsAt(view, offset);
  return (
    view.getUint16(offset + 18, true) === 0 &&
    index >= 1 &&
    index <= logIndexMax &&
    term >= 1 &&
    term <= Number.MAX_SAFE_INTEGER &&
    stampMs >= 0 &&
    stampMs <= Number.MAX_SAFE_INTEGER
  );
}

/** Checks that the good record at `offset` follows `previous`; null when it does. */
export function linkProblem(view: DataView, offset: number, previous: ChainPoint): RecordProblem | null {
  if (indexAt(view, offset) !== previous.index + 1) return "wrong index";
  if (previousCrcAt(view, offset) !== previous.crc) return "does not follow the record before it";
  if (termAt(view, offset) < previous.term) return "term goes back";
  if (stampMsAt(view, offset) < previous.stampMs) return "time goes back";
  return null;
}

/** The records of a message, or what is wrong with them and at which offset. */
export type DecodedRecords =
  | { readonly kind: "entries"; readonly entries: readonly Entry[] }
  | {
      readonly kind: "error";
      readonly problem: RecordProblem;
      readonly offset: number;
      /** The same for people. */
      readonly reason: string;
    };

/**
 * Decodes records that lie back to back, as a peer sends them; each `record` is a view of `bytes`. All are checked:
 * checksum, limits, chain, index and term. The first must follow the record with `previousCrc`, unless that is null.
 * Never throws. Linear in the size of `bytes`.
 */
export function decodeRecords(bytes: Uint8Array, previousCrc: number | null): DecodedRecords {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: Entry[] = [];
  let previous: ChainPoint | null = null;
  for (let offset = 0; offset < bytes.length;) {
    let problem = recordProblem(bytes, view, offset);
    if (problem === null) {
      if (previous !== null) problem = linkProblem(view, offset, previous);
      else if (previousCrc !== null && previousCrcAt(view, offset) !== previousCrc) {
        problem = "does not follow the record before it";
      }
    }
    if (problem !== null) {
      const reason = `record ${entries.length + 1} of the message, at offset ${offset}: ${problem}`;
      return { kind: "error", problem, offset, reason };
    }
    entries.push(entryAt(bytes, view, offset));
    previous = chainPointAt(view, offset);
    offset += recordSizeBytes(bodyBytesAt(view, offset));
  }
  return { kind: "entries", entries };
}

function kindCode(kind: EntryKind): number {
  switch (kind) {
    case "empty":
      return 1;
    case "command":
      return 2;
    case "clock":
      return 3;
    case "membership":
      return 4;
    default:
      return unreachable(kind);
  }
}

function kindOf(code: number): EntryKind | null {
  if (code === 2) return "command";
  if (code === 1) return "empty";
  if (code === 3) return "clock";
  return code === 4 ? "membership" : null;
}
