// One command of one client on its way through the node, and the little that the node needs to know of who asked.

import type { DataCommand } from "../commands/command.ts";
import type { Reply } from "../resp/reply.ts";

/** Whoever waits for replies: a client's connection, or the stand-in for a client of a proxying follower. */
export interface Requester {
  /** Where answers go, in the requester's protocol. Answers are written in the order of the requests. */
  readonly reply: Reply;
  /** Reads handed to the node and not answered yet. The node counts. */
  pendingReads: number;
  /** Writes, and reads queued behind them, handed to the node and not answered yet. The node counts. */
  pendingWrites: number;
  /** Some answers have been written: send them, and go on with input that waited if nothing is pending. */
  answered(): void;
}

/** A data command waiting to be executed at its place in the log, or at a confirmed point of it. */
export class Request {
  readonly requester: Requester;
  readonly command: DataCommand;
  readonly args: readonly string[];
  readonly dbIndex: number;

  constructor(requester: Requester, command: DataCommand, args: readonly string[], dbIndex: number) {
    this.requester = requester;
    this.command = command;
    this.args = args;
    this.dbIndex = dbIndex;
  }
}
