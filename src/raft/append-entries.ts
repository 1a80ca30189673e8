// The AppendEntries RPC on the receiving side (Figure 3.1), and what a follower tells its leader.
//
// A follower vouches only for what is on its disk: it answers an append when the sync is done, with the smaller of what
// matches and what is stable. What proves leadership it answers at once: heartbeats, and whatever brings a new round.

import { mayFollow } from "./membership.ts";
import type { MessageFault } from "./message-fault.ts";
import { becomeFollower } from "./roles.ts";
import type { RaftState } from "./state.ts";
import type { AppendEntries, Entry, LogIndex } from "./types.ts";
import { noNode } from "./types.ts";

/** A fault that shows only against this node's own state; nothing is changed before it has returned null. */
export function appendEntriesFault(state: RaftState, request: AppendEntries): MessageFault | null {
  if (request.term < state.currentTerm) return null;
  if (request.term === state.currentTerm) {
    if (state.role === "leader") return "two-leaders";
    if (state.role === "follower" && state.leaderId !== noNode && state.leaderId !== request.from)
      return "two-leaders";
  }
  // Leader Completeness: the leader's log holds whatever is committed here.
  if (
    request.prevLogIndex === state.commitIndex &&
    !state.log.matches(request.prevLogIndex, request.prevLogTerm)
  ) {
    return "conflicts-with-committed";
  }
  // And a leader never changes what it once said in its term.
  const settledIndex = isFollowing(state, request) ? state.matchedIndex : state.commitIndex;
  const lastKnown = Math.min(settledIndex, request.lastEntryIndex);
  for (let index = Math.max(request.prevLogIndex + 1, state.log.firstIndex); index <= lastKnown; index++) {
    if (state.log.termAt(index) === entryAt(request, index).term) continue;
    return index <= state.commitIndex ? "conflicts-with-committed" : "two-leaders";
  }
  return membershipFault(state, request);
}

/** Every configuration that would be new here is one step from the one before it; a node without any believes the first. */
function membershipFault(state: RaftState, request: AppendEntries): MessageFault | null {
  const { prevLogIndex, prevLogTerm } = request;
  // What does not join this log is refused anyway, and nothing of it is compared.
  if (prevLogIndex > state.commitIndex && !state.log.matches(prevLogIndex, prevLogTerm)) return null;
  const firstNew = Math.max(prevLogIndex, state.commitIndex) + 1;
  let before = state.memberships.before(firstNew);
  for (let index = firstNew; index <= request.lastEntryIndex; index++) {
    const { membership } = entryAt(request, index);
    if (membership === null) continue;
    if (before.usedIds.length > 0 && !mayFollow(before, membership)) return "bad-membership";
    before = membership;
  }
  return null;
}

/** Whether the sender is the leader that this node follows already. */
function isFollowing(state: RaftState, { from, term }: AppendEntries): boolean {
  return state.role === "follower" && state.leaderId === from && state.currentTerm === term;
}

/** AppendEntries RPC, receiver implementation. */
export function handleAppendEntries(state: RaftState, request: AppendEntries): void {
  // 1. Reply false if term < currentTerm: the sender learns that its time is over.
  if (request.term < state.currentTerm) {
    reject(state, request, state.commitIndex);
    return;
  }
  if (!isFollowing(state, request)) becomeFollower(state, request.term, request.from);
  state.leaderHeardMs = state.nowMs;
  state.resetElectionDeadline();
  if (request.round > state.heardRound) state.heardRound = request.round;

  // 2. Reply false if log doesn't contain an entry at prevLogIndex whose term matches prevLogTerm. What is committed
  //    matches, also where it is compacted away.
  if (
    request.prevLogIndex > state.commitIndex &&
    !state.log.matches(request.prevLogIndex, request.prevLogTerm)
  ) {
    // Where the logs may still agree: below every entry of a later term than the leader's, and not below the commit index.
    const hintIndex = state.log.lastIndexOfTermAtMost(request.prevLogIndex, request.prevLogTerm);
    reject(state, request, Math.max(hintIndex, state.commitIndex));
    return;
  }
  appendMissing(state, request);
  if (request.lastEntryIndex > state.matchedIndex) state.matchedIndex = request.lastEntryIndex;

  // 5. If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of last entry known to match).
  const commitIndex = Math.min(request.leaderCommit, state.matchedIndex);
  if (commitIndex > state.commitIndex) state.commitTo(commitIndex);

  const isHeartbeat = request.entries.length === 0;
  const isNewRound = state.heardRound > state.acknowledgedRound;
  const isStored = request.lastEntryIndex <= state.log.stableIndex;
  if (isHeartbeat || isNewRound || isStored) state.acknowledgementDue = true;
}

/** 3. and 4. of the receiver implementation: overwrite what conflicts, append what is new, keep what is already there. */
function appendMissing(state: RaftState, request: AppendEntries): void {
  const { log } = state;
  let index = Math.max(request.prevLogIndex, state.commitIndex) + 1;
  while (index <= request.lastEntryIndex && log.matches(index, entryAt(request, index).term)) index++;
  // An old message may end before this node's log does: entries behind it are no conflict and stay.
  if (index > request.lastEntryIndex) return;
  if (index <= log.lastIndex) {
    log.truncateFrom(index);
    state.memberships.truncateFrom(index);
  }
  for (; index <= request.lastEntryIndex; index++) {
    const entry = entryAt(request, index);
    log.append(entry);
    if (entry.membership !== null) state.memberships.append(index, entry.membership);
  }
}

function entryAt(request: AppendEntries, index: LogIndex): Entry {
  return request.entries[index - request.prevLogIndex - 1] as Entry;
}

/** What this node may vouch for towards the leader: it matches, and it is on disk. */
function storedMatchIndex(state: RaftState): LogIndex {
  return Math.min(state.matchedIndex, state.log.stableIndex);
}

/** More of the log is on disk: what was appended and not answered yet is answered now. */
export function acknowledgeStable(state: RaftState): void {
  if (state.role !== "follower" || state.leaderId === noNode) return;
  if (storedMatchIndex(state) > state.acknowledgedIndex) state.acknowledgementDue = true;
}

/** This node's log takes commands again, or no more: its leader is told at once. */
export function reportRoom(state: RaftState): void {
  if (state.role === "follower" && state.leaderId !== noNode) state.acknowledgementDue = true;
}

/** One answer for all that was heard since the last one. */
export function sendAcknowledgement(state: RaftState): void {
  state.acknowledgementDue = false;
  state.acknowledgedIndex = storedMatchIndex(state);
  state.acknowledgedRound = state.heardRound;
  state.messages.push({
    kind: "AppendEntriesResponse",
    from: state.id,
    to: state.leaderId,
    term: state.currentTerm,
    success: true,
    matchIndex: state.acknowledgedIndex,
    rejectedIndex: 0,
    hintIndex: 0,
    hintTerm: 0,
    round: state.acknowledgedRound,
    full: state.isFull,
  });
}

function reject(state: RaftState, request: AppendEntries, hintIndex: LogIndex): void {
  state.messages.push({
    kind: "AppendEntriesResponse",
    from: state.id,
    to: request.from,
    term: state.currentTerm,
    success: false,
    matchIndex: 0,
    rejectedIndex: request.prevLogIndex,
    hintIndex,
    hintTerm: state.log.termAt(hintIndex),
    // A round of an earlier term proves nothing about this one, and this very leader may count from 0 again since.
    round: request.term === state.currentTerm ? request.round : 0,
    full: state.isFull,
  });
}
