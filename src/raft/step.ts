// A message arrives: it is checked whole, its term is compared with this node's (Figure 3.1, Rules for Servers: All
// Servers), and it goes to the rule for its kind.

import { unreachable } from "../base/assert.ts";
import { appendEntriesFault, handleAppendEntries } from "./append-entries.ts";
import { handleRequestVote, handleRequestVoteResponse, handleTimeoutNow, isDisruptive } from "./election.ts";
import type { MessageFault } from "./message-fault.ts";
import { messageFault } from "./message-fault.ts";
import { handleAppendEntriesResponse, isAheadOfLeader } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import type { RaftState } from "./state.ts";
import type { Message, Term } from "./types.ts";
import { noNode } from "./types.ts";

/** Handles `message`. One that is not sound changes nothing, and its fault is returned; null for any other. */
export function stepMessage(state: RaftState, message: Message): MessageFault | null {
  const fault = messageFault(message, state.id, state.currentTerm);
  if (fault !== null) return fault;
  switch (message.kind) {
    case "AppendEntries": {
      const conflict = appendEntriesFault(state, message);
      if (conflict === null) handleAppendEntries(state, message);
      return conflict;
    }
    case "AppendEntriesResponse":
      if (isAheadOfLeader(state, message)) return "ahead-of-leader";
      if (adoptTermOfMember(state, message)) handleAppendEntriesResponse(state, message);
      return null;
    case "RequestVote":
      if (isDisruptive(state, message)) return null;
      // PreVote asks about a term that nobody is in yet.
      if (!message.preVote) adoptTerm(state, message.term);
      handleRequestVote(state, message);
      return null;
    case "RequestVoteResponse": {
      const isAboutFuture = message.preVote && message.voteGranted;
      const isBehind = state.role === "pre-candidate" && message.term > state.currentTerm;
      if (!isAboutFuture && !adoptTermOfMember(state, message)) return null;
      // Refused for its term only, perhaps: in the right one it may be the one that can win, so it asks again soon.
      if (!isAboutFuture && isBehind) {
        state.campaigns = 0;
        state.resetCampaignDeadline();
      }
      handleRequestVoteResponse(state, message);
      return null;
    }
    case "TimeoutNow":
      adoptTerm(state, message.term);
      handleTimeoutNow(state, message);
      return null;
    default:
      return unreachable(message);
  }
}

/** If RPC request or response contains term T > currentTerm: set currentTerm = T, convert to follower. */
function adoptTerm(state: RaftState, term: Term): void {
  if (term > state.currentTerm) becomeFollower(state, term, noNode);
}

/** As `adoptTerm`, but a node that is no member (any more) unseats nobody by answering late; false for such. */
function adoptTermOfMember(state: RaftState, response: Message): boolean {
  if (response.term > state.currentTerm && !state.memberships.isMember(response.from)) return false;
  adoptTerm(state, response.term);
  return true;
}
