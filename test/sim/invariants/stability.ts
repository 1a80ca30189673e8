// Invariant 19: a leader that is in touch with a healthy majority is not deposed, whatever one node or one link does.
//
// A follower is *in touch* with the leader when it has answered it in this term, and since then, for more than two
// election timeouts, nothing was wrong with either of them or between them:
//   · both processes ran and took steps about every quarter of an election timeout; their disks were not touched;
//   · no connection between the two broke, and no byte between them was under way for a quarter of an election timeout.
// These are facts of the machines and of the network, below the nodes: a leader that forgets its heartbeats is not excused.
// Wall clocks are not among them: they may jump as they like. Monotonic clocks that run too fast or slow are.
//
// While the leader and its followers in touch are a majority of the voters, no node of the cluster enters a new term,
// unless the leader has told another to take over, or an administrator has forced an election. Nor does that leader leave
// office by itself, unless it was removed, or could not commit anything in its term.

import type { NodeId, Term } from "../../../src/raft/types.ts";
import { Violation } from "./violation.ts";
import type { WatchedNode } from "./watched-node.ts";

/** What is known of the ways between machines. */
export interface LinkHealth {
  /** When something between the two machines was last found wrong; `-Infinity` for never. */
  disturbedMs(one: string, other: string): number;
  /** When something was last wrong with the machine itself. */
  machineDisturbedMs(name: string): number;
  /** Looks for what is wrong now, between the two machines or with them, and notes it. */
  inspect(one: string, other: string): void;
}

const quietElectionTimeouts = 2;

export class Stability {
  #newestTerm: Term = 0;
  /** Terms whose end was asked for. */
  readonly #ending = new Set<Term>();
  /** When each follower first answered the leader of `#contactTerm` after something was wrong. */
  readonly #contacts = new Map<NodeId, number>();
  #contactTerm: Term = 0;
  /** Changes of term that were looked at with a leader in office. */
  looks = 0;

  /** The leader of `term` tells another node to take over, or somebody forces an election in the term after it. */
  endsByWill(term: Term): void {
    this.#ending.add(term);
  }

  /** `follower` answers the leader of `term`. */
  answered(follower: NodeId, term: Term, atMs: number, disturbedMs: number): void {
    if (term > this.#contactTerm) {
      this.#contactTerm = term;
      this.#contacts.clear();
    }
    const since = this.#contacts.get(follower);
    if (term === this.#contactTerm && (since === undefined || since <= disturbedMs)) {
      this.#contacts.set(follower, atMs);
    }
  }

  /** `node` is in `term`, perhaps for the first time of all; `leader` led the newest term before, if anybody did. */
  entered(node: WatchedNode, leader: WatchedNode | undefined, health: LinkHealth, nowMs: number): void {
    const { id, currentTerm } = node.member.raft;
    if (currentTerm <= this.#newestTerm) return;
    // One that was removed and does not know it yet may be told to hold an election: its term ends with it, unless it
    // gets to a member, which is looked at then.
    if (leader !== undefined && !leader.member.raft.membership.members.some((member) => member.id === id))
      return;
    const endedTerm = this.#newestTerm;
    this.#newestTerm = currentTerm;
    if (this.#ending.has(endedTerm) || leader === undefined || endedTerm !== this.#contactTerm) return;
    this.#checkInTouch(`${node.name} enters term ${currentTerm}`, leader, health, nowMs);
  }

  /** `leader` leads no more, in the term that it led: that is judged now, and the term ends without one. */
  leftOffice(leader: WatchedNode, health: LinkHealth, nowMs: number): void {
    const { raft } = leader.member;
    const term = raft.currentTerm;
    if (term !== this.#newestTerm || this.#ending.has(term)) return;
    this.#ending.add(term);
    const hasCommitted = raft.termAt(raft.commitIndex) === term;
    if (term !== this.#contactTerm || !hasCommitted || raft.isRemoved) return;
    this.#checkInTouch(`${leader.name} leaves office`, leader, health, nowMs);
  }

  #checkInTouch(what: string, leader: WatchedNode, health: LinkHealth, nowMs: number): void {
    this.looks++;
    const touched = this.#inTouch(leader, health, nowMs);
    const voters = leader.member.raft.membership.members.filter(({ voting }) => voting);
    if (touched * 2 <= voters.length) return;
    throw new Violation(
      19,
      `${what} at ${nowMs} ms, although ${leader.name}, the leader of term ` +
        `${this.#contactTerm}, is in touch with ${touched} of ${voters.length} voters, itself included`,
    );
  }

  /** The newest term that a node was seen in. */
  get newestTerm(): Term {
    return this.#newestTerm;
  }

  /** How many voters are in touch with `leader`, itself included; 0 when it is not well. */
  #inTouch(leader: WatchedNode, health: LinkHealth, nowMs: number): number {
    const longAgoMs = nowMs - quietElectionTimeouts * leader.electionTimeoutMs;
    let touched = 0;
    for (const { id, voting } of leader.member.raft.membership.members) {
      const follower = leader.cluster.nodes.get(id);
      if (!voting || follower === undefined) continue;
      health.inspect(leader.name, follower.name);
      const disturbedMs = Math.max(
        health.machineDisturbedMs(leader.name),
        health.machineDisturbedMs(follower.name),
        health.disturbedMs(leader.name, follower.name),
      );
      const sinceMs = this.#contacts.get(id) ?? Infinity;
      if (follower === leader ? disturbedMs < longAgoMs : sinceMs > disturbedMs && sinceMs < longAgoMs)
        touched++;
    }
    return touched;
  }
}
