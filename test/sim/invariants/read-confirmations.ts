// Which read rounds leaders have sent, and who has echoed them, from what nodes tell each other: by that, whether a leader
// could know at some moment that it still led after another one.

import type { Membership, NodeId, Term } from "../../../src/raft/types.ts";

/** What one node has said as the leader of one term, and what it was told. */
interface Leadership {
  readonly term: Term;
  /** The highest round that each follower was seen to echo. */
  readonly echoed: Map<NodeId, number>;
}

export class ReadConfirmations {
  readonly #roundsSent = new Map<NodeId, number>();
  /** The last leaderships of each node, newest first. */
  readonly #leaderships = new Map<NodeId, Leadership[]>();

  /** Node `id` has lost its memory. */
  restarted(id: NodeId): void {
    this.#roundsSent.delete(id);
    this.#leaderships.delete(id);
  }

  /** The highest round that node `id` has sent so far. */
  roundSent(id: NodeId): number {
    return this.#roundsSent.get(id) ?? 0;
  }

  /** Leader `id` sends `round`. */
  sent(id: NodeId, round: number): void {
    if (round > this.roundSent(id)) this.#roundsSent.set(id, round);
  }

  /** `follower` tells `leader`, in `term`, that it has heard `round`. */
  echoed(leader: NodeId, follower: NodeId, term: Term, round: number): void {
    let leaderships = this.#leaderships.get(leader);
    if (leaderships === undefined) this.#leaderships.set(leader, (leaderships = []));
    let leadership = leaderships.find((candidate) => candidate.term === term);
    if (leadership === undefined) {
      leaderships.unshift((leadership = { term, echoed: new Map() }));
      leaderships.length = Math.min(leaderships.length, leadershipsKept);
    }
    if (round > (leadership.echoed.get(follower) ?? 0)) leadership.echoed.set(follower, round);
  }

  /** Whether a majority of the voters has echoed a round of `leader`, in one term, that it sent after `round`. */
  isConfirmed(leader: NodeId, round: number, { members }: Membership): boolean {
    const voters = members.filter(({ voting }) => voting);
    const isMajority = (echoed: Leadership["echoed"] | null): boolean => {
      const given = voters.filter(({ id }) => id === leader || (echoed?.get(id) ?? 0) > round);
      return given.length * 2 > voters.length;
    };
    return isMajority(null) || (this.#leaderships.get(leader) ?? []).some(({ echoed }) => isMajority(echoed));
  }
}

const leadershipsKept = 3;
