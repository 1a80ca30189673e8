// Raft messages as frames: which frame type each kind has, which fields its header holds, and the proof that what comes
// in is one. It knows ranges, not Raft's rules; the entries of AppendEntries are opaque bytes in the frame's body.

import { unreachable } from "../base/assert.ts";
import type {
  AppendEntries,
  AppendEntriesResponse,
  Entry,
  Message,
  RequestVote,
  RequestVoteResponse,
  TimeoutNow,
} from "../raft/types.ts";
import { nodeIdMax } from "../raft/types.ts";
import { frameType } from "./frame.ts";
import type { FrameType } from "./frame.ts";
import { FieldReader } from "./header-codec.ts";
import type { HeaderField } from "./header-codec.ts";

/** A log record is longer than this, so a body of n bytes holds fewer than n / recordBytesMin entries. */
const recordBytesMin = 16;
const noEntries: readonly Entry[] = [];

/** The type of the frame in which `message` travels. */
export function frameTypeOf(message: Message): FrameType {
  switch (message.kind) {
    case "AppendEntries":
      return frameType.appendEntries;
    case "AppendEntriesResponse":
      return frameType.appendEntriesResponse;
    case "RequestVote":
      return frameType.requestVote;
    case "RequestVoteResponse":
      return frameType.requestVoteResponse;
    case "TimeoutNow":
      return frameType.timeoutNow;
    default:
      return unreachable(message);
  }
}

/** The header of `message`; every kind starts with from, to, term. */
export function encodeMessage(message: Message): HeaderField[] {
  const { from, to, term } = message;
  switch (message.kind) {
    case "AppendEntries": {
      const { prevLogIndex, prevLogTerm, lastEntryIndex, leaderCommit, round } = message;
      return [from, to, term, prevLogIndex, prevLogTerm, lastEntryIndex, leaderCommit, round];
    }
    case "AppendEntriesResponse": {
      const { success, matchIndex, rejectedIndex, hintIndex, hintTerm, round, full } = message;
      return [from, to, term, success, matchIndex, rejectedIndex, hintIndex, hintTerm, round, full];
    }
    case "RequestVote":
      return [
        from,
        to,
        term,
        message.preVote,
        message.lastLogIndex,
        message.lastLogTerm,
        message.leadershipTransfer,
      ];
    case "RequestVoteResponse":
      return [from, to, term, message.preVote, message.voteGranted];
    case "TimeoutNow":
      return [from, to, term];
    default:
      return unreachable(message);
  }
}

/**
 * The message in a frame of one of the message types, or what is wrong with it. AppendEntries comes without its entries:
 * `entries` is empty and the body holds the records of `(prevLogIndex, lastEntryIndex]`, at least one byte of them
 * exactly when that range is not empty.
 */
export function decodeMessage(
  type: number,
  fields: readonly HeaderField[],
  bodyBytes: number,
): Message | string {
  const reader = new FieldReader(fields);
  const message = readMessage(type, reader, bodyBytes);
  if (message === null) return `frame type ${type} is not a message`;
  reader.end();
  return reader.error ?? message;
}

function readMessage(type: number, reader: FieldReader, bodyBytes: number): Message | null {
  if (type !== frameType.appendEntries && bodyBytes > 0) reader.fail("a body where none belongs");
  switch (type) {
    case frameType.appendEntries:
      return readAppendEntries(reader, bodyBytes);
    case frameType.appendEntriesResponse:
      return readAppendEntriesResponse(reader);
    case frameType.requestVote:
      return readRequestVote(reader);
    case frameType.requestVoteResponse:
      return readRequestVoteResponse(reader);
    case frameType.timeoutNow:
      return readTimeoutNow(reader);
    default:
      return null;
  }
}

// Object literals evaluate their properties in order, so the order below is the order on the wire.

function readAppendEntries(reader: FieldReader, bodyBytes: number): AppendEntries {
  const message: AppendEntries = {
    kind: "AppendEntries",
    from: readNodeId(reader, "from"),
    to: readNodeId(reader, "to"),
    term: readTerm(reader, "term", 1),
    prevLogIndex: readIndex(reader, "prevLogIndex"),
    prevLogTerm: readTerm(reader, "prevLogTerm", 0),
    lastEntryIndex: readIndex(reader, "lastEntryIndex"),
    entries: noEntries,
    leaderCommit: readIndex(reader, "leaderCommit"),
    round: readCount(reader, "round"),
  };
  const entryCount = message.lastEntryIndex - message.prevLogIndex;
  if (entryCount < 0) reader.fail("lastEntryIndex is before prevLogIndex");
  else if (entryCount * recordBytesMin > bodyBytes) {
    reader.fail(`${bodyBytes} bytes cannot hold ${entryCount} entries`);
  } else if (entryCount === 0 && bodyBytes > 0) reader.fail("records in a heartbeat");
  if (message.prevLogTerm > message.term) reader.fail("prevLogTerm is after term");
  return message;
}

function readAppendEntriesResponse(reader: FieldReader): AppendEntriesResponse {
  return {
    kind: "AppendEntriesResponse",
    from: readNodeId(reader, "from"),
    to: readNodeId(reader, "to"),
    term: readTerm(reader, "term", 0),
    success: reader.boolean("success"),
    matchIndex: readIndex(reader, "matchIndex"),
    rejectedIndex: readIndex(reader, "rejectedIndex"),
    hintIndex: readIndex(reader, "hintIndex"),
    hintTerm: readTerm(reader, "hintTerm", 0),
    round: readCount(reader, "round"),
    full: reader.boolean("full"),
  };
}

function readRequestVote(reader: FieldReader): RequestVote {
  return {
    kind: "RequestVote",
    from: readNodeId(reader, "from"),
    to: readNodeId(reader, "to"),
    term: readTerm(reader, "term", 1),
    preVote: reader.boolean("preVote"),
    lastLogIndex: readIndex(reader, "lastLogIndex"),
    lastLogTerm: readTerm(reader, "lastLogTerm", 0),
    leadershipTransfer: reader.boolean("leadershipTransfer"),
  };
}

function readRequestVoteResponse(reader: FieldReader): RequestVoteResponse {
  return {
    kind: "RequestVoteResponse",
    from: readNodeId(reader, "from"),
    to: readNodeId(reader, "to"),
    term: readTerm(reader, "term", 0),
    preVote: reader.boolean("preVote"),
    voteGranted: reader.boolean("voteGranted"),
  };
}

function readTimeoutNow(reader: FieldReader): TimeoutNow {
  return {
    kind: "TimeoutNow",
    from: readNodeId(reader, "from"),
    to: readNodeId(reader, "to"),
    term: readTerm(reader, "term", 1),
  };
}

function readNodeId(reader: FieldReader, name: string): number {
  return reader.integer(name, 1, nodeIdMax);
}

function readTerm(reader: FieldReader, name: string, min: number): number {
  return reader.integer(name, min, Number.MAX_SAFE_INTEGER);
}

function readIndex(reader: FieldReader, name: string): number {
  return reader.integer(name, 0, Number.MAX_SAFE_INTEGER);
}

function readCount(reader: FieldReader, name: string): number {
  return reader.integer(name, 0, Number.MAX_SAFE_INTEGER);
}
