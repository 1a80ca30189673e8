// A node for tests: the Raft core on a log in memory that behaves like a disk, with what is stored and what would
// survive a power failure kept apart. It does what a `Ready` asks for, in the order that the contract names.

import { assert } from "../../src/base/assert.ts";
import type { Random } from "../../src/base/random.ts";
import type { MessageFault } from "../../src/raft/message-fault.ts";
import type { RaftTuning } from "../../src/raft/options.ts";
import { defaultTuning } from "../../src/raft/options.ts";
import { Raft } from "../../src/raft/raft.ts";
import type {
  AppendEntries,
  Entry,
  HardState,
  LogIndex,
  LogView,
  Membership,
  MembershipRecord,
  Message,
  NodeId,
  Room,
  Term,
} from "../../src/raft/types.ts";
import { emptyMembership } from "../../src/raft/types.ts";

/** Bytes that an entry takes in a `MemoryLog`. */
const entryBytes = 100;

export class MemoryLog implements LogView {
  /** Everything before this is compacted away; its last entry's term and stamp, and the configuration there, are kept. */
  #offset: LogIndex = 0;
  #offsetTerm: Term = 0;
  #offsetStampMs = 0;
  #offsetMembership: MembershipRecord | null = null;
  #entries: Entry[] = [];
  /** What is on disk, behind the same offset: what a crash leaves for sure. */
  #durable: Entry[] = [];

  get firstIndex(): LogIndex {
    return this.#offset + 1;
  }

  get lastIndex(): LogIndex {
    return this.#offset + this.#entries.length;
  }

  get lastStampMs(): number {
    return this.#entries.at(-1)?.stampMs ?? this.#offsetStampMs;
  }

  termAt(index: LogIndex): Term {
    if (index === this.#offset) return this.#offsetTerm;
    return this.entry(index).term;
  }

  lastIndexWithin(from: LogIndex, sizeBytesMax: number): LogIndex {
    return Math.min(this.lastIndex, from + Math.max(1, Math.floor(sizeBytesMax / entryBytes)) - 1);
  }

  entry(index: LogIndex): Entry {
    const entry = this.#entries[index - this.#offset - 1];
    assert(entry !== undefined, `entry ${index} is in the log`);
    return entry;
  }

  /** The entries in `[from, to)`. */
  slice(from: LogIndex, to: LogIndex): Entry[] {
    return this.#entries.slice(from - this.#offset - 1, to - this.#offset - 1);
  }

  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index >= this.firstIndex && first.index <= this.lastIndex + 1, "entries leave no gap");
    this.#entries = [...this.slice(this.firstIndex, first.index), ...entries];
  }

  /** Puts everything up to `index` on disk, as the log stands now. */
  sync(index: LogIndex): void {
    this.#durable = this.slice(this.firstIndex, index + 1);
  }

  holds({ index, term }: Entry): boolean {
    return index < this.firstIndex || (index <= this.lastIndex && this.termAt(index) === term);
  }

  isOnDisk(index: LogIndex, term: Term): boolean {
    return index <= this.#offset || this.#durable[index - this.#offset - 1]?.term === term;
  }

  /** Loses what was not synced, or (as a page cache may) only a part of it. */
  crash(random: Random): void {
    const isSame = this.#durable.every((entry, at) => this.#entries[at] === entry);
    const unsynced = this.#entries.length - this.#durable.length;
    const kept = isSame ? random.below(unsynced + 1) : 0;
    const mayKeepAll = !isSame && random.below(2) === 0;
    this.#entries = mayKeepAll
      ? this.#entries
      : [...this.#durable, ...this.#entries.slice(this.#durable.length).slice(0, kept)];
    this.#durable = [...this.#entries];
  }

  /** Drops the entries up to `index`, all applied and on disk. */
  compact(index: LogIndex): void {
    if (index <= this.#offset) return;
    assert(index <= this.#offset + this.#durable.length, "only what is on disk is compacted");
    const membership = this.memberships().findLast((record) => record.index <= index) ?? null;
    this.#offsetTerm = this.termAt(index);
    this.#offsetStampMs = this.entry(index).stampMs;
    this.#entries = this.slice(index + 1, this.lastIndex + 1);
    this.#durable = this.#durable.slice(index - this.#offset);
    this.#offset = index;
    this.#offsetMembership = membership;
  }

  /** Takes over a snapshot of `source`, up to where its log begins; what follows there is kept if it fits (§5.2). */
  installSnapshot(source: MemoryLog): void {
    const fits = this.lastIndex >= source.#offset && this.termAt(source.#offset) === source.#offsetTerm;
    const kept = fits ? this.slice(source.#offset + 1, this.lastIndex + 1) : [];
    this.#offset = source.#offset;
    this.#offsetTerm = source.#offsetTerm;
    this.#offsetStampMs = source.#offsetStampMs;
    this.#offsetMembership = source.#offsetMembership;
    this.#entries = kept;
    this.#durable = [...kept];
  }

  /** The configurations in the snapshot and the log. */
  memberships(): MembershipRecord[] {
    const records = this.#offsetMembership === null ? [] : [this.#offsetMembership];
    for (const { index, membership } of this.#entries)
      if (membership !== null) records.push({ index, membership });
    return records;
  }
}

export interface MemoryNodeOptions {
  readonly id: NodeId;
  /** Of a founder: the cluster it founds. */
  readonly founding: Membership | null;
  readonly random: Random;
  readonly tuning: Partial<RaftTuning>;
  readonly nowMs: number;
}

export class MemoryNode {
  readonly id: NodeId;
  readonly log = new MemoryLog();
  hardState: HardState = { currentTerm: 0, votedFor: 0 };
  raft: Raft;
  /** As of the last `Ready`. */
  confirmedRound = 0;
  /** What the log has room for. */
  #room: Room = "all";
  readonly #options: MemoryNodeOptions;

  /** `prepare` may fill log and hard state before the core starts. */
  constructor(
    options: MemoryNodeOptions,
    prepare?: (node: { log: MemoryLog; hardState: HardState }) => void,
  ) {
    this.id = options.id;
    this.#options = options;
    if (prepare !== undefined) {
      const prepared = { log: this.log, hardState: this.hardState };
      prepare(prepared);
      this.hardState = prepared.hardState;
      this.log.sync(this.log.lastIndex);
    }
    this.raft = this.#start(options.nowMs);
  }

  /** Starts the core anew from what is on disk. */
  restart(nowMs: number): void {
    this.raft = this.#start(nowMs);
  }

  setRoom(room: Room, nowMs: number): void {
    this.#room = room;
    this.raft.setRoom(room, nowMs);
  }

  /** Hands a message to the core, of the entries in it only as many as are in the log already or fit. */
  receive(message: Message, nowMs: number): MessageFault | null {
    if (message.kind !== "AppendEntries") return this.raft.step(message, nowMs);
    const refused = message.entries.findIndex((entry) => !this.log.holds(entry) && !this.#fits(entry));
    const entries = refused < 0 ? message.entries : message.entries.slice(0, refused);
    const lastEntryIndex = message.prevLogIndex + entries.length;
    return this.raft.step({ ...message, entries, lastEntryIndex }, nowMs);
  }

  #fits({ kind }: Entry): boolean {
    return this.#room === "all" || (this.#room === "control" && (kind === "empty" || kind === "membership"));
  }

  /** Does everything that the core asks for but sync, apply and answer; returns the messages that leave. */
  handleReady(onEntries?: (entries: readonly Entry[], prevTerm: Term) => void): Message[] {
    const messages: Message[] = [];
    while (this.raft.hasReady) {
      const ready = this.raft.ready();
      if (ready.hardState !== null) this.hardState = ready.hardState;
      this.confirmedRound = ready.confirmedRound;
      const first = ready.entries[0];
      if (first !== undefined) {
        assert(
          ready.entries.every((entry) => this.#fits(entry)),
          "nothing is appended that has no room",
        );
        this.log.append(ready.entries);
        onEntries?.(ready.entries, this.log.termAt(first.index - 1));
      }
      for (const message of ready.messages) messages.push(this.#withEntries(message));
    }
    return messages;
  }

  /** Syncs the whole log and tells the core. */
  sync(): void {
    const { lastIndex } = this.log;
    this.log.sync(lastIndex);
    this.raft.stable(lastIndex, this.log.termAt(lastIndex));
  }

  #start(nowMs: number): Raft {
    const { founding, tuning, random, id } = this.#options;
    const records = this.log.memberships();
    const memberships =
      records.length === 0 && founding !== null ? [{ index: 0, membership: founding }] : records;
    const committedIndex = this.log.firstIndex - 1;
    const { log, hardState } = this;
    const room = this.#room;
    return new Raft({
      ...defaultTuning,
      ...tuning,
      id,
      log,
      hardState,
      memberships,
      committedIndex,
      room,
      random,
      nowMs,
    });
  }

  /** The transport's part: the bytes of the entries that the message names. */
  #withEntries(message: Message): Message {
    if (message.kind !== "AppendEntries") return message;
    const entries = this.log.slice(message.prevLogIndex + 1, message.lastEntryIndex + 1);
    return { ...message, entries } satisfies AppendEntries;
  }
}

/** A configuration in which `voters` vote and `learners` do not. */
export function membershipOf(voters: readonly NodeId[], learners: readonly NodeId[] = []): Membership {
  const ids = [...voters, ...learners];
  if (ids.length === 0) return emptyMembership;
  return {
    members: ids.map((id) => ({ id, host: "localhost", port: 7000 + id, voting: voters.includes(id) })),
    usedIds: ids,
  };
}
