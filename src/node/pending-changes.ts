// Changes of the membership that somebody waits for. A change is done when its entry is applied, and not before: only
// then no leader can come that does not know of it.

import type { LogIndex, Term } from "../raft/types.ts";
import { errors } from "../resp/errors.ts";

interface PendingChange {
  readonly index: LogIndex;
  readonly term: Term;
  readonly done: (error: string | null) => void;
  /** When this node ceased to lead, or logs were full, while the change was open; Infinity until then. */
  orphanedAtMs: number;
}

export class PendingChanges {
  #changes: PendingChange[] = [];

  /** `done` is called once: null when the entry (index, term) has been applied, an error text if that may never be. */
  add(index: LogIndex, term: Term, done: (error: string | null) => void): void {
    this.#changes.push({ index, term, done, orphanedAtMs: Infinity });
  }

  /** Entries up to `appliedIndex` have been applied; `termAt` tells which ones they were. */
  applied(appliedIndex: LogIndex, termAt: (index: LogIndex) => Term): void {
    if (this.#changes.length === 0) return;
    this.#settle(
      (change) => change.index <= appliedIndex,
      (change) => (termAt(change.index) === change.term ? null : errors.timeoutNotCommitted),
    );
  }

  /** This node does not lead, or logs are full: what is open may be decided elsewhere, or much later. */
  orphan(nowMs: number): void {
    for (const change of this.#changes) change.orphanedAtMs = Math.min(change.orphanedAtMs, nowMs);
  }

  /** Answers those orphaned before `beforeMs`: nobody has told what becomes of them. */
  giveUpOrphans(beforeMs: number): void {
    if (this.#changes.length === 0) return;
    this.#settle(
      (change) => change.orphanedAtMs < beforeMs,
      () => errors.timeoutNotCommitted,
    );
  }

  #settle(isDue: (change: PendingChange) => boolean, answer: (change: PendingChange) => string | null): void {
    const due = this.#changes.filter(isDue);
    if (due.length === 0) return;
    this.#changes = this.#changes.filter((change) => !isDue(change));
    for (const change of due) change.done(answer(change));
  }
}
