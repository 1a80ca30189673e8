// The "State" box of Figure 3.1, with what the dissertation's later chapters add. This is the one record that the files
// of this room work on; the rules are theirs, only bookkeeping that keeps the record consistent is here.

import type { Random } from "../base/random.ts";
import { MembershipHistory } from "./membership.ts";
import { termMax } from "./message-fault.ts";
import type { RaftOptions, RaftTuning } from "./options.ts";
import { Peers } from "./peers.ts";
import { RaftLog } from "./log.ts";
import { ReadRounds } from "./read-rounds.ts";
import type { LogIndex, Membership, Message, NodeId, Role, Room, Term } from "./types.ts";
import { noNode } from "./types.ts";
import { UncommittedBytes } from "./uncommitted.ts";

/** The first campaign is given this part of an election timeout, and up to twice that. */
const firstCampaignFraction = 8;
/** A full node waits so many election timeouts longer than others before it asks for an election. */
const fullPatience = 2;
/** And so many longer does one that led in vain: long enough for a full one to ask twice. */
const inVainPatience = 4;

export class RaftState {
  readonly id: NodeId;
  readonly random: Random;
  tuning: RaftTuning;
  /** The latest time handed in. */
  nowMs: number;

  // Persistent state on all servers; handed out to be stored before any message that depends on it leaves.
  currentTerm: Term;
  votedFor: NodeId;
  hardStateChanged = false;
  readonly log: RaftLog;
  /** Derived from the log's membership entries. */
  readonly memberships: MembershipHistory;

  // Volatile state on all servers.
  role: Role = "follower";
  leaderId: NodeId = noNode;
  commitIndex: LogIndex;
  appliedIndex: LogIndex;
  /** What this node's log has room for, as far as the core was told. */
  room: Room;
  /** When a message of the current leader last came; `-Infinity` when there is none to be loyal to. */
  leaderHeardMs = -Infinity;
  /** Campaigns since a leader was last known. */
  campaigns = 0;
  /** This node led last and could commit nothing (`stepAsideInVain`); until something commits others go first. */
  ledInVain = false;
  /** When to ask for an election unless a leader is heard or a vote granted before. */
  electionDeadlineMs = 0;

  // Volatile state on followers: what the leader of this term has been told, and is to be told.
  /** Everything up to here is known to equal the leader's log. At least the commit index (Leader Completeness). */
  matchedIndex: LogIndex;
  acknowledgedIndex: LogIndex = 0;
  acknowledgedRound = 0;
  /** Highest round heard from the leader. */
  heardRound = 0;
  acknowledgementDue = false;

  // Volatile state on candidates.
  /** Who answered in this campaign, and how. */
  readonly votes = new Map<NodeId, boolean>();

  // Volatile state on leaders, reinitialized after election.
  /** nextIndex[] and matchIndex[]. */
  readonly peers: Peers;
  /** Index of the empty entry that opened this leader's term. */
  termStartIndex: LogIndex = 0;
  /** When it became leader. */
  ledSinceMs = 0;
  heartbeatDueMs = 0;
  readonly reads = new ReadRounds();
  readonly uncommitted = new UncommittedBytes();
  /** The follower that is to become leader; proposals are refused meanwhile. */
  transferTarget: NodeId = noNode;
  transferDeadlineMs = 0;
  /** The target has all entries and was told to start its election. */
  transferTold = false;
  /** Before this a full leader asks nobody (again) to take over. */
  handOverDueMs = 0;
  /** There may be something to send to followers. */
  replicationDue = false;

  /** Messages to leave with the next Ready. */
  messages: Message[] = [];

  constructor(options: RaftOptions) {
    this.id = options.id;
    this.random = options.random;
    this.tuning = {
      electionTimeoutMs: options.electionTimeoutMs,
      heartbeatIntervalMs: options.heartbeatIntervalMs,
      appendMaxInflight: options.appendMaxInflight,
      appendMaxSizeBytes: options.appendMaxSizeBytes,
      uncommittedMaxBytes: options.uncommittedMaxBytes,
    };
    this.nowMs = options.nowMs;
    this.currentTerm = options.hardState.currentTerm;
    this.votedFor = options.hardState.votedFor;
    this.log = new RaftLog(options.log);
    this.memberships = new MembershipHistory(options.id, options.memberships);
    this.peers = new Peers(options.id);
    this.commitIndex = options.committedIndex;
    this.appliedIndex = options.committedIndex;
    this.matchedIndex = options.committedIndex;
    this.room = options.room;
    this.resetElectionDeadline();
  }

  /** Moves the clock; a time before the latest one counts as that. */
  advanceTo(nowMs: number): void {
    if (nowMs > this.nowMs) this.nowMs = nowMs;
  }

  /**
   * Draws a new election timeout from `[t, 1.5t)` (§3.4: randomized, so that split votes are rare and resolve quickly;
   * PreVote keeps them rarer still, so the spread can be small). Under load only one of two survivors may have the last
   * entry, and then nobody but that one can win: drawn from `[t, 2t)` it took 1.44 t in the median, so 1.25 t.
   * A full node leaves elections to the others and campaigns only when nobody else could win one meanwhile: when all are
   * full, or when its log alone reaches far enough. One that led in vain leaves them to full nodes too.
   */
  resetElectionDeadline(): void {
    const { electionTimeoutMs } = this.tuning;
    this.#setElectionDeadline(electionTimeoutMs, Math.ceil(electionTimeoutMs / 2));
    if (this.ledInVain) this.electionDeadlineMs += inVainPatience * electionTimeoutMs;
    else if (this.isFull) this.electionDeadlineMs += fullPatience * electionTimeoutMs;
  }

  /**
   * When to give up a campaign that nobody decides, or to ask again after one that was refused. Soon at first, for a
   * split vote should not cost a whole election timeout, and later each time, for answers may take long on slow disks.
   */
  resetCampaignDeadline(): void {
    const { electionTimeoutMs } = this.tuning;
    const soonMs = Math.ceil(electionTimeoutMs / firstCampaignFraction) * 2 ** Math.min(this.campaigns, 10);
    const timeoutMs = Math.min(electionTimeoutMs, soonMs);
    this.#setElectionDeadline(timeoutMs, timeoutMs);
  }

  #setElectionDeadline(timeoutMs: number, spreadMs: number): void {
    this.electionDeadlineMs = this.nowMs + timeoutMs + this.random.below(spreadMs);
  }

  /** Milliseconds between heartbeats: as tuned, but at least three within an election timeout. */
  get heartbeatIntervalMs(): number {
    const { heartbeatIntervalMs, electionTimeoutMs } = this.tuning;
    return Math.min(heartbeatIntervalMs, Math.max(1, Math.floor(electionTimeoutMs / 3)));
  }

  /** Whether a leader was heard within the minimum election timeout: then nobody else is helped to power (§4.2.3). */
  get hearsLeader(): boolean {
    return this.role === "leader" || this.nowMs - this.leaderHeardMs < this.tuning.electionTimeoutMs;
  }

  /** Whether this leader knows the commit index of the cluster: it has committed an entry of its own term (§6.4). */
  get hasCommittedInTerm(): boolean {
    return this.role === "leader" && this.commitIndex >= this.termStartIndex;
  }

  /** This node's log takes no commands: it leads only where nobody else can, and then for the sake of reads. */
  get isFull(): boolean {
    return this.room !== "all";
  }

  /** Whether this node may lead: as a voter, with room for the empty entry that opens a term. */
  get mayCampaign(): boolean {
    if (this.room === "none" || this.currentTerm >= termMax) return false;
    return this.memberships.selfMayCampaign(this.commitIndex);
  }

  /** Why this leader's log, or those of a majority, cannot take a command; null when they can. */
  get fullness(): "no-room" | "majority-full" | null {
    if (this.isFull) return "no-room";
    const silentSinceMs = this.nowMs - this.tuning.electionTimeoutMs;
    return this.peers.isMajorityFull(silentSinceMs) ? "majority-full" : null;
  }

  /** Whether the effective configuration may still be overwritten: then no other may follow it (§4.1). */
  get isMembershipPending(): boolean {
    return this.memberships.effectiveIndex > this.commitIndex;
  }

  enterTerm(term: Term): void {
    this.currentTerm = term;
    this.votedFor = noNode;
    this.hardStateChanged = true;
  }

  voteFor(id: NodeId): void {
    this.votedFor = id;
    this.hardStateChanged = true;
  }

  /** All up to `index` is committed; true if that covers a configuration for the first time. */
  commitTo(index: LogIndex): boolean {
    const previousIndex = this.commitIndex;
    this.commitIndex = index;
    this.ledInVain = false;
    if (this.matchedIndex < index) this.matchedIndex = index;
    return this.memberships.commit(previousIndex, index);
  }

  /** Confirms the read rounds that a majority has echoed: one more echo has come, or it takes fewer of them. */
  confirmReads(): void {
    if (this.reads.isPending) this.reads.confirm(this.peers.majorityRound(this.reads.round));
  }

  get committedMembership(): Membership {
    return this.memberships.committed(this.commitIndex);
  }
}
