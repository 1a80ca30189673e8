// The Raft core: one node's part in the consensus, as a pure object. Time, messages, proposals and the completion of
// syncs go in; what to store, send, apply and answer comes out as one `Ready`. It knows no bytes, sockets, files, clocks
// or Redis, so the same code runs in the server, in scripts and in a simulator.
//
//    tick, step, propose, stable, … ──► RaftState ──► ready(): hard state, entries, messages, commit index, read rounds
//
// The rules, by file:
//    state.ts            Figure 3.1, State               election.ts         RequestVote, PreVote, TimeoutNow
//    roles.ts            follower … leader               append-entries.ts   AppendEntries, receiver
//    replication.ts      AppendEntries, leader           membership.ts       configurations and their changes
//    progress.ts         one follower's window           read-rounds.ts      ReadIndex
//    step.ts             all servers: terms              message-fault.ts    what a sound message is
//    transfer.ts         leadership transfer             invariants.ts       what must hold whatever happens
//
// Contract of `ready()`: it hands its contents over. Before the next call of any kind into the core, the node has stored
// the hard state durably and appended the entries to the log that it passed as `LogView`, dropping what they overwrite.
// Syncing the entries, sending, applying and answering may follow later, in the order that `Ready` names.

import { assert } from "../base/assert.ts";
import { acknowledgeStable, reportRoom, sendAcknowledgement } from "./append-entries.ts";
import { startElection, tickElection } from "./election.ts";
import { changeMembership } from "./membership.ts";
import type { ChangeRefusal, MembershipChange } from "./membership.ts";
import type { MessageFault } from "./message-fault.ts";
import type { RaftOptions, RaftTuning } from "./options.ts";
import { assertTuning, leaderLostSpreadMs } from "./options.ts";
import type { PeerStatus } from "./peers.ts";
import { advanceCommitIndex, replicate, tickLeader } from "./replication.ts";
import { appendAsLeader, appendMembership } from "./roles.ts";
import { RaftState } from "./state.ts";
import { stepMessage } from "./step.ts";
import type { TransferRefusal } from "./transfer.ts";
import { beginTransfer, handOverWhenFull } from "./transfer.ts";
import type {
  Entry,
  HardState,
  LogIndex,
  Membership,
  Message,
  NodeId,
  Ready,
  Role,
  Room,
  Term,
} from "./types.ts";
import { isNodeId, noNode } from "./types.ts";

/** `no-room`: this leader's log is full; `majority-full`: so many voters' logs are that nothing could commit. */
export type ProposeRefusal =
  "not-leader" | "transferring" | "no-room" | "majority-full" | "too-much-uncommitted";
/** `change-pending`: another change, or the first entry of this leader's term, has not committed yet; try again. */
export type MembershipRefusal = "not-leader" | "transferring" | "no-room" | "change-pending" | ChangeRefusal;
export type CampaignRefusal = "not-voter" | "no-room";

/** `Ready` from the inside: the one object that is filled again and again. */
interface ReadySlot extends Ready {
  hardState: HardState | null;
  entries: readonly Entry[];
  messages: readonly Message[];
  commitIndex: LogIndex;
  confirmedRound: number;
}

const noEntries: readonly Entry[] = [];

export class Raft {
  readonly #state: RaftState;
  readonly #ready: ReadySlot;
  #spareMessages: Message[] = [];
  #reportedRole: Role = "follower";
  #reportedLeaderId: NodeId = noNode;

  /** Starts as a follower; the only voter of its cluster leads at once. */
  constructor(options: RaftOptions) {
    const { id, log, committedIndex } = options;
    assertTuning(options);
    assert(isNodeId(id), "a node has an id in [1, 2^31)");
    assert(committedIndex >= log.firstIndex - 1, "what is compacted away is committed");
    assert(
      committedIndex <= log.lastIndex,
      "what is committed and applied at start is in the log or the snapshot",
    );
    this.#state = new RaftState(options);
    this.#ready = {
      hardState: null,
      entries: noEntries,
      messages: [],
      commitIndex: committedIndex,
      confirmedRound: 0,
    };
    this.tick(options.nowMs);
  }

  // ── Input ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Time has passed: `nowMs` on the monotonic clock, in milliseconds. Call it at `wakeAtMs`, or about every 10-100 ms. */
  tick(nowMs: number): void {
    const state = this.#state;
    state.advanceTo(nowMs);
    if (state.role === "leader") tickLeader(state);
    else tickElection(state);
  }

  /** A peer's message arrived. One that is not sound changes nothing, and its fault is returned; null for any other. */
  step(message: Message, nowMs: number): MessageFault | null {
    this.#state.advanceTo(nowMs);
    return stepMessage(this.#state, message);
  }

  /**
   * Appends an entry to the leader's log; it counts as accepted only when the commit index reaches it in the same term.
   * `stampMs` is the wall clock; the entry's stamp is that or the one before it, whichever is later. `record` is kept
   * until the node has handled the Ready that carries the entry.
   */
  propose(kind: "command" | "clock", stampMs: number, record: Uint8Array | null): Entry | ProposeRefusal {
    const state = this.#state;
    if (state.role !== "leader") return "not-leader";
    if (state.transferTarget !== noNode) return "transferring";
    const { fullness } = state;
    if (fullness !== null) return fullness;
    // With nothing uncommitted the largest entry passes: the limit bounds what piles up, not the size of one entry.
    const { bytes } = state.uncommitted;
    const sizeBytes = record === null ? 0 : record.byteLength;
    if (bytes > 0 && bytes + sizeBytes > state.tuning.uncommittedMaxBytes) return "too-much-uncommitted";
    return appendAsLeader(state, kind, Math.max(stampMs, state.log.lastStampMs), record);
  }

  /** Appends a changed configuration, in effect at once; who joins does so as a learner and is promoted by itself. */
  proposeMembership(change: MembershipChange, stampMs: number): Entry | MembershipRefusal {
    const state = this.#state;
    if (state.role !== "leader") return "not-leader";
    if (state.transferTarget !== noNode) return "transferring";
    if (state.room === "none") return "no-room";
    // The first entry of the term must commit before: otherwise majorities of two changes by two leaders may not meet
    // (Ongaro, raft-dev 2015: "bug in single-server membership changes").
    if (state.isMembershipPending || !state.hasCommittedInTerm) return "change-pending";
    const membership = changeMembership(state.memberships.effective, change);
    if (typeof membership === "string") return membership;
    return appendMembership(state, membership, Math.max(stampMs, state.log.lastStampMs));
  }

  /**
   * Joins a read round (see read-rounds.ts): once `Ready.confirmedRound` reaches the number returned, while this node
   * still leads the same term, a read that arrived before may be answered from the state at the commit index of now.
   * Null when this node does not lead, or does not know yet what is committed.
   */
  requestRead(): number | null {
    const state = this.#state;
    if (!state.hasCommittedInTerm) return null;
    const round = state.reads.join();
    state.replicationDue = true;
    if (state.memberships.selfIsOnlyVoter) state.reads.confirm(round);
    return round;
  }

  /**
   * Hands leadership over to the voter `to`, or to the most caught-up one for `noNode`. Proposals are refused until it
   * ends: `leaderId` changes, or `isTransferring` is false again after an election timeout, and this node leads on.
   */
  transferLeadership(to: NodeId, nowMs: number): TransferRefusal | null {
    this.#state.advanceTo(nowMs);
    return beginTransfer(this.#state, to);
  }

  /** Starts an election at once, without PreVote, as if the leader had asked for it; nothing happens on a leader. */
  campaignNow(nowMs: number): CampaignRefusal | null {
    const state = this.#state;
    state.advanceTo(nowMs);
    if (state.role === "leader") return null;
    if (!state.memberships.selfMayCampaign(state.commitIndex)) return "not-voter";
    if (state.room === "none") return "no-room";
    startElection(state, true);
    return null;
  }

  /**
   * A sync has put everything up to `index`, whose entry had `term`, on this node's disk. Ignored if that entry has been
   * overwritten since. A sync that began before entries were overwritten must not be reported for those that took their
   * place, so a node forgets a running sync when it appends at or below the index that the sync is to cover.
   */
  stable(index: LogIndex, term: Term): void {
    const state = this.#state;
    if (!state.log.markStable(index, term)) return;
    if (state.role === "leader") advanceCommitIndex(state);
    else acknowledgeStable(state);
  }

  /** Everything up to `index` has been applied to the state machine. */
  applied(index: LogIndex): void {
    const state = this.#state;
    assert(
      index >= state.appliedIndex && index <= state.commitIndex,
      "only what is committed is applied, in order",
    );
    state.appliedIndex = index;
  }

  /** The link to peer `id` broke: what was on its way is lost. */
  peerUnreachable(id: NodeId): void {
    const progress = this.#state.peers.get(id);
    if (progress === undefined) return;
    const hasLearnedOfRemoval = progress.leavingIndex > 0 && progress.matchIndex >= progress.leavingIndex;
    if (hasLearnedOfRemoval) this.#state.peers.forget(id);
    else progress.lost();
  }

  /** A link to peer `id` is open: what was sent before it was may be lost, so the leader starts again without waiting. */
  peerReachable(id: NodeId): void {
    const progress = this.#state.peers.get(id);
    if (progress === undefined) return;
    progress.lost();
    this.#state.replicationDue = true;
  }

  /**
   * This follower lost its link to the leader: it helps others to power from now on, and asks for an election itself
   * soon (`tick` at `wakeAtMs`), a little after or before others in its place. A live leader loses nothing by that:
   * those who hear it refuse.
   */
  leaderUnreachable(nowMs: number): void {
    const state = this.#state;
    state.advanceTo(nowMs);
    if (state.role !== "follower" || state.leaderId === noNode) return;
    state.leaderHeardMs = -Infinity;
    if (!state.mayCampaign || state.isFull || state.ledInVain) return;
    const soonMs = state.nowMs + state.random.below(leaderLostSpreadMs);
    if (soonMs < state.electionDeadlineMs) state.electionDeadlineMs = soonMs;
  }

  /**
   * Tells what this node's log has room for. A full node follows and votes as ever, but its node hands in no more entries
   * than it can store, its leader is told to send none, and it leaves leading to others; as a leader it takes no commands
   * and hands over to a voter with room, and without one serves reads. Nothing is appended here beyond `room`.
   */
  setRoom(room: Room, nowMs: number): void {
    const state = this.#state;
    state.advanceTo(nowMs);
    const wasFull = state.isFull;
    state.room = room;
    if (state.isFull === wasFull) return;
    if (state.role === "leader") handOverWhenFull(state);
    else if (state.role === "follower") state.resetElectionDeadline();
    reportRoom(state);
  }

  /** Changes options while running; timeouts that are under way keep their length. */
  configure(changes: Partial<RaftTuning>): void {
    const tuning = { ...this.#state.tuning, ...changes };
    assertTuning(tuning);
    this.#state.tuning = tuning;
  }

  // ── Output ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether `ready()` has anything to say. Cheap. */
  get hasReady(): boolean {
    const state = this.#state;
    return (
      state.messages.length > 0 ||
      state.log.hasTail ||
      state.replicationDue ||
      state.acknowledgementDue ||
      state.hardStateChanged ||
      state.commitIndex !== this.#ready.commitIndex ||
      state.reads.confirmed !== this.#ready.confirmedRound ||
      state.role !== this.#reportedRole ||
      state.leaderId !== this.#reportedLeaderId
    );
  }

  /** Hands over what the node must do next; see the contract above. The same object each time, valid until the next call. */
  ready(): Ready {
    const state = this.#state;
    if (state.replicationDue) replicate(state);
    if (state.acknowledgementDue) sendAcknowledgement(state);
    const ready = this.#ready;
    ready.hardState = state.hardStateChanged
      ? { currentTerm: state.currentTerm, votedFor: state.votedFor }
      : null;
    state.hardStateChanged = false;
    ready.entries = state.log.hasTail ? state.log.takeTail() : noEntries;
    ready.messages = this.#takeMessages();
    ready.commitIndex = state.commitIndex;
    ready.confirmedRound = state.reads.confirmed;
    this.#reportedRole = state.role;
    this.#reportedLeaderId = state.leaderId;
    return ready;
  }

  /** The messages since the last time; two arrays take turns. */
  #takeMessages(): readonly Message[] {
    const taken = this.#state.messages;
    this.#spareMessages.length = 0;
    this.#state.messages = this.#spareMessages;
    this.#spareMessages = taken;
    return taken;
  }

  // ── State, to look at ───────────────────────────────────────────────────────────────────────────────────────────

  get id(): NodeId {
    return this.#state.id;
  }

  get role(): Role {
    return this.#state.role;
  }

  get currentTerm(): Term {
    return this.#state.currentTerm;
  }

  /** Whom this node voted for in the current term; `noNode` for none. */
  get votedFor(): NodeId {
    return this.#state.votedFor;
  }

  /** The leader of the current term as far as known, perhaps this node; `noNode` for none. */
  get leaderId(): NodeId {
    return this.#state.leaderId;
  }

  get commitIndex(): LogIndex {
    return this.#state.commitIndex;
  }

  get appliedIndex(): LogIndex {
    return this.#state.appliedIndex;
  }

  get stableIndex(): LogIndex {
    return this.#state.log.stableIndex;
  }

  get firstIndex(): LogIndex {
    return this.#state.log.firstIndex;
  }

  get lastIndex(): LogIndex {
    return this.#state.log.lastIndex;
  }

  /** Term of the entry at `index`, in `[firstIndex - 1, lastIndex]`. */
  termAt(index: LogIndex): Term {
    return this.#state.log.termAt(index);
  }

  /** The configuration in effect: the newest in the log. */
  get membership(): Membership {
    return this.#state.memberships.effective;
  }

  /** Index of the entry that brought the configuration in effect. */
  get membershipIndex(): LogIndex {
    return this.#state.memberships.effectiveIndex;
  }

  /** The newest configuration known to be committed; no members while none is. */
  get committedMembership(): Membership {
    return this.#state.committedMembership;
  }

  /** Whether this node was a member once and a committed configuration has removed it: for good, as ids never return. */
  get isRemoved(): boolean {
    const { members, usedIds } = this.#state.committedMembership;
    return usedIds.includes(this.id) && !members.some((member) => member.id === this.id);
  }

  /** Whether this node leads and knows what is committed: reads may be answered and changes of membership proposed. */
  get canServe(): boolean {
    return this.#state.hasCommittedInTerm;
  }

  /** Why a leader's log, or those of a majority, cannot take commands; null when they can. O(voters). */
  get fullness(): "no-room" | "majority-full" | null {
    return this.#state.role === "leader" ? this.#state.fullness : null;
  }

  /** What the log has room for, as told last. */
  get room(): Room {
    return this.#state.room;
  }

  get isTransferring(): boolean {
    return this.#state.transferTarget !== noNode;
  }

  /** When `tick` next has something to do, in milliseconds on the monotonic clock, if nothing is heard until then. */
  get wakeAtMs(): number {
    const state = this.#state;
    if (state.role !== "leader") return state.electionDeadlineMs;
    return this.isTransferring
      ? Math.min(state.heartbeatDueMs, state.transferDeadlineMs)
      : state.heartbeatDueMs;
  }

  /** Last log index known to be on the disk of peer `id`; 0 when this node does not know, as only the leader does. */
  matchIndexOf(id: NodeId): LogIndex {
    return this.#state.peers.get(id)?.matchIndex ?? 0;
  }

  /** The other nodes as the leader sees them; empty on all others. O(number of peers), allocates. */
  peers(): PeerStatus[] {
    return this.#state.peers.status();
  }
}
