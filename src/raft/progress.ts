// What a leader knows about one follower, and what it may send it next.
//
//                    acknowledged: the log matches up to nextIndex - 1
//        +---------+ ------------------------------------------------> +-----------+
//        |  probe  |                                                   | replicate |
//        +---------+ <------------------------------------------------ +-----------+
//          |     ^     rejected, unreachable, or no progress for long
//  next    |     | a response says that
//  entry   v     | the log reaches far enough
//  gone  +----------+
//        | snapshot |
//        +----------+
//
// probe: the follower's log is a guess; one message at a time, `nextIndex` moves only on answers. replicate: messages
// follow each other without waiting, `nextIndex` runs ahead of `matchIndex`, at most `appendMaxInflight` unanswered.
// snapshot: what it needs is compacted away here; it gets heartbeats until its own log says otherwise.
// A follower that is full stays a probe. What it refused counts as unanswered, so it is not sent again before it is overdue.
// Heartbeats are outside all of this: they say nothing about entries and may overtake them.

import type { LogIndex, NodeId } from "./types.ts";

export type ProgressState = "probe" | "replicate" | "snapshot";

export class Progress {
  readonly id: NodeId;
  state: ProgressState = "probe";
  voting: boolean;
  /** Its log takes no commands, as it said last. */
  full = false;
  /** Figure 3.1's matchIndex: all up to here equals the leader's log and is on the follower's disk. */
  matchIndex: LogIndex = 0;
  /** Figure 3.1's nextIndex: the first entry of the next message. */
  nextIndex: LogIndex;
  /** When the last answer of this term came; at first, when this leader began to wait for one. */
  heardMs: number;
  /** Highest round that the follower echoed, and that was sent to it. */
  roundEchoed = 0;
  roundSent = 0;
  /** The follower surely learns that everything up to here is committed, if no message got lost. */
  commitSent: LogIndex = 0;
  /** Of a removed member: the entry that removed it, 0 for members. It is still told, so that it can go in peace. */
  leavingIndex: LogIndex = 0;
  /** When a removed member is no longer told; `Infinity` until its removal has committed. */
  leavingUntilMs = Infinity;

  /** Last index of each unanswered message with entries, oldest first, in a ring. */
  #inflight = new Float64Array(4);
  #inflightStart = 0;
  #inflightCount = 0;
  /** Since when messages with entries have been out without any progress. */
  #waitingSinceMs = 0;

  constructor(id: NodeId, voting: boolean, nextIndex: LogIndex, nowMs: number) {
    this.id = id;
    this.voting = voting;
    this.nextIndex = nextIndex;
    this.heardMs = nowMs;
  }

  get inflightCount(): number {
    return this.#inflightCount;
  }

  /** Whether the entries from `nextIndex` on may be sent now. */
  maySend(lastIndex: LogIndex, inflightMax: number): boolean {
    if (this.nextIndex > lastIndex || this.state === "snapshot") return false;
    return this.#inflightCount < (this.state === "probe" ? 1 : inflightMax);
  }

  /** A message with the entries `[nextIndex, lastEntryIndex]` leaves. */
  sent(lastEntryIndex: LogIndex, nowMs: number): void {
    if (this.#inflightCount === 0) this.#waitingSinceMs = nowMs;
    if (this.#inflightCount === this.#inflight.length) this.#growInflight();
    this.#inflight[(this.#inflightStart + this.#inflightCount) % this.#inflight.length] = lastEntryIndex;
    this.#inflightCount++;
    if (this.state === "replicate") this.nextIndex = lastEntryIndex + 1;
  }

  /** The follower has stored everything up to `matchIndex`; true if that is news. */
  acknowledged(matchIndex: LogIndex, nowMs: number): boolean {
    const advanced = matchIndex > this.matchIndex;
    if (advanced) {
      this.matchIndex = matchIndex;
      this.#waitingSinceMs = nowMs;
      while (this.#inflightCount > 0 && (this.#inflight[this.#inflightStart] ?? 0) <= matchIndex) {
        this.#inflightStart = (this.#inflightStart + 1) % this.#inflight.length;
        this.#inflightCount--;
      }
      if (this.nextIndex <= matchIndex) this.nextIndex = matchIndex + 1;
    }
    if (this.state === "probe" && this.nextIndex === this.matchIndex + 1) {
      this.state = "replicate";
      // The guess was right; what the probe carries need not be sent again.
      if (this.#inflightCount > 0) this.nextIndex = (this.#inflight[this.#inflightStart] ?? matchIndex) + 1;
    }
    return advanced;
  }

  /**
   * The follower's log does not match at `rejectedIndex`, and the leader found `searchIndex` as the next candidate.
   * False if the answer is an old one, overtaken by what is known since.
   */
  rejected(rejectedIndex: LogIndex, searchIndex: LogIndex): boolean {
    // It refuses what it had vouched for: it runs without syncs and lost power. Believe it, or it would lag for ever.
    const hasForgotten = rejectedIndex === this.matchIndex && searchIndex < this.matchIndex;
    if (hasForgotten) {
      this.matchIndex = searchIndex;
      this.becomeProbe();
      return true;
    }
    if (rejectedIndex <= this.matchIndex) return false;
    if (this.state === "replicate") {
      this.lost();
      return true;
    }
    if (this.state === "snapshot" || rejectedIndex !== this.nextIndex - 1) return false;
    this.nextIndex = Math.max(this.matchIndex + 1, Math.min(rejectedIndex, searchIndex + 1));
    this.#inflightCount = 0;
    return true;
  }

  /** The follower says whether it is full; true if it has room again, and entries that it refused may be sent anew. */
  noteRoom(full: boolean): boolean {
    const hasRoomAgain = this.full && !full;
    this.full = full;
    if (hasRoomAgain) {
      this.lost();
    } else if (full && this.state === "replicate") {
      this.state = "probe";
      this.nextIndex = this.matchIndex + 1;
    }
    return hasRoomAgain;
  }

  /** Whether entries have been out for `resendAfterMs` and nothing came of it. */
  isOverdue(nowMs: number, resendAfterMs: number): boolean {
    return this.#inflightCount > 0 && nowMs - this.#waitingSinceMs >= resendAfterMs;
  }

  /** What was on its way counts as lost: starts again right behind what is certain, or repeats its guess. */
  lost(): void {
    if (this.state === "replicate") this.becomeProbe();
    this.#inflightCount = 0;
  }

  becomeProbe(): void {
    this.state = "probe";
    this.nextIndex = this.matchIndex + 1;
    this.#inflightCount = 0;
  }

  becomeSnapshot(): void {
    this.state = "snapshot";
    this.#inflightCount = 0;
  }

  #growInflight(): void {
    const grown = new Float64Array(this.#inflight.length * 2);
    for (let at = 0; at < this.#inflightCount; at++) {
      grown[at] = this.#inflight[(this.#inflightStart + at) % this.#inflight.length] ?? 0;
    }
    this.#inflight = grown;
    this.#inflightStart = 0;
  }
}
