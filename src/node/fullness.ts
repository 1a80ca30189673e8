// Whether a leader has to refuse writes because logs are full, its own or those of a majority, and the writes that it
// refuses at once for that reason.

import type { Logger } from "../base/logger.ts";
import type { Raft } from "../raft/raft.ts";
import { errorFor } from "../resp/errors.ts";
import type { LogRoom } from "./log-room.ts";
import type { Request } from "./request.ts";

export class Fullness {
  readonly #raft: Raft;
  readonly #room: LogRoom;
  readonly #logger: Logger;
  #reason: Raft["fullness"] = null;
  #refused: Request[] = [];

  constructor(raft: Raft, room: LogRoom, logger: Logger) {
    this.#raft = raft;
    this.#room = room;
    this.#logger = logger;
  }

  /** This leader takes no writes, as of the last `look`; false on all others. */
  get refusesWrites(): boolean {
    return this.#reason !== null;
  }

  /** Looks at how it stands now. O(voters). */
  look(): void {
    const before = this.#reason;
    this.#reason = this.#raft.fullness;
    if (before === this.#reason) return;
    if (this.#reason === "majority-full")
      this.#logger.warning("The logs of a majority of the voters take no more entries: writes are refused");
    else if (before === "majority-full")
      this.#logger.notice("The logs of a majority of the voters may take entries again");
  }

  /** The error reply to a write that is refused. */
  readonly error = (): string => {
    const isOwn = this.#room.room !== "all" || this.#reason !== "majority-full";
    return errorFor.logUnwritable(isOwn ? this.#room.cause : "ENOSPC on a majority of the nodes");
  };

  /** Takes a write that is to be refused; false when its requester waits for other answers before. */
  refuse(request: Request): boolean {
    const { requester } = request;
    const isBehindRefused = this.#refused[this.#refused.length - 1]?.requester === requester;
    if (requester.pendingReads > 0 || (requester.pendingWrites > 0 && !isBehindRefused)) return false;
    requester.pendingWrites++;
    this.#refused.push(request);
    return true;
  }

  /** Takes out the writes to be refused, in order; to be answered before anything else of this turn. */
  takeRefused(): readonly Request[] {
    const refused = this.#refused;
    if (refused.length > 0) this.#refused = [];
    return refused;
  }
}
