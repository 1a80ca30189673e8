// The members as cluster clients are shown them.

import type { ClusterNodeView } from "../commands/context.ts";
import type { Address } from "../config/option.ts";
import type { ClusterMember } from "./cluster-member.ts";

/**
 * All members, the leader first; while none is known the one that led last, else this node: a cluster client that is
 * shown nobody gives up. `self` is shown before this node is a member.
 */
export function clusterNodeViews(member: ClusterMember | null, self: Address): readonly ClusterNodeView[] {
  const alone = { id: member?.id ?? 0, ...self, leader: true, myself: true, connected: true, matchIndex: 0 };
  if (member === null || member.members.length === 0) return [alone];
  const known = [member.raft.leaderId, member.lastLeaderId, member.id];
  const leaderId = known.find((id) => member.memberOf(id) !== undefined) ?? member.members[0]?.id;
  const matchIndexes = new Map(member.raft.peers().map(({ id, matchIndex }) => [id, matchIndex]));
  const views = member.members.map(({ id, host, port }) => {
    const myself = id === member.id;
    return {
      id,
      host,
      port,
      leader: id === leaderId,
      myself,
      connected: myself || member.transport.statistics(id)?.state === "connected",
      matchIndex: myself ? member.raft.stableIndex : (matchIndexes.get(id) ?? 0),
    };
  });
  return views.sort((a, b) => Number(b.leader) - Number(a.leader));
}
