// What this node's log has room for. A disk that is full comes to light when the log needs new blocks: then the node is
// *full*, and the disk is asked again from time to time, so that everything goes on by itself once there is space. The
// log keeps some room from commands (storage/log.ts), so a full node can mostly still be elected and change memberships;
// whether that is so is looked after here too, before it is needed.

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Entry, Membership, Room } from "../raft/types.ts";
import { emptyMembership } from "../raft/types.ts";
import { DiskError } from "../storage/disk.ts";
import type { Log } from "../storage/log.ts";
import { encodeMembership } from "../storage/membership-codec.ts";

/** How long after an attempt that failed the disk is asked again. */
const retryAfterMs = 250;
/** A batch of more than this may be refused for itself; a leader without room for one of up to this is full. */
const usualBatchBytesMax = 1024 * 1024;
/** Without room for as much as this a node is full from the start. */
const startBatchBytes = 4096;
/** The empty entry that opens a term, and one more member in the largest encoding. */
const controlSlackBytes = 1024;

/** Every call may throw a DiskError: the disk has failed, and the node has to stop. */
export class LogRoom {
  readonly #log: Log;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #logger: Logger;
  /** Body of the record that had no room, 0 while there is room. */
  #wantedBytes = 0;
  #lacksControlRoom = false;
  #retryAtMs = 0;
  #cause = "";
  #membership: Membership = emptyMembership;
  #controlBytes = controlSlackBytes;

  constructor(log: Log, clock: Pick<Clock, "monotonicMs">, logger: Logger) {
    this.#log = log;
    this.#clock = clock;
    this.#logger = logger;
  }

  get room(): Room {
    if (this.#lacksControlRoom) return "none";
    return this.#wantedBytes > 0 ? "control" : "all";
  }

  /** The system's code for what it lacks, as of the last time (`ENOSPC`). */
  get cause(): string {
    return this.#cause;
  }

  /** Finds out at a start, for a node in `membership`. */
  begin(membership: Membership): void {
    this.admits(startBatchBytes);
    this.keepControlRoom(membership);
  }

  /** Makes sure of room for a batch of a leader, with `bodyBytes`; false when there is none. */
  admits(bodyBytes: number): boolean {
    const shortage = this.#reserve(bodyBytes);
    if (shortage === null) {
      this.#setWanted(0, shortage);
      return true;
    }
    const wantedBytes = Math.min(bodyBytes, usualBatchBytesMax);
    const isFull = wantedBytes === bodyBytes || this.#reserve(wantedBytes) !== null;
    this.#setWanted(isFull ? wantedBytes : 0, shortage);
    return false;
  }

  /** How many of `entries`, which a leader sent with records of `recordsBytes` in all, are in the log or have room. */
  storable(entries: readonly Entry[], recordsBytes: number): number {
    const log = this.#log;
    let held = 0;
    while (held < entries.length && this.#holds(entries[held] as Entry)) held++;
    const first = entries[held];
    if (first === undefined) return held;
    const overwrites = first.index <= log.lastIndex;
    if (!overwrites && this.#reserve(recordsBytes) === null)
      return this.#stored(entries, held, entries.length);
    // What is to be overwritten makes room, but may lie in an earlier segment: then later ones go, with the room in them.
    const count = held + log.fitting(entries.slice(held));
    const refused = entries[count];
    if (refused === undefined) return this.#stored(entries, held, count);
    const shortage = this.#shortageOf(() => log.reserveNext(recordsBytes));
    if (shortage === null) return this.#stored(entries, held, entries.length);
    this.#setWanted(refused.record?.length ?? 1, shortage);
    return count;
  }

  /** Of `entries` those in `[from, to)` will be stored: if they are not control entries only, there is room again. */
  #stored(entries: readonly Entry[], from: number, to: number): number {
    if (this.#wantedBytes > 0 && entries.slice(from, to).some(isCommand)) this.#setWanted(0, null);
    return to;
  }

  /** Makes sure that the node could open a term and change `membership`, once. Cheap while there is room. */
  keepControlRoom(membership: Membership): void {
    if (membership !== this.#membership) {
      this.#membership = membership;
      this.#controlBytes = encodeMembership(membership).length + controlSlackBytes;
    }
    if (!this.#lacksControlRoom || this.#clock.monotonicMs() >= this.#retryAtMs) this.#reserveControl();
  }

  /** Asks a disk that was full again, if it is time. A leader does not insist on room for some huge entry of another. */
  retry(isLeader: boolean): void {
    if (this.#wantedBytes === 0 || this.#clock.monotonicMs() < this.#retryAtMs) return;
    const wantedBytes = isLeader ? Math.min(this.#wantedBytes, usualBatchBytesMax) : this.#wantedBytes;
    const shortage = this.#reserve(wantedBytes);
    this.#setWanted(shortage === null ? 0 : wantedBytes, shortage);
  }

  #holds({ index, term }: Entry): boolean {
    const log = this.#log;
    return index < log.firstIndex || (index <= log.lastIndex && log.termAt(index) === term);
  }

  #reserve(bodyBytes: number): DiskError | null {
    return this.#shortageOf(() => this.#log.reserve(bodyBytes));
  }

  #reserveControl(): void {
    const shortage = this.#shortageOf(() => this.#log.reserveControl(this.#controlBytes));
    if ((shortage !== null) === this.#lacksControlRoom) return;
    this.#lacksControlRoom = shortage !== null;
    if (shortage === null) this.#logger.notice("The log has room to lead again");
    else this.#logger.warning(`The log has no room left even for an election: ${shortage.message}`);
  }

  /** What the disk lacks for `reservation`, which is asked for again later; null when it lacks nothing. */
  #shortageOf(reservation: () => void): DiskError | null {
    try {
      reservation();
      return null;
    } catch (error) {
      if (!(error instanceof DiskError && error.isShortage)) throw error;
      this.#cause = error.code;
      this.#retryAtMs = this.#clock.monotonicMs() + retryAfterMs;
      return error;
    }
  }

  #setWanted(wantedBytes: number, shortage: DiskError | null): void {
    const wasFull = this.#wantedBytes > 0;
    this.#wantedBytes = wantedBytes;
    if (wasFull === wantedBytes > 0) return;
    if (wasFull) this.#logger.notice("The log takes entries again");
    else this.#logger.warning(`The log takes no more entries: ${shortage?.message ?? this.#cause}`);
  }
}

function isCommand({ kind }: Entry): boolean {
  return kind === "command" || kind === "clock";
}
