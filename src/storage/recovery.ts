// Opens the segments of a log after any kind of end, and does what the judgement on them asks for (log-judge.ts): damage
// stops the node (LogDamagedError) with every file as it was found; a torn tail is overwritten with zeros; a truncation
// that was under way is finished.
//
// What reads back is not yet safe: after a kill names and bytes may be in the page cache only, and after a failed sync those pages
// may count as clean, so that syncing again would write nothing (Rebello et al., "Can Applications Recover from fsync
// Failures?", ATC 2020). So the part that nothing proves to be durable is written again, and everything is synced,
// before the log is used.
//
// A cut is noted as a truncation is: should its zeros stay in the page cache for the same reason, the next start would
// see nothing but zeros, and what a power cut brings back from below could pass for a part of a later record, which is
// judged by the zeros that a torn write leaves (torn-record.ts).

import type { LogIndex } from "../raft/types.ts";
import type { Disk } from "./disk.ts";
import { logMissing } from "./errors.ts";
import { type LogFacts, LogJudge, type Verdict } from "./log-judge.ts";
import type { Owner } from "./owner.ts";
import { openSegment, type SegmentFile, segmentFilesIn } from "./segment-files.ts";
import type { Segment } from "./segment.ts";
import { SegmentRow } from "./segment-row.ts";
import { spareName } from "./spare-segment.ts";
import type { TruncationIntent } from "./truncation-intent.ts";

/** What recovery has to know. */
export interface RecoveryOptions extends LogFacts {
  readonly disk: Disk;
  readonly directory: string;
  readonly owner: Owner;
  /** Whoever asks for the recovery clears it afterwards. */
  readonly intent: TruncationIntent;
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
 * Opens the log of a directory; see the file's header. Throws StorageError when it cannot be used: then nothing has been
 * changed. Throws DiskError when the disk refuses.
 */
export function recoverLog(options: RecoveryOptions): RecoveredLog {
  const { disk, directory, owner, intent, truncationIndex } = options;
  const { kept, dropped } = segmentFilesIn(disk, directory, truncationIndex);
  if (kept.length === 0) throw logMissing(directory);
  const segments = openSegments(disk, kept, owner);
  try {
    const row = new SegmentRow(segments);
    const judge = new LogJudge(options, (point, membership) => row.note(point, membership));
    const verdicts = judged(judge, segments);
    removeLeftovers(disk, directory, dropped);
    const rewrittenBytes = rewriteFrom(row.active, judge.provenIndex + 1);
    for (const segment of segments) segment.file.sync();
    // Not before: the note is also taken as proof that all before the cut is durable.
    if (verdicts.at(-1)?.kind === "cut") intent.set(row.lastIndex);
    const cuts = segments.flatMap((segment, at) => mended(segment, verdicts[at] as Verdict));
    const entryCount = row.lastIndex - row.firstIndex + 1;
    return { row, report: { entryCount, cuts, truncatedAfter: truncationIndex, rewrittenBytes } };
  } catch (error) {
    for (const segment of segments) segment.file.close();
    throw error;
  }
}

function openSegments(disk: Disk, files: readonly SegmentFile[], owner: Owner): Segment[] {
  const segments: Segment[] = [];
  try {
    for (const file of files) segments.push(openSegment(disk, file, owner));
    return segments;
  } catch (error) {
    for (const segment of segments) segment.file.close();
    throw error;
  }
}

/** The verdict on each segment. Throws what makes one unusable. */
function judged(judge: LogJudge, segments: readonly Segment[]): Verdict[] {
  const first = segments[0] as Segment;
  const problem = judge.beginning(first.path, first.firstIndex);
  if (problem !== null) throw problem;
  return segments.map((segment, at) => {
    const next = segments[at + 1];
    const verdict = next === undefined ? judge.last(segment) : judge.full(segment, next);
    if (verdict.kind === "unusable") throw verdict.error;
    return verdict;
  });
}

/** Removes an unfinished spare, and the segments that an interrupted truncation was to remove. */
function removeLeftovers(disk: Disk, directory: string, dropped: readonly SegmentFile[]): void {
  if (disk.list(directory).includes(spareName)) disk.remove(`${directory}/${spareName}`);
  for (const { path } of dropped) disk.remove(path);
  // Also with nothing to remove: what a killed process renamed or removed shows, but may not be durable yet.
  disk.syncDirectory(directory);
}

/** Does what the verdict asks for; what was cut. */
function mended(segment: Segment, verdict: Verdict): Cut[] {
  if (verdict.kind === "truncate") {
    // To the very end: zeros that are there already may be in the page cache only, and old records below them.
    segment.writtenOffset = segment.sizeBytes;
    segment.clearTail();
  }
  if (verdict.kind !== "cut") return [];
  const sizeBytes = segment.clearTail();
  return [{ path: segment.path, offset: segment.endOffset, sizeBytes, reason: verdict.reason }];
}

const pieceBytes = 1024 * 1024;

/** Writes the records of the last segment again from `index` on. Returns how many bytes that were. */
function rewriteFrom(segment: Segment, index: LogIndex): number {
  const from = Math.max(index, segment.firstIndex);
  if (from > segment.lastIndex) return 0;
  const start = segment.offsetOf(from);
  for (let offset = start; offset < segment.endOffset; offset += pieceBytes) {
    // A copy: the kernel should not have to read from the pages that it writes.
    const piece = segment.bytes.slice(offset, Math.min(offset + pieceBytes, segment.endOffset));
    segment.write(piece, offset);
  }
  return segment.endOffset - start;
}
