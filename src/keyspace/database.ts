// One numbered database: keys by name, by order of creation and by deadline. Every change goes through here, so that the
// three indexes agree and each change takes a revision of its own. Knows nothing of commands; its clock is the keyspace's.
//
// A key whose deadline has come is gone: `find`, `scan`, `randomEntry` and `entries` do not show it. The keyspace frees
// such keys a bounded number an entry (`Keyspace.beginEntry`), so for a while they may still be stored, and counted by
// `size`, as in Redis.
//
// Measured with a million keys of 64-byte values (test/bench/keyspace.ts, 2 busy cores): 245 bytes a key beside its name
// (a bare Map: 125 to 150); find 0.5 us, set of a new key 0.6 to 0.9 us (bare Map 0.56), of an old one 0.5 us, remove 1.0 us, a
// step of scan 0.05 us a key, an expiry 2.6 us. Apart from scan that is mostly waiting for memory.

import { Heap } from "../base/heap.ts";
import type { Random } from "../base/random.ts";
import { KeyEntry } from "./key-entry.ts";
import { KeyOrder } from "./key-order.ts";
import type { KeyspaceCounters } from "./keyspace-counters.ts";
import type { Timeline } from "./timeline.ts";
import type { Value } from "./value.ts";

/** RANDOMKEY tries this often to hit a live key before it walks to the next one, as Redis does. */
const randomTriesMax = 100;

/** INFO's average time to live looks at fewer than twice this many keys of a database. */
const ttlSamplesMax = 1000;

export interface ScanStep {
  /** Where the next step goes on; 0 = the scan is complete. */
  readonly cursor: number;
  readonly entries: readonly KeyEntry[];
}

export class Database {
  readonly index: number;
  readonly #timeline: Timeline;
  readonly #counters: KeyspaceCounters;
  #byKey = new Map<string, KeyEntry>();
  #order = new KeyOrder();
  #deadlines = new Heap<KeyEntry>(expiresBefore);
  #lastSequence = 0;

  constructor(index: number, timeline: Timeline, counters: KeyspaceCounters) {
    this.index = index;
    this.#timeline = timeline;
    this.#counters = counters;
  }

  /** Count of stored keys, those whose deadline has come but that are not freed yet included. */
  get size(): number {
    return this.#byKey.size;
  }

  /** Count of stored keys with a deadline. */
  get volatileSize(): number {
    return this.#deadlines.size;
  }

  /** The earliest deadline of a stored key, milliseconds since 1970; Infinity when no key has one. */
  get nextDeadlineMs(): number {
    return this.#deadlines.first?.expireAtMs ?? Infinity;
  }

  /** The highest sequence given to a key so far. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** For a command that changes keys: the key, unless its deadline has come. Notes the access. */
  find(key: string): KeyEntry | undefined {
    const entry = this.peek(key);
    if (entry !== undefined) this.#noteAccess(entry);
    return entry;
  }

  /** For a command that answers what a key holds: as {@link find}, and counts as a hit or a miss. */
  read(key: string): KeyEntry | undefined {
    const entry = this.inspect(key);
    if (entry !== undefined) this.#noteAccess(entry);
    return entry;
  }

  /** As {@link read}, and notes the access at `nowMs` even for a client that wants none noted. */
  touch(key: string, nowMs: number): KeyEntry | undefined {
    const entry = this.read(key);
    if (entry !== undefined) entry.accessedMs = nowMs;
    return entry;
  }

  /** For a command that tells about keys (TTL, TYPE, EXISTS, OBJECT): as {@link read}, without noting the access. */
  inspect(key: string): KeyEntry | undefined {
    const entry = this.peek(key);
    if (entry === undefined) this.#counters.misses++;
    else this.#counters.hits++;
    return entry;
  }

  /** The key, unless its deadline has come; leaves no trace. */
  peek(key: string): KeyEntry | undefined {
    const entry = this.#byKey.get(key);
    return entry === undefined || this.#isExpired(entry) ? undefined : entry;
  }

  /** Creates `key`, or replaces its value and drops its deadline; its place in the order of creation stays. */
  set(key: string, value: Value): KeyEntry {
    const stored = this.#byKey.get(key);
    if (stored !== undefined && this.#isExpired(stored)) this.#drop(stored);
    else if (stored !== undefined) {
      if (stored.expireAtMs !== 0) this.#dropDeadline(stored);
      this.replaceValue(stored, value);
      return stored;
    }
    const timeline = this.#timeline;
    timeline.revision += 1;
    this.#lastSequence += 1;
    const entry = new KeyEntry(key, value, timeline.revision, this.#lastSequence, timeline.accessMs);
    this.#byKey.set(key, entry);
    this.#order.append(entry);
    return entry;
  }

  /** Gives `entry` another value and keeps its deadline. The new value is not `rawEncoded`, unless the caller says so after. */
  replaceValue(entry: KeyEntry, value: Value): void {
    entry.value = value;
    entry.rawEncoded = false;
    entry.accessedMs = this.#timeline.accessMs;
    this.changed(entry);
  }

  /** To be called after a value was changed in place. */
  changed(entry: KeyEntry): void {
    this.#timeline.revision += 1;
    entry.version = this.#timeline.revision;
  }

  /** Removes `key`; false when there was none, or only one whose deadline had come. */
  remove(key: string): boolean {
    const entry = this.#byKey.get(key);
    if (entry === undefined) return false;
    const live = !this.#isExpired(entry);
    this.#drop(entry);
    return live;
  }

  /** `deadlineMs` is an integer, milliseconds since 1970. With one that has come already the key is removed. */
  setExpiry(entry: KeyEntry, deadlineMs: number): void {
    if (deadlineMs <= this.#timeline.clockMs) return this.#drop(entry);
    if (entry.expireAtMs !== 0) this.#dropDeadline(entry);
    entry.expireAtMs = deadlineMs;
    this.#deadlines.push(entry);
    this.changed(entry);
  }

  clearExpiry(entry: KeyEntry): void {
    if (entry.expireAtMs === 0) return;
    this.#dropDeadline(entry);
    this.changed(entry);
  }

  /** A live key drawn evenly; undefined when there is none. */
  randomEntry(random: Random): KeyEntry | undefined {
    let entry: KeyEntry | undefined;
    for (let tries = 0; tries < randomTriesMax; tries++) {
      entry = this.#order.random(random);
      if (entry === undefined) return undefined;
      if (!this.#isExpired(entry)) return entry;
    }
    // Nearly all stored keys wait to be freed: take the next live one.
    for (const older of this.#order.descendingFrom(entry?.sequence ?? 0))
      if (!this.#isExpired(older)) return older;
    for (const any of this.#order.descendingFrom(this.#lastSequence)) if (!this.#isExpired(any)) return any;
    return undefined;
  }

  /**
   * One step of a walk over all keys, from the newest to the oldest: visits up to `count` stored keys from `cursor` on (0 =
   * from the start) and returns the live ones. A key that is there for the whole walk is returned once; keys created
   * meanwhile are not and cannot prolong it. The cursor is the sequence of the key to visit next, the same on every
   * replica, and good for ever. `count` is at least 1.
   */
  scan(cursor: number, count: number): ScanStep {
    const entries: KeyEntry[] = [];
    let visited = 0;
    for (const entry of this.#order.descendingFrom(cursor === 0 ? this.#lastSequence : cursor)) {
      if (visited === count) return { cursor: entry.sequence, entries };
      visited += 1;
      if (!this.#isExpired(entry)) entries.push(entry);
    }
    return { cursor: 0, entries };
  }

  /** The live keys, oldest first. The database must not change meanwhile. */
  *entries(): Generator<KeyEntry, void, undefined> {
    for (const entry of this.#order.ascending()) if (!this.#isExpired(entry)) yield entry;
  }

  /** All stored keys, oldest first, those that wait to be freed included: what a digest or a snapshot must cover. */
  storedEntries(): Generator<KeyEntry, void, undefined> {
    return this.#order.ascending();
  }

  /**
   * About the mean time to live of the keys with a deadline, milliseconds from `nowMs` on; 0 without such keys. With many,
   * the mean of a sample, as in Redis: the cost is bounded.
   */
  averageTtl(nowMs: number): number {
    const volatileEntries = this.#deadlines.items;
    // Spread evenly over the heap, whose front holds the nearest deadlines.
    const step = Math.max(1, Math.floor(volatileEntries.length / ttlSamplesMax));
    let total = 0;
    let samples = 0;
    for (let at = 0; at < volatileEntries.length; at += step) {
      total += Math.max(0, (volatileEntries[at]?.expireAtMs ?? 0) - nowMs);
      samples++;
    }
    return samples === 0 ? 0 : Math.floor(total / samples);
  }

  /** Removes all keys; the order of creation counts on. */
  clear(): void {
    this.#timeline.revision += 1;
    this.#byKey = new Map();
    this.#order = new KeyOrder();
    this.#deadlines = new Heap(expiresBefore);
  }

  /** Frees the key with the earliest deadline. */
  dropEarliest(): void {
    const entry = this.#deadlines.first;
    if (entry !== undefined) this.#drop(entry);
  }

  /** Swaps everything but the numbers of the two. */
  swapWith(other: Database): void {
    const byKey = this.#byKey;
    const order = this.#order;
    const deadlines = this.#deadlines;
    const lastSequence = this.#lastSequence;
    this.#byKey = other.#byKey;
    this.#order = other.#order;
    this.#deadlines = other.#deadlines;
    this.#lastSequence = other.#lastSequence;
    other.#byKey = byKey;
    other.#order = order;
    other.#deadlines = deadlines;
    other.#lastSequence = lastSequence;
    this.#timeline.revision += 1;
  }

  #noteAccess(entry: KeyEntry): void {
    const { accessMs } = this.#timeline;
    if (accessMs > entry.accessedMs) entry.accessedMs = accessMs;
  }

  #isExpired(entry: KeyEntry): boolean {
    return entry.expireAtMs !== 0 && entry.expireAtMs <= this.#timeline.clockMs;
  }

  #drop(entry: KeyEntry): void {
    if (entry.expireAtMs !== 0) this.#dropDeadline(entry);
    this.#byKey.delete(entry.key);
    this.#order.delete(entry);
    this.#timeline.revision += 1;
  }

  #dropDeadline(entry: KeyEntry): void {
    this.#deadlines.delete(entry);
    entry.expireAtMs = 0;
  }
}

function expiresBefore(a: KeyEntry, b: KeyEntry): boolean {
  return a.expireAtMs < b.expireAtMs || (a.expireAtMs === b.expireAtMs && a.sequence < b.sequence);
}
