// A frame between two peers, for people who read a trace: what kind of message it is and what it says.

import { unreachable } from "../../src/base/assert.ts";
import { FrameParser, frameType } from "../../src/peer/frame.ts";
import { decodeMessage } from "../../src/peer/message-codec.ts";
import type { Message } from "../../src/raft/types.ts";

const frameBytesMax = 2 ** 31;
const otherNames = new Map<number, string>([
  [frameType.alive, "alive"],
  [frameType.removed, "removed"],
  [frameType.proxyRequests, "proxy requests"],
  [frameType.proxyResponses, "proxy responses"],
]);

export function describeFrame(bytes: Uint8Array): string {
  const parser = new FrameParser(frameBytesMax);
  parser.push(bytes);
  const frame = parser.next();
  if (frame === null) return `no frame: ${parser.error}`;
  const other = otherNames.get(frame.type);
  if (other !== undefined) return `${other}, ${frame.body.length} bytes`;
  const message = decodeMessage(frame.type, frame.fields, frame.body.length);
  return typeof message === "string" ? message : describeMessage(message);
}

function describeMessage(message: Message): string {
  const head = `${message.kind} term ${message.term}`;
  switch (message.kind) {
    case "AppendEntries": {
      const { prevLogIndex, prevLogTerm, lastEntryIndex, leaderCommit, round } = message;
      const after = `after ${prevLogIndex}@${prevLogTerm}`;
      const entries = lastEntryIndex === prevLogIndex ? "heartbeat" : `entries to ${lastEntryIndex}`;
      return `${head} ${after}, ${entries}, committed ${leaderCommit}, round ${round}`;
    }
    case "AppendEntriesResponse": {
      const { success, matchIndex, rejectedIndex, hintIndex, hintTerm, round } = message;
      const outcome = success
        ? `match ${matchIndex}`
        : `rejects ${rejectedIndex}, hint ${hintIndex}@${hintTerm}`;
      return `${head} ${outcome}, round ${round}`;
    }
    case "RequestVote":
      return `${message.preVote ? "pre-" : ""}${head} last ${message.lastLogIndex}@${message.lastLogTerm}`;
    case "RequestVoteResponse":
      return `${message.preVote ? "pre-" : ""}${head} ${message.voteGranted ? "granted" : "refused"}`;
    case "TimeoutNow":
      return head;
    default:
      return unreachable(message);
  }
}
