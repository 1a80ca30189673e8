// Who belongs to the cluster and who votes (dissertation §4.1). A node uses the newest configuration in its log, whether
// committed or not, and falls back to the one before when that entry is overwritten; so the core keeps a short history.
// Each change adds, promotes or removes a single voter: any majority before and any majority after it share a node. To
// replace a member removes one voter too: who takes its place begins as a learner, and learners count for nothing.

import type { LogIndex, Member, Membership, MembershipRecord, NodeId } from "./types.ts";
import { emptyMembership, hostLengthMax, isNodeId } from "./types.ts";

export type MembershipChange =
  | { readonly kind: "add-learner"; readonly id: NodeId; readonly host: string; readonly port: number }
  | { readonly kind: "promote"; readonly id: NodeId }
  | { readonly kind: "remove"; readonly id: NodeId }
  /** Node `id` goes, node `by` comes as a learner, in one entry: no state between in which neither belongs. */
  | {
      readonly kind: "replace";
      readonly id: NodeId;
      readonly by: NodeId;
      readonly host: string;
      readonly port: number;
    };

/**
 * Why a change makes no sense: the id is or was a member; it is none; it votes already; it is the last voter but not
 * the last member; the id, host or port is out of range.
 */
export type ChangeRefusal = "id-used" | "unknown-id" | "already-voter" | "last-voter" | "bad-member";

/** The configuration after `change`. */
export function changeMembership(current: Membership, change: MembershipChange): Membership | ChangeRefusal {
  if (change.kind === "add-learner") return withLearner(current, change.id, change);
  const member = current.members.find((candidate) => candidate.id === change.id);
  if (member === undefined) return "unknown-id";
  if (change.kind === "remove" || change.kind === "replace") {
    const rest = { ...current, members: current.members.filter((candidate) => candidate !== member) };
    const after = change.kind === "remove" ? rest : withLearner(rest, change.by, change);
    if (typeof after === "string") return after;
    const { members } = after;
    return members.length > 0 && !members.some((candidate) => candidate.voting) ? "last-voter" : after;
  }
  if (member.voting) return "already-voter";
  const promoted: Member = { ...member, voting: true };
  if (!isMember(promoted)) return "bad-member";
  return {
    members: current.members.map((candidate) => (candidate === member ? promoted : candidate)),
    usedIds: current.usedIds,
  };
}

function withLearner(
  { members, usedIds }: Membership,
  id: NodeId,
  { host, port }: Pick<Member, "host" | "port">,
): Membership | ChangeRefusal {
  if (usedIds.includes(id)) return "id-used";
  const learner: Member = { id, host, port, voting: false };
  if (!isMember(learner)) return "bad-member";
  return { members: [...members, learner], usedIds: [...usedIds, id] };
}

/** Whether `membership`, which came from outside, keeps every promise that its type cannot express. */
export function isWellFormed(membership: Membership): boolean {
  const ids = new Set<NodeId>();
  const used = new Set(membership.usedIds);
  for (const member of membership.members) {
    if (!isMember(member) || ids.has(member.id) || !used.has(member.id)) return false;
    ids.add(member.id);
  }
  return used.size === membership.usedIds.length && membership.usedIds.every(isNodeId);
}

/** Whether `after` may follow `before` in one log: at most one voter comes or goes (§4.1), and no id is forgotten. */
export function mayFollow(before: Membership, after: Membership): boolean {
  const votersBefore = votersOf(before);
  const votersAfter = votersOf(after);
  let changed = 0;
  for (const id of votersBefore) if (!votersAfter.has(id)) changed++;
  for (const id of votersAfter) if (!votersBefore.has(id)) changed++;
  const used = new Set(after.usedIds);
  return changed <= 1 && before.usedIds.every((id) => used.has(id));
}

function votersOf({ members }: Membership): Set<NodeId> {
  return new Set(members.filter((member) => member.voting).map((member) => member.id));
}

function isMember(member: Member): boolean {
  const { host, port } = member;
  if (host.length === 0 || host.length > hostLengthMax) return false;
  return isNodeId(member.id) && Number.isInteger(port) && port >= 1 && port <= 65535;
}

/** The configurations that are, or may again become, the effective one. */
export class MembershipHistory {
  readonly #selfId: NodeId;
  /** Ascending by index: the newest committed one (or what the node started with), then those not committed yet. */
  #records: MembershipRecord[] = [];
  #effective: Membership = emptyMembership;
  #effectiveIndex: LogIndex = 0;
  /** The effective members: true for those that vote. */
  #votingById = new Map<NodeId, boolean>();
  #voterCount = 0;

  constructor(selfId: NodeId, records: readonly MembershipRecord[]) {
    this.#selfId = selfId;
    for (const { index, membership } of records) this.append(index, membership);
  }

  /** The newest configuration in the log; no members before there is any. */
  get effective(): Membership {
    return this.#effective;
  }

  /** Index of the entry that brought the effective configuration. */
  get effectiveIndex(): LogIndex {
    return this.#effectiveIndex;
  }

  get voterCount(): number {
    return this.#voterCount;
  }

  /** Whether the entry at `index` brought a configuration, of those that may still become effective. */
  hasAt(index: LogIndex): boolean {
    return this.#records.some((record) => record.index === index);
  }

  isMember(id: NodeId): boolean {
    return this.#votingById.has(id);
  }

  isVoter(id: NodeId): boolean {
    return this.#votingById.get(id) === true;
  }

  get selfIsVoter(): boolean {
    return this.isVoter(this.#selfId);
  }

  /**
   * Whether this node may start elections: it votes, or it did before a change that has not committed as far as it knows.
   * Its log may be the only one that reaches far enough to lead until then (§4.2.2).
   */
  selfMayCampaign(commitIndex: LogIndex): boolean {
    if (this.selfIsVoter) return true;
    const before = this.#effectiveIndex > commitIndex ? this.#records.at(-2)?.membership : undefined;
    return before?.members.some((member) => member.id === this.#selfId && member.voting) === true;
  }

  /** The configuration that an entry at `index`, behind what is committed, would replace; no members if there is none. */
  before(index: LogIndex): Membership {
    return this.committed(index - 1);
  }

  get selfIsOnlyVoter(): boolean {
    return this.#voterCount === 1 && this.selfIsVoter;
  }

  /** The newest configuration up to `commitIndex`; no members if the node does not know one. */
  committed(commitIndex: LogIndex): Membership {
    return this.#records.findLast((record) => record.index <= commitIndex)?.membership ?? emptyMembership;
  }

  /** A configuration takes effect when it is appended, not when it commits (dissertation §4.1). */
  append(index: LogIndex, membership: Membership): void {
    this.#records.push({ index, membership });
    this.#adoptNewest();
  }

  /** The entries from `index` on are gone. */
  truncateFrom(index: LogIndex): void {
    if (this.#effectiveIndex < index) return;
    this.#records = this.#records.filter((record) => record.index < index);
    this.#adoptNewest();
  }

  /** Forgets what can no longer become effective; true if a configuration was among what `commitIndex` newly covers. */
  commit(previousIndex: LogIndex, commitIndex: LogIndex): boolean {
    if (this.#effectiveIndex <= previousIndex) return false;
    const committed = this.#records.findLastIndex((record) => record.index <= commitIndex);
    if (committed > 0) this.#records.splice(0, committed);
    return committed >= 0 && (this.#records[0]?.index ?? 0) > previousIndex;
  }

  #adoptNewest(): void {
    const newest = this.#records.at(-1);
    this.#effective = newest?.membership ?? emptyMembership;
    this.#effectiveIndex = newest?.index ?? 0;
    this.#votingById = new Map(this.#effective.members.map((member) => [member.id, member.voting]));
    this.#voterCount = this.#effective.members.filter((member) => member.voting).length;
  }
}
