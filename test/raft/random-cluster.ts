// A cluster of cores under random faults, in virtual time: messages are lost, doubled, delayed and overtaken, links are
// cut in one or both directions, nodes crash and lose what they had not synced, members come and go, leaders are asked to
// step aside. One seed decides everything. After every step the invariants are checked; when the faults end, the cluster
// must get going again. The disks are honest: what was synced stays.

import { assert } from "../../src/base/assert.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { ClusterInvariants } from "../../src/raft/invariants.ts";
import type { MembershipChange } from "../../src/raft/membership.ts";
import type { RaftTuning } from "../../src/raft/options.ts";
import type { LogIndex, Message, NodeId, Term } from "../../src/raft/types.ts";
import { MemoryNode, membershipOf } from "./memory-node.ts";

const electionTimeoutMs = 100;

interface Read {
  readonly term: Term;
  readonly round: number;
  readonly readIndex: LogIndex;
  readonly committedAtArrival: LogIndex;
}

/** A node with what goes on around its core. */
class SimulatedNode {
  readonly node: MemoryNode;
  isUp = true;
  reads: Read[] = [];
  /** The sync under way, if any; an overwriting append cancels it. */
  sync: { readonly index: LogIndex; readonly term: Term; readonly doneAtMs: number } | null = null;

  constructor(node: MemoryNode) {
    this.node = node;
  }
}

interface Flight {
  readonly message: Message;
  readonly dueMs: number;
}

/** What one run saw, to prove that the runs taken together reach the interesting corners. */
export class RunStatistics {
  elections = 0;
  committed = 0;
  crashes = 0;
  overwrites = 0;
  membershipChanges = 0;
  readsAnswered = 0;
  snapshots = 0;
  transfers = 0;
  filledDisks = 0;
}

export class RandomCluster {
  readonly statistics = new RunStatistics();
  readonly #random: SeededRandom;
  readonly #nodes = new Map<NodeId, SimulatedNode>();
  readonly #invariants: ClusterInvariants;
  readonly #tuning: RaftTuning;
  #flights: Flight[] = [];
  /** Cut links, as `from>to`. */
  readonly #cut = new Set<string>();
  #nowMs = 0;
  #nextId = 1;
  #stampMs = 0;
  /** Percent of messages that get lost, or doubled, and the longest usual delay. */
  #lossPercent: number;
  #doublePercent: number;
  #delayMs: number;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#invariants = new ClusterInvariants(
      (id, index, term) => this.#nodes.get(id)?.node.log.isOnDisk(index, term) === true,
    );
    this.#lossPercent = this.#random.below(3) * 8;
    this.#doublePercent = this.#random.below(2) * 10;
    this.#delayMs = 1 + this.#random.below(3) * 15;
    this.#tuning = {
      electionTimeoutMs,
      heartbeatIntervalMs: 20,
      appendMaxInflight: 1 + this.#random.below(4),
      appendMaxSizeBytes: 100 * (1 + this.#random.below(6)),
      uncommittedMaxBytes: 2000,
    };
    const size = 1 + this.#random.below(5);
    // Either a founder whom others join, or a cluster that was founded whole.
    if (this.#random.below(2) === 0) {
      this.#create([1]);
    } else {
      const voters = Array.from({ length: size }, (_, at) => at + 1);
      for (const _ of voters) this.#create(voters);
    }
  }

  /** Runs `steps` random steps. */
  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.#advance(this.#random.below(12));
      this.#disturb();
    }
  }

  /** Ends all faults; the cluster must elect a leader, commit, bring everyone up to date and promote the learners. */
  heal(): void {
    this.#cut.clear();
    this.#lossPercent = 0;
    this.#doublePercent = 0;
    this.#delayMs = 2;
    for (const simulated of this.#nodes.values()) {
      if (!simulated.isUp) this.#restart(simulated);
      simulated.node.setRoom("all", this.#nowMs);
    }
    const deadlineMs = this.#nowMs + 200 * electionTimeoutMs;
    let target: LogIndex | null = null;
    while (this.#nowMs < deadlineMs) {
      this.#advance(5);
      const leader = this.#servingLeader();
      if (leader === undefined) continue;
      if (target === null || leader.node.raft.lastIndex < target) {
        const entry = leader.node.raft.propose("command", 0, null);
        this.#pump(leader);
        if (typeof entry !== "string") target = entry.index;
      } else if (this.#isSettled(leader, target)) {
        return;
      }
    }
    throw new Error(`no progress after the faults ended: ${this.describe()}`);
  }

  /** The state of all nodes, one line each. */
  describe(): string {
    const lines = [...this.#nodes.values()].map(({ node: { raft }, isUp }) => {
      const members = raft.membership.members.map((member) =>
        member.voting ? `${member.id}` : `(${member.id})`,
      );
      const peers = raft
        .peers()
        .map((peer) => `${peer.id}:${peer.state}:${peer.matchIndex}/${peer.nextIndex}`);
      return `${raft.id}${isUp ? "" : " down"} ${raft.role} term ${raft.currentTerm} leader ${raft.leaderId} log ${
        raft.firstIndex
      }-${raft.lastIndex} commit ${raft.commitIndex} members ${members.join(",")} peers ${peers.join(" ")}`;
    });
    return `\n${lines.join("\n")}`;
  }

  #servingLeader(): SimulatedNode | undefined {
    return [...this.#nodes.values()].find(({ node: { raft } }) => raft.canServe && !raft.isTransferring);
  }

  #isSettled(leader: SimulatedNode, target: LogIndex): boolean {
    const { raft } = leader.node;
    if (raft.commitIndex < target) return false;
    const { members } = raft.membership;
    return members.every(
      ({ id, voting }) => voting && (this.#nodes.get(id)?.node.raft.commitIndex ?? 0) >= target,
    );
  }

  // ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #advance(byMs: number): void {
    this.#nowMs += byMs;
    const due = this.#flights.filter((flight) => flight.dueMs <= this.#nowMs);
    this.#flights = this.#flights.filter((flight) => flight.dueMs > this.#nowMs);
    while (due.length > 0) {
      const [flight] = due.splice(this.#random.below(due.length), 1);
      if (flight !== undefined) this.#deliver(flight.message);
    }
    for (const simulated of this.#nodes.values()) {
      if (!simulated.isUp) continue;
      if (simulated.sync !== null && simulated.sync.doneAtMs <= this.#nowMs) this.#finishSync(simulated);
      if (this.#random.below(3) === 0) simulated.node.raft.tick(this.#nowMs);
      this.#pump(simulated);
    }
    this.#installSnapshots();
  }

  #deliver(message: Message): void {
    const target = this.#nodes.get(message.to);
    if (target === undefined || !target.isUp) return;
    const fault = target.node.receive(message, this.#nowMs);
    assert(
      fault === null,
      `sound messages are accepted, not refused as ${fault}: ${JSON.stringify(message)}`,
    );
    this.#pump(target);
  }

  #send(message: Message): void {
    if (this.#cut.has(`${message.from}>${message.to}`) || this.#chance(this.#lossPercent)) return;
    this.#flights.push({ message, dueMs: this.#nowMs + this.#delay() });
    if (this.#chance(this.#doublePercent))
      this.#flights.push({ message, dueMs: this.#nowMs + this.#delay() });
  }

  #delay(): number {
    // Now and then a message shows up when nobody expects it any more.
    return this.#chance(1) && this.#lossPercent > 0
      ? this.#random.below(1000)
      : this.#random.below(this.#delayMs);
  }

  #chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }

  // ── Nodes ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #create(founders: readonly NodeId[]): NodeId {
    const id = this.#nextId++;
    const founding = founders.includes(id) ? membershipOf(founders) : null;
    const options = { id, founding, random: this.#random, tuning: this.#tuning, nowMs: this.#nowMs };
    const simulated = new SimulatedNode(new MemoryNode(options));
    this.#nodes.set(id, simulated);
    this.#pump(simulated);
    return id;
  }

  #pump(simulated: SimulatedNode): void {
    if (!simulated.isUp) return;
    const { node } = simulated;
    this.#invariants.check(node.raft);
    const { role, currentTerm } = node.raft;
    const lastIndex = node.log.lastIndex;
    const messages = node.handleReady((entries, prevTerm) => {
      const first = entries[0]?.index ?? 0;
      if (first <= lastIndex) this.statistics.overwrites++;
      if (simulated.sync !== null && first <= simulated.sync.index) simulated.sync = null;
      this.#invariants.appended(entries, prevTerm);
    });
    for (const message of messages) this.#send(message);
    this.#answerReads(simulated);
    if (node.raft.commitIndex > node.raft.appliedIndex) node.raft.applied(node.raft.commitIndex);
    this.#startSync(simulated);
    if (role === "leader" && node.raft.termAt(node.raft.lastIndex) === currentTerm)
      this.#countElection(currentTerm);
    if (node.raft.hasReady) this.#pump(simulated);
  }

  #countElection(term: Term): void {
    this.statistics.elections = Math.max(this.statistics.elections, term);
    this.statistics.committed = this.#invariants.committedIndex;
  }

  #startSync(simulated: SimulatedNode): void {
    const { node } = simulated;
    const { lastIndex } = node.log;
    if (simulated.sync !== null || node.log.isOnDisk(lastIndex, node.log.termAt(lastIndex))) return;
    if (this.#random.below(2) === 0) {
      node.sync();
      this.#invariants.check(node.raft);
    } else {
      const doneAtMs = this.#nowMs + this.#random.below(30);
      simulated.sync = { index: lastIndex, term: node.log.termAt(lastIndex), doneAtMs };
    }
  }

  #finishSync(simulated: SimulatedNode): void {
    const { sync, node } = simulated;
    simulated.sync = null;
    if (sync === null || node.log.isOnDisk(sync.index, sync.term)) return;
    node.log.sync(sync.index);
    node.raft.stable(sync.index, sync.term);
  }

  #answerReads(simulated: SimulatedNode): void {
    const { node } = simulated;
    const { raft } = node;
    simulated.reads = simulated.reads.filter((read) => {
      if (raft.role !== "leader" || raft.currentTerm !== read.term) return false;
      if (node.confirmedRound < read.round) return true;
      this.#invariants.readAnswered(read.readIndex, read.committedAtArrival);
      this.statistics.readsAnswered++;
      return false;
    });
  }

  /** What issue "snapshots" brings: a leader that has compacted what a follower needs sends it a snapshot. */
  #installSnapshots(): void {
    for (const leader of this.#nodes.values()) {
      if (!leader.isUp || leader.node.raft.role !== "leader") continue;
      for (const peer of leader.node.raft.peers()) {
        const target = this.#nodes.get(peer.id);
        if (peer.state !== "snapshot" || target === undefined || !target.isUp || !this.#chance(20)) continue;
        if (leader.node.log.firstIndex - 1 <= target.node.raft.commitIndex) continue;
        if (target.node.raft.currentTerm > leader.node.raft.currentTerm) continue;
        const { currentTerm } = leader.node.raft;
        if (target.node.hardState.currentTerm < currentTerm)
          target.node.hardState = { currentTerm, votedFor: 0 };
        target.node.log.installSnapshot(leader.node.log);
        this.statistics.snapshots++;
        this.#restart(target);
      }
    }
  }

  #restart(simulated: SimulatedNode): void {
    simulated.isUp = true;
    simulated.reads = [];
    simulated.sync = null;
    this.#invariants.restarted(simulated.node.id);
    simulated.node.restart(this.#nowMs);
    this.#pump(simulated);
  }

  // ── What happens ────────────────────────────────────────────────────────────────────────────────────────────────

  #disturb(): void {
    const simulated = this.#pick();
    const dice = this.#random.below(100);
    if (!simulated.isUp) {
      if (dice < 30) this.#restart(simulated);
      return;
    }
    const { node } = simulated;
    if (dice < 45) this.#propose(simulated);
    else if (dice < 65) this.#read(simulated);
    else if (dice < 68) this.#crash(simulated);
    else if (dice < 72) this.#cutSomeLink();
    else if (dice < 76) this.#cut.clear();
    else if (dice < 83) this.#changeMembership(simulated);
    else if (dice < 86) this.#transfer(simulated);
    else if (dice < 87) node.raft.campaignNow(this.#nowMs);
    else if (dice < 89) node.raft.leaderUnreachable(this.#nowMs);
    else if (dice < 91) node.raft.peerUnreachable(this.#pick().node.id);
    else if (dice < 93) this.#compact(simulated);
    else if (dice < 96) this.#fillOrClear(simulated);
    this.#pump(simulated);
  }

  /** Fills the disk, or frees space. One that campaigns has made sure of room before, and keeps that. */
  #fillOrClear({ node }: SimulatedNode): void {
    const rooms = ["all", "all", "control", "none"] as const;
    const room = rooms[this.#random.below(rooms.length)] ?? "all";
    const isCampaigning = node.raft.role === "candidate" || node.raft.role === "pre-candidate";
    if (room !== "none" || !isCampaigning) node.setRoom(room, this.#nowMs);
    if (room !== "all") this.statistics.filledDisks++;
  }

  #pick(): SimulatedNode {
    const all = [...this.#nodes.values()];
    const leader = all.find((simulated) => simulated.isUp && simulated.node.raft.role === "leader");
    if (leader !== undefined && this.#random.below(2) === 0) return leader;
    const picked = all[this.#random.below(all.length)];
    assert(picked !== undefined, "there is a node to pick");
    return picked;
  }

  #propose(simulated: SimulatedNode): void {
    for (let count = 1 + this.#random.below(4); count > 0; count--) {
      this.#stampMs += this.#random.below(3) - 1;
      const record = new Uint8Array([this.#random.below(256), this.#random.below(256)]);
      simulated.node.raft.propose("command", Math.max(0, this.#stampMs), record);
    }
  }

  #read(simulated: SimulatedNode): void {
    const { raft } = simulated.node;
    const round = raft.requestRead();
    if (round === null) return;
    const { committedIndex } = this.#invariants;
    const { currentTerm: term, commitIndex: readIndex } = raft;
    simulated.reads.push({ term, round, readIndex, committedAtArrival: committedIndex });
  }

  #crash(simulated: SimulatedNode): void {
    simulated.isUp = false;
    simulated.node.log.crash(this.#random);
    this.statistics.crashes++;
    for (const other of this.#nodes.values()) {
      if (other === simulated || !other.isUp || this.#chance(50)) continue;
      if (other.node.raft.leaderId === simulated.node.id) other.node.raft.leaderUnreachable(this.#nowMs);
      other.node.raft.peerUnreachable(simulated.node.id);
      this.#pump(other);
    }
  }

  #cutSomeLink(): void {
    const from = this.#pick().node.id;
    for (const to of this.#nodes.keys()) {
      if (this.#chance(50)) this.#cut.add(`${from}>${to}`);
      if (this.#chance(50)) this.#cut.add(`${to}>${from}`);
    }
  }

  #changeMembership(simulated: SimulatedNode): void {
    const { raft } = simulated.node;
    if (raft.role !== "leader") return;
    const { members } = raft.membership;
    const some = members[this.#random.below(members.length)];
    let change: MembershipChange | null = null;
    if (members.length < 5 && this.#nextId < 10 && this.#chance(50)) {
      change = { kind: "add-learner", id: this.#create([]), host: "localhost", port: 7000 };
    } else if (this.#nextId < 14 && some !== undefined && this.#chance(40)) {
      change = { kind: "replace", id: some.id, by: this.#create([]), host: "localhost", port: 7000 };
    } else if (members.length > 1 && some !== undefined) {
      change = { kind: "remove", id: some.id };
    }
    if (change === null) return;
    if (typeof raft.proposeMembership(change, this.#stampMs) !== "string")
      this.statistics.membershipChanges++;
  }

  #transfer(simulated: SimulatedNode): void {
    const to = this.#chance(50) ? 0 : this.#pick().node.id;
    if (simulated.node.raft.transferLeadership(to, this.#nowMs) === null) this.statistics.transfers++;
  }

  #compact(simulated: SimulatedNode): void {
    const { raft, log } = simulated.node;
    const index = raft.appliedIndex - this.#random.below(5);
    if (index > raft.firstIndex && raft.stableIndex >= index && log.isOnDisk(index, log.termAt(index)))
      log.compact(index);
  }
}
