// One command of one client on its way through the node, and the little that the node needs to know of who asked.

import type { DataCommand } from "../commands/command.ts";
import type { Reply } from "../resp/reply.ts";

/** Whoever waits for replies: a client's connection, or the stand-in for a client of a proxying follower. */
export interface Requester {
  /** Where answers go, in the requester's protocol. Answers are written in the order of the requests. */
  readonly reply: Reply;
  /** Its reads are not noted as accesses (CLIENT NO-TOUCH). */
  readonly noTouch: boolean;
  /** Reads handed to the node and not answered yet. The node counts. */
  pendingReads: number;
  /** Writes, and reads queued behind them, handed to the node and not answered yet. The node counts. */
  pendingWrites: number;
  /** Requests handed to the leader through the proxy and not answered yet. The proxy counts. */
  pendingProxied: number;
  /** The answer to `request` has just been written to `reply`. */
  answered(request: Request): void;
  /** `request` was surely not executed and its answer is open again: dispatch it anew, before any newer input. */
  takeBack(request: Request): void;
  /** An answer that the leader has encoded in the requester's protocol: pass it on as it is. */
  answeredByLeader(request: Request, encodedReply: Uint8Array): void;
}

/** A data command waiting to be executed at its place in the log, or at a confirmed point of it. */
export class Request {
  readonly requester: Requester;
  readonly command: DataCommand;
  readonly args: readonly string[];
  readonly dbIndex: number;
  /** Whether the command goes into the log. */
  readonly isWrite: boolean;
  /** Milliseconds that executing it took; set before it is answered by this node. */
  tookMs = 0;

  constructor(
    requester: Requester,
    command: DataCommand,
    args: readonly string[],
    dbIndex: number,
    isWrite: boolean,
  ) {
    this.requester = requester;
    this.command = command;
    this.args = args;
    this.dbIndex = dbIndex;
    this.isWrite = isWrite;
  }
}
