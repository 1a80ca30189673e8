// What an operator asks of the cluster through this node: to add and remove nodes, to hand leadership over, to hold an
// election. Each is answered when it is done and committed, or when it is certain that it will not be.

import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Config } from "../config/config.ts";
import type { MembershipChange } from "../raft/membership.ts";
import type { LogIndex, Member, NodeId } from "../raft/types.ts";
import { nodeIdMax, noNode } from "../raft/types.ts";
import { errorFor, errors } from "../resp/errors.ts";
import type { Log } from "../storage/log.ts";
import type { ClusterMember } from "./cluster-member.ts";
import { LeadershipTransfer } from "./leadership-transfer.ts";
import { PendingChanges } from "./pending-changes.ts";

export interface AdministrationOptions {
  readonly member: ClusterMember;
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly clusterId: string;
}

export type AddResult = { readonly id: number; readonly clusterId: string } | { readonly error: string };

/** Called once, with an error reply or null. */
export type Done = (error: string | null) => void;

/** The administration of one member; O(members) a call. */
export class Administration {
  readonly #options: AdministrationOptions;
  readonly #changes = new PendingChanges();
  #transfer: LeadershipTransfer | null = null;

  constructor(options: AdministrationOptions) {
    this.#options = options;
  }

  /**
   * Adds a node as learner; `id` 0 draws one. Asking again for what is done already is answered alike, so that a node
   * which lost the answer may ask again, until it has taken part.
   */
  addNode(id: NodeId, host: string, port: number, done: (result: AddResult) => void): void {
    const { raft } = this.#options.member;
    const { members, usedIds } = raft.membership;
    const nodeId = id === noNode ? this.#unusedId(usedIds) : id;
    const added = this.#placed(nodeId, done);
    const sameAddress = members.find((member) => member.host === host && member.port === port);
    if (sameAddress?.id === nodeId) {
      // One that has taken part already and asks to be added has lost what it vouched for: it must not come back as it was.
      if (this.#hasTakenPart(sameAddress)) return added(errors.nodeIdUsed);
      return added(raft.membershipIndex <= raft.commitIndex ? null : errors.votingChangeInProgress);
    }
    if (usedIds.includes(nodeId)) return added(errors.nodeIdUsed);
    if (sameAddress === undefined)
      return this.#change({ kind: "add-learner", id: nodeId, host, port }, added);
    if (sameAddress.voting) return added(errorFor.addressInUse(sameAddress.id));
    // A learner whose node asks anew under another id: it has lost its files before it ever caught up.
    this.#change({ kind: "replace", id: sameAddress.id, by: nodeId, host, port }, added);
  }

  /**
   * Lets node `by` take the place of member `id`, in one change: `by` is a learner at its address, which may be that of
   * `id`, and `id` is gone for good; `by.id` 0 draws one. Asking again for what is done already is answered alike, until
   * `by` has taken part.
   */
  replaceNode(id: NodeId, by: Omit<Member, "voting">, done: (result: AddResult) => void): void {
    const { member } = this.#options;
    const { raft } = member;
    const { members, usedIds } = raft.membership;
    const nodeId = by.id === noNode ? this.#unusedId(usedIds) : by.id;
    const placed = this.#placed(nodeId, done);
    const sameAddress = members.find(({ host, port }) => host === by.host && port === by.port);
    if (!members.some((known) => known.id === id)) {
      // A removal that may yet be rolled back is nothing to act upon.
      if (raft.membershipIndex > raft.commitIndex) return placed(errors.votingChangeInProgress);
      if (sameAddress?.id === nodeId && !this.#hasTakenPart(sameAddress)) return placed(null);
      return placed(usedIds.includes(id) ? errors.nodeIdRemoved : errors.nodeIdUnknown);
    }
    if (sameAddress !== undefined && sameAddress.id !== id)
      return placed(errorFor.addressInUse(sameAddress.id));
    this.#change({ kind: "replace", id, by: nodeId, host: by.host, port: by.port }, (error) => {
      if (error === null) this.#tellRemoved(id);
      placed(error);
    });
  }

  #placed(id: NodeId, done: (result: AddResult) => void): Done {
    return (error) => done(error === null ? { id, clusterId: this.#options.clusterId } : { error });
  }

  #hasTakenPart({ id, voting }: Member): boolean {
    return voting || this.#options.member.raft.matchIndexOf(id) > 0;
  }

  removeNode(id: NodeId, done: Done): void {
    this.#change({ kind: "remove", id }, (error) => {
      if (error === null) this.#tellRemoved(id);
      done(error);
    });
  }

  #tellRemoved(id: NodeId): void {
    const { member } = this.#options;
    if (id !== member.id) member.transport.sendRemovedNotice(id, member.raft.commitIndex);
  }

  /** `target` `noNode` picks the most caught-up voter. */
  transferLeadership(target: NodeId, done: Done): void {
    const { member, clock, config } = this.#options;
    if (this.#transfer !== null) return done(errors.transferInProgress);
    const nowMs = clock.monotonicMs();
    const refusal = member.raft.transferLeadership(target, nowMs);
    if (refusal !== null) return done(transferRefusals[refusal]);
    this.#transfer = new LeadershipTransfer(member.id, target, nowMs + config.get("election-timeout"), done);
    member.settle();
  }

  /** Starts an election at once; an error reply or null. */
  timeoutNow(): string | null {
    const { member, clock } = this.#options;
    const refusal = member.raft.campaignNow(clock.monotonicMs());
    member.settle();
    if (refusal === null) return null;
    return errorFor.electionFailed(
      refusal === "no-room" ? "this node's disk is full" : "this node does not vote",
    );
  }

  /** All entries up to `index` have been applied. */
  applied(index: LogIndex): void {
    this.#changes.applied(index, (at) => this.#options.log.termAt(at));
  }

  leaderMayHaveChanged(): void {
    const { member, clock } = this.#options;
    if (this.#transfer?.check(member.raft.leaderId, clock.monotonicMs()) === true) this.#transfer = null;
    if (member.raft.role !== "leader") this.#changes.orphan(clock.monotonicMs());
  }

  tick(): void {
    const { member, clock, config } = this.#options;
    this.leaderMayHaveChanged();
    // Full nodes may never come to it, behind commands that they cannot store.
    if (member.raft.fullness !== null) this.#changes.orphan(clock.monotonicMs());
    this.#changes.giveUpOrphans(clock.monotonicMs() - config.get("leader-wait-timeout"));
  }

  #change(change: MembershipChange, done: Done): void {
    const { member, clock } = this.#options;
    const result = member.raft.proposeMembership(change, clock.wallMs());
    if (typeof result === "string") return done(changeRefusals[result]);
    this.#changes.add(result.index, result.term, done);
    member.settle();
  }

  #unusedId(usedIds: readonly NodeId[]): NodeId {
    for (;;) {
      const id = drawNodeId(this.#options.random);
      if (!usedIds.includes(id)) return id;
    }
  }
}

/** A random node id, in `[1, 2^31)`. */
export function drawNodeId(random: Random): NodeId {
  return 1 + random.below(nodeIdMax);
}

const changeRefusals = {
  "not-leader": errors.notLeader,
  "change-pending": errors.votingChangeInProgress,
  transferring: errors.transferInProgress,
  "no-room": errorFor.logUnwritable("ENOSPC"),
  "id-used": errors.nodeIdUsed,
  "unknown-id": errors.nodeIdUnknown,
  "already-voter": errors.nodeIdUsed,
  "bad-member": errors.nodeAddressInvalid,
  "last-voter": errors.lastVoter,
} as const;

const transferRefusals = {
  "not-leader": errors.notLeader,
  transferring: errors.transferInProgress,
  "unknown-id": errors.nodeIdInvalid,
  "target-full": errorFor.logUnwritable("ENOSPC on the node to take over"),
} as const;
