// What clients have handed to a leader and what has yet to leave it: the writes that will form the next entry, and the
// reads of this turn. It keeps each requester's order, which is why reads wander into the batch: a read behind a write of
// the same requester is executed at its place in that entry. Committing the entry, which was proposed after the read
// arrived, proves that this node led then, so such a read needs no round of its own.
//
// A requester's reads are in one of two lanes at a time, in the batch or in rounds (`read-queue.ts`), never split such
// that a later one could be answered first.

import { recordHeaderBytes } from "../storage/record.ts";
import { BatchBuilder } from "./batch.ts";
import type { Request, Requester } from "./request.ts";

/** A batch on its way into the log. */
export interface Batch {
  readonly kind: "command" | "clock";
  /** Valid until `clear`, or the next `takeBatch`; null for a batch without writes, whose entry only moves the clock. */
  readonly record: Uint8Array | null;
  /** In the order in which they are executed. */
  readonly requests: readonly Request[];
}

/**
 * Bytes past which a batch takes no more writes and the next one begins, so that an entry is never larger than this and
 * one command: what many clients were made to hold back may come in within one turn.
 */
export const batchBytesMax = 64 * 1024 * 1024;

/** The intake of one replica; all operations are O(1) but those that move reads, which are O(reads of the turn). */
export class Intake {
  #builder = new BatchBuilder(recordHeaderBytes);
  /** Holds the record of the batch taken last: what comes in while that enters the log must not touch it. */
  #taken = new BatchBuilder(recordHeaderBytes);
  #batch: Request[] = [];
  /** Batches of this turn that are full, oldest first. */
  #full: Batch[] = [];
  #needsClock = false;
  #reads: Request[] = [];

  /** Nothing waits to be proposed. */
  get isBatchEmpty(): boolean {
    return this.#batch.length === 0 && this.#full.length === 0 && !this.#needsClock;
  }

  /** Whether the next batch is full, so that another follows it in the same turn. */
  get isBatchFull(): boolean {
    return this.#full.length > 0;
  }

  /** Bytes of the next batch's record so far. */
  get batchSizeBytes(): number {
    return this.#full[0]?.record?.length ?? this.#builder.sizeBytes;
  }

  /** Takes a write; false when an older read of the requester is under way in a round, which it must not overtake. */
  addWrite(request: Request): boolean {
    const { requester } = request;
    if (requester.pendingReads > 0 && !this.#moveReads(requester)) return false;
    requester.pendingWrites++;
    if (this.#builder.sizeBytes >= batchBytesMax) this.#beginNextBatch();
    this.#builder.add(request.dbIndex, request.args);
    this.#batch.push(request);
    return true;
  }

  addRead(request: Request): void {
    const { requester } = request;
    if (requester.pendingWrites > 0 && requester.pendingReads === 0 && this.#batch.length > 0) {
      requester.pendingWrites++;
      this.#batch.push(request);
    } else {
      requester.pendingReads++;
      this.#reads.push(request);
    }
  }

  /** The batch shall move the clock even if it holds no write. */
  requestClock(): void {
    this.#needsClock = true;
  }

  /**
   * Lets the reads for which `isDue` says so wait for an entry that moves the clock, with all others of their requesters.
   * A requester with reads under way in earlier rounds keeps its reads here for a later turn.
   */
  moveDueReads(isDue: (read: Request) => boolean): readonly Request[] {
    const due = new Set<Requester>();
    for (const read of this.#reads) if (isDue(read)) due.add(read.requester);
    const kept = new Set<Requester>();
    for (const requester of due) {
      if (this.#moveReads(requester)) this.#needsClock = true;
      else kept.add(requester);
    }
    const ready = this.#reads.filter((read) => !kept.has(read.requester));
    this.#reads = this.#reads.filter((read) => kept.has(read.requester));
    return ready;
  }

  get hasReads(): boolean {
    return this.#reads.length > 0;
  }

  /** Takes out the reads of this turn but those whose requesters have writes under way: they wait for a later turn. */
  takeReadsWithoutWrites(): readonly Request[] {
    const reads = this.#reads;
    this.#reads = reads.filter(({ requester }) => requester.pendingWrites > 0);
    return this.#reads.length === 0 ? reads : reads.filter(({ requester }) => requester.pendingWrites === 0);
  }

  /** Takes out the reads of this turn. */
  takeReads(): readonly Request[] {
    const reads = this.#reads;
    this.#reads = [];
    return reads;
  }

  /**
   * Takes out the next batch; `clear` must follow once its record has been written. Meanwhile more may come in: proposing can
   * end a wait of clients, whose next writes arrive then and there.
   */
  takeBatch(): Batch {
    const full = this.#full.shift();
    if (full !== undefined) return full;
    const requests = this.#batch;
    const builder = this.#builder;
    this.#builder = this.#taken;
    this.#builder.clear();
    this.#taken = builder;
    this.#batch = [];
    this.#needsClock = false;
    if (builder.count === 0) return { kind: "clock", record: null, requests };
    return { kind: "command", record: builder.record(), requests };
  }

  /** Takes out the requests of all batches, in order, which then will not be proposed. */
  takeAll(): readonly Request[] {
    const requests = [...this.#full.flatMap((batch) => batch.requests), ...this.#batch];
    this.#full = [];
    this.#batch = [];
    this.#builder.clear();
    this.#needsClock = false;
    return requests;
  }

  /** The record of the batch taken last is not needed any more. */
  clear(): void {
    this.#taken.clear();
  }

  #beginNextBatch(): void {
    this.#full.push({ kind: "command", record: this.#builder.record(), requests: this.#batch });
    this.#builder = new BatchBuilder(recordHeaderBytes);
    this.#batch = [];
  }

  /** Moves the requester's reads of this turn behind the batch so far; false when it has reads in rounds too. */
  #moveReads(requester: Requester): boolean {
    const own = this.#reads.filter((read) => read.requester === requester);
    if (own.length !== requester.pendingReads) return false;
    this.#reads = this.#reads.filter((read) => read.requester !== requester);
    for (const read of own) this.#batch.push(read);
    requester.pendingReads = 0;
    requester.pendingWrites += own.length;
    return true;
  }
}
