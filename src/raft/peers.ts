// A leader's followers, and what a majority of the voters amounts to. The leader itself has no `Progress`: what it has
// stored is its log's stable index, and it counts as a voter only while it is one (dissertation §4.2.2: a leader that
// removes itself replicates on without counting itself).

import type { ProgressState } from "./progress.ts";
import { Progress } from "./progress.ts";
import type { LogIndex, Membership, NodeId } from "./types.ts";

/** What a leader knows of a peer, for INFO. */
export interface PeerStatus {
  readonly id: NodeId;
  readonly voting: boolean;
  /** Removed, and told so until one election timeout after the removal has committed: keep its link open so long. */
  readonly leaving: boolean;
  /** Its log takes no commands. */
  readonly full: boolean;
  readonly state: ProgressState;
  readonly matchIndex: LogIndex;
  readonly nextIndex: LogIndex;
  readonly inflightCount: number;
}

export class Peers {
  readonly #selfId: NodeId;
  /** Everyone to send to: voters, learners, and removed members that are still told of their removal. */
  #all: Progress[] = [];
  #voters: Progress[] = [];
  #learners: Progress[] = [];
  readonly #byId = new Map<NodeId, Progress>();
  #selfVotes = false;
  /** One value per voter, to pick the majority's from. */
  #scratch = new Float64Array(8);

  constructor(selfId: NodeId) {
    this.#selfId = selfId;
  }

  get all(): readonly Progress[] {
    return this.#all;
  }

  get learners(): readonly Progress[] {
    return this.#learners;
  }

  get(id: NodeId): Progress | undefined {
    return this.#byId.get(id);
  }

  clear(): void {
    this.#byId.clear();
    this.#regroup();
  }

  /** Follows a configuration that entry `index` brought; newcomers are probed from `nextIndex` on. */
  adopt(membership: Membership, index: LogIndex, nextIndex: LogIndex, nowMs: number): void {
    const members = new Map(membership.members.map((member) => [member.id, member.voting]));
    for (const progress of this.#byId.values()) {
      if (members.has(progress.id)) continue;
      progress.voting = false;
      if (progress.leavingIndex === 0) progress.leavingIndex = index;
    }
    for (const [id, voting] of members) {
      const known = this.#byId.get(id);
      if (known !== undefined) known.voting = voting;
      else if (id !== this.#selfId) this.#byId.set(id, new Progress(id, voting, nextIndex, nowMs));
    }
    this.#selfVotes = members.get(this.#selfId) === true;
    this.#regroup();
  }

  /** Everyone, for display. */
  status(): PeerStatus[] {
    return this.#all.map((progress) => ({
      id: progress.id,
      voting: progress.voting,
      leaving: progress.leavingIndex > 0,
      full: progress.full,
      state: progress.state,
      matchIndex: progress.matchIndex,
      nextIndex: progress.nextIndex,
      inflightCount: progress.inflightCount,
    }));
  }

  /** Stops telling a removed member. */
  forget(id: NodeId): void {
    this.#byId.delete(id);
    this.#regroup();
  }

  /** The voter whose log reaches furthest, of those with room if there are any; undefined if there is no other voter. */
  mostCaughtUpVoter(): Progress | undefined {
    let best: Progress | undefined;
    for (const voter of this.#voters) {
      if (best !== undefined && voter.full && !best.full) continue;
      const hasMoreRoom = best?.full === true && !voter.full;
      if (best === undefined || hasMoreRoom || voter.matchIndex > best.matchIndex) best = voter;
    }
    return best;
  }

  /** Whether the logs of voters are full and no majority is left without them, this leader's log not being full. */
  isMajorityFull(silentSinceMs: number): boolean {
    let able = this.#selfVotes ? 1 : 0;
    let full = 0;
    for (let i = 0; i < this.#voters.length; i++) {
      const voter = this.#voterAt(i);
      if (voter.full) full++;
      else if (voter.heardMs > silentSinceMs) able++;
    }
    return full > 0 && able * 2 <= this.#voters.length + (this.#selfVotes ? 1 : 0);
  }

  /** Whether a majority of the voters are full, and have not stored everything before `index`. */
  isMajorityFullBefore(index: LogIndex): boolean {
    let count = 0;
    for (const voter of this.#voters) if (voter.full && voter.matchIndex < index - 1) count++;
    return count * 2 > this.#voters.length + (this.#selfVotes ? 1 : 0);
  }

  /** The greatest index that a majority of voters has stored, the leader up to `selfIndex`. */
  majorityMatchIndex(selfIndex: LogIndex): LogIndex {
    const count = this.#begin(selfIndex);
    for (let i = 0; i < this.#voters.length; i++) this.#scratch[i] = this.#voterAt(i).matchIndex;
    return this.#majorityOf(count, selfIndex);
  }

  /** The greatest round that a majority of voters has echoed, the leader `selfRound`. */
  majorityRound(selfRound: number): number {
    const count = this.#begin(selfRound);
    for (let i = 0; i < this.#voters.length; i++) this.#scratch[i] = this.#voterAt(i).roundEchoed;
    return this.#majorityOf(count, selfRound);
  }

  /** The latest time since which a majority of voters has been heard from, the leader `nowMs`. */
  majorityHeardMs(nowMs: number): number {
    const count = this.#begin(nowMs);
    for (let i = 0; i < this.#voters.length; i++) this.#scratch[i] = this.#voterAt(i).heardMs;
    return this.#majorityOf(count, nowMs);
  }

  /** Enters the leader's own value, behind the others'; returns the number of voters. */
  #begin(selfValue: number): number {
    if (!this.#selfVotes) return this.#voters.length;
    this.#scratch[this.#voters.length] = selfValue;
    return this.#voters.length + 1;
  }

  /** The greatest value that more than half of the `count` values reach. Without any voter the leader is on its own. */
  #majorityOf(count: number, selfValue: number): number {
    if (count === 0) return selfValue;
    // Insertion sort, descending: clusters have a handful of voters.
    const values = this.#scratch;
    for (let i = 1; i < count; i++) {
      const value = values[i] ?? 0;
      let at = i;
      for (; at > 0 && (values[at - 1] ?? 0) < value; at--) values[at] = values[at - 1] ?? 0;
      values[at] = value;
    }
    return values[count >>> 1] ?? 0;
  }

  #voterAt(i: number): Progress {
    return this.#voters[i] as Progress;
  }

  #regroup(): void {
    this.#all = [...this.#byId.values()];
    this.#voters = this.#all.filter((progress) => progress.voting);
    this.#learners = this.#all.filter((progress) => !progress.voting && progress.leavingIndex === 0);
    if (this.#scratch.length <= this.#voters.length)
      this.#scratch = new Float64Array(this.#voters.length * 2);
  }
}
