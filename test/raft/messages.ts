// Messages and entries as tests write them: what matters to the test is said, the rest is plain.

import type {
  AppendEntries,
  AppendEntriesResponse,
  Entry,
  Message,
  RequestVote,
  RequestVoteResponse,
  Term,
} from "../../src/raft/types.ts";
import { Entry as LogEntry } from "../../src/raft/types.ts";

/** From node 2 to node 1 in term 1; `lastEntryIndex` follows from the rest unless given. */
export function appendEntries(fields: Partial<AppendEntries>): AppendEntries {
  const { entries = [], prevLogIndex = 0 } = fields;
  const lastEntryIndex = prevLogIndex + entries.length;
  const rest = { from: 2, to: 1, term: 1, prevLogTerm: 0, leaderCommit: 0, round: 0 };
  return { kind: "AppendEntries", ...rest, prevLogIndex, lastEntryIndex, entries, ...fields };
}

/** From node 2 to node 1 in term 1, with an empty log. */
export function requestVote(fields: Partial<RequestVote>): RequestVote {
  const base = {
    from: 2,
    to: 1,
    term: 1,
    preVote: false,
    lastLogIndex: 0,
    lastLogTerm: 0,
    leadershipTransfer: false,
  };
  return { kind: "RequestVote", ...base, ...fields };
}

/** Success from node 2 to node 1 in term 1, of an empty log. */
export function appendEntriesResponse(fields: Partial<AppendEntriesResponse>): AppendEntriesResponse {
  const rest = {
    from: 2,
    to: 1,
    term: 1,
    rejectedIndex: 0,
    hintIndex: 0,
    hintTerm: 0,
    round: 0,
    full: false,
  };
  return { kind: "AppendEntriesResponse", ...rest, success: true, matchIndex: 0, ...fields };
}

/** A refusal from node 2 to node 1 in term 1. */
export function requestVoteResponse(fields: Partial<RequestVoteResponse>): RequestVoteResponse {
  const rest = { from: 2, to: 1, term: 1, preVote: false, voteGranted: false };
  return { kind: "RequestVoteResponse", ...rest, ...fields };
}

/** A command of no bytes, unless said otherwise. */
export function entry(index: number, term: Term, fields: Partial<Entry> = {}): Entry {
  const { kind = "command", stampMs = 0, membership = null, record = null } = fields;
  return new LogEntry(index, term, kind, stampMs, membership, record);
}

/** Those of `messages` that are of one kind. */
export function only<Kind extends Message["kind"]>(
  messages: readonly Message[],
  kind: Kind,
): Extract<Message, { kind: Kind }>[] {
  return messages.filter((message): message is Extract<Message, { kind: Kind }> => message.kind === kind);
}

/** The one vote among `messages`. */
export function vote(messages: readonly Message[]): RequestVoteResponse {
  const [response] = only(messages, "RequestVoteResponse");
  if (response === undefined) throw new Error("no vote was sent");
  return response;
}
