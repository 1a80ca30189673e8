// Elections (dissertation chapter 3.4, with PreVote of §9.6 and the protection from disruptive servers of §4.2.3):
// when to ask for one, the RequestVote RPC on both sides, and TimeoutNow.
//
// PreVote: a node first asks whether it could win. Only then does it raise its term, so that a node cut off from the
// rest does not come back with a term that unseats a working leader.
// Two that ask at the same moment would both be told that they could win, and share the votes. So whoever grants a
// PreVote puts off its own campaign, and of two pre-candidates one gives up for the other (`giveWay`).
// Stickiness: who has heard from a leader within the minimum election timeout helps nobody else to power, unless that
// leader itself asked for the election.

import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from "./roles.ts";
import type { RaftState } from "./state.ts";
import type { RequestVote, RequestVoteResponse, Term, TimeoutNow } from "./types.ts";
import { noNode } from "./types.ts";

/** Figure 3.1, Followers and Candidates: if the election timeout elapses, start an election. */
export function tickElection(state: RaftState): void {
  // The only voter needs nobody's consent, so it does not wait; unless a leader that is about to leave is still at it.
  const isDue = state.nowMs >= state.electionDeadlineMs;
  if (!isDue && !(state.memberships.selfIsOnlyVoter && !state.hearsLeader)) return;
  if (state.mayCampaign) startPreVote(state);
  else becomeFollower(state, state.currentTerm, noNode);
}

function startPreVote(state: RaftState): void {
  becomePreCandidate(state);
  if (!countVotes(state)) requestVotes(state, state.currentTerm + 1, false);
}

/** Starts an election in a new term at once: a majority would vote, or the old leader wants it (`leadershipTransfer`). */
export function startElection(state: RaftState, leadershipTransfer: boolean): void {
  becomeCandidate(state);
  if (!countVotes(state)) requestVotes(state, state.currentTerm, leadershipTransfer);
}

function requestVotes(state: RaftState, term: Term, leadershipTransfer: boolean): void {
  const { lastIndex, lastTerm } = state.log;
  for (const member of state.memberships.effective.members) {
    if (!member.voting || member.id === state.id) continue;
    state.messages.push({
      kind: "RequestVote",
      from: state.id,
      to: member.id,
      term,
      preVote: state.role === "pre-candidate",
      lastLogIndex: lastIndex,
      lastLogTerm: lastTerm,
      leadershipTransfer,
    });
  }
}

/** Moves on if the voters' answers decide the campaign; false if it is still open. */
function countVotes(state: RaftState): boolean {
  let granted = 0;
  let refused = 0;
  for (const [id, vote] of state.votes) {
    if (!state.memberships.isVoter(id)) continue;
    if (vote) granted++;
    else refused++;
  }
  const majority = Math.floor(state.memberships.voterCount / 2) + 1;
  if (granted >= majority) {
    if (state.role === "pre-candidate") startElection(state, false);
    else becomeLeader(state);
    return true;
  }
  if (refused < majority) return false;
  becomeFollower(state, state.currentTerm, noNode);
  state.resetCampaignDeadline();
  return true;
}

/**
 * Whether a RequestVote is to be passed over in silence, its term not even adopted (§4.2.3). A transfer is exempt, if
 * the candidate may vote here: the leader would not have handed over to any other.
 */
export function isDisruptive(state: RaftState, request: RequestVote): boolean {
  if (request.preVote || request.term <= state.currentTerm || !state.hearsLeader) return false;
  return !(request.leadershipTransfer && state.memberships.isVoter(request.from));
}

/** RequestVote RPC, receiver implementation; a higher term has been adopted before, except by PreVote. */
export function handleRequestVote(state: RaftState, request: RequestVote): void {
  const voteGranted = request.preVote ? wouldVote(state, request) : mayVote(state, request);
  if (voteGranted && !request.preVote) {
    if (state.votedFor !== request.from) state.voteFor(request.from);
    state.resetElectionDeadline();
  } else if (voteGranted) giveWay(state, request);
  state.messages.push({
    kind: "RequestVoteResponse",
    from: state.id,
    to: request.from,
    // A granted PreVote answers for the term asked about, which this node is not in.
    term: voteGranted ? request.term : state.currentTerm,
    preVote: request.preVote,
    voteGranted,
  });
}

function wouldVote(state: RaftState, request: RequestVote): boolean {
  return request.term > state.currentTerm && !state.hearsLeader && isUpToDate(state, request);
}

/**
 * Having granted a PreVote, lets that campaign go first; asks later itself if nothing comes of it. Of two pre-candidates
 * the one whose log reaches less far gives way, of equals the one with the higher id. This binds nobody, so it is as safe
 * as waiting; and with one of three nodes lost no vote is split any more but by answers that come a whole campaign late:
 * each needs the other's consent, and who consents first asks no more or, a candidate by then, is the only one.
 */
function giveWay(state: RaftState, request: RequestVote): void {
  if (!state.memberships.isVoter(request.from)) return;
  const dueMs = state.electionDeadlineMs;
  if (state.role === "pre-candidate") {
    if (isLogEqual(state, request) && state.id < request.from) return;
    becomeFollower(state, state.currentTerm, noNode);
  }
  state.resetCampaignDeadline();
  state.electionDeadlineMs = Math.max(dueMs, state.electionDeadlineMs);
}

function isLogEqual({ log }: RaftState, { lastLogTerm, lastLogIndex }: RequestVote): boolean {
  return lastLogTerm === log.lastTerm && lastLogIndex === log.lastIndex;
}

/** Figure 3.1: reply false if term < currentTerm; grant if votedFor is null or candidateId, and its log is up to date. */
function mayVote(state: RaftState, request: RequestVote): boolean {
  if (request.term < state.currentTerm) return false;
  const isFree = state.votedFor === noNode && state.leaderId === noNode;
  return (isFree || state.votedFor === request.from) && isUpToDate(state, request);
}

/** §3.6.1: the later last term is more up to date; of equal last terms, the longer log. */
function isUpToDate(state: RaftState, { lastLogTerm, lastLogIndex }: RequestVote): boolean {
  const { lastTerm, lastIndex } = state.log;
  return lastLogTerm > lastTerm || (lastLogTerm === lastTerm && lastLogIndex >= lastIndex);
}

/** Counts a vote of this campaign; a higher term has been adopted before. */
export function handleRequestVoteResponse(state: RaftState, response: RequestVoteResponse): void {
  const { preVote, voteGranted } = response;
  if (state.role !== (preVote ? "pre-candidate" : "candidate")) return;
  const expectedTerm = preVote && voteGranted ? state.currentTerm + 1 : state.currentTerm;
  if (response.term !== expectedTerm || state.votes.has(response.from)) return;
  state.votes.set(response.from, voteGranted);
  countVotes(state);
}

/** The leader of this term wants this node to succeed it, and knows that its log is complete (§3.10). */
export function handleTimeoutNow(state: RaftState, request: TimeoutNow): void {
  if (request.term < state.currentTerm || state.role === "leader" || !state.mayCampaign) return;
  // It has become full since it said otherwise: the leader serves on, or finds another.
  if (state.isFull) return;
  startElection(state, true);
}
