// Entries proposed here and not applied yet, with the requests that wait for them, oldest first. A request is answered
// when its entry is applied; when another leader's entry took its place, or nobody can tell in time, the only honest
// answer is that the outcome is unknown.

import type { LogIndex, Term } from "../raft/types.ts";
import type { Request } from "./request.ts";

/** One proposed entry and who waits for it; reads stand at their place between the writes. */
export class Proposal {
  /** Where the entry stands; once it was overwritten, where the log went on without it. */
  index: LogIndex;
  /** 0 once the entry was overwritten here. */
  term: Term;
  readonly requests: readonly Request[];
  /** What to answer requests that were not proposed after all, once those before them are answered; null for others. */
  readonly refusal: string | null;

  constructor(index: LogIndex, term: Term, requests: readonly Request[], refusal: string | null = null) {
    this.index = index;
    this.term = term;
    this.requests = requests;
    this.refusal = refusal;
  }
}

/** Oldest first; all operations O(1) amortised but `takeAll` and `overwrittenFrom`. */
export class ProposalQueue {
  readonly #proposals: Proposal[] = [];
  #head = 0;

  get isEmpty(): boolean {
    return this.#head === this.#proposals.length;
  }

  get count(): number {
    return this.#proposals.length - this.#head;
  }

  push(proposal: Proposal): void {
    this.#proposals.push(proposal);
  }

  /** Takes out the oldest proposal if it was refused. */
  takeRefused(): Proposal | null {
    const proposal = this.#proposals[this.#head];
    if (proposal === undefined || proposal.refusal === null) return null;
    this.#advance();
    return proposal;
  }

  /** Takes out the proposal at `index` if it is this node's own from `term`; null when nobody here waits for it. */
  takeApplied(index: LogIndex, term: Term): Proposal | null {
    const proposal = this.#proposals[this.#head];
    if (proposal === undefined || proposal.index !== index || proposal.term !== term) return null;
    this.#advance();
    return proposal;
  }

  /**
   * The log goes on from `index` with other entries. What was proposed there is answered as overwritten when that place
   * is applied: not before, for older proposals of the same client may still be open, and not later, for the log may
   * never again reach as far as they did.
   */
  overwrittenFrom(index: LogIndex): void {
    for (let at = this.#proposals.length - 1; at >= this.#head; at--) {
      const proposal = this.#proposals[at] as Proposal;
      if (proposal.index < index) return;
      proposal.index = index;
      proposal.term = 0;
    }
  }

  /** Takes out the oldest proposal if the entry at `index` (or one before) took its place; null when none is such. */
  takeOverwritten(index: LogIndex, term: Term): Proposal | null {
    const proposal = this.#proposals[this.#head];
    if (proposal === undefined || proposal.index > index) return null;
    if (proposal.index === index && proposal.term === term) return null;
    this.#advance();
    return proposal;
  }

  /** Takes out everything. */
  takeAll(): Proposal[] {
    const all = this.#proposals.slice(this.#head);
    this.#proposals.length = 0;
    this.#head = 0;
    return all;
  }

  #advance(): void {
    this.#head++;
    if (this.#head === this.#proposals.length) {
      this.#proposals.length = 0;
      this.#head = 0;
    } else if (this.#head >= compactAfter) {
      this.#proposals.splice(0, this.#head);
      this.#head = 0;
    }
  }
}

const compactAfter = 256;
