// What a node may choose about its Raft core, each with unit, bounds and trade-off. The core knows no option names of
// the server; whoever builds it translates.

import { assert } from "../base/assert.ts";
import type { Random } from "../base/random.ts";
import type { HardState, LogIndex, LogView, MembershipRecord, NodeId, Room } from "./types.ts";

/** What may change while the core runs, see `Raft.configure`. All are integers in `[1, 2^31)`. */
export interface RaftTuning {
  /**
   * Milliseconds. A follower that hears nothing for a time drawn from `[t, 1.5t)` asks for an election; a leader that a
   * majority has not answered for `t` steps down. Short: quick failover, but elections whenever a node or the network
   * stalls that long. Keep it an order of magnitude above the round trip plus the time of a sync.
   */
  readonly electionTimeoutMs: number;
  /**
   * Milliseconds between heartbeats to each follower; the core never lets it exceed a third of the election timeout,
   * so that two lost heartbeats in a row unseat nobody. Short: more idle messages; long: followers learn later what is
   * committed, and lost messages are noticed later (after `resendAfterHeartbeats` of them).
   */
  readonly heartbeatIntervalMs: number;
  /**
   * Messages with entries on their way to one follower and not acknowledged as stored. 1 waits out a round trip and a
   * sync for each; more keep the follower's disk busy. Bytes on the way are at most this times `appendMaxSizeBytes`.
   */
  readonly appendMaxInflight: number;
  /**
   * Bytes of entries in one message; a single larger entry still travels, alone. Large: few messages when catching up;
   * small: less memory and shorter stalls per message.
   */
  readonly appendMaxSizeBytes: number;
  /**
   * Bytes of entries that this node proposed as leader and that are not committed yet; further proposals are refused.
   * Bounds what piles up while a majority is slow or away.
   */
  readonly uncommittedMaxBytes: number;
}

export const defaultTuning: RaftTuning = {
  electionTimeoutMs: 1000,
  heartbeatIntervalMs: 200,
  appendMaxInflight: 2,
  appendMaxSizeBytes: 2_097_152,
  uncommittedMaxBytes: 64_000_000,
};

/** What one core starts from: its identity, what was found on disk, and its sources of chance and time. */
export interface RaftOptions extends RaftTuning {
  readonly id: NodeId;
  /** The stored log, every entry of it on disk. The core only reads it. */
  readonly log: LogView;
  readonly hardState: HardState;
  /**
   * The membership entries of the log, and before them the one of the snapshot, in ascending order. The founder of a
   * cluster passes `{ index: 0, membership }` with itself as the only voter, at each start until its log holds a
   * membership entry; a node that is to join passes none.
   */
  readonly memberships: readonly MembershipRecord[];
  /** What is known to be committed and applied at start: the snapshot's index, else 0. */
  readonly committedIndex: LogIndex;
  /** What the log has room for at start; see `Raft.setRoom`. */
  readonly room: Room;
  readonly random: Random;
  /** The monotonic clock now, in milliseconds; later calls hand in later times. */
  readonly nowMs: number;
}

/** An unanswered message with entries counts as lost after this many heartbeat intervals without progress. */
export const resendAfterHeartbeats = 3;
/** A follower whose link to the leader broke asks for an election within this many milliseconds, not in step with the rest. */
export const leaderLostSpreadMs = 50;

const integerMax = 2 ** 31 - 1;

/** Crashes on a tuning outside its bounds: whoever takes it from a user has checked it. */
export function assertTuning(tuning: RaftTuning): void {
  for (const name of Object.keys(defaultTuning) as (keyof RaftTuning)[]) {
    const value = tuning[name];
    assert(
      Number.isInteger(value) && value >= 1 && value <= integerMax,
      `${name} in [1, 2^31), got ${value}`,
    );
  }
}
