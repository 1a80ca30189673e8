// A leader at work (Figure 3.1, Rules for Servers: Leaders): AppendEntries and heartbeats out, answers in, and what
// follows from them: the commit index, confirmed rounds, promoted learners, and stepping down.
//
// Appends are pipelined: they follow each other without waiting for answers, in a window per follower (see progress.ts).
// They are built when the node asks for its next Ready, so that all that was proposed in one turn travels together.
// Heartbeats carry no entries and refer to the entry that the follower is known to have, so they always match; they may
// take another connection and overtake the entries, and a leader busy with a slow follower still proves that it is alive.

import { changeMembership } from "./membership.ts";
import { resendAfterHeartbeats } from "./options.ts";
import type { Progress } from "./progress.ts";
import { appendMembership, becomeFollower } from "./roles.ts";
import type { RaftState } from "./state.ts";
import {
  abandonTransferWhenOverdue,
  continueTransfer,
  handOverWhenFull,
  stepAsideInVain,
  tellToTakeOver,
} from "./transfer.ts";
import type { AppendEntriesResponse, Entry, LogIndex } from "./types.ts";
import { noNode } from "./types.ts";

const noEntries: readonly Entry[] = [];

// ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Time has passed on a leader: it checks that it still is one, beats, and sends again what got lost. */
export function tickLeader(state: RaftState): void {
  const { nowMs, peers } = state;
  // CheckQuorum: a leader that cannot reach a majority of voters would keep its clients waiting for nothing (§6.2).
  if (nowMs - peers.majorityHeardMs(nowMs) >= state.tuning.electionTimeoutMs) {
    becomeFollower(state, state.currentTerm, noNode);
    return;
  }
  abandonTransferWhenOverdue(state);
  forgetDeparted(state);
  const isHeartbeatDue = nowMs >= state.heartbeatDueMs;
  if (isHeartbeatDue) state.heartbeatDueMs = nowMs + state.heartbeatIntervalMs;
  const resendAfterMs = resendAfterHeartbeats * state.heartbeatIntervalMs;
  for (const progress of peers.all) {
    if (progress.isOverdue(nowMs, resendAfterMs)) {
      progress.lost();
      state.replicationDue = true;
    }
    // With nothing else to send, a follower still learns by the next tick what is committed.
    const isBehindOnCommit = progress.commitSent < Math.min(state.commitIndex, progress.matchIndex);
    if (isHeartbeatDue || isBehindOnCommit) sendHeartbeat(state, progress);
  }
  if (!isHeartbeatDue) return;
  promoteLearner(state);
  handOverWhenFull(state);
  stepAsideInVain(state);
}

/** Removed members are told of it for one election timeout after their removal has committed; then they are on their own. */
function forgetDeparted(state: RaftState): void {
  for (const progress of state.peers.all) {
    if (progress.leavingIndex === 0 || progress.leavingIndex > state.commitIndex) continue;
    if (progress.leavingUntilMs === Infinity)
      progress.leavingUntilMs = state.nowMs + state.tuning.electionTimeoutMs;
    if (state.nowMs >= progress.leavingUntilMs) state.peers.forget(progress.id);
  }
}

// ── Messages out ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Sends whatever the windows allow, and proof requests for a read round that nothing else carries. */
export function replicate(state: RaftState): void {
  state.replicationDue = false;
  const { peers, reads } = state;
  const isRoundPending = reads.isPending;
  for (let i = 0; i < peers.all.length; i++) {
    const progress = peers.all[i] as Progress;
    sendEntries(state, progress);
    if (isRoundPending && progress.voting && progress.roundSent < reads.round) sendHeartbeat(state, progress);
  }
  reads.close();
}

function sendEntries(state: RaftState, progress: Progress): void {
  const { log, tuning } = state;
  const lastIndex = lastIndexFor(state, progress);
  while (progress.maySend(lastIndex, tuning.appendMaxInflight)) {
    if (progress.nextIndex < log.firstIndex) {
      progress.becomeSnapshot();
      return;
    }
    const prevLogIndex = progress.nextIndex - 1;
    const lastEntryIndex = Math.min(
      lastIndex,
      log.lastIndexWithin(progress.nextIndex, tuning.appendMaxSizeBytes),
    );
    sendAppendEntries(state, progress, prevLogIndex, lastEntryIndex);
    progress.sent(lastEntryIndex, state.nowMs);
  }
}

/** How far `progress` may be sent entries now. */
function lastIndexFor(state: RaftState, progress: Progress): LogIndex {
  // A removed member gets only what has committed without it: what it held beyond that, it could hold against the rest.
  const lastIndex = progress.leavingIndex === 0 ? state.log.lastIndex : state.commitIndex;
  const isSearching = progress.nextIndex > progress.matchIndex + 1;
  if (!progress.full || isSearching || progress.nextIndex < state.log.firstIndex) return lastIndex;
  // A full follower has room set aside for what is no command, and a leader needs that on a majority to serve at all.
  let index = progress.matchIndex;
  while (index < lastIndex && isControlEntry(state, index + 1)) index++;
  return index;
}

/** Whether the entry at `index` is no command, as far as this can be told: the first of a term, or a configuration. */
function isControlEntry({ log, memberships }: RaftState, index: LogIndex): boolean {
  return log.termAt(index) > log.termAt(index - 1) || memberships.hasAt(index);
}

/** An AppendEntries without entries that matches for sure. */
function sendHeartbeat(state: RaftState, progress: Progress): void {
  // Where the follower's last entry is compacted away here, only the start of the log is sure to match.
  const isKept = progress.matchIndex >= state.log.firstIndex - 1;
  const prevLogIndex = isKept ? progress.matchIndex : 0;
  sendAppendEntries(state, progress, prevLogIndex, prevLogIndex);
}

function sendAppendEntries(
  state: RaftState,
  progress: Progress,
  prevLogIndex: LogIndex,
  lastEntryIndex: LogIndex,
): void {
  state.messages.push({
    kind: "AppendEntries",
    from: state.id,
    to: progress.id,
    term: state.currentTerm,
    prevLogIndex,
    prevLogTerm: prevLogIndex === 0 ? 0 : state.log.termAt(prevLogIndex),
    lastEntryIndex,
    entries: noEntries,
    // The follower takes the smaller of this and what it knows to match.
    leaderCommit: state.commitIndex,
    round: state.reads.round,
  });
  progress.roundSent = state.reads.round;
  progress.commitSent = Math.min(state.commitIndex, Math.max(progress.matchIndex, lastEntryIndex));
}

// ── Answers in ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whether `response` speaks of what this leader never sent; false too when it concerns another term. */
export function isAheadOfLeader(state: RaftState, response: AppendEntriesResponse): boolean {
  if (state.role !== "leader" || response.term !== state.currentTerm) return false;
  return response.matchIndex > state.log.lastIndex || response.round > state.reads.round;
}

/** A follower of this term answers; a higher term has been adopted before. */
export function handleAppendEntriesResponse(state: RaftState, response: AppendEntriesResponse): void {
  if (state.role !== "leader" || response.term !== state.currentTerm) return;
  const progress = state.peers.get(response.from);
  if (progress === undefined) return;
  progress.heardMs = state.nowMs;
  noteRound(state, progress, response.round);
  if (response.success) noteMatch(state, progress, response.matchIndex);
  else noteRejection(state, progress, response);
  if (progress.noteRoom(response.full)) state.replicationDue = true;
}

/** The follower still followed this leader when it sent `round`, whether or not it could take the entries. */
function noteRound(state: RaftState, progress: Progress, round: number): void {
  if (round <= progress.roundEchoed) return;
  progress.roundEchoed = round;
  if (progress.voting) state.confirmReads();
}

function noteMatch(state: RaftState, progress: Progress, matchIndex: LogIndex): void {
  // Its own log, or a snapshot that it got, reaches far enough again.
  if (progress.state === "snapshot" && matchIndex + 1 >= state.log.firstIndex) progress.becomeProbe();
  const advanced = progress.acknowledged(matchIndex, state.nowMs);
  if (progress.nextIndex <= state.log.lastIndex) state.replicationDue = true;
  if (!advanced) return;
  if (progress.voting) advanceCommitIndex(state);
  else promoteLearner(state);
  if (state.transferTarget === progress.id) continueTransfer(state);
}

function noteRejection(state: RaftState, progress: Progress, response: AppendEntriesResponse): void {
  // Fast backtracking (§3.5, end): skip all of this log's entries whose terms the follower cannot have there.
  const { log } = state;
  const { hintIndex, hintTerm, rejectedIndex } = response;
  const isKept = hintIndex >= log.firstIndex - 1;
  const searchIndex = isKept ? log.lastIndexOfTermAtMost(hintIndex, hintTerm) : hintIndex;
  if (progress.rejected(rejectedIndex, searchIndex)) state.replicationDue = true;
}

// ── Consequences ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Figure 3.1: if there exists an N such that N > commitIndex, a majority of matchIndex[i] ≥ N, and log[N].term ==
 * currentTerm: set commitIndex = N. The entries of this term are those from `termStartIndex` on.
 */
export function advanceCommitIndex(state: RaftState): void {
  const index = state.peers.majorityMatchIndex(state.log.stableIndex);
  if (index <= state.commitIndex || index < state.termStartIndex) return;
  const isMembershipCommitted = state.commitTo(index);
  state.uncommitted.committed(index);
  if (!isMembershipCommitted) {
    if (state.peers.learners.length > 0) promoteLearner(state);
    return;
  }
  if (!state.memberships.isMember(state.id)) {
    leaveOffice(state);
    return;
  }
  // Those who joined or left wait for this news: it does not wait for the next heartbeat.
  for (const progress of state.peers.all) sendHeartbeat(state, progress);
  state.replicationDue = true;
  promoteLearner(state);
}

/** The removal of this leader has committed: it hands over and steps down (§4.2.2). */
function leaveOffice(state: RaftState): void {
  const successor = state.peers.mostCaughtUpVoter();
  if (successor !== undefined) tellToTakeOver(state, successor.id);
  becomeFollower(state, state.currentTerm, noNode);
}

/**
 * Makes a voter of a learner that has caught up: at most one entry behind what is committed, in touch, its addition and
 * all other changes committed. So whoever joins becomes a voter by itself, and never while it would slow down the
 * majority (§4.2.1). (Not one entry behind the log: under load the log's end is always further away than that.)
 */
function promoteLearner(state: RaftState): void {
  if (state.transferTarget !== noNode || state.isMembershipPending || !state.hasCommittedInTerm) return;
  if (state.room === "none") return;
  for (const learner of state.peers.learners) {
    const isCaughtUp = learner.matchIndex + 1 >= state.commitIndex;
    const isInTouch = state.nowMs - learner.heardMs < state.tuning.electionTimeoutMs;
    if (!isCaughtUp || !isInTouch || learner.full) continue;
    const promoted = changeMembership(state.memberships.effective, { kind: "promote", id: learner.id });
    if (typeof promoted !== "string") appendMembership(state, promoted, state.log.lastStampMs);
    return;
  }
}
