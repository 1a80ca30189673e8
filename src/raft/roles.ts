// The four roles and the ways between them (dissertation Figure 3.3, with the pre-candidate of §9.6).
//
//               times out                    majority would vote          majority votes
//    follower ───────────► pre-candidate ───────────────► candidate ───────────────► leader
//        ▲                      │                             │                        │
//        └──────────────────────┴─────────────────────────────┴────────────────────────┘
//      a leader or a higher term is heard; a majority refuses; another goes first; a leader loses its majority

import { assert } from "../base/assert.ts";
import { entrySizeBytes } from "./log.ts";
import type { RaftState } from "./state.ts";
import type { EntryKind, Membership, NodeId, Term } from "./types.ts";
import { Entry, noNode } from "./types.ts";

/** Follows `leaderId`, or waits for a leader if that is none, in `term`, which is at least the current one. */
export function becomeFollower(state: RaftState, term: Term, leaderId: NodeId): void {
  assert(term >= state.currentTerm, "terms never go back");
  if (term > state.currentTerm) state.enterTerm(term);
  state.role = "follower";
  state.leaderId = leaderId;
  if (leaderId !== noNode) state.campaigns = 0;
  state.leaderHeardMs = -Infinity;
  state.matchedIndex = state.commitIndex;
  state.acknowledgedIndex = 0;
  state.acknowledgedRound = 0;
  state.heardRound = 0;
  state.acknowledgementDue = false;
  forgetCampaignAndLeadership(state);
  state.resetElectionDeadline();
}

/** Asks around before disturbing anyone: nothing persistent changes. */
export function becomePreCandidate(state: RaftState): void {
  beginCampaign(state, "pre-candidate");
  state.campaigns++;
}

/** Figure 3.1, Candidates: increment currentTerm, vote for self, reset election timer. */
export function becomeCandidate(state: RaftState): void {
  beginCampaign(state, "candidate");
  state.enterTerm(state.currentTerm + 1);
  state.voteFor(state.id);
}

function beginCampaign(state: RaftState, role: "pre-candidate" | "candidate"): void {
  state.role = role;
  state.leaderId = noNode;
  state.leaderHeardMs = -Infinity;
  state.acknowledgementDue = false;
  forgetCampaignAndLeadership(state);
  state.votes.set(state.id, true);
  state.resetCampaignDeadline();
}

/**
 * Leads the term that was just won, and opens it with an empty entry: only that lets it learn what is committed (§6.4).
 * A founder then writes its own membership into the log, where those who join later find it.
 */
export function becomeLeader(state: RaftState): void {
  forgetCampaignAndLeadership(state);
  state.role = "leader";
  state.campaigns = 0;
  state.leaderId = state.id;
  state.termStartIndex = state.log.lastIndex + 1;
  state.ledSinceMs = state.nowMs;
  state.heartbeatDueMs = state.nowMs + state.heartbeatIntervalMs;
  state.handOverDueMs = state.nowMs;
  state.uncommitted.reset(state.log.lastIndex);
  const { effective, effectiveIndex } = state.memberships;
  state.peers.adopt(effective, effectiveIndex, state.termStartIndex, state.nowMs);
  appendAsLeader(state, "empty", state.log.lastStampMs, null);
  const isFounder = effectiveIndex === 0 && effective.members.length > 0;
  if (isFounder) appendMembership(state, effective, state.log.lastStampMs);
}

function forgetCampaignAndLeadership(state: RaftState): void {
  state.votes.clear();
  state.peers.clear();
  state.reads.reset();
  state.uncommitted.reset(state.log.lastIndex);
  state.transferTarget = noNode;
  state.replicationDue = false;
}

/** Appends a configuration, which takes effect at once (§4.1). */
export function appendMembership(state: RaftState, membership: Membership, stampMs: number): Entry {
  const entry = appendEntry(
    state,
    new Entry(state.log.lastIndex + 1, state.currentTerm, "membership", stampMs, membership, null),
  );
  state.memberships.append(entry.index, membership);
  state.peers.adopt(membership, entry.index, entry.index, state.nowMs);
  // Those who have answered may be a majority now that a voter is gone, and nobody would answer the same round again.
  state.confirmReads();
  return entry;
}

/** Appends an entry of the current term to the leader's log; it goes out with the next Ready. */
export function appendAsLeader(
  state: RaftState,
  kind: Exclude<EntryKind, "membership">,
  stampMs: number,
  record: Uint8Array | null,
): Entry {
  return appendEntry(
    state,
    new Entry(state.log.lastIndex + 1, state.currentTerm, kind, stampMs, null, record),
  );
}

function appendEntry(state: RaftState, entry: Entry): Entry {
  state.log.append(entry);
  state.uncommitted.proposed(entry.index, entrySizeBytes(entry));
  state.replicationDue = true;
  return entry;
}
