// The invariants of a virtual world, checked after each step of each of its processes and whenever something leaves one:
// what the numbers in violation.ts promise. It sees the nodes themselves, what their disks would keep, and the wire, and
// remembers what they have shown; a promise that does not hold is thrown as a `Violation`.
//
//     const invariants = new WorldInvariants(world);      // as VirtualWorld does, before it has any machine
//     world.observers.push(invariants);
//     …
//     invariants.checkAtRest();                           // as its settle() does
//
//    steps  ──► WatchedNode ──┬─► ClusterInvariants (src/raft): 1, 2, 4, 5, 7, 10
//    frames ──► MessageWatch ─┤   KnownLog: 3    ReferenceState: 7, 8    Stability: 19
//    bytes of clients ──► ClientWatch: 7, 11     DurableLog, DurableHardState: 2, 7, 12
//
// It costs as much as has changed since the last look, and nothing that happens depends on it.

import { CommandTable } from "../../../src/commands/table.ts";
import { StateMachine } from "../../../src/node/state-machine.ts";
import { FrameParser, frameType } from "../../../src/peer/frame.ts";
import { decodeMessage } from "../../../src/peer/message-codec.ts";
import { decodeRequests, decodeResponses } from "../../../src/peer/proxy-codec.ts";
import type { Message } from "../../../src/raft/types.ts";
import type { ProcessEnd, StepObserver } from "../step-observer.ts";
import type { VirtualMachine } from "../virtual-machine.ts";
import type { FrameTap, VirtualNetwork } from "../virtual-network.ts";
import type { VirtualTime } from "../virtual-time.ts";
import { ClientWatch } from "./client-watch.ts";
import { ClusterRecord } from "./cluster-record.ts";
import { MessageWatch } from "./message-watch.ts";
import { Violation, violationOf } from "./violation.ts";
import { WatchedNode } from "./watched-node.ts";
import { WorldHealth } from "./world-health.ts";

/** What of a world is watched. */
export interface WatchedWorld {
  readonly time: VirtualTime;
  readonly network: VirtualNetwork;
}

const commands = new CommandTable();
const frameBytesMax = 1 << 30;
const errorByte = 0x2d;

export class WorldInvariants implements StepObserver {
  readonly #time: VirtualTime;
  readonly #health: WorldHealth;
  readonly #messages: MessageWatch;
  readonly #clients: ClientWatch;
  readonly #clusters = new Map<string, ClusterRecord>();
  readonly #machines = new Map<string, VirtualMachine>();
  readonly #nodes = new Map<string, WatchedNode>();
  readonly #nextTap: FrameTap | null;
  /** Thrown again after the step, should the code under test have caught it. */
  #failure: unknown = null;

  /** Begins to watch the wire; nothing may have been started. */
  constructor({ time, network }: WatchedWorld) {
    this.#time = time;
    this.#health = new WorldHealth(time, network);
    this.#messages = new MessageWatch(this.#health, () => time.nowMs);
    this.#clients = new ClientWatch({ commands, nodeOn: (host) => this.#look(host) });
    this.#nextTap = network.frameTap;
    network.frameTap = (from, to, frame) => {
      this.#nextTap?.(from, to, frame);
      this.#guard(() => this.#frameSent(from, to, frame));
    };
    network.clientTap = {
      received: (end, bytes) => this.#guard(() => this.#clients.received(end, bytes)),
      answered: (end, bytes) => this.#guard(() => this.#clients.answered(end, bytes)),
    };
    network.linkTap = this.#health;
  }

  /** How much has been looked at, by kind: a history in which nothing was proves nothing. */
  get counts(): Readonly<Record<"messages" | "writes" | "reads" | "states" | "termChanges", number>> {
    let states = 0;
    let termChanges = 0;
    for (const { reference, stability } of this.#clusters.values()) {
      states += reference.comparisons;
      termChanges += stability.looks;
    }
    return {
      messages: this.#messages.messages,
      writes: this.#clients.writes,
      reads: this.#clients.reads,
      states,
      termChanges,
    };
  }

  /** Ids of all clusters that its machines have been members of. */
  get clusterIds(): readonly string[] {
    return [...this.#clusters.keys()];
  }

  /** Leaders seen, each in its term. */
  get elections(): number {
    return [...this.#clusters.values()].reduce((sum, { elections }) => sum + elections, 0);
  }

  // ── Steps ───────────────────────────────────────────────────────────────────────────────────────────────────────

  started(machine: VirtualMachine): void {
    this.#machines.set(machine.name, machine);
    this.#health.disturbed(machine.name);
    this.stepped(machine);
  }

  stepped(machine: VirtualMachine): void {
    if (this.#failure !== null) throw this.#failure;
    this.#health.stepped(machine);
    this.#guard(() => this.#look(machine.name)?.lookAtStep());
  }

  stopped({ name }: VirtualMachine, _end: ProcessEnd): void {
    if (this.#failure !== null) throw this.#failure;
    this.#health.disturbed(name);
    this.#clients.stopped(name);
    this.#nodes.get(name)?.stopped();
    this.#nodes.delete(name);
  }

  diskChanged({ name }: VirtualMachine, _change: "damaged" | "wiped"): void {
    this.#health.disturbed(name);
    for (const { nodes, damaged } of this.#clusters.values()) {
      for (const node of nodes.values()) {
        if (node.name !== name) continue;
        damaged.add(node.id);
        node.noteDamage();
      }
    }
  }

  // ── At rest ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * All running members have applied all there is: their states equal a replay of each one's own log from empty, and what
   * is committed is on the disks of a majority, but for those that were damaged from outside.
   */
  checkAtRest(): void {
    for (const node of this.#nodes.values()) {
      const { member, cluster, name } = node;
      const { log, stateMachine } = member.replica;
      if (member.memberOf(node.id) === undefined) continue;
      node.look();
      cluster.reference.compareAtRest(stateMachine, name);
      if (log.firstIndex === 1) this.#checkReplay(node);
      this.#checkKept(node);
    }
  }

  #checkReplay({ member, name }: WatchedNode): void {
    const { log, stateMachine } = member.replica;
    const replayed = new StateMachine(commands);
    for (let index = 1; index <= stateMachine.appliedIndex; index++) {
      const { kind, stampMs } = log.entry(index);
      replayed.beginEntry(index, stampMs);
      if (kind === "command") replayed.runBody(log.body(index));
    }
    if (replayed.keyspace.digest() === stateMachine.keyspace.digest()) return;
    throw new Violation(8, `${name} has another state than a replay of its own log gives`);
  }

  #checkKept({ member, cluster }: WatchedNode): void {
    const index = cluster.invariants.committedIndex;
    const voters = member.raft.membership.members.filter(({ voting }) => voting);
    const kept = voters.filter(({ id }) => cluster.keeps(id, index));
    if (kept.length * 2 > voters.length) return;
    throw new Violation(
      7,
      `entry ${index}, committed, is on the disks of ${kept.length} of ${voters.length} voters`,
    );
  }

  // ── Looking ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #look(name: string): WatchedNode | null {
    const machine = this.#machines.get(name);
    const process = machine?.process ?? null;
    const member = process?.node.member ?? null;
    if (machine === undefined || process === null || member === null) return null;
    let node = this.#nodes.get(name);
    if (node?.member !== member) {
      const cluster = this.#clusterOf(process.node.clusterId);
      cluster.invariants.restarted(member.id);
      cluster.confirmations.restarted(member.id);
      node = new WatchedNode(machine, process, member, cluster);
      this.#nodes.set(name, node);
      this.#health.noteElectionTimeout(node.electionTimeoutMs);
    }
    const { cluster } = node;
    if (node.hasLeftOffice) cluster.stability.leftOffice(node, this.#health, this.#time.nowMs);
    if (member.raft.currentTerm > cluster.stability.newestTerm) this.#lookAtTerm(node);
    node.look();
    return node;
  }

  #lookAtTerm(node: WatchedNode): void {
    const { cluster } = node;
    const leaderId = cluster.invariants.leaderOf(cluster.stability.newestTerm);
    const leader = leaderId === undefined ? undefined : cluster.nodes.get(leaderId);
    cluster.stability.entered(node, leader, this.#health, this.#time.nowMs);
  }

  #clusterOf(id: string): ClusterRecord {
    let cluster = this.#clusters.get(id);
    if (cluster === undefined) this.#clusters.set(id, (cluster = new ClusterRecord(commands)));
    return cluster;
  }

  // ── The wire ────────────────────────────────────────────────────────────────────────────────────────────────────

  #frameSent(from: string, to: string, bytes: Uint8Array): void {
    const parser = new FrameParser(frameBytesMax);
    parser.push(bytes);
    const frame = parser.next();
    if (frame === null) return;
    const { type, fields, body } = frame;
    if (type === frameType.alive || type === frameType.removed) return;
    if (type === frameType.proxyRequests) {
      const items = decodeRequests(fields, body);
      if (typeof items === "string") return;
      for (const item of items)
        if (item.kind === "request") this.#clients.passedOn(from, to, item.requestId, item.args);
    } else if (type === frameType.proxyResponses) {
      const responses = decodeResponses(fields, body);
      if (typeof responses === "string") return;
      for (const response of responses) {
        const isError = response.kind !== "reply" || response.bytes[0] === errorByte;
        this.#clients.passedBack(from, to, response.requestId, isError);
      }
    } else {
      const message = decodeMessage(type, fields, body.length);
      if (typeof message !== "string") this.#messageSent(from, message);
    }
  }

  #messageSent(from: string, message: Message): void {
    const known = this.#nodes.get(from);
    if (known?.id === message.from) this.#messages.announce(known, message);
    const node = this.#look(from);
    // A machine of another cluster may have taken the address.
    if (node?.id === message.from) this.#messages.left(node, message);
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#failure ??= violationOf(error, `at ${this.#time.nowMs} ms`);
      throw this.#failure;
    }
  }
}
