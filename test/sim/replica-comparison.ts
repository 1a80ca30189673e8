// What must hold between the replicas of a world at any moment: one leader a term, and equal states at equal places of
// the log. It remembers, so that a node is held to what another, or it itself in an earlier life, has been seen to have.

import { assert } from "../../src/base/assert.ts";
import type { VirtualMachine } from "./virtual-machine.ts";

export class ReplicaComparison {
  /** Cluster and term, and who leads it. */
  readonly #leaders = new Map<string, number>();
  /** Cluster and index, and the digest there. */
  readonly #digests = new Map<string, string>();
  /** What was looked at last, by machine. */
  readonly #lookedAt = new Map<string, string>();
  /** Ids of all clusters seen. */
  readonly clusterIds = new Set<string>();
  comparisons = 0;

  /** Leaders seen, each in its term. */
  get leaderCount(): number {
    return this.#leaders.size;
  }

  /** Looks at leaders, and at states if `comparesStates`, which costs as much as the keyspaces are large. */
  look(machines: readonly VirtualMachine[], comparesStates: boolean): void {
    for (const { name, process } of machines) {
      if (process === null) continue;
      const { node } = process;
      if (node.clusterId === "") continue;
      this.clusterIds.add(node.clusterId);
      if (node.leading) this.#noteLeader(`${node.clusterId} term ${node.currentTerm}`, node.nodeId);
      if (!comparesStates) continue;
      const place = `${node.clusterId} index ${node.member?.replica.stateMachine.appliedIndex}`;
      if (this.#lookedAt.get(name) === place) continue;
      this.#lookedAt.set(name, place);
      this.#noteDigest(place, node.digest().digest, name);
    }
  }

  #noteLeader(term: string, leader: number): void {
    const known = this.#leaders.get(term);
    assert(known === undefined || known === leader, `one leader of ${term}, not ${known} and ${leader}`);
    this.#leaders.set(term, leader);
  }

  #noteDigest(place: string, digest: string, name: string): void {
    const known = this.#digests.get(place);
    if (known !== undefined) this.comparisons++;
    assert(known === undefined || known === digest, `${name} to have the state that others had at ${place}`);
    this.#digests.set(place, digest);
  }
}
