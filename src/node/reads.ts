// The reads of a leader, from the turn in which they arrive to their answers (dissertation §6.4): which may start, in which
// round, and from which state they are answered.
//
// A read of a key whose deadline has passed waits for the entry that expires it (intake.ts). When no entry can be written,
// because disks are full, there is no such entry: such a key is neither there nor gone, and who asks for it gets an error.
// Reads behind writes that are still open then wait in the intake, so that they hold up nobody else's.

import type { Clock } from "../base/clock.ts";
import { keysOf } from "../commands/keys-of.ts";
import type { Raft } from "../raft/raft.ts";
import type { LogIndex } from "../raft/types.ts";
import { errors } from "../resp/errors.ts";
import type { Intake } from "./intake.ts";
import { ReadBatch, ReadQueue } from "./read-queue.ts";
import type { Request } from "./request.ts";
import type { StateMachine } from "./state-machine.ts";

export interface ReadsOptions {
  readonly raft: Raft;
  readonly clock: Clock;
  readonly intake: Intake;
  readonly stateMachine: StateMachine;
  /** Off: the leader answers from what it has applied, trusting that it still leads. */
  readonly quorumReads: () => boolean;
}

export class Reads {
  readonly #raft: Raft;
  readonly #clock: Clock;
  readonly #intake: Intake;
  readonly #stateMachine: StateMachine;
  readonly #quorumReads: () => boolean;
  readonly #queue = new ReadQueue();
  #confirmedRound = 0;
  /** Entries can be written, also those that move the clock. */
  #writable = true;

  constructor(options: ReadsOptions) {
    this.#raft = options.raft;
    this.#clock = options.clock;
    this.#intake = options.intake;
    this.#stateMachine = options.stateMachine;
    this.#quorumReads = options.quorumReads;
  }

  /** A majority has confirmed all rounds up to `round`, as far as this node led when they began. */
  confirmed(round: number): void {
    if (round > this.#confirmedRound) this.#confirmedRound = round;
  }

  /** Starts the reads of this turn. `writable`: entries can be written, also those that move the clock. */
  start(writable: boolean): void {
    this.#writable = writable;
    if (!this.#intake.hasReads) return;
    const arrivedMs = this.#clock.wallMs();
    const reads = writable ? this.#withoutDue(arrivedMs) : this.#intake.takeReadsWithoutWrites();
    if (reads.length === 0) return;
    const round = this.#quorumReads() ? this.#raft.requestRead() : 0;
    if (round === null || !this.#raft.canServe) takeBack(reads);
    else
      this.#queue.push(
        new ReadBatch(round, this.#indexFor(reads), reads, { arrivedMs, clockStands: !writable }),
      );
  }

  /** All reads of this turn but those of keys whose deadline has passed: they wait for the entry that expires them. */
  #withoutDue(nowMs: number): readonly Request[] {
    if (!this.#anyDue(nowMs)) return this.#intake.takeReads();
    return this.#intake.moveDueReads((read) => this.#readsExpiredKey(read, nowMs));
  }

  /** What must be applied before the reads: all that is committed, and what their requesters wrote before. */
  #indexFor(reads: readonly Request[]): LogIndex {
    for (let i = 0; i < reads.length; i++) {
      if ((reads[i] as Request).requester.pendingWrites > 0) return this.#raft.lastIndex;
    }
    return this.#raft.commitIndex;
  }

  #anyDue(nowMs: number): boolean {
    return this.#stateMachine.keyspace.nextDeadlineMs <= nowMs;
  }

  #readsExpiredKey(read: Request, nowMs: number): boolean {
    const keys = keysOf(read.command, read.args);
    // A command without keys (DBSIZE, SCAN, …) sees them all.
    if (keys.length === 0) return true;
    for (const key of keys) {
      if (this.#stateMachine.keyspace.isExpiredAt(read.dbIndex, read.args[key] as string, nowMs)) return true;
    }
    return false;
  }

  /** Answers what may be answered, keys that nobody can expire with `stillError`; true if that was anything. */
  answer(stillError: () => string): boolean {
    if (this.#queue.isEmpty) return false;
    let answered = false;
    const nowMs = this.#clock.wallMs();
    const applied = this.#stateMachine.appliedIndex;
    let startMs = this.#clock.monotonicMs();
    for (;;) {
      const batch = this.#queue.takeAnswerable(this.#confirmedRound, applied);
      if (batch === null) return answered;
      const clockStands = batch.clockStands || !this.#writable;
      if (!clockStands && this.#cameAfterDeadline(batch)) {
        this.#queue.putBack(batch);
        return answered;
      }
      answered = true;
      for (let i = 0; i < batch.requests.length; i++) {
        const request = batch.requests[i] as Request;
        const isStill = clockStands && this.#anyDue(nowMs) && this.#readsExpiredKey(request, nowMs);
        if (isStill) request.requester.reply.error(stillError());
        else this.run(request, nowMs);
        const endMs = this.#clock.monotonicMs();
        request.tookMs = endMs - startMs;
        startMs = endMs;
        request.requester.pendingReads--;
        request.requester.answered(request);
      }
    }
  }

  /**
   * Whether one of the reads arrived after the deadline of its key, and the clock has yet to pass that: a write that was
   * under way when they arrived has set it. They wait for the clock, which the next tick moves at the latest.
   */
  #cameAfterDeadline({ arrivedMs, requests }: ReadBatch): boolean {
    if (!this.#anyDue(arrivedMs)) return false;
    return requests.some((request) => this.#readsExpiredKey(request, arrivedMs));
  }

  /** Executes a read here and now; `nowMs` is the wall clock. */
  run(request: Request, nowMs: number): void {
    const { reply, noTouch } = request.requester;
    this.#stateMachine.read(request.command, request.args, request.dbIndex, { reply, nowMs, noTouch });
  }

  /** This node leads no more: all reads go back to where they came from, and rounds count anew. */
  takeBackAll(): void {
    this.#confirmedRound = 0;
    for (const batch of this.#queue.takeAll()) takeBack(batch.requests);
    takeBack(this.#intake.takeReads());
  }

  /** Gives up the reads that wait for more than `index` to be applied, and those before them. */
  giveUpBeyond(index: LogIndex): void {
    for (const { requests } of this.#queue.takeBeyond(index)) {
      for (const request of requests) {
        request.requester.reply.error(errors.timeoutNoQuorum);
        request.requester.pendingReads--;
        request.requester.answered(request);
      }
    }
  }
}

function takeBack(reads: readonly Request[]): void {
  for (const read of reads) {
    read.requester.pendingReads--;
    read.requester.takeBack(read);
  }
}
