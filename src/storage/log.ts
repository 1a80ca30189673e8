// The Raft log on disk: a row of segments (segment.ts), of which the last one takes the records (record.ts). Opening one
// after a crash is recovery.ts. What must not be known here: who leads, and what an entry says.
//
//   append ──► one positional write per segment touched ──► readable in the mapping at once, also for sending
//   sync / syncInBackground ──► durableIndex moves
//
// Only the last segment ever holds anything that is not synced: before the next one is made, the full one is synced. A
// new segment has its header and its name durable before the first record goes in. Truncation notes what it is about to
// do (truncation-intent.ts). A DiskError while appending leaves the log as it was, but for what was to be overwritten,
// with two exceptions after which it refuses all further work, because nobody can tell what the disk holds: a failed
// sync, and a failure in the middle of changing segments or of undoing.
//
// Running out of space: a segment's blocks are allocated when it is made, so on ext4 and XFS only making one can fail,
// before anything was written; `reserve` finds out in advance. Commands never fill a segment to its end: what is no
// command (the first entry of a term, a configuration) has some room of its own there, so that a full node can still be
// restarted, elected and removed. File systems that never overwrite in place (Btrfs, ZFS)
// can fail any write; then undoing may fail as well, and the node has to be started again once there is space.
//
// Measured on the development machine (2 cores, shared; ext4 on a virtual disk), medians of a quiet and a busy run:
//
//                         append            append + sync    append + background sync
//   record of 160 bytes   0.003 ms          0.11-0.15 ms     0.15-0.19 ms
//   record of 100 kB      0.011 ms          0.15-0.19 ms
//   100 records at once   0.07-0.09 ms
//
// Opening a log of 126,600 entries (80 MB) takes 45-63 ms, making a segment of 64 MiB 44-110 ms, a truncation 0.3-0.7 ms.

import { assert } from "../base/assert.ts";
import type { Entry, LogIndex, LogView, MembershipRecord, NodeId, Term } from "../raft/types.ts";
import { type Disk, DiskError } from "./disk.ts";
import { logMissing, rejoinAdvice, StorageError } from "./errors.ts";
import type { Owner } from "./owner.ts";
import {
  type ChainPoint,
  chainStart,
  crcAt,
  markDurable,
  previousCrcAt,
  recordHeaderBytes,
  recordSizeBytes,
  sealRecord,
} from "./record.ts";
import { type RecoveredLog, type RecoveryReport, recoverLog } from "./recovery.ts";
import { Segment, segmentHeader, segmentHeaderBytes, segmentName, segmentSizeBytesMax } from "./segment.ts";
import type { SegmentRow } from "./segment-row.ts";
import { SpareSegment } from "./spare-segment.ts";
import { TruncationIntent } from "./truncation-intent.ts";

export const defaultSegmentSizeBytes = 64 * 1024 * 1024;
const segmentSizeBytesMin = 4096;
/** The first segments grow to the full size, so that a new node is ready at once: 64 MiB of zeros take up to 0.6 s. */
const firstSegmentSizeBytes = 4 * 1024 * 1024;
/**
 * At the end of each segment, bytes that only control entries may use, or an eighth of a small one: more than a thousand
 * elections, or as many changes of membership as a cluster sees in years.
 */
const controlRoomBytesMax = 64 * 1024;

export interface LogOptions {
  readonly disk: Disk;
  /** Holds nothing but the log. */
  readonly directory: string;
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** Size of new segments, a multiple of 8 from 4 kB; existing ones keep theirs. */
  readonly segmentSizeBytes?: number;
  /** Every entry up to here was once durable here, and committed or claimed, so none may be missing; 0 if unknown. */
  readonly securedIndex?: LogIndex;
  /** Every entry up to here is in a snapshot, so the log may begin anywhere up to the one after. */
  readonly coveredIndex?: LogIndex;
}

/** Hears how a background sync ended: all entries up to `index`, which has `term`, are durable unless there is an error. */
export type SyncDone = (error: DiskError | null, index: LogIndex, term: Term) => void;

/** The log; see the file's header. Synchronous but for `syncInBackground`, and not to be used from two places at once. */
export class Log implements LogView {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #owner: Owner;
  readonly #segmentSizeBytes: number;
  readonly #row: SegmentRow;
  readonly #intent: TruncationIntent;
  readonly #spare: SpareSegment;
  #durableIndex: LogIndex;
  /** What the background sync under way will have made durable; a truncation lowers it. */
  #coveredBySync: LogIndex = 0;
  #syncing = false;
  #closed = false;
  #failure: DiskError | null = null;
  #prepareError: DiskError | null = null;
  /** The records of the append under way, and room to put small ones together. */
  readonly #records: Uint8Array[] = [];
  readonly #scratch = new Uint8Array(256 * 1024);

  private constructor(options: LogOptions, recovered: RecoveredLog, intent: TruncationIntent) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#owner = { clusterId: options.clusterId, nodeId: options.nodeId };
    this.#segmentSizeBytes = segmentSizeOf(options);
    this.#row = recovered.row;
    this.#intent = intent;
    this.#spare = new SpareSegment(options.disk, options.directory, (error) => this.#poison(error));
    this.#durableIndex = recovered.row.lastIndex;
  }

  /** Makes an empty log in an empty directory, durably but for the directory's own name. Open it afterwards. */
  static create(options: LogOptions): void {
    const { disk, directory, clusterId, nodeId } = options;
    disk.makeDirectory(directory);
    TruncationIntent.open(disk, directory).close();
    const sizeBytes = Math.min(segmentSizeOf(options), firstSegmentSizeBytes);
    const file = disk.create(`${directory}/${segmentName(chainStart.index + 1)}`, sizeBytes);
    try {
      file.write(segmentHeader(file.sizeBytes, chainStart, { clusterId, nodeId }), 0);
      file.sync();
    } finally {
      file.close();
    }
    disk.syncDirectory(directory);
  }

  /** Opens a log and repairs what a crash left. Everything in it is durable then. Throws StorageError or DiskError. */
  static open(options: LogOptions): { readonly log: Log; readonly recovery: RecoveryReport } {
    const { disk, directory, clusterId, nodeId } = options;
    if (disk.list(directory).length === 0) throw logMissing(directory);
    const intent = TruncationIntent.open(disk, directory);
    try {
      const recovered = recoverLog({
        disk,
        directory,
        owner: { clusterId, nodeId },
        securedIndex: options.securedIndex ?? 0,
        coveredIndex: options.coveredIndex ?? 0,
        truncationIndex: intent.index,
        intent,
      });
      if (intent.index !== null) intent.clear();
      return { log: new Log(options, recovered, intent), recovery: recovered.report };
    } catch (error) {
      intent.close();
      throw error;
    }
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  get firstIndex(): LogIndex {
    return this.#row.firstIndex;
  }

  get lastIndex(): LogIndex {
    return this.#row.lastIndex;
  }

  get lastStampMs(): number {
    return this.#row.lastStampMs;
  }

  /** All entries up to here survive a power cut. */
  get durableIndex(): LogIndex {
    return this.#durableIndex;
  }

  /** Bytes of the records held. O(segments). */
  get sizeBytes(): number {
    return this.#row.sizeBytes;
  }

  /** Why the log refuses all further work, null while it does not: the node has to stop. */
  get failure(): DiskError | null {
    return this.#failure;
  }

  /** Why the last `prepareAhead` failed (`ENOSPC`: the disk is filling up), null when it did not. */
  get prepareError(): DiskError | null {
    return this.#prepareError;
  }

  termAt(index: LogIndex): Term {
    return this.#row.termAt(index);
  }

  lastIndexWithin(from: LogIndex, sizeBytesMax: number): LogIndex {
    return this.#row.lastIndexWithin(from, sizeBytesMax);
  }

  /** Checksum of the record at `index`, the chain's link to the next; `index` as for `termAt`. */
  crcAt(index: LogIndex): number {
    return this.#row.pointAt(index).crc;
  }

  /**
   * The records of the entries `[from, to]` as they are on disk, one view of the mapping per segment, each verified. Throws
   * LogDamagedError. Valid until the entries are truncated, after which the views show zeros: a receiver checks what it
   * gets.
   */
  records(from: LogIndex, to: LogIndex): Uint8Array[] {
    return this.#row.records(from, to);
  }

  /** The entry at `index`, verified; its `record` is a view of the mapping. Throws LogDamagedError. */
  entry(index: LogIndex): Entry {
    return this.#row.entry(index);
  }

  /** The body of the entry at `index`, a view of the mapping; `entry` verifies it. */
  body(index: LogIndex): Uint8Array {
    return this.#row.body(index);
  }

  /** All membership entries held, oldest first. Valid until the next append. */
  memberships(): readonly MembershipRecord[] {
    return this.#row.memberships;
  }

  // ── Appending ───────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Writes entries that follow each other and something in the log; what they overwrite is dropped first. They are
   * readable on return and durable after the next sync. Fills in the headers of entries that have none yet, in place. On
   * DiskError (`ENOSPC`) none of them is in the log; the caller must not append other entries with the same index and
   * term, as these may have been seen. StorageError `LOG_DIVERGED` when they do not continue this history.
   */
  append(entries: readonly Entry[]): void {
    this.#checkUsable();
    if (entries.length === 0) return;
    const from = (entries[0] as Entry).index;
    assert(from >= this.firstIndex && from <= this.#row.lastIndex + 1, "entries that join the log");
    try {
      this.#seal(entries, this.#row.soundPointAt(from - 1));
      if (from <= this.#row.lastIndex) this.truncateAfter(from - 1);
      this.#store(entries);
    } finally {
      this.#records.length = 0;
    }
  }

  /**
   * Makes sure that command records with `bodyBytes` and their headers in all can be appended without new disk blocks, so
   * that a full disk can be answered before anything is proposed. Throws DiskError: a shortage leaves the log as it is,
   * anything else is final. O(1) unless the segment is nearly full.
   */
  reserve(bodyBytes: number): void {
    this.#reserve(recordSizeBytes(bodyBytes), commandRoomBytes(this.#row.active));
  }

  /** The same for records of control entries, which may use the room that is kept for them. */
  reserveControl(bodyBytes: number): void {
    this.#reserve(recordSizeBytes(bodyBytes), this.#row.active.roomBytes);
  }

  /** The same for records that go into the next segment, whatever room there is in this one. */
  reserveNext(bodyBytes: number): void {
    this.#reserve(recordSizeBytes(bodyBytes), 0);
  }

  /**
   * How many of `entries`, which came from a peer and follow each other and something in the log, the segment takes in
   * which the first of them would go; what they overwrite makes room. O(entries).
   */
  fitting(entries: readonly Entry[]): number {
    const first = entries[0];
    if (first === undefined) return 0;
    let { roomBytes, controlRoomBytes } = this.#roomFrom(first.index);
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] as Entry;
      assert(entry.record !== null, "entries with their records");
      roomBytes -= paddedBytes(entry.record);
      if (roomBytes < (isControl(entry) ? 0 : controlRoomBytes)) return at;
    }
    return entries.length;
  }

  /** Room for the entries from `index` on, in the segment where the first of them would go. */
  #roomFrom(index: LogIndex): { roomBytes: number; controlRoomBytes: number } {
    let segment = this.#row.active;
    let { endOffset } = segment;
    if (index <= this.lastIndex) {
      // The segments without an entry before `index` will be gone, but for the first one.
      const isFirst = index === this.firstIndex;
      segment = this.#row.segmentOf(isFirst ? index : index - 1);
      endOffset = isFirst ? segmentHeaderBytes : segment.endOf(index - 1);
    }
    return { roomBytes: segment.sizeBytes - endOffset, controlRoomBytes: controlRoomOf(segment.sizeBytes) };
  }

  #reserve(sizeBytes: number, roomBytes: number): void {
    this.#checkUsable();
    if (sizeBytes <= roomBytes) return;
    try {
      this.#spare.complete(this.#sizeOfNext(sizeBytes));
    } catch (error) {
      throw isShortage(error) ? error : this.#poison(error);
    }
  }

  /**
   * Does a slice of the work for the next segment, if the current one is half full; true while there is more to do. Cheap
   * otherwise, and while a slice is being synced. Never throws: see `prepareError`.
   */
  prepareAhead(): boolean {
    if (this.#closed || this.#failure !== null) return false;
    if (this.#row.active.roomBytes * 2 > this.#row.active.sizeBytes) return false;
    try {
      this.#prepareError = null;
      return this.#spare.prepare(this.#sizeOfNext(0));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (error.isShortage) this.#prepareError = error;
      else this.#poison(error);
      return false;
    }
  }

  /** Completes the headers, and proves that the entries follow `previous` and each other, before anything is changed. */
  #seal(entries: readonly Entry[], previous: ChainPoint): void {
    let { index, term, stampMs, crc } = previous;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Entry;
      assert(entry.index === index + 1, "entries without gaps");
      const record = sealRecord(entry, crc);
      const view = new DataView(record.buffer, record.byteOffset, recordHeaderBytes);
      if (previousCrcAt(view, 0) !== crc) throw diverged(this.#directory, entry.index);
      assert(entry.term >= term && entry.term >= 1, "terms that never go back along the log");
      assert(entry.stampMs >= stampMs, "stamps that never go back along the log");
      ({ index, term, stampMs } = entry);
      crc = crcAt(view, 0);
      this.#records.push(record);
    }
  }

  #store(entries: readonly Entry[]): void {
    const lastIndex = this.#row.lastIndex;
    try {
      for (let at = 0; at < entries.length;) {
        const sizeBytes = paddedBytes(this.#records[at] as Uint8Array);
        const { active } = this.#row;
        const roomBytes = isControl(entries[at] as Entry) ? active.roomBytes : commandRoomBytes(active);
        if (sizeBytes > roomBytes) this.#addSegment(sizeBytes);
        at = this.#storeInActive(entries, at);
      }
    } catch (error) {
      if (this.#failure === null) this.#cutBack(lastIndex);
      throw error;
    }
  }

  /** Writes as many entries from position `from` on as the active segment holds; returns the position of the next. */
  #storeInActive(entries: readonly Entry[], from: number): number {
    const segment = this.#row.active;
    let offset = segment.endOffset;
    let to = from;
    for (; to < entries.length; to++) {
      const record = this.#records[to] as Uint8Array;
      const keptBytes = isControl(entries[to] as Entry) ? 0 : controlRoomOf(segment.sizeBytes);
      if (offset + paddedBytes(record) > segment.sizeBytes - keptBytes) break;
      markDurable(record, this.#durableIndex, segment.seed, offset);
      offset += paddedBytes(record);
    }
    if (to === from + 1) segment.write(this.#records[from] as Uint8Array, segment.endOffset);
    else this.#writeTogether(segment, from, to);
    for (let i = from; i < to; i++) {
      segment.push(paddedBytes(this.#records[i] as Uint8Array));
      const entry = entries[i] as Entry;
      this.#row.note(entry, entry.membership);
    }
    return to;
  }

  /** Writes the records `[from, to)` in as few calls as fit the scratch buffer. */
  #writeTogether(segment: Segment, from: number, to: number): void {
    const scratch = this.#scratch;
    let offset = segment.endOffset;
    let filled = 0;
    for (let i = from; i < to; i++) {
      const record = this.#records[i] as Uint8Array;
      const sizeBytes = paddedBytes(record);
      if (filled + sizeBytes > scratch.length && filled > 0) {
        segment.write(scratch.subarray(0, filled), offset);
        offset += filled;
        filled = 0;
      }
      if (sizeBytes > scratch.length) {
        segment.write(record, offset);
        offset += sizeBytes;
      } else {
        scratch.set(record, filled);
        scratch.fill(0, filled + record.length, filled + sizeBytes);
        filled += sizeBytes;
      }
    }
    if (filled > 0) segment.write(scratch.subarray(0, filled), offset);
  }

  /** Goes on in a new segment that has room for a record of `sizeBytes`. */
  #addSegment(sizeBytes: number): void {
    // First what can run out of space: then nothing has happened yet.
    this.#spare.complete(this.#sizeOfNext(sizeBytes));
    // Also with nothing to sync: the file of a full segment lets go of what background syncs needed.
    this.#syncActive();
    const full = this.#row.active;
    const before = full.pointAt(full.lastIndex);
    const path = `${this.#directory}/${segmentName(before.index + 1)}`;
    try {
      const file = this.#spare.take(this.#sizeOfNext(sizeBytes));
      file.write(segmentHeader(file.sizeBytes, before, this.#owner), 0);
      file.sync();
      file.close();
      this.#disk.rename(file.path, path);
      this.#disk.syncDirectory(this.#directory);
      this.#row.add(new Segment(this.#disk.open(path), this.#owner));
    } catch (error) {
      throw this.#poison(error);
    }
  }

  /** Twice the one before, up to the full size; and room for a record of `recordBytes`. */
  #sizeOfNext(recordBytes: number): number {
    const grown = Math.min(this.#row.active.sizeBytes * 2, this.#segmentSizeBytes);
    const filledBytes = segmentHeaderBytes + recordBytes;
    // For each 56 bytes 8 more: what commands leave free is an eighth of it all.
    return Math.max(grown, filledBytes + Math.min(controlRoomBytesMax, Math.ceil(filledBytes / 56) * 8));
  }

  // ── Truncation ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Drops the entries after `index`, durably; `index` in `[firstIndex - 1, lastIndex]`. Three syncs, and rare. */
  truncateAfter(index: LogIndex): void {
    this.#checkUsable();
    assert(index >= this.firstIndex - 1 && index <= this.#row.lastIndex, "a truncation within the log");
    if (index < this.#row.lastIndex) this.#cutBack(index);
  }

  /** Drops the entries after `index`, and whatever an append that failed has left behind them. */
  #cutBack(index: LogIndex): void {
    const noted = index < this.#row.lastIndex;
    // What is kept must be durable: recovery takes the note as proof of it.
    if (noted) this.sync();
    try {
      if (noted) this.#intent.set(index);
      this.#removeSegmentsAfter(index);
      this.#row.active.truncateAfter(index);
      if (noted) this.#intent.clear();
    } catch (error) {
      throw this.#poison(error);
    }
    this.#row.forgetAfter(index);
    this.#durableIndex = Math.min(this.#durableIndex, index);
    this.#coveredBySync = Math.min(this.#coveredBySync, index);
  }

  /** Removes the segments that hold only entries after `index`; the first one stays, if only as an empty one. */
  #removeSegmentsAfter(index: LogIndex): void {
    let removed = false;
    for (
      let segment = this.#row.takeOffAfter(index);
      segment !== null;
      segment = this.#row.takeOffAfter(index)
    ) {
      segment.file.close();
      this.#disk.remove(segment.path);
      removed = true;
    }
    if (removed) this.#disk.syncDirectory(this.#directory);
  }

  // ── Syncing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Makes every entry durable. A DiskError is final: the log refuses all further work. */
  sync(): void {
    this.#checkUsable();
    if (this.#durableIndex !== this.#row.lastIndex) this.#syncActive();
  }

  #syncActive(): void {
    try {
      this.#row.active.file.sync();
    } catch (error) {
      throw this.#poison(error);
    }
    this.#durableIndex = this.#row.lastIndex;
  }

  /**
   * The same off the loop, for the entries that are there now; one at a time. `done` is told how far the log is durable
   * then: should entries have been truncated meanwhile, only up to the truncation. Not called after `close`.
   */
  syncInBackground(done: SyncDone): void {
    this.#checkUsable();
    assert(!this.#syncing, "one background sync at a time");
    this.#syncing = true;
    this.#coveredBySync = this.#row.lastIndex;
    this.#row.active.file.syncInBackground((error) => {
      this.#syncing = false;
      if (this.#closed) return;
      if (error !== null) this.#poison(error);
      const index = this.#coveredBySync;
      if (this.#failure === null) this.#durableIndex = Math.max(this.#durableIndex, index);
      done(this.#failure, index, this.#row.termAt(index));
    });
  }

  /** Lets go of the files. Nothing is synced; views handed out stay valid. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#spare.close();
    this.#intent.close();
    for (const segment of this.#row.segments) segment.file.close();
  }

  #checkUsable(): void {
    assert(!this.#closed, "an open log");
    if (this.#failure !== null) throw this.#failure;
  }

  /** Refuses all work from now on: what the disk holds is no longer known. Returns what to throw. */
  #poison(error: unknown): unknown {
    if (!(error instanceof DiskError)) return error;
    this.#failure ??= error;
    return error;
  }
}

function segmentSizeOf(options: LogOptions): number {
  const sizeBytes = options.segmentSizeBytes ?? defaultSegmentSizeBytes;
  assert(
    sizeBytes % 8 === 0 && sizeBytes >= segmentSizeBytesMin && sizeBytes <= segmentSizeBytesMax,
    "a segment size that is a multiple of 8 within its limits",
  );
  return sizeBytes;
}

/** Whether `entry` is no command of clients and may use the room kept for such. */
function isControl({ kind }: Entry): boolean {
  return kind === "empty" || kind === "membership";
}

/** Bytes at the end of a segment of `sizeBytes` that commands may not use. */
function controlRoomOf(sizeBytes: number): number {
  return Math.min(controlRoomBytesMax, Math.floor(sizeBytes / 64) * 8);
}

/** Bytes free for records of commands. */
function commandRoomBytes(segment: Segment): number {
  return segment.roomBytes - controlRoomOf(segment.sizeBytes);
}

function isShortage(error: unknown): boolean {
  return error instanceof DiskError && error.isShortage;
}

function paddedBytes(record: Uint8Array): number {
  return (record.length + 7) & ~7;
}

function diverged(directory: string, index: LogIndex): StorageError {
  return new StorageError(
    "LOG_DIVERGED",
    directory,
    `entry ${index} from a peer does not continue the log in ${directory}, although index and term fit: one of the two ` +
      "logs has been changed behind Raft's back. Nothing has been written. Let `vlot check` look at the directories of both " +
      `nodes. ${rejoinAdvice}`,
  );
}
