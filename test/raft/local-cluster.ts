// A few cores in one process, driven by a test: messages wait until they are delivered, time stands until it is moved.

import { assert } from "../../src/base/assert.ts";
import type { RaftTuning } from "../../src/raft/options.ts";
import type { Raft } from "../../src/raft/raft.ts";
import type { Entry, HardState, Message, NodeId, Term } from "../../src/raft/types.ts";
import { Entry as LogEntry } from "../../src/raft/types.ts";
import { MemoryNode, membershipOf } from "./memory-node.ts";

export interface Disk {
  readonly hardState: HardState;
  /** Terms of the entries, from index 1. */
  readonly terms: readonly Term[];
}

/** A disk with a log of these terms; the current term is the last entry's unless given. */
export function diskOf(
  terms: readonly Term[],
  currentTerm: Term = terms.at(-1) ?? 0,
  votedFor: NodeId = 0,
): Disk {
  return { hardState: { currentTerm, votedFor }, terms };
}

export class LocalCluster {
  readonly nodes = new Map<NodeId, MemoryNode>();
  /** What waits to be delivered, in order of sending. */
  messages: Message[] = [];
  /** Nodes whose links lose everything. */
  readonly isolated = new Set<NodeId>();
  readonly #voters: readonly NodeId[];
  readonly #tuning: Partial<RaftTuning>;
  nowMs = 0;

  /** Voters 1 … `size`; those in `disks` start with what their disk holds. */
  constructor(size: number, disks: Readonly<Record<number, Disk>> = {}, tuning: Partial<RaftTuning> = {}) {
    this.#tuning = tuning;
    this.#voters = Array.from({ length: size }, (_, at) => at + 1);
    for (const id of this.#voters) this.create(id, disks[id], this.#voters);
  }

  create(id: NodeId, disk?: Disk, voters: readonly NodeId[] = []): MemoryNode {
    const random = { below: (bound: number) => (id * 10) % bound };
    const founding = voters.length > 0 ? membershipOf(voters) : null;
    const options = { id, founding, random, tuning: this.#tuning, nowMs: this.nowMs };
    const node = new MemoryNode(options, (prepared) => {
      if (disk === undefined) return;
      prepared.hardState = disk.hardState;
      prepared.log.append(disk.terms.map((term, at) => new LogEntry(at + 1, term, "command", 0, null, null)));
    });
    this.nodes.set(id, node);
    this.settle(node);
    return node;
  }

  raft(id: NodeId): Raft {
    return this.node(id).raft;
  }

  node(id: NodeId): MemoryNode {
    const node = this.nodes.get(id);
    assert(node !== undefined, `node ${id} exists`);
    return node;
  }

  /** The terms in node `id`'s log. */
  terms(id: NodeId): Term[] {
    const { log } = this.node(id);
    return log.slice(log.firstIndex, log.lastIndex + 1).map((entry) => entry.term);
  }

  /** Does what the core asks for, syncs, and collects its messages; returns these. */
  settle(node: MemoryNode): Message[] {
    const sent: Message[] = [];
    while (node.raft.hasReady) {
      sent.push(...node.handleReady());
      node.sync();
    }
    if (node.raft.commitIndex > node.raft.appliedIndex) node.raft.applied(node.raft.commitIndex);
    const leaving = sent.filter(({ from, to }) => !this.isolated.has(from) && !this.isolated.has(to));
    this.messages.push(...leaving);
    return leaving;
  }

  settleAll(): void {
    for (const node of this.nodes.values()) this.settle(node);
  }

  /** Hands `message` to its receiver; returns what that sends. */
  deliverOne(message: Message): Message[] {
    const node = this.nodes.get(message.to);
    if (node === undefined || this.isolated.has(message.to) || this.isolated.has(message.from)) return [];
    assert(node.raft.step(message, this.nowMs) === null, "messages between cores are sound");
    return this.settle(node);
  }

  /** Delivers until all is quiet. */
  deliver(): void {
    this.settleAll();
    for (let message = this.messages.shift(); message !== undefined; message = this.messages.shift()) {
      this.deliverOne(message);
    }
  }

  /** Lets time pass for the nodes in `ids`, or for all; the clock is one for all. */
  tick(ms: number, ids: readonly NodeId[] = [...this.nodes.keys()]): void {
    this.nowMs += ms;
    for (const id of ids) {
      this.raft(id).tick(this.nowMs);
      this.settle(this.node(id));
    }
  }

  /** Makes `id` leader by an operator's order; everyone hears of it. */
  elect(id: NodeId): Raft {
    this.raft(id).campaignNow(this.nowMs);
    this.deliver();
    this.tick(0);
    this.deliver();
    assert(this.raft(id).role === "leader", `node ${id} wins its election`);
    return this.raft(id);
  }

  propose(id: NodeId, record: Uint8Array | null = null): Entry {
    const entry = this.raft(id).propose("command", 0, record);
    assert(typeof entry !== "string", `the proposal is accepted, not refused as ${String(entry)}`);
    return entry;
  }
}
