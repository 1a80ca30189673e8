// A transfer of leadership that a client waits for: it has ended well when the target leads, and badly when another
// node does or time is up.

import { noNode, type NodeId } from "../raft/types.ts";
import { errors } from "../resp/errors.ts";

export class LeadershipTransfer {
  readonly #self: NodeId;
  /** `noNode` when any other node will do. */
  readonly #target: NodeId;
  readonly #deadlineMs: number;
  readonly #done: (error: string | null) => void;

  constructor(self: NodeId, target: NodeId, deadlineMs: number, done: (error: string | null) => void) {
    this.#self = self;
    this.#target = target;
    this.#deadlineMs = deadlineMs;
    this.#done = done;
  }

  /** Answers if the transfer has ended; true when it has. */
  check(leaderId: NodeId, nowMs: number): boolean {
    const changed = leaderId !== noNode && leaderId !== this.#self;
    if (changed)
      this.#done(this.#target === noNode || leaderId === this.#target ? null : errors.transferOtherLeader);
    else if (nowMs >= this.#deadlineMs) this.#done(errors.transferTimedOut);
    else return false;
    return true;
  }
}
