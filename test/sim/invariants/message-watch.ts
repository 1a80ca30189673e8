// What nodes tell each other, seen on the wire, against what their disks hold at that moment: a term, a vote or a match
// index leaves a node only when a power cut could not take it back (2, 7). What is said is also passed on to those who
// compare it with what others say.

import type { AppendEntriesResponse, Message, RequestVoteResponse } from "../../../src/raft/types.ts";
import type { WorldHealth } from "./world-health.ts";
import { Violation } from "./violation.ts";
import type { WatchedNode } from "./watched-node.ts";

export class MessageWatch {
  readonly #health: WorldHealth;
  readonly #nowMs: () => number;
  messages = 0;

  constructor(health: WorldHealth, nowMs: () => number) {
    this.#health = health;
    this.#nowMs = nowMs;
  }

  /** Takes note of what tells that a change of term is wanted; to be called before the node is looked at. */
  announce(node: WatchedNode, message: Message): void {
    const { stability } = node.cluster;
    if (message.kind === "TimeoutNow") stability.endsByWill(message.term);
    else if (message.kind === "RequestVote" && message.leadershipTransfer)
      stability.endsByWill(stability.newestTerm < message.term ? stability.newestTerm : message.term - 1);
  }

  /** `message` leaves `node`, which has been looked at. */
  left(node: WatchedNode, message: Message): void {
    this.messages++;
    this.#checkTerm(node, message);
    const { confirmations } = node.cluster;
    switch (message.kind) {
      case "AppendEntries":
        return confirmations.sent(node.id, message.round);
      case "AppendEntriesResponse":
        return this.#answered(node, message);
      case "RequestVoteResponse":
        return this.#voted(node, message);
    }
  }

  /** The term, and a vote for oneself, that a message tells of. A PreVote speaks of a term that nobody is in yet. */
  #checkTerm(node: WatchedNode, message: Message): void {
    const isQuestion = message.kind === "RequestVote";
    if (message.kind === "RequestVoteResponse" && message.preVote && message.voteGranted) return;
    const term = isQuestion && message.preVote ? message.term - 1 : message.term;
    const state = node.hardState.stored;
    if (state === null || state.currentTerm < term) {
      throw new Violation(
        2,
        `${node.name} sends ${message.kind} of term ${term}; on its disk is term ${state?.currentTerm ?? "none"}`,
      );
    }
    if (!isQuestion || message.preVote || state.currentTerm > term || state.votedFor === message.from) return;
    throw new Violation(
      2,
      `${node.name} campaigns in term ${term}; its disk has its vote for ${state.votedFor}`,
    );
  }

  #voted(node: WatchedNode, { preVote, voteGranted, term, to }: RequestVoteResponse): void {
    if (preVote || !voteGranted) return;
    const state = node.hardState.stored;
    const isStored = state !== null && (state.currentTerm > term || state.votedFor === to);
    if (!isStored)
      throw new Violation(
        2,
        `${node.name} gives ${to} its vote in term ${term}; on its disk is another, or none`,
      );
    node.cluster.noteVote(term, to, node.id);
  }

  #answered(node: WatchedNode, { success, term, matchIndex, to, round }: AppendEntriesResponse): void {
    const { cluster, name } = node;
    cluster.confirmations.echoed(to, node.id, term, round);
    const leader = cluster.nodes.get(to);
    if (leader !== undefined) {
      const disturbedMs = Math.max(
        this.#health.disturbedMs(name, leader.name),
        this.#health.machineDisturbedMs(name),
        this.#health.machineDisturbedMs(leader.name),
      );
      cluster.stability.answered(node.id, term, this.#nowMs(), disturbedMs);
    }
    // An answer of an earlier term may have waited here while a later leader's entries took the place of those it was about.
    if (!success || !node.syncs || node.member.raft.currentTerm !== term || node.holds(matchIndex)) return;
    throw new Violation(
      7,
      `${name} acknowledges entries up to ${matchIndex}; its disk holds them up to ${node.durableLog.lastIndex}`,
    );
  }
}
