// One life of one member of a cluster, looked at after each of its steps and whenever something leaves it: its core, its
// log, its state machine, and what its disk holds for sure. A look costs little when nothing has changed, and else as much
// as has: each entry is looked at once when it is appended, committed, synced and applied.

import type { ClusterMember } from "../../../src/node/cluster-member.ts";
import {
  type LogIndex,
  type Membership,
  type NodeId,
  noNode,
  type Role,
  type Term,
} from "../../../src/raft/types.ts";
import { LogDamagedError } from "../../../src/storage/errors.ts";
import type { Log } from "../../../src/storage/log.ts";
import { recordProblem } from "../../../src/storage/record.ts";
import type { VirtualMachine } from "../virtual-machine.ts";
import type { VirtualProcess } from "../virtual-process.ts";
import type { ClusterRecord } from "./cluster-record.ts";
import { DurableHardState } from "./durable-hard-state.ts";
import { DurableLog } from "./durable-log.ts";
import { Violation } from "./violation.ts";

const nodeDirectory = "/data/node";

export class WatchedNode {
  readonly name: string;
  readonly id: NodeId;
  readonly member: ClusterMember;
  readonly cluster: ClusterRecord;
  readonly durableLog: DurableLog;
  readonly hardState: DurableHardState;
  readonly #process: VirtualProcess;
  readonly #checksums: number[] = [];
  #firstSeen: LogIndex;
  #lastIndex: LogIndex;
  #lastTerm: Term = 0;
  #commitIndex: LogIndex = 0;
  #appliedIndex: LogIndex = 0;
  #stableIndex: LogIndex = 0;
  #currentTerm: Term = 0;
  #votedFor: NodeId = noNode;
  #role: Role | null = null;
  #membership: Membership | null = null;
  #membershipsSeen: LogIndex = 0;
  /** Set once the disk was damaged: how far what is left of it proves that the log was on it. */
  #provenIndex: LogIndex | null = null;

  constructor(
    machine: VirtualMachine,
    process: VirtualProcess,
    member: ClusterMember,
    cluster: ClusterRecord,
  ) {
    this.name = machine.name;
    this.id = member.id;
    this.member = member;
    this.cluster = cluster;
    this.#process = process;
    this.durableLog = new DurableLog(machine.disk, `${nodeDirectory}/log`);
    this.hardState = new DurableHardState(machine.disk, `${nodeDirectory}/hard-state`);
    this.#firstSeen = member.replica.log.firstIndex;
    this.#lastIndex = this.#firstSeen - 1;
    this.#checkSurvived();
    cluster.nodes.set(this.id, this);
  }

  /** False with `log-fsync no`, which gives durability up. */
  get syncs(): boolean {
    return this.#process.config.get("log-fsync");
  }

  /** False with `quorum-reads no`, which gives up reading the newest value. */
  get confirmsReads(): boolean {
    return this.#process.config.get("quorum-reads");
  }

  /** Whether another node may have answered what came to this one. */
  get isProxying(): boolean {
    return this.#process.config.get("follower-proxy");
  }

  get electionTimeoutMs(): number {
    return this.#process.config.get("election-timeout");
  }

  /** It led its term when it was looked at last, and does not any more, in the same term. */
  get hasLeftOffice(): boolean {
    const { role, currentTerm } = this.member.raft;
    return this.#role === "leader" && role !== "leader" && currentTerm === this.#currentTerm;
  }

  /** Index of the newest entry that is part of what its clients are told. */
  get appliedIndex(): LogIndex {
    return this.member.replica.stateMachine.appliedIndex;
  }

  /** The disk was damaged from outside, or a damaged one is left alone. */
  noteDamage(): void {
    this.hardState.noteDamage();
    const secured = this.hardState.read()?.securedIndex ?? 0;
    this.#provenIndex = Math.max(secured, this.durableLog.provenIndex());
  }

  /** The process is gone, and so is what was not on disk. */
  stopped(): void {
    this.durableLog.checkAgain();
    if (this.#provenIndex !== null) this.noteDamage();
  }

  /** Looks at the node at the end of a step. */
  lookAtStep(): void {
    const { raft, replica } = this.member;
    this.look();
    // Between steps somebody may damage it.
    this.hardState.read();
    if (raft.lastIndex === replica.log.lastIndex) return;
    throw new Violation(
      6,
      `${this.name} has a log up to entry ${replica.log.lastIndex}, and a core that was told of ${raft.lastIndex}`,
    );
  }

  /** Looks at all that has changed since the last time. */
  look(): void {
    const { raft, replica } = this.member;
    const { log } = replica;
    // In the middle of handling a Ready the core is ahead of the log.
    if (raft.lastIndex !== log.lastIndex) return;
    const hasNewEntries = log.lastIndex !== this.#lastIndex || log.termAt(log.lastIndex) !== this.#lastTerm;
    const hasNewTerm = raft.currentTerm !== this.#currentTerm || raft.votedFor !== this.#votedFor;
    const hasCommitted = raft.commitIndex !== this.#commitIndex;
    const hasNewPart = raft.role !== this.#role || raft.membership !== this.#membership;
    const hasStored = raft.stableIndex !== this.#stableIndex;
    if (hasNewEntries) this.#lookAtLog(log);
    if (hasNewEntries || hasNewTerm || hasCommitted || hasNewPart || hasStored) this.#lookAtCore();
    // A leader may begin a change in the very step in which the one before it commits.
    if (hasNewEntries) this.#lookAtConfigurations(log);
    if (hasCommitted && raft.commitIndex > this.cluster.reference.machine.appliedIndex)
      this.cluster.reference.advance(log, raft.commitIndex);
    if (replica.stateMachine.appliedIndex !== this.#appliedIndex) this.#lookAtState();
  }

  // ── The log ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #lookAtLog(log: Log): void {
    const lastIndex = this.#lastIndex;
    let kept = Math.min(lastIndex, log.lastIndex);
    while (kept >= this.#firstSeen && log.crcAt(kept) !== this.#checksums[kept]) kept--;
    if (kept < lastIndex) this.#lookAtTruncation(kept);
    for (let index = kept + 1; index <= log.lastIndex; index++) this.#lookAtEntry(log, index);
    this.#lastIndex = log.lastIndex;
    this.#lastTerm = log.termAt(log.lastIndex);
  }

  #lookAtTruncation(index: LogIndex): void {
    if (index < this.#commitIndex && !this.cluster.damaged.has(this.id)) {
      throw new Violation(
        6,
        `${this.name} drops or overwrites what follows entry ${index}, having known ${this.#commitIndex} as committed`,
      );
    }
    this.durableLog.truncateAfter(index);
    this.#membershipsSeen = Math.min(this.#membershipsSeen, index);
  }

  #lookAtEntry(log: Log, index: LogIndex): void {
    const problem = problemAt(log, index);
    if (problem !== null)
      throw new Violation(12, `${this.name} has taken entry ${index} into its log, which is bad: ${problem}`);
    const crc = log.crcAt(index);
    this.#checksums[index] = crc;
    this.cluster.log.note(index, log.termAt(index), crc, this.name);
  }

  #lookAtConfigurations(log: Log): void {
    const records = log.memberships();
    let at = records.length;
    while (at > 0 && (records[at - 1]?.index ?? 0) > this.#membershipsSeen) at--;
    for (; at < records.length; at++) {
      const record = records[at];
      if (record === undefined) break;
      this.cluster.invariants.configured(records[at - 1], record);
      this.#membershipsSeen = record.index;
    }
  }

  /** What was on disk and committed in an earlier life is there in this one. */
  #checkSurvived(): void {
    const before = this.cluster.nodes.get(this.id);
    if (before === undefined) return;
    const { log } = this.member.replica;
    const { invariants } = this.cluster;
    const isDamaged = before.#provenIndex !== null;
    const owed = before.#provenIndex ?? before.durableLog.lastIndex;
    this.#provenIndex = before.#provenIndex;
    let index = Math.min(owed, invariants.committedIndex);
    // What was on its disk beyond that may have been for others to overwrite.
    while (index > 0 && before.durableLog.termFoundAt(index) !== invariants.committedTermAt(index)) index--;
    const isThere =
      index < log.firstIndex ||
      (index <= log.lastIndex && log.termAt(index) === invariants.committedTermAt(index));
    if (isThere) return;
    throw new Violation(
      isDamaged ? 12 : 5,
      `${this.name} starts as node ${this.id} with entries up to ${log.lastIndex}, although ${index} was committed and on its disk`,
    );
  }

  // ── The core ────────────────────────────────────────────────────────────────────────────────────────────────────

  #lookAtCore(): void {
    const { raft } = this.member;
    const { invariants } = this.cluster;
    this.#checkStable(raft.stableIndex);
    const isElected = raft.role === "leader" && invariants.leaderOf(raft.currentTerm) === undefined;
    invariants.check(raft);
    if (isElected) this.cluster.checkElection(raft, this.name);
    this.#commitIndex = raft.commitIndex;
    this.#stableIndex = raft.stableIndex;
    this.#currentTerm = raft.currentTerm;
    this.#votedFor = raft.votedFor;
    this.#role = raft.role;
    this.#membership = raft.membership;
  }

  #checkStable(index: LogIndex): void {
    if (index === this.#stableIndex || !this.syncs || this.holds(index)) return;
    throw new Violation(
      7,
      `${this.name} counts its log as stored up to entry ${index}; its disk holds it up to ${this.durableLog.lastIndex}`,
    );
  }

  /** Whether this node's disk holds its log up to `index` for sure. */
  holds(index: LogIndex): boolean {
    const { log } = this.member.replica;
    if (index < log.firstIndex || this.cluster.damaged.has(this.id)) return true;
    const found = this.durableLog.at(index);
    return found !== null && found.crc === this.#checksums[index];
  }

  // ── The state ───────────────────────────────────────────────────────────────────────────────────────────────────

  #lookAtState(): void {
    const { stateMachine } = this.member.replica;
    const { invariants, reference } = this.cluster;
    const { appliedIndex } = stateMachine;
    const knownIndex = Math.min(this.member.raft.commitIndex, invariants.committedIndex);
    if (appliedIndex > knownIndex)
      throw new Violation(8, `${this.name} has applied entry ${appliedIndex}; committed is ${knownIndex}`);
    reference.compare(stateMachine, this.name);
    this.#appliedIndex = appliedIndex;
  }
}

/** What is wrong with the record at `index`, as it is read back; null when nothing is. */
function problemAt(log: Log, index: LogIndex): string | null {
  try {
    const [record] = log.records(index, index);
    if (record === undefined) return "missing";
    return recordProblem(record, new DataView(record.buffer, record.byteOffset, record.length), 0);
  } catch (error) {
    if (!(error instanceof LogDamagedError)) throw error;
    return error.message;
  }
}
