// All databases of a node and the clock they share: the state that the log builds. The same entries in the same order
// give the same keyspace on every replica, bit for bit; `digest` tells whether they did.
//
// Time: the clock is the stamp of the newest applied entry and nothing else. A key whose deadline is at or before the clock
// is gone at once, for every command and on every replica. Freeing its memory is bounded per entry, so that a million keys
// with one deadline cost a pause of milliseconds and not of seconds: `beginEntry` frees up to `freedKeysPerEntryMax`, in the
// order of deadline, database, sequence, and if that was not all, each command of the entry frees a few more than it can
// create: under any load the rest shrinks. It shows only in `size`, as in Redis, and keeps `nextDeadlineMs` at or before the
// clock, so that the leader proposes clock entries until all are freed.

import { assert } from "../base/assert.ts";
import { Database } from "./database.ts";
import { digestOf } from "./digest.ts";
import { KeyspaceCounters } from "./keyspace-counters.ts";
import { Timeline } from "./timeline.ts";

/** 1 to 3 ms of work, the latter with a million keys stored. */
const freedKeysPerEntryMax = 1000;
const freedKeysPerCommandMax = 2;

/** The same on all nodes, as whatever decides what a logged command does must be. */
export const databaseCount = 16;

export class Keyspace {
  readonly databases: readonly Database[];
  readonly counters = new KeyspaceCounters();
  readonly #timeline = new Timeline();
  #isBehind = false;

  constructor(databaseCount: number) {
    const databases: Database[] = [];
    for (let index = 0; index < databaseCount; index++)
      databases.push(new Database(index, this.#timeline, this.counters));
    this.databases = databases;
  }

  /** The stamp of the newest applied entry, milliseconds since 1970. */
  get clockMs(): number {
    return this.#timeline.clockMs;
  }

  /** Count of changes so far; the version of a key is the revision of its last change. */
  get revision(): number {
    return this.#timeline.revision;
  }

  /** The earliest deadline of all stored keys, milliseconds since 1970; Infinity when none has one. */
  get nextDeadlineMs(): number {
    return this.#earliest()?.nextDeadlineMs ?? Infinity;
  }

  /** Whether the entry begun last, with its commands so far, has left keys that are due. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** `index` is in `[0, databases.length)`. */
  db(index: number): Database {
    const database = this.databases[index];
    assert(database !== undefined, "a database index within range");
    return database;
  }

  /** To be called before the commands of an entry are applied: moves the clock to its stamp, never back, and expires. */
  beginEntry(stampMs: number): void {
    const timeline = this.#timeline;
    if (stampMs > timeline.clockMs) timeline.clockMs = stampMs;
    timeline.accessMs = timeline.clockMs;
    this.#isBehind = this.#freeDueKeys(freedKeysPerEntryMax);
  }

  /** To be called before each command of the entry begun last: frees some of what that has left, and undoes `beginRead`. */
  beginCommand(): void {
    this.#timeline.accessMs = this.#timeline.clockMs;
    if (this.#isBehind) this.#isBehind = this.#freeDueKeys(freedKeysPerCommandMax);
  }

  /**
   * To be called before a read: accesses are noted at `nowMs`, the node's own time, or with `noTouch` not at all. Moves no
   * clock and expires nothing.
   */
  beginRead(nowMs: number, noTouch = false): void {
    const timeline = this.#timeline;
    timeline.accessMs = noTouch ? 0 : Math.max(nowMs, timeline.clockMs);
  }

  /** Whether a read at `nowMs` must wait for a clock entry: the key has a deadline in (clock, nowMs]. */
  isExpiredAt(dbIndex: number, key: string, nowMs: number): boolean {
    const entry = this.db(dbIndex).peek(key);
    return entry !== undefined && entry.expireAtMs !== 0 && entry.expireAtMs <= nowMs;
  }

  /** Swaps the contents of two databases at once, for all clients. O(1). */
  swap(a: number, b: number): void {
    if (a !== b) this.db(a).swapWith(this.db(b));
  }

  clear(): void {
    for (const database of this.databases) database.clear();
  }

  /** A hash of the whole state that replicas share; equal states give equal digests. O(all bytes). */
  digest(): string {
    return digestOf(this);
  }

  /** Frees up to `countMax` keys whose deadline has come; false when those were all. */
  #freeDueKeys(countMax: number): boolean {
    for (let freed = 0; freed < countMax; freed++) {
      const database = this.#earliest();
      if (database === undefined || database.nextDeadlineMs > this.#timeline.clockMs) return false;
      database.dropEarliest();
      this.counters.expired++;
    }
    return true;
  }

  /** The database with the earliest deadline; of equals the lowest. */
  #earliest(): Database | undefined {
    let earliest: Database | undefined;
    let earliestMs = Infinity;
    for (let index = 0; index < this.databases.length; index++) {
      const database = this.databases[index];
      if (database === undefined || database.nextDeadlineMs >= earliestMs) continue;
      earliest = database;
      earliestMs = database.nextDeadlineMs;
    }
    return earliest;
  }
}
