// One replica at work: the loop that feeds the Raft core, and does what each `Ready` asks for in the order that safety
// needs. It ties together the core (who decides), the log (what is on disk), the state machine (what it means) and the
// transport (who hears of it), and knows nothing of sockets or clients.
//
// A turn, on the leader:  requests of all clients ──► batch ──► propose ──► Ready
//    Ready:  hard state to disk ──► entries to the log ──► messages out ──► sync in the background
//    sync done or acknowledgements in ──► commit ──► apply in order ──► replies
// While a sync is under way, what arrives is collected: it forms the next entry (group commit). A follower syncs at
// once, on the loop, because nothing else it could do is worth more than its acknowledgement (measured: 0.18 ms against
// 0.22 ms through the thread pool).

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Config } from "../config/config.ts";
import type { Raft } from "../raft/raft.ts";
import type { AppendEntries, Entry, LogIndex, Message, Ready, Term } from "../raft/types.ts";
import { errors } from "../resp/errors.ts";
import { DiskError } from "../storage/disk.ts";
import { StorageError } from "../storage/errors.ts";
import type { HardStateFile } from "../storage/hard-state.ts";
import type { Log } from "../storage/log.ts";
import { Fullness } from "./fullness.ts";
import { type Batch, Intake } from "./intake.ts";
import type { LogRoom } from "./log-room.ts";
import { Proposal, ProposalQueue } from "./proposal-queue.ts";
import { Reads } from "./reads.ts";
import { holds, readEntries } from "./received-entries.ts";
import type { Request } from "./request.ts";
import type { StateMachine } from "./state-machine.ts";
import { SyncStatistics } from "./sync-statistics.ts";

export interface ReplicaOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly raft: Raft;
  readonly log: Log;
  readonly room: LogRoom;
  readonly hardState: HardStateFile;
  readonly stateMachine: StateMachine;
  /** Sends a Raft message; one that cannot be sent is lost, which Raft expects. */
  readonly send: (message: Message) => void;
  readonly events: ReplicaEvents;
}

export interface ReplicaEvents {
  /** Role, leader, membership or readiness may have changed. */
  changed(): void;
  /** Replies have been written: let them leave. */
  repliesWritten(): void;
  /** Entries of the log are about to be replaced: nobody may go on using views of them. */
  truncating(): void;
  /** All entries up to `index` have been applied. */
  applied(index: LogIndex): void;
  /** The disk failed in a way that no node may survive: stop at once, acknowledge nothing. */
  failed(error: Error): void;
}

/** Bytes of a batch that are proposed at once, also while a sync is under way. */
const batchFlushBytes = 1024 * 1024;
/** Longest stretch of applying before other work gets its turn. */
const applySliceMs = 20;

export class Replica {
  readonly raft: Raft;
  readonly log: Log;
  readonly stateMachine: StateMachine;
  readonly syncs = new SyncStatistics();
  /** AppendEntries heard, and those of them with entries. */
  appendEntriesReceived = 0;
  appendEntriesWithEntriesReceived = 0;
  readonly #config: Config;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #hardState: HardStateFile;
  readonly #room: LogRoom;
  readonly #send: (message: Message) => void;
  readonly #events: ReplicaEvents;

  readonly #intake = new Intake();
  readonly #proposals = new ProposalQueue();
  readonly #reads: Reads;
  #turnScheduled = false;
  #syncInFlight = false;
  /** When the sync under way in the background began. */
  #syncStartMs = 0;
  /** The term that this node leads, 0 while it leads none. */
  #ledTerm: Term = 0;
  /** Since when nothing is to be hoped for the proposals: this node was deposed, or logs are full, at this commit index. */
  #hopelessSinceMs = 0;
  #hopelessAtIndex: LogIndex = 0;
  /** The commit index at which proposals were refused because too much waits for a majority; -1 when they are not. */
  #throttledAtIndex: LogIndex = -1;
  readonly #fullness: Fullness;
  #stopped = false;
  readonly #fsync: () => boolean;

  constructor(options: ReplicaOptions) {
    this.raft = options.raft;
    this.log = options.log;
    this.stateMachine = options.stateMachine;
    this.#config = options.config;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#hardState = options.hardState;
    this.#room = options.room;
    this.#fullness = new Fullness(options.raft, options.room, options.logger);
    this.#send = options.send;
    this.#events = options.events;
    this.#fsync = this.#config.watch("log-fsync");
    const { raft, clock, stateMachine } = options;
    const quorumReads = this.#config.watch("quorum-reads");
    this.#reads = new Reads({ raft, clock, stateMachine, quorumReads, intake: this.#intake });
  }

  /** Entries proposed here that have not been applied, with clients that wait for them. */
  get pendingProposals(): number {
    return this.#proposals.count;
  }

  /** This node leads, and so many writes wait for a majority that no more are taken until something commits. */
  get isThrottled(): boolean {
    return this.#ledTerm !== 0 && this.#throttledAtIndex === this.raft.commitIndex;
  }

  /** This node's log takes no commands for want of space on the disk. */
  get isDiskFull(): boolean {
    return this.#room.room !== "all";
  }

  /** For how long the sync under way in the background has been waited for; 0 while there is none. */
  get syncingForMs(): number {
    return this.#syncInFlight ? this.#clock.monotonicMs() - this.#syncStartMs : 0;
  }

  /** Takes up work: the only voter of a cluster leads at once, and a founder's first entries are on disk on return. */
  begin(): void {
    this.raft.tick(this.#clock.monotonicMs());
    this.#handleReady();
    if (this.raft.role !== "leader") return;
    this.#syncNow();
    this.#apply();
  }

  /** Stops for good: nothing is written, sent or answered any more. */
  stop(): void {
    this.#stopped = true;
  }

  // ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Takes a write, on a leader that can serve. False when an older read of the same requester is still under way: the
   * write must not overtake it, so try again once that is answered.
   */
  submitWrite(request: Request): boolean {
    const { refusesWrites } = this.#fullness;
    const isTaken = refusesWrites ? this.#fullness.refuse(request) : this.#intake.addWrite(request);
    if (!isTaken) return false;
    this.#schedule();
    return true;
  }

  /** Takes a read, on a leader that can serve. */
  submitRead(request: Request): void {
    this.#intake.addRead(request);
    this.#schedule();
  }

  // ── Input from peers, timers and the disk ───────────────────────────────────────────────────────────────────────

  /** A message from a peer; `records` are the entries' bytes, owned by the replica from now on. */
  receive(message: Message, records: Uint8Array | null): void {
    if (this.#hasFailed()) return;
    if (message.kind === "AppendEntries") this.appendEntriesReceived++;
    let complete = message;
    if (message.kind === "AppendEntries" && records !== null) {
      this.appendEntriesWithEntriesReceived++;
      const entries = this.#readEntries(message, records);
      if (entries === null) return;
      if (typeof entries === "string") {
        this.#logger.warning(`Dropped entries from node ${message.from}: ${entries}`);
        // Unless it is the own record before them that has changed since: that stops this node.
        const { prevLogIndex, prevLogTerm } = message;
        const isOwn = prevLogIndex >= this.log.firstIndex && holds(this.log, prevLogIndex, prevLogTerm);
        if (isOwn) this.#verifiedEntry(prevLogIndex);
        return;
      }
      // What there is no room for counts as not sent: the rest of the message is heard, and the leader told.
      const count = this.#ask((room) => room.storable(entries, records.length));
      if (count === null) return;
      complete =
        count === entries.length
          ? { ...message, entries }
          : { ...message, entries: entries.slice(0, count), lastEntryIndex: message.prevLogIndex + count };
    }
    const refusal = this.raft.step(complete, this.#clock.monotonicMs());
    if (refusal !== null)
      this.#logger.verbose(`Ignored ${message.kind} from node ${message.from}: ${refusal}`);
    this.#handleReady();
    this.#schedule();
  }

  /** As `readEntries`; null when an own record that it looks at is damaged, and this node stops. */
  #readEntries(request: AppendEntries, records: Uint8Array): readonly Entry[] | string | null {
    try {
      return readEntries(request, records, this.log, this.#bodyProblem);
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  readonly #bodyProblem = (body: Uint8Array): string | null => this.stateMachine.bodyProblem(body);

  /** Time has passed. */
  tick(): void {
    if (this.#hasFailed()) return;
    this.#ask((room) => {
      room.retry(this.#ledTerm !== 0);
      room.keepControlRoom(this.raft.membership);
    });
    if (this.#stopped) return;
    const nowMs = this.#clock.monotonicMs();
    this.raft.tick(nowMs);
    this.#handleReady();
    this.#expireDueKeys();
    this.#giveUpHopeless(nowMs);
    this.#schedule();
  }

  /** Some input was given to the core directly: do what it asks for. */
  settle(): void {
    if (this.#stopped) return;
    this.#handleReady();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    this.#clock.endOfTurn(this.#endOfTurn);
  }

  readonly #endOfTurn = (): void => {
    this.#turnScheduled = false;
    this.#turn();
  };

  #turn(): void {
    if (this.#hasFailed()) return;
    // For the reason for which they were refused, which may be gone.
    this.#answerRefused();
    this.#fullness.look();
    this.#reads.start(!this.#fullness.refusesWrites);
    this.#flushBatches();
    this.#handleReady();
    this.#sync();
    this.#apply();
    // Reads that had to wait for those before them may start now.
    if (this.#reads.answer(this.#fullness.error) && this.#intake.hasReads) this.#schedule();
    this.#events.repliesWritten();
    this.log.prepareAhead();
  }

  // ── Writes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #flushBatches(): void {
    const intake = this.#intake;
    // Only a full batch has another behind it in the same turn; nothing is left of either when the first is taken back.
    for (let more = true; more && !intake.isBatchEmpty;) {
      if (this.#syncInFlight && intake.batchSizeBytes < batchFlushBytes) return;
      const hasRoom = this.#hasRoomFor(intake.batchSizeBytes);
      more = intake.isBatchFull;
      const batch = intake.takeBatch();
      if (hasRoom) this.#propose(batch);
      else this.#refuseBatch(batch.requests);
      intake.clear();
    }
  }

  #propose({ kind, record, requests }: Batch): void {
    const proposed = this.raft.propose(kind, this.#clock.wallMs(), record);
    if (proposed === "no-room" || proposed === "majority-full") {
      this.#fullness.look();
      return this.#refuseBatch(requests);
    }
    if (typeof proposed === "string") {
      if (proposed === "too-much-uncommitted") this.#throttledAtIndex = this.raft.commitIndex;
      this.#events.changed();
      // Nor what came after it: each requester's writes keep their order.
      return this.#takeBack([...requests, ...this.#intake.takeAll()]);
    }
    this.#proposals.push(new Proposal(proposed.index, proposed.term, requests));
    this.#handleReady();
  }

  /** Once the earliest deadline has passed, moves the replicated clock, also when nobody writes. True if it shall move. */
  #expireDueKeys(): boolean {
    if (!this.raft.canServe || !this.#proposals.isEmpty || this.#fullness.refusesWrites) return false;
    const isDue = this.stateMachine.keyspace.nextDeadlineMs <= this.#clock.wallMs();
    if (isDue) this.#intake.requestClock();
    return isDue;
  }

  /** Hands requests that were surely not executed back to those who sent them. */
  #takeBack(requests: readonly Request[]): void {
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i] as Request;
      request.requester.pendingWrites--;
      request.requester.takeBack(request);
    }
  }

  // ── Ready ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #handleReady(): void {
    const raft = this.raft;
    if (!raft.hasReady) return;
    while (raft.hasReady && !this.#stopped) {
      this.#handleOne(raft.ready());
      if (raft.room !== this.#room.room) raft.setRoom(this.#room.room, this.#clock.monotonicMs());
    }
    this.#noticeRole();
    this.#events.changed();
  }

  #handleOne(ready: Ready): void {
    try {
      if (ready.hardState !== null) this.#hardState.save(ready.hardState);
      const first = ready.entries[0];
      if (first !== undefined) {
        if (first.index <= this.log.lastIndex) {
          this.#events.truncating();
          this.#proposals.overwrittenFrom(first.index);
        }
        this.log.append(ready.entries);
        this.#room.keepControlRoom(this.raft.membership);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#reads.confirmed(ready.confirmedRound);
    const messages = ready.messages;
    try {
      // Entries leave as they read back from the log, which may find them damaged.
      for (let i = 0; i < messages.length; i++) this.#send(messages[i] as Message);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether this node has stopped, or has to: a sync in the background may have failed that nobody waits for. */
  #hasFailed(): boolean {
    if (!this.#stopped && this.log.failure !== null) this.#fail(this.log.failure);
    return this.#stopped;
  }

  #fail(error: unknown): void {
    if (!(error instanceof DiskError || error instanceof StorageError)) throw error;
    this.#stopped = true;
    this.#events.failed(error);
  }

  #noticeRole(): void {
    const ledTerm = this.raft.role === "leader" ? this.raft.currentTerm : 0;
    if (ledTerm === this.#ledTerm) return;
    const deposed = this.#ledTerm !== 0;
    this.#ledTerm = ledTerm;
    if (!deposed) return;
    // What was not proposed can be done again; what was has an outcome that only the log will tell.
    this.#reads.takeBackAll();
    this.#takeBack(this.#intake.takeAll());
    this.#hopelessSinceMs = this.#clock.monotonicMs();
  }

  // ── Sync ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #sync(): void {
    const log = this.log;
    if (this.#stopped || this.#syncInFlight) return;
    if (!this.#fsync()) return this.#trustUnsynced();
    if (log.durableIndex >= log.lastIndex) return;
    const startMs = this.#clock.monotonicMs();
    if (this.raft.role === "leader") {
      this.#syncInFlight = true;
      this.#syncStartMs = startMs;
      log.syncInBackground((error, index, term) => this.#synced(error, index, term, startMs));
      return;
    }
    this.#syncNow();
  }

  /** With log-fsync off what is written counts as stable, also what came in while it was still on. */
  #trustUnsynced(): void {
    const { lastIndex } = this.log;
    if (this.raft.stableIndex >= lastIndex) return;
    this.raft.stable(lastIndex, this.log.termAt(lastIndex));
    this.#handleReady();
  }

  /** Syncs on the loop, and tells the core until it has nothing left to store. */
  #syncNow(): void {
    const log = this.log;
    while (log.durableIndex < log.lastIndex && !this.#stopped) {
      const startMs = this.#clock.monotonicMs();
      try {
        log.sync();
      } catch (error) {
        this.#fail(error);
        return;
      }
      this.#noteSync(startMs);
      this.raft.stable(log.lastIndex, log.termAt(log.lastIndex));
      this.#handleReady();
    }
  }

  #synced(error: DiskError | null, index: LogIndex, term: Term, startMs: number): void {
    this.#syncInFlight = false;
    if (this.#stopped) return;
    if (error !== null) {
      this.#fail(error);
      return;
    }
    this.#noteSync(startMs);
    this.raft.stable(index, term);
    this.#turn();
  }

  #noteSync(startMs: number): void {
    const tookMs = this.#clock.monotonicMs() - startMs;
    this.syncs.note(tookMs);
    if (tookMs > slowSyncMs)
      this.#logger.warning(`Slow log sync: ${Math.round(tookMs)} ms. Is the disk overloaded?`);
  }

  // ── Apply ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #apply(): void {
    const machine = this.stateMachine;
    const target = Math.min(this.raft.commitIndex, this.log.lastIndex);
    if (machine.appliedIndex >= target || this.#stopped) return;
    const untilMs = this.#clock.monotonicMs() + applySliceMs;
    while (machine.appliedIndex < target) {
      const entry = this.#verifiedEntry(machine.appliedIndex + 1);
      if (entry === null) return;
      this.#applyEntry(entry);
      if ((machine.appliedIndex & 15) === 0 && this.#clock.monotonicMs() > untilMs) {
        this.syncs.applyThrottled++;
        this.#schedule();
        break;
      }
    }
    this.raft.applied(machine.appliedIndex);
    this.#events.applied(machine.appliedIndex);
    this.#handleReady();
    // An entry frees a thousand keys: a million with one deadline must not wait for a tick each time.
    if (machine.keyspace.isBehind && this.#expireDueKeys()) this.#schedule();
  }

  /** The entry as it reads back from the log; null when it is damaged, and this node stops. */
  #verifiedEntry(index: LogIndex): Entry | null {
    try {
      return this.log.entry(index);
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  #applyEntry(entry: Entry): void {
    const { index } = entry;
    const machine = this.stateMachine;
    machine.beginEntry(index, entry.stampMs);
    this.#answerOverwritten(index, entry.term);
    const proposal = this.#proposals.takeApplied(index, entry.term);
    if (proposal !== null) this.#runRequests(proposal.requests);
    else if (entry.kind === "command") machine.runBody(this.log.body(index));
    this.#answerRefusedBatches();
  }

  #runRequests(requests: readonly Request[]): void {
    const machine = this.stateMachine;
    let startMs = this.#clock.monotonicMs();
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i] as Request;
      const requester = request.requester;
      if (request.isWrite) machine.run(request.command, request.args, request.dbIndex, requester.reply);
      else this.#reads.run(request, this.#clock.wallMs());
      // One look at the clock (25 ns) a request.
      const endMs = this.#clock.monotonicMs();
      request.tookMs = endMs - startMs;
      startMs = endMs;
      requester.pendingWrites--;
      requester.answered(request);
    }
  }

  // ── Writes that come to nothing ─────────────────────────────────────────────────────────────────────────────────

  #answerOverwritten(index: LogIndex, term: Term): void {
    for (;;) {
      const proposal = this.#proposals.takeOverwritten(index, term);
      if (proposal === null) return;
      this.#answerUnknown(proposal);
    }
  }

  /**
   * Long after leadership was lost, or the logs of a majority became full, nobody has told what became of the writes: say
   * just that. A read behind one of them goes unanswered too.
   */
  #giveUpHopeless(nowMs: number): void {
    const { commitIndex } = this.raft;
    const mayHope = !this.#fullness.refusesWrites || commitIndex !== this.#hopelessAtIndex;
    if (this.#ledTerm !== 0 && mayHope) {
      this.#hopelessSinceMs = nowMs;
      this.#hopelessAtIndex = commitIndex;
    }
    if (this.#proposals.isEmpty) return;
    if (nowMs - this.#hopelessSinceMs < this.#config.get("leader-wait-timeout")) return;
    for (const proposal of this.#proposals.takeAll()) this.#answerUnknown(proposal);
    this.#reads.giveUpBeyond(commitIndex);
    this.#events.repliesWritten();
  }

  #answerUnknown({ requests, refusal }: Proposal): void {
    for (const request of requests) {
      const unknown = request.isWrite ? errors.timeoutNotCommitted : errors.timeoutNoQuorum;
      this.#answer([request], refusal ?? unknown);
    }
  }

  // ── Writes that nobody can store ────────────────────────────────────────────────────────────────────────────────

  /** Has this leader's log room for a batch of `bodyBytes`, and those of a majority for any? */
  #hasRoomFor(bodyBytes: number): boolean {
    const { refusesWrites } = this.#fullness;
    if (!refusesWrites && this.#ask((room) => room.admits(bodyBytes)) === true) return true;
    this.#fullness.look();
    return false;
  }

  /** Asks for room and tells the core what there is; null when the disk failed and this node stops. */
  #ask<Answer>(question: (room: LogRoom) => Answer): Answer | null {
    try {
      return question(this.#room);
    } catch (error) {
      this.#fail(error);
      return null;
    } finally {
      this.raft.setRoom(this.#room.room, this.#clock.monotonicMs());
    }
  }

  #answerRefused(): void {
    const refused = this.#fullness.takeRefused();
    if (refused.length > 0) this.#answer(refused, this.#fullness.error());
  }

  /** Refuses a batch, behind what its requesters wrote before. */
  #refuseBatch(requests: readonly Request[]): void {
    this.#proposals.push(new Proposal(this.raft.lastIndex, 0, requests, this.#fullness.error()));
    this.#answerRefusedBatches();
  }

  #answerRefusedBatches(): void {
    for (
      let refused = this.#proposals.takeRefused();
      refused !== null;
      refused = this.#proposals.takeRefused()
    )
      this.#answerUnknown(refused);
  }

  /** Answers requests of a batch with an error. */
  #answer(requests: readonly Request[], error: string): void {
    for (const request of requests) {
      const { requester } = request;
      requester.reply.error(error);
      requester.pendingWrites--;
      requester.answered(request);
    }
  }
}

const slowSyncMs = 100;
