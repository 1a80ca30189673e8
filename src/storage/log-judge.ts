// The judgement on what the segments of a log hold after any kind of end. It only looks: recovery (recovery.ts) does what
// it says, and `vlot check` (check-log.ts) tells of it.
//
// All records are walked: checksum, limits, index, chain, durability mark. Where the walk stops, entry `b` is the first
// one that is not there:
//
//   nothing but zeros from there on .......... the clean end of the log
//   a later segment exists ................... damage: a segment is synced before the next one is made
//   `b` is at or before the secured index .... damage: the hard state noted that `b` was durable here
//   a later record in the segment says that .. damage: each record carries the durable index at the time of its writing
//     `b` was durable when it was written        (its own check, checksum and place must be right, its index above `b`)
//   the bytes of `b` show that it had been .. damage: a torn write has zeros where it ends and where a sector is missing
//     written to its end                       (torn-record.ts)
//   otherwise ................................ a torn tail: `b` was being written when the power went, and nobody was
//                                                told that this node has it. It is to be cut: overwritten with zeros.
//
// Damage means that the entry may have been acknowledged, and a node that forgets it and still votes can lose it for the
// cluster. Later records that do not claim `b` as durable are cut along with it: they were not synced either, as a sync
// covers everything written before it.
//
// The limit of this: of the entries of the very last syncs, after which no record and no secured index was written any
// more, nothing but their own bytes tells that they were acknowledged. A medium that loses one of their sectors, so that it
// reads as zeros, or that changes several bits of one which has zeros at the edge of a sector, leaves what a torn write
// leaves, and it is cut. An orderly stop and an idle node note the secured index (data-directory.ts), which closes the
// window: it is open for about a second after the last write.

import { dirname } from "node:path";
import type { LogIndex, Membership } from "../raft/types.ts";
import { LogDamagedError, newerFormat, rejoinAdvice, StorageError } from "./errors.ts";
import {
  bodyBytesAt,
  type ChainPoint,
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
import type { Segment } from "./segment.ts";
import { isZero, wasComplete } from "./torn-record.ts";
import { truncationPath } from "./truncation-intent.ts";

/** What is known of a log from elsewhere. */
export interface LogFacts {
  /** Every entry up to here is known to have been durable, and committed or claimed; 0 when nothing is known. */
  readonly securedIndex: LogIndex;
  /** Every entry up to here is in a snapshot, so the log need not have it. */
  readonly coveredIndex: LogIndex;
  /** The last entry to keep of a truncation that was under way, or null. */
  readonly truncationIndex: LogIndex | null;
}

/** What is to become of a segment. */
export type Verdict =
  | { readonly kind: "sound" }
  /** Nothing may be changed in any of the log's files. */
  | { readonly kind: "unusable"; readonly error: StorageError }
  /** What lies in it behind the records, `[endOffset, writtenOffset)`, was never acknowledged: zeros belong there. */
  | { readonly kind: "cut"; readonly reason: string }
  /** The truncation under way ends in it: zeros belong behind the records, and may be in the page cache only. */
  | { readonly kind: "truncate" };

/** A segment that has entries after those of the one in question. */
export interface Successor {
  readonly path: string;
  readonly firstIndex: LogIndex;
  /** What its header says that it follows; null when that cannot be read. */
  readonly before: ChainPoint | null;
}

/** Hears of each good record, in the order of the log. */
export type RecordHeard = (point: ChainPoint, membership: Membership | null) => void;

/** Judges the segments of one log, to be handed to it in their order. It pushes the good records into each. */
export class LogJudge {
  readonly #facts: LogFacts;
  readonly #heard: RecordHeard;
  /** No entry up to here may be missing. */
  readonly #knownIndex: LogIndex;
  /** Highest durable index that any good record carries. */
  #markedIndex: LogIndex = 0;

  constructor(facts: LogFacts, heard: RecordHeard) {
    this.#facts = facts;
    this.#heard = heard;
    this.#knownIndex = Math.max(facts.securedIndex, facts.truncationIndex ?? 0);
  }

  /** Everything up to here is proved to be on the disk by what was judged so far; what follows is not. */
  get provenIndex(): LogIndex {
    return Math.max(this.#knownIndex, this.#markedIndex);
  }

  /** What rules out a log that begins with `firstIndex`, at `path`, before it is looked into; null when nothing does. */
  beginning(path: string, firstIndex: LogIndex): StorageError | null {
    const { securedIndex, coveredIndex, truncationIndex } = this.#facts;
    if (truncationIndex !== null && truncationIndex < securedIndex) {
      return outdatedTruncation(dirname(path), truncationIndex, securedIndex);
    }
    return firstIndex <= coveredIndex + 1 ? null : gap(path, coveredIndex + 1, firstIndex - 1);
  }

  /** A segment with a later one behind it: it was synced to its end, so every entry must be there. */
  full(segment: Segment, next: Successor): Verdict {
    const lastIndex = next.firstIndex - 1;
    const problem = this.#walk(segment, lastIndex);
    segment.findWrittenOffset();
    const hasTail = segment.writtenOffset > segment.endOffset;
    if (segment.lastIndex < lastIndex) {
      if (problem !== null || hasTail) return unusable(segment, problem ?? "missing");
      return { kind: "unusable", error: gap(segment.path, segment.lastIndex + 1, lastIndex) };
    }
    if (next.before !== null && !isSamePoint(segment.pointAt(segment.lastIndex), next.before)) {
      const place = { path: next.path, offset: 0, index: next.firstIndex };
      const finding = "does not follow the last record of the file before";
      return { kind: "unusable", error: new LogDamagedError(place, finding) };
    }
    return hasTail ? { kind: "cut", reason: "unused space was not zero" } : { kind: "sound" };
  }

  last(segment: Segment): Verdict {
    const { truncationIndex } = this.#facts;
    const problem = this.#walk(segment, truncationIndex ?? Number.MAX_SAFE_INTEGER);
    const brokenIndex = segment.lastIndex + 1;
    segment.findWrittenOffset();
    if (truncationIndex !== null && brokenIndex > truncationIndex) return { kind: "truncate" };
    // Its checksum is right: no crash leaves that, and it must not be cut.
    if (problem === "newer format") return unusable(segment, problem);
    if (brokenIndex <= this.#knownIndex) return unusable(segment, problem ?? "missing");
    if (segment.writtenOffset === segment.endOffset) return { kind: "sound" };
    if (provesDurable(segment, brokenIndex)) return unusable(segment, problem ?? "missing");
    if (problem !== null && wasComplete(segment))
      return unusable(segment, problem, "had been written to its end");
    return {
      kind: "cut",
      reason: `entry ${brokenIndex} was never completed (${problem ?? "missing"})`,
    };
  }

  /** Takes good records in, up to `lastIndex`. Null when it ended there or where the next record's header is zeros. */
  #walk(segment: Segment, lastIndex: LogIndex): RecordProblem | null {
    const { bytes, view } = segment;
    let previous = segment.before;
    while (segment.lastIndex < lastIndex) {
      const offset = segment.endOffset;
      if (segment.roomBytes < recordHeaderBytes || isZero(bytes, offset, offset + recordHeaderBytes))
        return null;
      const problem = recordProblem(bytes, view, offset) ?? linkProblem(view, offset, previous);
      if (problem !== null) return problem;
      const durableIndex = durableIndexAt(view, offset, segment.seed);
      if (durableIndex < 0 || durableIndex >= indexAt(view, offset)) return "wrong durability mark";
      this.#markedIndex = Math.max(this.#markedIndex, durableIndex);
      previous = chainPointAt(view, offset);
      const isMembership = kindAt(view, offset) === "membership";
      segment.push(recordSizeBytes(bodyBytesAt(view, offset)));
      this.#heard(previous, isMembership ? entryAt(bytes, view, offset).membership : null);
    }
    return null;
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

function isSamePoint(a: ChainPoint, b: ChainPoint): boolean {
  return a.crc === b.crc && a.term === b.term && a.stampMs === b.stampMs;
}

function unusable(segment: Segment, problem: RecordProblem, was = "had been synced"): Verdict {
  const { path, view, endOffset: offset } = segment;
  if (problem === "newer format")
    return { kind: "unusable", error: newerFormat(path, offset, view.getUint8(offset + 16)) };
  const place = { path, offset, index: segment.lastIndex + 1 };
  const finding = `${was} but does not read back (${problem})`;
  return { kind: "unusable", error: new LogDamagedError(place, finding) };
}

function gap(path: string, from: LogIndex, to: LogIndex): StorageError {
  return new StorageError(
    "LOG_GAP",
    path,
    `the log has a gap: entries ${from} to ${to} are missing (seen at ${path}). If a file was moved, put it back. ` +
      rejoinAdvice,
  );
}

/** Committed entries are never truncated, and the note is cleared before anything else can be committed. */
function outdatedTruncation(directory: string, noted: LogIndex, secured: LogIndex): StorageError {
  const path = truncationPath(directory);
  return new StorageError(
    "TRUNCATION_OUTDATED",
    path,
    `${path}, at offset 0, asks to drop the entries after ${noted}, but those up to ${secured} are known to be committed: ` +
      `an older copy was put back. Nothing has been changed. ${rejoinAdvice}`,
  );
}
