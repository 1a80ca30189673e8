// Leadership transfer (dissertation §3.10): the leader stops taking proposals, lets the target catch up, and tells it to
// start an election without waiting. It ends when another leader appears, or after an election timeout without one.

import type { RaftState } from "./state.ts";
import type { NodeId } from "./types.ts";
import { noNode } from "./types.ts";

/** Why no transfer begins; `unknown-id`: the target is no other voter, or there is none to choose. */
export type TransferRefusal = "not-leader" | "transferring" | "unknown-id";

/** Begins to hand over to `to`, or to the voter whose log reaches furthest if that is `noNode`. */
export function beginTransfer(state: RaftState, to: NodeId): TransferRefusal | null {
  if (state.role !== "leader") return "not-leader";
  if (state.transferTarget !== noNode) return "transferring";
  const target = to === noNode ? state.peers.mostCaughtUpVoter() : state.peers.get(to);
  if (target === undefined || !target.voting) return "unknown-id";
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

/** Sends TimeoutNow. */
export function tellToTakeOver(state: RaftState, id: NodeId): void {
  state.messages.push({ kind: "TimeoutNow", from: state.id, to: id, term: state.currentTerm });
}

/** The target did not get elected in time: this leader serves on. */
export function abandonTransferWhenOverdue(state: RaftState): void {
  if (state.transferTarget !== noNode && state.nowMs >= state.transferDeadlineMs)
    state.transferTarget = noNode;
}
