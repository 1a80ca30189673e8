// The segments of a log in a row, and what is kept in memory about the entries in them: where each record lies (in the
// segments), the runs of terms, the memberships. It answers all reads of the log, and knows nothing of writing.

import { assert } from "../base/assert.ts";
import type { Entry, LogIndex, Membership, MembershipRecord, Term } from "../raft/types.ts";
import { LogDamagedError } from "./errors.ts";
import {
  bodyBytesAt,
  type ChainPoint,
  entryAt,
  indexAt,
  recordHeaderBytes,
  recordProblem,
  recordSizeBytes,
  termAt,
} from "./record.ts";
import { type Segment, segmentHeaderBytes } from "./segment.ts";
import { TermRuns } from "./term-runs.ts";

/** The entries of a log; see the file's header. There is always at least one segment, the last one may be empty. */
export class SegmentRow {
  readonly #segments: Segment[];
  readonly #terms: TermRuns;
  readonly #memberships: MembershipRecord[] = [];
  #active: Segment;
  #lastIndex: LogIndex;
  #lastStampMs: number;

  /** Takes over `segments`, in the order of the log; `note` has to be called for each entry in them. */
  constructor(segments: Segment[]) {
    const first = segments[0];
    const last = segments[segments.length - 1];
    assert(first !== undefined && last !== undefined, "a log of at least one segment");
    this.#segments = segments;
    this.#active = last;
    this.#terms = new TermRuns(first.before.index, first.before.term);
    this.#lastIndex = first.before.index;
    this.#lastStampMs = first.before.stampMs;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** The segment that takes the next record. */
  get active(): Segment {
    return this.#active;
  }

  get firstIndex(): LogIndex {
    return (this.#segments[0] as Segment).firstIndex;
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  get lastStampMs(): number {
    return this.#lastStampMs;
  }

  /** Oldest first. */
  get memberships(): readonly MembershipRecord[] {
    return this.#memberships;
  }

  /** Bytes of all records. O(segments). */
  get sizeBytes(): number {
    let total = 0;
    for (const segment of this.#segments) total += segment.endOffset - segmentHeaderBytes;
    return total;
  }

  /** `index` in `[firstIndex - 1, lastIndex]`. O(1) in the newest term. */
  termAt(index: LogIndex): Term {
    assert(index >= this.firstIndex - 1 && index <= this.#lastIndex, "an index that the log can know");
    return this.#terms.termAt(index);
  }

  /** Term, stamp and checksum at `index`, in `[firstIndex - 1, lastIndex]`. */
  pointAt(index: LogIndex): ChainPoint {
    if (index === this.firstIndex - 1) return (this.#segments[0] as Segment).before;
    return this.segmentOf(index).pointAt(index);
  }

  /** The same, to build on: proven to read back as it was stored. Throws LogDamagedError. */
  soundPointAt(index: LogIndex): ChainPoint {
    if (index >= this.firstIndex) this.#verify(this.segmentOf(index), index);
    return this.pointAt(index);
  }

  /** As LogView says. */
  lastIndexWithin(from: LogIndex, sizeBytesMax: number): LogIndex {
    let position = this.#positionOf(from);
    let segment = this.#segments[position] as Segment;
    let start = segment.offsetOf(from);
    let budget = sizeBytesMax;
    while (segment.endOffset - start <= budget && position < this.#segments.length - 1) {
      budget -= segment.endOffset - start;
      segment = this.#segments[++position] as Segment;
      start = segmentHeaderBytes;
    }
    return Math.max(from, segment.lastIndexEndingBy(start + budget));
  }

  /** The records of `[from, to]`, one view of the mapping per segment. Throws LogDamagedError. */
  records(from: LogIndex, to: LogIndex): Uint8Array[] {
    assert(from <= to && to <= this.#lastIndex, "a range within the log");
    const views: Uint8Array[] = [];
    for (let index = from, position = this.#positionOf(from); index <= to; position++) {
      const segment = this.#segments[position] as Segment;
      const last = Math.min(to, segment.lastIndex);
      for (let at = index; at <= last; at++) this.#verify(segment, at);
      views.push(segment.bytes.subarray(segment.offsetOf(index), segment.endOf(last)));
      index = last + 1;
    }
    return views;
  }

  /** The entry at `index`; its `record` is a view of the mapping. Throws LogDamagedError. */
  entry(index: LogIndex): Entry {
    const segment = this.segmentOf(index);
    this.#verify(segment, index);
    return entryAt(segment.bytes, segment.view, segment.offsetOf(index));
  }

  /** The body of the entry at `index`, a view of the mapping. */
  body(index: LogIndex): Uint8Array {
    const segment = this.segmentOf(index);
    const start = segment.offsetOf(index) + recordHeaderBytes;
    return segment.bytes.subarray(start, start + bodyBytesAt(segment.view, start - recordHeaderBytes));
  }

  /** Takes the next entry in, whose record one of the segments holds. */
  note(entry: Omit<ChainPoint, "crc">, membership: Membership | null): void {
    const { index } = entry;
    assert(index === this.#lastIndex + 1, "entries without gaps");
    this.#terms.push(index, entry.term);
    if (membership !== null) this.#memberships.push({ index, membership });
    this.#lastIndex = index;
    this.#lastStampMs = entry.stampMs;
  }

  /** Adds the next segment; one without entries, whose name it has taken over, goes. */
  add(segment: Segment): void {
    if (this.#active.isEmpty) this.#segments.pop()?.file.close();
    this.#segments.push(segment);
    this.#active = segment;
  }

  /** Takes the last segment off if it holds nothing up to `index`; never the first one. */
  takeOffAfter(index: LogIndex): Segment | null {
    if (this.#segments.length === 1 || this.#active.firstIndex <= index) return null;
    const segment = this.#active;
    this.#segments.pop();
    this.#active = this.#segments[this.#segments.length - 1] as Segment;
    return segment;
  }

  /** Forgets the entries after `index`, which the segments no longer hold. */
  forgetAfter(index: LogIndex): void {
    this.#terms.truncateAfter(index);
    while ((this.#memberships[this.#memberships.length - 1]?.index ?? 0) > index) this.#memberships.pop();
    this.#lastIndex = index;
    this.#lastStampMs = this.pointAt(index).stampMs;
  }

  /**
   * Proves that the record of `index` reads back as it was stored. What was good at the start may have left the page cache
   * since and come back from a medium that changed it or gives back an old block. Index and term name an entry for good
   * (Log Matching), so with the checksum they rule out any other bytes. A body of 100 bytes takes 0.11 us, one of 2 kB
   * 0.25 us, one of 64 kB 2.8 us: little enough for every entry applied or sent, also those that surely are in memory. (A
   * sector that cannot be read at all is a signal here, SIGBUS; the next start names it.)
   */
  #verify(segment: Segment, index: LogIndex): void {
    const { bytes, view } = segment;
    const offset = segment.offsetOf(index);
    let problem = recordProblem(bytes, view, offset);
    if (problem === null) {
      if (indexAt(view, offset) !== index) problem = "wrong index";
      else if (termAt(view, offset) !== this.#terms.termAt(index)) problem = "wrong term";
      else if (offset + recordSizeBytes(bodyBytesAt(view, offset)) !== segment.endOf(index)) {
        problem = "length out of range";
      }
    }
    if (problem === null) return;
    const place = { path: segment.path, offset, index };
    throw new LogDamagedError(place, `no longer reads back as it was stored (${problem})`);
  }

  /** The segment that holds `index`. */
  segmentOf(index: LogIndex): Segment {
    return this.#segments[this.#positionOf(index)] as Segment;
  }

  /** Position of the segment that holds `index`. O(1) in the last one, else O(log segments). */
  #positionOf(index: LogIndex): number {
    assert(index >= this.firstIndex && index <= this.#lastIndex, "an index within the log");
    let low = 0;
    let high = this.#segments.length - 1;
    if (index >= this.#active.firstIndex) return high;
    // The segment is in [low, high).
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle] as Segment).firstIndex <= index) low = middle;
      else high = middle;
    }
    return low;
  }
}
