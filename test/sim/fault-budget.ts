// How much may be lost for good at the same time. Raft promises nothing once a majority of the disks that vouched for an
// entry have forgotten it: so of the voters only a minority may have lost what they held, until each has been removed
// from the cluster and has come back as another node. What passes (crashes, partitions, pauses) has no budget.

import type { Operator } from "./operator.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import type { VirtualWorld } from "./virtual-world.ts";

export class FaultBudget {
  readonly #world: VirtualWorld;
  readonly #operator: Operator;
  /** Machines whose disks no longer hold what their nodes have vouched for, and the nodes' ids. */
  readonly #lost = new Map<VirtualMachine, number>();

  constructor(world: VirtualWorld, operator: Operator) {
    this.#world = world;
    this.#operator = operator;
  }

  /** Whether a voter more may lose what it holds now. */
  get hasRoom(): boolean {
    // While members change, majorities are those of two configurations.
    if (!this.#operator.isIdle || !this.#hasSoundLeader) return false;
    const counts = this.#world.running.map(({ process }) => process?.node.raftStatus().votingNodeCount ?? 0);
    const voters = counts.filter((count) => count > 0);
    if (voters.length === 0) return false;
    return this.#lost.size + 1 <= Math.floor((Math.min(...voters) - 1) / 2);
  }

  /** Somebody leads who can know the members of now: nodes that were away may still count some that have gone. */
  get #hasSoundLeader(): boolean {
    const { leader, running } = this.#world;
    const node = leader?.process?.node;
    if (node === undefined || node.member?.raft.canServe !== true) return false;
    return running.every(({ process }) => (process?.node.currentTerm ?? 0) <= node.currentTerm);
  }

  /** Whether a removal is no danger: with everybody's data there, and enough nodes left. */
  get allowsRemoval(): boolean {
    return this.#lost.size === 0 && this.#operator.isIdle;
  }

  lose(machine: VirtualMachine, nodeId: number): void {
    this.#lost.set(machine, nodeId);
  }

  /** The machine's node is no member any more, and the next one begins with an empty disk. */
  replaced(machine: VirtualMachine): void {
    this.#lost.delete(machine);
  }

  isDamaged(machine: VirtualMachine): boolean {
    return this.#lost.has(machine);
  }

  /** The id of the node whose data `machine` has lost; undefined when it has not. */
  lostNodeOf(machine: VirtualMachine): number | undefined {
    return this.#lost.get(machine);
  }
}
