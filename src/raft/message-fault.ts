// What is wrong with a message, if anything. Every message is checked whole before it changes any state: whatever a
// peer sends, however broken, costs at most that message. (Checks that need this node's log are in append-entries.ts.)

import { isWellFormed } from "./membership.ts";
import type {
  AppendEntries,
  AppendEntriesResponse,
  Entry,
  EntryKind,
  Message,
  NodeId,
  RequestVote,
  Term,
} from "./types.ts";
import { isNodeId } from "./types.ts";

/**
 * `misdirected`: not for this node, or from itself. `bad-field`: a number out of range or fields that contradict each
 * other. `bad-entries`: not contiguous, terms or stamps that go down, an unknown kind. `bad-membership`: a configuration
 * that cannot be one. `two-leaders`: a second leader, or a second log, in one term. `conflicts-with-committed`: would undo what is committed.
 * `ahead-of-leader`: answers something that was never sent.
 */
export type MessageFault =
  | "misdirected"
  | "bad-field"
  | "bad-entries"
  | "bad-membership"
  | "two-leaders"
  | "conflicts-with-committed"
  | "ahead-of-leader";

/** Far from where whole numbers cease to be exact; at this term no more elections are held. */
export const termMax: Term = 2 ** 52;
/**
 * A message of a term further ahead than that is not believed: at one election a second it took 136 years to get there.
 * Adopting any term at all, one broken message could use up all there are.
 */
export const termLeapMax = 2 ** 32;

const entryKinds: readonly EntryKind[] = ["empty", "command", "clock", "membership"];

/** The first fault of `message` as received by node `selfId` in `currentTerm`; null for a sound one. */
export function messageFault(message: Message, selfId: NodeId, currentTerm: Term): MessageFault | null {
  const { from, to, term } = message;
  if (to !== selfId || from === selfId || !isNodeId(from)) return "misdirected";
  if (!isCount(term) || term === 0 || term > Math.min(termMax, currentTerm + termLeapMax)) return "bad-field";
  switch (message.kind) {
    case "AppendEntries":
      return appendEntriesFault(message);
    case "AppendEntriesResponse":
      return isResponse(message) ? null : "bad-field";
    case "RequestVote":
      return isRequestVote(message) ? null : "bad-field";
    case "RequestVoteResponse":
    case "TimeoutNow":
      return null;
    default:
      // A kind that no version of this code sends must not crash the node either.
      message satisfies never;
      return "bad-field";
  }
}

function appendEntriesFault(request: AppendEntries): MessageFault | null {
  const { prevLogIndex, prevLogTerm, lastEntryIndex, entries, leaderCommit, round, term } = request;
  if (!isCount(prevLogIndex) || !isCount(prevLogTerm) || !isCount(leaderCommit) || !isCount(round))
    return "bad-field";
  if (prevLogTerm > term || (prevLogIndex === 0) !== (prevLogTerm === 0)) return "bad-field";
  if (lastEntryIndex !== prevLogIndex + entries.length) return "bad-entries";
  let previousTerm = prevLogTerm;
  let previousStampMs = 0;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    if (entry.index !== prevLogIndex + 1 + i || !isCount(entry.term) || !isCount(entry.stampMs))
      return "bad-entries";
    if (entry.term === 0 || entry.term < previousTerm || entry.term > term) return "bad-entries";
    if (entry.stampMs < previousStampMs || !entryKinds.includes(entry.kind)) return "bad-entries";
    if ((entry.kind === "membership") !== (entry.membership !== null)) return "bad-entries";
    if (entry.membership !== null && !isWellFormed(entry.membership)) return "bad-membership";
    previousTerm = entry.term;
    previousStampMs = entry.stampMs;
  }
  return null;
}

function isResponse(response: AppendEntriesResponse): boolean {
  const { matchIndex, rejectedIndex, hintIndex, hintTerm, round } = response;
  if (!isCount(matchIndex) || !isCount(rejectedIndex) || !isCount(round)) return false;
  return isCount(hintIndex) && isCount(hintTerm) && hintTerm <= response.term;
}

function isRequestVote(request: RequestVote): boolean {
  return isCount(request.lastLogIndex) && isCount(request.lastLogTerm) && request.lastLogTerm < request.term;
}

/** Whether `value` is an index, a term, a round or a time: a whole number that arithmetic keeps exact. */
function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
