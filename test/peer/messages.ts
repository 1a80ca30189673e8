// Raft messages to send about.

import type { AppendEntries, AppendEntriesResponse, Message, RequestVote } from "../../src/raft/types.ts";

export function heartbeat(from: number, to: number, round = 1): AppendEntries {
  return appendEntries(from, to, { prevLogIndex: 10, lastEntryIndex: 10, round });
}

export function appendEntries(
  from: number,
  to: number,
  range: { prevLogIndex: number; lastEntryIndex: number; round?: number },
): AppendEntries {
  return {
    kind: "AppendEntries",
    from,
    to,
    term: 3,
    prevLogIndex: range.prevLogIndex,
    prevLogTerm: 2,
    lastEntryIndex: range.lastEntryIndex,
    entries: [],
    leaderCommit: 9,
    round: range.round ?? 1,
  };
}

export function appendEntriesResponse(from: number, to: number, round = 1): AppendEntriesResponse {
  return {
    kind: "AppendEntriesResponse",
    from,
    to,
    term: 3,
    success: true,
    matchIndex: 10,
    rejectedIndex: 0,
    hintIndex: 0,
    hintTerm: 0,
    round,
    full: false,
  };
}

export function requestVote(from: number, to: number): RequestVote {
  return {
    kind: "RequestVote",
    from,
    to,
    term: 4,
    preVote: true,
    lastLogIndex: 10,
    lastLogTerm: 2,
    leadershipTransfer: false,
  };
}

export function oneOfEachKind(from: number, to: number): Message[] {
  return [
    heartbeat(from, to),
    appendEntries(from, to, { prevLogIndex: 2 ** 40, lastEntryIndex: 2 ** 40 + 3, round: 2 ** 52 }),
    appendEntriesResponse(from, to),
    { ...appendEntriesResponse(from, to), success: false, rejectedIndex: 5, hintIndex: 4, hintTerm: 1 },
    requestVote(from, to),
    { ...requestVote(from, to), preVote: false, leadershipTransfer: true },
    { kind: "RequestVoteResponse", from, to, term: 0, preVote: true, voteGranted: false },
    { kind: "TimeoutNow", from, to, term: 7 },
  ];
}
