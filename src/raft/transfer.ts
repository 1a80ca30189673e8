// Leadership transfer (dissertation §3.10): the leader stops taking proposals, lets the target catch up, and tells it to
// start an election without waiting. It ends when another leader appears, or after an election timeout without one.
//
// A leader whose own log is full hands over by itself, to a voter that has every entry, and room. As it takes no proposals
// anyway it stops nothing for that: it serves reads until it hears of the new term, and for ever if there is nobody. One that
// cannot even serve, because a majority is full and lacks what stands before its first entry, steps aside for those.

import { becomeFollower } from "./roles.ts";
import type { RaftState } from "./state.ts";
import type { NodeId } from "./types.ts";
import { noNode } from "./types.ts";

/**
 * Why no transfer begins; `unknown-id`: the target is no other voter, or there is none to choose; `target-full`: its log
 * takes no commands.
 */
export type TransferRefusal = "not-leader" | "transferring" | "unknown-id" | "target-full";

/** Begins to hand over to `to`, or to the voter whose log reaches furthest if that is `noNode`. */
export function beginTransfer(state: RaftState, to: NodeId): TransferRefusal | null {
  if (state.role !== "leader") return "not-leader";
  if (state.transferTarget !== noNode) return "transferring";
  const target = to === noNode ? state.peers.mostCaughtUpVoter() : state.peers.get(to);
  if (target === undefined || !target.voting) return "unknown-id";
  if (target.full) return "target-full";
  state.transferTarget = target.id;
  state.transferDeadlineMs = state.nowMs + state.tuning.electionTimeoutMs;
  state.transferTold = false;
  continueTransfer(state);
  return null;
}

/** Tells the target to take over once it has every entry of this log; the log does not grow meanwhile. */
export function continueTransfer(state: RaftState): void {
  const target = state.peers.get(state.transferTarget);
  if (target === undefined || state.transferTold || target.matchIndex < state.log.lastIndex) return;
  state.transferTold = true;
  tellToTakeOver(state, target.id);
}

/** Lets a voter with room lead in the place of this leader, whose log is full; at most once an election timeout. */
export function handOverWhenFull(state: RaftState): void {
  if (!state.isFull || state.transferTarget !== noNode || state.nowMs < state.handOverDueMs) return;
  if (!state.hasCommittedInTerm) return;
  const successor = state.peers.mostCaughtUpVoter();
  if (successor === undefined || successor.full || successor.matchIndex < state.log.lastIndex) return;
  // One that does not answer could not be elected, or only to be missed.
  if (state.nowMs - successor.heardMs > 2 * state.heartbeatIntervalMs) return;
  state.handOverDueMs = state.nowMs + state.tuning.electionTimeoutMs;
  tellToTakeOver(state, successor.id);
}

/**
 * Steps down when this leader cannot commit the first entry of its term, and so not even serve reads: a majority is full and
 * lacks commands that stand before that entry. Those can elect one of themselves, which asks them to store less.
 */
export function stepAsideInVain(state: RaftState): void {
  if (state.role !== "leader" || state.hasCommittedInTerm) return;
  if (state.nowMs - state.ledSinceMs < state.tuning.electionTimeoutMs) return;
  if (!state.peers.isMajorityFullBefore(state.termStartIndex)) return;
  state.ledInVain = true;
  becomeFollower(state, state.currentTerm, noNode);
}

/** Sends TimeoutNow. */
export function tellToTakeOver(state: RaftState, id: NodeId): void {
  state.messages.push({ kind: "TimeoutNow", from: state.id, to: id, term: state.currentTerm });
}

/** The target did not get elected in time: this leader serves on. */
export function abandonTransferWhenOverdue(state: RaftState): void {
  if (state.transferTarget !== noNode && state.nowMs >= state.transferDeadlineMs)
    state.transferTarget = noNode;
}
