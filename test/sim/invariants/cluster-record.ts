// All that is known of one cluster, whichever of its nodes has shown it, and kept whatever becomes of them.

import type { CommandTable } from "../../../src/commands/table.ts";
import { ClusterInvariants, type Inspected } from "../../../src/raft/invariants.ts";
import type { LogIndex, NodeId, Term } from "../../../src/raft/types.ts";
import { KnownLog } from "./known-log.ts";
import { ReadConfirmations } from "./read-confirmations.ts";
import { ReferenceState } from "./reference-state.ts";
import { Stability } from "./stability.ts";
import { Violation } from "./violation.ts";
import type { WatchedNode } from "./watched-node.ts";

export class ClusterRecord {
  readonly invariants: ClusterInvariants;
  readonly log = new KnownLog();
  readonly confirmations = new ReadConfirmations();
  readonly stability = new Stability();
  readonly reference: ReferenceState;
  /** The latest life of each node. */
  readonly nodes = new Map<NodeId, WatchedNode>();
  /** Nodes whose disk was damaged or replaced: what they held they may have lost. */
  readonly damaged = new Set<NodeId>();
  /** Leaders seen, each in its term. */
  elections = 0;
  /** Who was seen to give a vote, by term and candidate. */
  readonly #votes = new Map<string, Set<NodeId>>();

  constructor(commands: CommandTable) {
    this.reference = new ReferenceState(commands);
    this.invariants = new ClusterInvariants((id, index, term) => this.#isOnDisk(id, index, term));
  }

  noteVote(term: Term, candidate: NodeId, voter: NodeId): void {
    const key = `${term} ${candidate}`;
    const voters = this.#votes.get(key);
    if (voters === undefined) this.#votes.set(key, new Set([voter]));
    else voters.add(voter);
  }

  /** The node on `name` was just seen to lead its term: a majority of voters has voted for it, and others do not count. */
  checkElection(
    { id, currentTerm, membership }: Pick<Inspected, "id" | "currentTerm" | "membership">,
    name: string,
  ): void {
    this.elections++;
    const votes = this.#votes.get(`${currentTerm} ${id}`);
    const voters = membership.members.filter(({ voting }) => voting);
    const given = voters.filter((voter) => voter.id === id || votes?.has(voter.id) === true);
    if (given.length * 2 > voters.length) return;
    throw new Violation(
      10,
      `node ${id} on ${name} leads term ${currentTerm} by ${given.length} votes of ${voters.length} voters`,
    );
  }

  /** Whether the entry is on the disk of node `id`, or would be had nobody damaged or replaced that. */
  #isOnDisk(id: NodeId, index: LogIndex, term: Term): boolean {
    const node = this.nodes.get(id);
    if (this.damaged.has(id)) return true;
    return node !== undefined && (!node.syncs || node.durableLog.at(index)?.term === term);
  }

  /** The same of the committed entry at `index`, read anew: O(log). */
  keeps(id: NodeId, index: LogIndex): boolean {
    this.nodes.get(id)?.durableLog.forget();
    return this.#isOnDisk(id, index, this.invariants.committedTermAt(index));
  }
}
