// What must hold whatever happens (Figure 3.2 and the promises around it): checked by tests and by the simulator after
// every step, on the node that stepped. `NodeInvariants` looks at one node, at a state and at the step that led to it;
// `ClusterInvariants` compares nodes, and remembers across restarts what must never be taken back.

import { assert } from "../base/assert.ts";
import type { Raft } from "./raft.ts";
import type { Entry, LogIndex, Membership, NodeId, Role, Term } from "./types.ts";

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
  check(raft: Raft): void {
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
function checkState(raft: Raft): void {
  const { id, role, leaderId, votedFor, currentTerm, commitIndex, lastIndex } = raft;
  assert(raft.appliedIndex <= commitIndex, "appliedIndex ≤ commitIndex");
  assert(commitIndex <= lastIndex, "commitIndex ≤ lastIndex");
  assert(raft.stableIndex <= lastIndex, "stableIndex ≤ lastIndex");
  assert(commitIndex >= raft.firstIndex - 1, "only committed entries are compacted away");
  assert(raft.termAt(lastIndex) <= currentTerm, "no entry is of a later term than its holder");
  assert(raft.membershipIndex <= lastIndex, "the configuration in effect is in the log");
  assert(
    (role === "leader") === (leaderId === id),
    "a node takes itself for the leader exactly when it leads",
  );
  if (role === "candidate" || role === "leader")
    assert(votedFor === id, "who campaigns has voted for itself");
  if (role === "candidate" || role === "pre-candidate")
    assert(leaderId === 0, "a campaigner knows no leader");
  assert(role === "leader" || !raft.canServe, "only leaders serve");
  assert(role === "leader" || raft.peers().length === 0, "only leaders track peers");
  if (role !== "leader") return;
  assert(raft.termAt(lastIndex) === currentTerm, "a leader's log ends in its own term");
  assert(!raft.canServe || raft.termAt(commitIndex) === currentTerm, "who serves has committed in its term");
  for (const peer of raft.peers()) {
    assert(peer.matchIndex < peer.nextIndex, "matchIndex < nextIndex");
    assert(peer.nextIndex <= lastIndex + 1, "nextIndex ≤ lastIndex + 1");
  }
}

/** What holds between a state and a later one of the same process. */
function checkStep(before: Observation, raft: Raft): void {
  assert(raft.currentTerm >= before.currentTerm, "currentTerm never goes back");
  assert(raft.commitIndex >= before.commitIndex, "commitIndex never goes back");
  assert(raft.appliedIndex >= before.appliedIndex, "appliedIndex never goes back");
  const isSameTerm = raft.currentTerm === before.currentTerm;
  if (isSameTerm && before.votedFor !== 0)
    assert(raft.votedFor === before.votedFor, "a vote is not taken back");
  if (isSameTerm && raft.role === "leader") {
    assert(
      before.role !== "follower" && before.role !== "pre-candidate",
      "a term is won by a candidate of that term",
    );
    if (before.role === "leader") {
      assert(raft.lastIndex >= before.lastIndex, "Leader Append-Only: a leader deletes nothing");
      assert(
        raft.termAt(before.lastIndex) === before.lastTerm,
        "Leader Append-Only: a leader overwrites nothing",
      );
    }
  }
  if (raft.role === "leader" && raft.membershipIndex !== before.membershipIndex) checkChange(before, raft);
}

/** What makes single-server changes safe (dissertation §4.1): old and new majorities overlap, and changes do not pile up. */
function checkChange(before: Observation, raft: Raft): void {
  assert(before.membershipIndex <= raft.commitIndex, "a configuration is committed before the next one");
  assert(
    raft.canServe || before.membershipIndex === 0,
    "a leader changes nothing before it has committed in its term",
  );
  const voters = votersOf(raft.membership);
  const votersBefore = votersOf(before.membership);
  const joined = voters.filter((id) => !votersBefore.includes(id)).length;
  const left = votersBefore.filter((id) => !voters.includes(id)).length;
  assert(joined + left <= 1, "a change concerns one voter");
  const { usedIds } = raft.membership;
  assert(
    before.membership.usedIds.every((id) => usedIds.includes(id)),
    "an id once used stays used",
  );
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

/** Watches all nodes of a cluster for as long as it lives. O(1) a step, but for new leaders: O(committed entries). */
export class ClusterInvariants {
  readonly #isOnDisk: IsOnDisk;
  readonly #nodes = new Map<NodeId, NodeInvariants>();
  /** Of each node: how far its commit index has been checked, and the configuration it used at that time. */
  readonly #commits = new Map<NodeId, { readonly index: LogIndex; readonly membership: Membership }>();
  readonly #leaders = new Map<Term, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  readonly #entries = new Map<string, KnownEntry>();
  /** Term of the committed entry at each index; `[0]` is 0. */
  readonly #committedTerms: Term[] = [0];

  constructor(isOnDisk: IsOnDisk) {
    this.#isOnDisk = isOnDisk;
  }

  /** The greatest index that any node has known as committed. */
  get committedIndex(): LogIndex {
    return this.#committedTerms.length - 1;
  }

  /** Node `id` lost what it held in memory; what it had promised still binds it. */
  restarted(id: NodeId): void {
    this.#nodes.delete(id);
    this.#commits.delete(id);
  }

  /** Checks the node that has just taken a step. */
  check(raft: Raft): void {
    let node = this.#nodes.get(raft.id);
    if (node === undefined) this.#nodes.set(raft.id, (node = new NodeInvariants()));
    node.check(raft);
    this.#checkVote(raft);
    this.#checkCommitted(raft);
    if (raft.role === "leader") this.#checkLeader(raft);
  }

  /** Log Matching: entries of equal index and term are equal, and so are the entries before them. */
  appended(entries: readonly Entry[], prevTerm: Term): void {
    for (const entry of entries) {
      const key = `${entry.index}@${entry.term}`;
      const known = this.#entries.get(key);
      if (known === undefined) {
        this.#entries.set(key, { prevTerm, entry });
      } else {
        assert(known.prevTerm === prevTerm, `Log Matching: before ${key} all logs are equal`);
        assert(isSameEntry(known.entry, entry), `Log Matching: all logs have the same entry ${key}`);
      }
      prevTerm = entry.term;
    }
  }

  /** A read that arrived when `committedAtArrival` was committed somewhere is answered from the state at `readIndex`. */
  readAnswered(readIndex: LogIndex, committedAtArrival: LogIndex): void {
    assert(readIndex >= committedAtArrival, "a read sees everything that was committed before it arrived");
  }

  #checkVote(raft: Raft): void {
    if (raft.votedFor === 0) return;
    const key = `${raft.id} in ${raft.currentTerm}`;
    const vote = this.#votes.get(key) ?? raft.votedFor;
    assert(vote === raft.votedFor, `node ${key} votes once, also across restarts`);
    this.#votes.set(key, vote);
  }

  #checkLeader(raft: Raft): void {
    const { id, currentTerm } = raft;
    const leader = this.#leaders.get(currentTerm);
    assert(leader === undefined || leader === id, `Election Safety: one leader in term ${currentTerm}`);
    if (leader !== undefined) return;
    this.#leaders.set(currentTerm, id);
    for (let index = raft.firstIndex; index <= this.committedIndex; index++) {
      assert(
        index <= raft.lastIndex,
        `Leader Completeness: leader ${id} of term ${currentTerm} has entry ${index}`,
      );
      const isSame = raft.termAt(index) === this.#committedTerms[index];
      assert(
        isSame,
        `Leader Completeness: leader ${id} of term ${currentTerm} has the committed entry ${index}`,
      );
    }
  }

  #checkCommitted(raft: Raft): void {
    const checked = this.#commits.get(raft.id);
    for (
      let index = Math.max(raft.firstIndex, (checked?.index ?? 0) + 1);
      index <= raft.commitIndex;
      index++
    ) {
      const term = raft.termAt(index);
      const known = this.#committedTerms[index];
      assert(known === undefined || known === term, `State Machine Safety: one committed entry at ${index}`);
      if (known === undefined) this.#checkNewlyCommitted(raft, index, checked?.membership ?? raft.membership);
    }
    this.#commits.set(raft.id, { index: raft.commitIndex, membership: raft.membership });
  }

  /** Nobody knew `index` as committed before `raft` did: it leads, and a majority of its voters keeps the entry. */
  #checkNewlyCommitted(raft: Raft, index: LogIndex, membershipBefore: Membership): void {
    const term = raft.termAt(index);
    assert(index === this.#committedTerms.length, "what is committed is contiguous");
    this.#committedTerms.push(term);
    // A leader may use a new configuration from the very step on in which it commits an entry by the old one.
    const isKept = [raft.membership, membershipBefore].some((membership) => {
      const voters = votersOf(membership);
      const keepers = voters.filter((id) => this.#isOnDisk(id, index, term));
      return voters.length === 0 || keepers.length * 2 > voters.length;
    });
    assert(isKept, `what is committed is on the disks of a majority: entry ${index} of term ${term}`);
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
