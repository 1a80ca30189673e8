// What a power cut now would leave of a node's log for sure, read from the disk's durable image: names of directories and
// segments, segment headers, records. It walks forward and remembers how far it has come, so that each record is checked
// once; whoever knows that records were dropped, or that the disk was changed from outside, says so.

import {
  bodyBytesAt,
  type ChainPoint,
  chainPointAt,
  durableIndexAt,
  linkProblem,
  recordProblem,
  recordSizeBytes,
} from "../../../src/storage/record.ts";
import { firstIndexOfName, segmentHeaderBytes, segmentName } from "../../../src/storage/segment.ts";
import { getUint53 } from "../../../src/storage/uint53.ts";
import type { LogIndex, Term } from "../../../src/raft/types.ts";
import type { MemoryDisk } from "../../storage/memory-disk.ts";

const headerCrcOffset = 124;

interface Place {
  readonly point: ChainPoint;
  readonly path: string;
  readonly from: number;
  readonly to: number;
  /** How far the record says that its log was durable before it; -1 when it does not. */
  readonly mark: LogIndex;
}

export class DurableLog {
  readonly #disk: MemoryDisk;
  readonly #directory: string;
  /** By index. */
  #places: (Place | undefined)[] = [];
  #lastIndex: LogIndex = 0;
  #before: ChainPoint | null = null;
  #path = "";
  #offset = 0;

  /** `directory` is where the segments are. */
  constructor(disk: MemoryDisk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /** Whether every entry up to `index` is on disk. */
  reaches(index: LogIndex): boolean {
    if (this.#before === null && !this.#begin()) return false;
    while (this.#lastIndex < index) if (!this.#next()) return false;
    return true;
  }

  /** All entries up to here have been found on disk; 0 before any was looked for. */
  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  /** Term and checksum of the entry on disk at `index`; null when it is not there, or in no segment any more. */
  at(index: LogIndex): { readonly term: Term; readonly crc: number } | null {
    return this.reaches(index) ? (this.#places[index]?.point ?? null) : null;
  }

  /** Term of the entry that was found at `index`, whatever the disk holds by now; undefined when none was. */
  termFoundAt(index: LogIndex): Term | undefined {
    return this.#places[index]?.point.term;
  }

  /** The entries after `index` were dropped. */
  truncateAfter(index: LogIndex): void {
    if (index >= this.#lastIndex) return;
    const last = this.#places[index];
    if (last === undefined) return this.forget();
    this.#places.length = index + 1;
    this.#moveTo(last);
  }

  /** A crash may have undone a truncation halfway, or what else was not synced: goes back to where the disk is as it was. */
  checkAgain(): void {
    let index = this.#lastIndex;
    for (
      let place = this.#places[index];
      place !== undefined && !this.#isGood(place);
      place = this.#places[index]
    )
      index--;
    this.truncateAfter(index);
  }

  /** Forgets what was found: the next question is answered from what the disk holds then. */
  forget(): void {
    this.#places = [];
    this.#lastIndex = 0;
    this.#before = null;
  }

  /**
   * How far the records found so far prove, by what the good ones among them still say, that the log was durable: so far
   * nobody may take a bad record for one whose write was cut short. O(records).
   */
  provenIndex(): LogIndex {
    let proven = 0;
    for (const place of this.#places) {
      if (place !== undefined && place.mark > proven && this.#isGood(place)) proven = place.mark;
    }
    return proven;
  }

  #isGood({ path, from, to, point }: Place): boolean {
    const bytes = this.#disk.durable(path);
    if (bytes === null || bytes.length < to) return false;
    const record = bytes.subarray(from, to);
    const view = viewOf(record);
    return recordProblem(record, view, 0) === null && chainPointAt(view, 0).crc === point.crc;
  }

  #begin(): boolean {
    const first = this.#disk
      .durableNames(this.#directory)
      .map(firstIndexOfName)
      .filter((index) => index !== null)
      .sort((a, b) => a - b)[0];
    return first !== undefined && this.#enter(first, null);
  }

  #next(): boolean {
    const bytes = this.#disk.durable(this.#path);
    const before = this.#before as ChainPoint;
    if (bytes !== null && this.#take(bytes, before)) return true;
    return this.#enter(before.index + 1, before) && this.#next();
  }

  /** Goes on in the segment that begins with `firstIndex`, if its name and header are on disk and fit. */
  #enter(firstIndex: LogIndex, before: ChainPoint | null): boolean {
    const path = `${this.#directory}/${segmentName(firstIndex)}`;
    if (path === this.#path && before !== null) return false;
    const bytes = this.#disk.durable(path);
    if (bytes === null || bytes.length < segmentHeaderBytes) return false;
    const view = viewOf(bytes);
    const isWhole =
      view.getUint32(headerCrcOffset, true) === Bun.hash.crc32(bytes.subarray(0, headerCrcOffset));
    if (!isWhole || getUint53(view, 24) !== firstIndex) return false;
    const crc = view.getUint32(48, true);
    if (before !== null && before.crc !== crc) return false;
    this.#before = {
      index: firstIndex - 1,
      term: getUint53(view, 32),
      stampMs: view.getFloat64(40, true),
      crc,
    };
    this.#lastIndex = firstIndex - 1;
    this.#path = path;
    this.#offset = segmentHeaderBytes;
    return true;
  }

  #take(bytes: Uint8Array, before: ChainPoint): boolean {
    const view = viewOf(bytes);
    const from = this.#offset;
    if (recordProblem(bytes, view, from) !== null || linkProblem(view, from, before) !== null) return false;
    const mark = durableIndexAt(view, from, view.getUint32(headerCrcOffset, true));
    const to = from + recordSizeBytes(bodyBytesAt(view, from));
    const place: Place = { point: chainPointAt(view, from), path: this.#path, from, to, mark };
    this.#places[place.point.index] = place;
    this.#moveTo(place);
    return true;
  }

  #moveTo({ point, path, to }: Place): void {
    this.#before = point;
    this.#lastIndex = point.index;
    this.#path = path;
    this.#offset = to;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
