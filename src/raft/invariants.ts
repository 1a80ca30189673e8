// What must hold whatever happens (Figure 3.2 and the promises around it): checked by tests and by the simulator after
// every step, on the node that stepped. `NodeInvariants` looks at one node, at a state and at the step that led to it;
// `ClusterInvariants` compares nodes, and remembers across restarts what must never be taken back. What they find is
// reported by the name of the promise that is broken.

import { AssertionError } from "../base/assert.ts";
import type { Raft } from "./raft.ts";
import type { Entry, LogIndex, Membership, MembershipRecord, NodeId, Role, Term } from "./types.ts";

export type RaftInvariant =
  | "Election Safety"
  | "Votes"
  | "Log Matching"
  | "Leader Completeness"
  | "Commitment"
  | "No Truncation"
  | "Durability"
  | "State Machine Safety"
  | "Compaction"
  | "Configuration"
  | "Read Safety";

/** A promise of Raft that does not hold. */
export class InvariantViolation extends AssertionError {
  readonly invariant: RaftInvariant;

  constructor(invariant: RaftInvariant, expectation: string) {
    super(`${invariant}: ${expectation}`);
    this.invariant = invariant;
  }
}

function hold(invariant: RaftInvariant, condition: boolean, expectation: string): asserts condition {
  if (!condition) throw new InvariantViolation(invariant, expectation);
}

/** What of a core is looked at. */
export type Inspected = Pick<
  Raft,
  | "id"
  | "role"
  | "currentTerm"
  | "votedFor"
  | "leaderId"
  | "commitIndex"
  | "appliedIndex"
  | "stableIndex"
  | "firstIndex"
  | "lastIndex"
  | "termAt"
  | "membership"
  | "membershipIndex"
  | "canServe"
  | "peers"
>;

/** What `NodeInvariants` remembers of the state before a step. */
interface Observation {
  readonly role: Role;
  readonly currentTerm: Term;
  readonly votedFor: NodeId;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly membership: Membership;
  readonly membershipIndex: LogIndex;
}

/** Watches one node, from one start of its process to the next. */
export class NodeInvariants {
  #before: Observation | null = null;

  /** Checks the state that `raft` is in, and the step from the one it was in at the last call. */
  check(raft: Inspected): void {
    checkState(raft);
    if (this.#before !== null) checkStep(this.#before, raft);
    this.#before = {
      role: raft.role,
      currentTerm: raft.currentTerm,
      votedFor: raft.votedFor,
      commitIndex: raft.commitIndex,
      appliedIndex: raft.appliedIndex,
      lastIndex: raft.lastIndex,
      lastTerm: raft.termAt(raft.lastIndex),
      membership: raft.membership,
      membershipIndex: raft.membershipIndex,
    };
  }
}

/** What holds in every state by itself. */
function checkState(raft: Inspected): void {
  const { id, role, leaderId, votedFor, currentTerm, commitIndex, lastIndex } = raft;
  hold("State Machine Safety", raft.appliedIndex <= commitIndex, "appliedIndex ≤ commitIndex");
  hold("Commitment", commitIndex <= lastIndex, "commitIndex ≤ lastIndex");
  hold("Durability", raft.stableIndex <= lastIndex, "stableIndex ≤ lastIndex");
  hold("Compaction", commitIndex >= raft.firstIndex - 1, "only committed entries are compacted away");
  hold("Votes", raft.termAt(lastIndex) <= currentTerm, "no entry is of a later term than its holder");
  hold("Configuration", raft.membershipIndex <= lastIndex, "the configuration in effect is in the log");
  hold(
    "Election Safety",
    (role === "leader") === (leaderId === id),
    "a node takes itself for the leader exactly when it leads",
  );
  if (role === "candidate" || role === "leader")
    hold("Votes", votedFor === id, "who campaigns has voted for itself");
  if (role === "candidate" || role === "pre-candidate")
    hold("Election Safety", leaderId === 0, "a campaigner knows no leader");
  hold("Read Safety", role === "leader" || !raft.canServe, "only leaders serve");
  const peers = raft.peers();
  hold("Commitment", role === "leader" || peers.length === 0, "only leaders track peers");
  if (role !== "leader") return;
  hold("Election Safety", raft.termAt(lastIndex) === currentTerm, "a leader's log ends in its own term");
  hold(
    "Read Safety",
    !raft.canServe || raft.termAt(commitIndex) === currentTerm,
    "who serves has committed in its term",
  );
  for (const peer of peers) {
    hold("Commitment", peer.matchIndex < peer.nextIndex, "matchIndex < nextIndex");
    hold("Commitment", peer.nextIndex <= lastIndex + 1, "nextIndex ≤ lastIndex + 1");
  }
}

/** What holds between a state and a later one of the same process. */
function checkStep(before: Observation, raft: Inspected): void {
  hold("Votes", raft.currentTerm >= before.currentTerm, "currentTerm never goes back");
  hold("Commitment", raft.commitIndex >= before.commitIndex, "commitIndex never goes back");
  hold("State Machine Safety", raft.appliedIndex >= before.appliedIndex, "appliedIndex never goes back");
  const isSameTerm = raft.currentTerm === before.currentTerm;
  if (isSameTerm && before.votedFor !== 0)
    hold("Votes", raft.votedFor === before.votedFor, "a vote is not taken back");
  if (isSameTerm && raft.role === "leader") {
    hold(
      "Election Safety",
      before.role !== "follower" && before.role !== "pre-candidate",
      "a term is won by a candidate of that term",
    );
    if (before.role === "leader") {
      hold(
        "No Truncation",
        raft.lastIndex >= before.lastIndex,
        "Leader Append-Only: a leader deletes nothing",
      );
      hold(
        "No Truncation",
        raft.termAt(before.lastIndex) === before.lastTerm,
        "Leader Append-Only: a leader overwrites nothing",
      );
    }
  }
  if (raft.role === "leader" && raft.membershipIndex !== before.membershipIndex) checkChange(before, raft);
}

/** What makes single-server changes safe (dissertation §4.1): changes do not pile up, also not across terms. */
function checkChange(before: Observation, raft: Inspected): void {
  hold(
    "Configuration",
    before.membershipIndex <= raft.commitIndex,
    "a configuration is committed before the next one",
  );
  hold(
    "Configuration",
    raft.canServe || before.membershipIndex === 0,
    "a leader changes nothing before it has committed in its term",
  );
  checkOverlap(before.membership, raft.membership);
}

/** Of two configurations that follow each other: any majority of the one meets any of the other, and ids never return. */
function checkOverlap(before: Membership, after: Membership): void {
  const voters = votersOf(after);
  const votersBefore = votersOf(before);
  const joined = voters.filter((id) => !votersBefore.includes(id)).length;
  const left = votersBefore.filter((id) => !voters.includes(id)).length;
  hold("Configuration", joined + left <= 1, "a change concerns one voter");
  for (const id of before.usedIds)
    hold("Configuration", after.usedIds.includes(id), `id ${id}, once used, stays used`);
  for (const { id } of after.members) {
    const isNew = !before.members.some((member) => member.id === id);
    hold("Configuration", after.usedIds.includes(id), `member ${id} is noted as used`);
    hold("Configuration", !isNew || !before.usedIds.includes(id), `id ${id} is not given out again`);
  }
}

function votersOf(membership: Membership): NodeId[] {
  return membership.members.filter((member) => member.voting).map((member) => member.id);
}

/** Answers for the disks in a test: whether node `id` would still have the entry after a power failure. */
export type IsOnDisk = (id: NodeId, index: LogIndex, term: Term) => boolean;

interface KnownEntry {
  readonly prevTerm: Term;
  readonly entry: Entry;
}

/** How an index came to be committed. */
interface Committed {
  /** Term of the entry. */
  readonly term: Term;
  /** Term of the leader that committed it. */
  readonly byTerm: Term;
}

/** Watches all nodes of a cluster for as long as it lives. O(1) a step amortised, after a restart O(committed entries). */
export class ClusterInvariants {
  readonly #isOnDisk: IsOnDisk;
  readonly #nodes = new Map<NodeId, NodeInvariants>();
  /** Of each node: how far its commit index has been checked, and the configuration it used at that time. */
  readonly #commits = new Map<NodeId, { readonly index: LogIndex; readonly membership: Membership }>();
  readonly #leaders = new Map<Term, NodeId>();
  /** Of each node: the latest term that it was seen in, and its vote there. */
  readonly #votes = new Map<NodeId, { readonly term: Term; readonly votedFor: NodeId }>();
  readonly #entries = new Map<string, KnownEntry>();
  readonly #committed: Committed[] = [{ term: 0, byTerm: 0 }];

  constructor(isOnDisk: IsOnDisk) {
    this.#isOnDisk = isOnDisk;
  }

  /** The greatest index that any node has known as committed. */
  get committedIndex(): LogIndex {
    return this.#committed.length - 1;
  }

  /** Term of the committed entry at `index`, in `[0, committedIndex]`. */
  committedTermAt(index: LogIndex): Term {
    return this.#committedAt(index).term;
  }

  /** Who leads or led `term`; undefined when nobody was seen to. */
  leaderOf(term: Term): NodeId | undefined {
    return this.#leaders.get(term);
  }

  /** Node `id` lost what it held in memory; what it had promised still binds it. */
  restarted(id: NodeId): void {
    this.#nodes.delete(id);
    this.#commits.delete(id);
  }

  /** Checks the node that has just taken a step. */
  check(raft: Inspected): void {
    let node = this.#nodes.get(raft.id);
    if (node === undefined) this.#nodes.set(raft.id, (node = new NodeInvariants()));
    node.check(raft);
    this.#checkVote(raft);
    if (raft.role === "leader") this.#checkLeader(raft);
    this.#checkCommitted(raft);
  }

  /** Log Matching: entries of equal index and term are equal, and so are the entries before them. */
  appended(entries: readonly Entry[], prevTerm: Term): void {
    for (const entry of entries) {
      const key = `${entry.index}@${entry.term}`;
      const known = this.#entries.get(key);
      if (known === undefined) {
        this.#entries.set(key, { prevTerm, entry });
      } else {
        hold("Log Matching", known.prevTerm === prevTerm, `before ${key} all logs are equal`);
        hold("Log Matching", isSameEntry(known.entry, entry), `all logs have the same entry ${key}`);
      }
      prevTerm = entry.term;
    }
  }

  /** One log holds `next` right behind `previous`, or behind none. Only the last of a log's changes may be uncommitted. */
  configured(previous: MembershipRecord | undefined, next: MembershipRecord): void {
    if (previous === undefined) return;
    hold(
      "Configuration",
      previous.index <= this.committedIndex,
      `one uncommitted change at a time, not those of entries ${previous.index} and ${next.index}`,
    );
    checkOverlap(previous.membership, next.membership);
  }

  /** A read that arrived when `committedAtArrival` was committed somewhere is answered from the state at `readIndex`. */
  readAnswered(readIndex: LogIndex, committedAtArrival: LogIndex): void {
    hold(
      "Read Safety",
      readIndex >= committedAtArrival,
      `a read sees everything that was committed before it arrived: entry ${committedAtArrival}, not only ${readIndex}`,
    );
  }

  #checkVote({ id, currentTerm, votedFor }: Inspected): void {
    const seen = this.#votes.get(id);
    if (seen?.term === currentTerm && seen.votedFor === votedFor) return;
    if (seen !== undefined) {
      hold(
        "Votes",
        currentTerm >= seen.term,
        `node ${id} forgets no term, also not term ${seen.term} over a restart`,
      );
      hold(
        "Votes",
        currentTerm > seen.term || seen.votedFor === 0 || seen.votedFor === votedFor,
        `node ${id} in ${currentTerm} votes once, also across restarts: for ${seen.votedFor}, not for ${votedFor}`,
      );
    }
    this.#votes.set(id, { term: currentTerm, votedFor });
  }

  #checkLeader(raft: Inspected): void {
    const { id, currentTerm } = raft;
    const leader = this.#leaders.get(currentTerm);
    if (leader === id) return;
    hold(
      "Election Safety",
      leader === undefined,
      `one leader in term ${currentTerm}, not ${leader} and ${id}`,
    );
    this.#leaders.set(currentTerm, id);
    // What a later leader has committed meanwhile binds only those after it: this one may have been elected long ago.
    let index = this.committedIndex;
    while (this.#committedAt(index).byTerm >= currentTerm) index--;
    for (; index >= raft.firstIndex; index--) {
      hold(
        "Leader Completeness",
        index <= raft.lastIndex && raft.termAt(index) === this.#committedAt(index).term,
        `leader ${id} of term ${currentTerm} has the committed entry ${index}`,
      );
    }
  }

  #checkCommitted(raft: Inspected): void {
    const checked = this.#commits.get(raft.id);
    const { commitIndex, membership } = raft;
    if (checked?.index === commitIndex && checked.membership === membership) return;
    const from = Math.max(raft.firstIndex, (checked?.index ?? 0) + 1);
    const knownTo = Math.min(commitIndex, this.committedIndex);
    for (let index = from; index <= knownTo; index++) {
      hold(
        "State Machine Safety",
        raft.termAt(index) === this.#committedAt(index).term,
        `one committed entry at ${index}`,
      );
    }
    if (commitIndex > this.committedIndex) this.#checkNewlyCommitted(raft, checked?.membership ?? membership);
    this.#commits.set(raft.id, { index: commitIndex, membership });
  }

  /** Nobody knew these as committed before `raft` did: it leads their last term, and a majority of voters keeps them. */
  #checkNewlyCommitted(raft: Inspected, membershipBefore: Membership): void {
    const { id, commitIndex } = raft;
    const byTerm = raft.termAt(commitIndex);
    hold(
      "Commitment",
      this.#leaders.get(byTerm) === id,
      `a leader commits by counting entries of its own term: node ${id}, entry ${commitIndex} of term ${byTerm}`,
    );
    for (let index = this.#committed.length; index <= commitIndex; index++) {
      const term = raft.termAt(index);
      this.#committed.push({ term, byTerm });
      // A leader may use a new configuration from the very step on in which it commits an entry by the old one.
      const isKept = [raft.membership, membershipBefore].some((membership) => {
        const voters = votersOf(membership);
        const keepers = voters.filter((voter) => this.#isOnDisk(voter, index, term));
        return voters.length === 0 || keepers.length * 2 > voters.length;
      });
      hold(
        "Durability",
        isKept,
        `what is committed is on the disks of a majority: entry ${index} of term ${term}`,
      );
    }
  }

  #committedAt(index: LogIndex): Committed {
    const committed = this.#committed[index];
    hold("Commitment", committed !== undefined, `entry ${index} is known as committed`);
    return committed;
  }
}

function isSameEntry(one: Entry, other: Entry): boolean {
  if (one.kind !== other.kind || one.stampMs !== other.stampMs) return false;
  if (JSON.stringify(one.membership) !== JSON.stringify(other.membership)) return false;
  return (
    one.record === other.record ||
    (one.record !== null && other.record !== null && isSameRecord(one.record, other.record))
  );
}

function isSameRecord(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
