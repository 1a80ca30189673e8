// Opens the segments of a log after any kind of end, and decides about what does not read back.
//
// All records are walked: checksum, limits, index, chain, durability mark. Where the walk stops, entry `b` is the first
// one that is not there:
//
//   nothing but zeros from there on .......... the clean end of the log
//   a later segment exists ................... damage: a segment is synced before the next one is made
//   `b` is at or before the secured index .... damage: the hard state noted that `b` was durable here and committed
//   a later record in the segment says that .. damage: each record carries the durable index at the time of its writing
//     `b` was durable when it was written        (its own check, checksum and place must be right, its index above `b`)
//   otherwise ................................ a torn tail: `b` was being written when the power went, and nobody was
//                                                told that this node has it. It is cut: overwritten with zeros, synced.
//
// Damage stops the node (LogDamagedError): the entry had been acknowledged, and a node that forgets it and still votes
// can lose it for the cluster. Later records that do not claim `b` as durable are cut along with it: they were not synced
// either, as a sync covers everything written before it.
//
// The limit of this: entries of the very last syncs, after which no record and no secured index was written any more,
// are acknowledged but unproven. If the medium damages those and the process also ends, it looks like a torn tail and is
// cut. That takes two failures in a row on this node and loses nothing as long as another member of the majority that
// stored the entry keeps it. An orderly stop and an idle node note the secured index (data-directory.ts), which closes
// the window.
//
// What reads back is not yet safe: after a kill names and bytes may be in the page cache only, and after a failed sync those pages
// may count as clean, so that syncing again would write nothing (Rebello et al., "Can Applications Recover from fsync
// Failures?", ATC 2020). So the part that nothing proves to be durable is written again, and everything is synced,
// before the log is used. Files are read once with `read` before the mapping is touched: a bad sector must become an
// error with a name, not a SIGBUS.

import type { LogIndex } from "../raft/types.ts";
import { type Disk, DiskError, type DiskFile } from "./disk.ts";
import { LogDamagedError, logMissing, newerFormat, rejoinAdvice, StorageError } from "./errors.ts";
import type { Owner } from "./owner.ts";
import {
  bodyBytesAt,
  chainPointAt,
  durableIndexAt,
  entryAt,
  indexAt,
  kindAt,
  linkProblem,
  recordFormatVersion,
  recordHeaderBytes,
  type RecordProblem,
  recordProblem,
  recordSizeBytes,
} from "./record.ts";
import { firstIndexOfName, Segment } from "./segment.ts";
import { SegmentRow } from "./segment-row.ts";
import { spareName } from "./spare-segment.ts";

/** What recovery has to know. */
export interface RecoveryOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly owner: Owner;
  /** Every entry up to here is known to have been durable and committed; 0 when nothing is known. */
  readonly securedIndex: LogIndex;
  /** Every entry up to here is in a snapshot, so the log need not have it. */
  readonly coveredIndex: LogIndex;
  /** The last entry to keep of a truncation that was under way, or null. */
  readonly truncationIndex: LogIndex | null;
}

/** A part of a file that was not a record and has been overwritten with zeros. */
export interface Cut {
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly reason: string;
}

/** What recovery found and did; for the log of the server. */
export interface RecoveryReport {
  readonly entryCount: number;
  readonly cuts: readonly Cut[];
  /** Index after which an interrupted truncation was finished; null when there was none. */
  readonly truncatedAfter: LogIndex | null;
  /** Bytes at the end of the log that were written again, as nothing proved them to be durable. */
  readonly rewrittenBytes: number;
}

/** A log in good order, all of it durable. */
export interface RecoveredLog {
  readonly row: SegmentRow;
  readonly report: RecoveryReport;
}

/**
 * Opens the log of a directory; see the file's header. Throws StorageError when it cannot be used: then only leftovers and
 * torn ends have been cleared away. Throws DiskError when the disk refuses.
 */
export function recoverLog(options: RecoveryOptions): RecoveredLog {
  removeLeftovers(options);
  const segments = openSegments(options);
  try {
    return new Recovery(options, segments).run();
  } catch (error) {
    for (const segment of segments) segment.file.close();
    throw error;
  }
}

/** Removes an unfinished spare, and the segments that an interrupted truncation was to remove. */
function removeLeftovers(options: RecoveryOptions): void {
  const { disk, directory, truncationIndex } = options;
  const names = disk.list(directory);
  const leftovers = names.filter((name) => name === spareName);
  if (truncationIndex !== null) {
    // The first segment stays in any case, if only as an empty one.
    const segments = names.filter((name) => firstIndexOfName(name) !== null).slice(1);
    leftovers.push(...segments.filter((name) => (firstIndexOfName(name) as LogIndex) > truncationIndex));
  }
  for (const name of leftovers) disk.remove(`${directory}/${name}`);
  // Also with nothing to remove: what a killed process renamed or removed shows, but may not be durable yet.
  disk.syncDirectory(directory);
}

function openSegments(options: RecoveryOptions): Segment[] {
  const { disk, directory, owner } = options;
  const segments: Segment[] = [];
  try {
    for (const name of disk.list(directory)) {
      const firstIndex = firstIndexOfName(name);
      if (firstIndex === null) continue;
      const file = disk.open(`${directory}/${name}`);
      try {
        readThrough(file, firstIndex);
        segments.push(segmentOf(file, owner, firstIndex));
      } catch (error) {
        file.close();
        throw error;
      }
    }
  } catch (error) {
    for (const segment of segments) segment.file.close();
    throw error;
  }
  if (segments.length > 0) return segments;
  throw logMissing(directory);
}

const readBuffer = new Uint8Array(1024 * 1024);

/** Reads all of the file, so that a sector that cannot be read is found while it is an error and not yet a signal. */
function readThrough(file: DiskFile, firstIndex: LogIndex): void {
  let offset = 0;
  try {
    for (;;) {
      const count = file.read(readBuffer, offset);
      if (count < readBuffer.length) return;
      offset += count;
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new LogDamagedError(
      { path: file.path, offset, index: firstIndex },
      `or a later one cannot be read (${error.code})`,
    );
  }
}

function segmentOf(file: DiskFile, owner: Owner, firstIndex: LogIndex): Segment {
  const segment = new Segment(file, owner);
  if (segment.firstIndex === firstIndex) return segment;
  const { path } = file;
  throw new StorageError("LOG_GAP", path, `${path} holds entries from another index than its name says.`);
}

class Recovery {
  readonly #options: RecoveryOptions;
  readonly #row: SegmentRow;
  readonly #cuts: Cut[] = [];
  /** No entry up to here may be missing. */
  readonly #knownIndex: LogIndex;
  /** Highest durable index that any good record carries. */
  #markedIndex: LogIndex = 0;

  constructor(options: RecoveryOptions, segments: Segment[]) {
    this.#options = options;
    this.#row = new SegmentRow(segments);
    this.#knownIndex = Math.max(options.securedIndex, options.truncationIndex ?? 0);
  }

  run(): RecoveredLog {
    const { segments, active } = this.#row;
    this.#checkBeginning(segments[0] as Segment);
    for (let i = 1; i < segments.length; i++) {
      this.#recoverFullSegment(segments[i - 1] as Segment, segments[i] as Segment);
    }
    this.#recoverLastSegment(active);
    const rewrittenBytes = this.#rewriteUnproven(active);
    for (const segment of segments) segment.file.sync();
    const report = {
      entryCount: this.#row.lastIndex - this.#row.firstIndex + 1,
      cuts: this.#cuts,
      truncatedAfter: this.#options.truncationIndex,
      rewrittenBytes,
    };
    return { row: this.#row, report };
  }

  #checkBeginning(first: Segment): void {
    const wanted = this.#options.coveredIndex + 1;
    if (first.firstIndex <= wanted) return;
    throw gap(first.path, wanted, first.firstIndex - 1);
  }

  /** A segment with a later one behind it: it was synced to its end, so every entry must be there. */
  #recoverFullSegment(segment: Segment, next: Segment): void {
    const problem = this.#walk(segment, next.firstIndex - 1);
    if (segment.lastIndex < next.firstIndex - 1) {
      if (problem === null && isZeroTail(segment))
        throw gap(segment.path, segment.lastIndex + 1, next.firstIndex - 1);
      throw damaged(segment, problem ?? "missing");
    }
    const end = segment.pointAt(segment.lastIndex);
    if (end.crc !== next.before.crc || end.term !== next.before.term || end.stampMs !== next.before.stampMs) {
      throw new LogDamagedError(
        { path: next.path, offset: 0, index: next.firstIndex },
        "does not follow the last record of the file before",
      );
    }
    segment.findWrittenOffset();
    this.#cut(segment, "unused space was not zero");
  }

  #recoverLastSegment(segment: Segment): void {
    const truncationIndex = this.#options.truncationIndex;
    const problem = this.#walk(segment, truncationIndex ?? Number.MAX_SAFE_INTEGER);
    const brokenIndex = segment.lastIndex + 1;
    if (truncationIndex !== null && brokenIndex > truncationIndex) {
      // To the very end: zeros that are there already may be in the page cache only, and old records below them.
      segment.writtenOffset = segment.sizeBytes;
      segment.clearTail();
      return;
    }
    segment.findWrittenOffset();
    const sizeBytes = segment.writtenOffset - segment.endOffset;
    if (brokenIndex <= this.#knownIndex) throw damaged(segment, problem ?? "missing");
    if (sizeBytes === 0) return;
    if (provesDurable(segment, brokenIndex)) throw damaged(segment, problem ?? "missing");
    this.#cut(segment, `entry ${brokenIndex} was never completed (${problem ?? "missing"})`);
  }

  /** Takes good records in, up to `lastIndex`. Null when it ended there or where the next record's header is zeros. */
  #walk(segment: Segment, lastIndex: LogIndex): RecordProblem | null {
    const { bytes, view } = segment;
    let previous = segment.before;
    while (segment.lastIndex < lastIndex) {
      const offset = segment.endOffset;
      if (segment.roomBytes < recordHeaderBytes || isZero(bytes, offset, offset + recordHeaderBytes))
        return null;
      let problem = recordProblem(bytes, view, offset);
      // The checksum is right, so this is no damage, and it must not be cut.
      if (problem === "newer format") throw newerFormat(segment.path, view.getUint8(offset + 16));
      problem ??= linkProblem(view, offset, previous);
      if (problem !== null) return problem;
      const durableIndex = durableIndexAt(view, offset, segment.seed);
      const index = indexAt(view, offset);
      if (durableIndex < 0 || durableIndex >= index) return "wrong durability mark";
      this.#markedIndex = Math.max(this.#markedIndex, durableIndex);
      previous = chainPointAt(view, offset);
      const isMembership = kindAt(view, offset) === "membership";
      this.#row.note(previous, isMembership ? entryAt(bytes, view, offset).membership : null);
      segment.push(recordSizeBytes(bodyBytesAt(view, offset)));
    }
    return null;
  }

  #cut(segment: Segment, reason: string): void {
    const sizeBytes = segment.clearTail();
    if (sizeBytes > 0) this.#cuts.push({ path: segment.path, offset: segment.endOffset, sizeBytes, reason });
  }

  /** Writes the records of the last segment again that nothing proves to be on the disk. */
  #rewriteUnproven(segment: Segment): number {
    const from = Math.max(this.#knownIndex, this.#markedIndex, segment.firstIndex - 1) + 1;
    if (from > segment.lastIndex) return 0;
    const start = segment.offsetOf(from);
    for (let offset = start; offset < segment.endOffset; offset += readBuffer.length) {
      // A copy: the kernel should not have to read from the pages that it writes.
      segment.write(
        segment.bytes.slice(offset, Math.min(offset + readBuffer.length, segment.endOffset)),
        offset,
      );
    }
    return segment.endOffset - start;
  }
}

/** Whether an intact record behind the end of the good ones says that `brokenIndex` was durable when it was written. */
function provesDurable(segment: Segment, brokenIndex: LogIndex): boolean {
  const { bytes, view, seed } = segment;
  // The end of a record may be zeros and so lie behind what was found written.
  const lastStart = Math.min(segment.writtenOffset, segment.sizeBytes - recordHeaderBytes);
  for (let offset = segment.endOffset; offset <= lastStart; offset += 8) {
    // Cheap tests first: the full one runs over the body, and bodies are full of numbers that look like lengths.
    if (view.getUint8(offset + 16) !== recordFormatVersion) continue;
    const index = indexAt(view, offset);
    if (index <= brokenIndex || index > brokenIndex + segment.sizeBytes / recordHeaderBytes) continue;
    const durableIndex = durableIndexAt(view, offset, seed);
    if (durableIndex < brokenIndex || durableIndex >= index) continue;
    if (recordProblem(bytes, view, offset) === null) return true;
  }
  return false;
}

function isZeroTail(segment: Segment): boolean {
  segment.findWrittenOffset();
  return segment.writtenOffset === segment.endOffset;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}

function damaged(segment: Segment, problem: RecordProblem): LogDamagedError {
  const place = { path: segment.path, offset: segment.endOffset, index: segment.lastIndex + 1 };
  return new LogDamagedError(place, `had been synced but does not read back (${problem})`);
}

function gap(path: string, from: LogIndex, to: LogIndex): StorageError {
  return new StorageError(
    "LOG_GAP",
    path,
    `the log has a gap: entries ${from} to ${to} are missing (seen at ${path}). If a file was moved, put it back. ` +
      rejoinAdvice,
  );
}
