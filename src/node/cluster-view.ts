// The members as cluster clients are shown them.

import type { ClusterNodeView } from "../commands/context.ts";
import type { Address } from "../config/option.ts";
import type { ClusterMember } from "./cluster-member.ts";

/**
 * All members, the leader first; while none is known the one that led last, else this node: a cluster client that is
 * shown nobody gives up. `self` is shown before this node is a member.
 */
export function clusterNodeViews(
  member: ClusterMember | null,
  self: () => Address,
): readonly ClusterNodeView[] {
  if (member === null || member.members.length === 0) {
    return [{ id: member?.id ?? 0, ...self(), leader: true, myself: true, connected: true, matchIndex: 0 }];
  }
  const known = [member.raft.leaderId, member.lastLeaderId, member.id];
  const leaderId = known.find((id) => member.memberOf(id) !== undefined) ?? member.members[0]?.id;
  const views = member.members.map(({ id, host, port }) => {
    const myself = id === member.id;
    return {
      id,
      host,
      port,
      leader: id === leaderId,
      myself,
      connected: myself || member.transport.statistics(id)?.state === "connected",
      matchIndex: myself ? member.raft.stableIndex : member.raft.matchIndexOf(id),
    };
  });
  return views.sort((a, b) => Number(b.leader) - Number(a.leader));
}
