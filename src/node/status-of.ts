// Fills the records of `status.ts` from a node at work.

import type { Keyspace } from "../keyspace/keyspace.ts";
import type { ClusterMember } from "./cluster-member.ts";
import type { KeyspaceStatus, NodeState, PeerStatus, RaftStatus } from "./status.ts";

/** `nowMs` is the monotonic clock. */
export function raftStatusOf(
  state: NodeState,
  clusterId: string,
  member: ClusterMember | null,
  nowMs: number,
): RaftStatus {
  const raft = member?.raft;
  const replica = member?.replica;
  const members = member?.members ?? [];
  const own = members.find(({ id }) => id === member?.id);
  return {
    clusterId,
    nodeId: member?.id ?? 0,
    state,
    role: raft?.role ?? null,
    voting: member === null ? null : own?.voting === true,
    votedFor: raft?.votedFor ?? 0,
    leaderId: raft?.leaderId ?? 0,
    currentTerm: raft?.currentTerm ?? 0,
    nodeCount: members.length,
    votingNodeCount: members.filter(({ voting }) => voting).length,
    peers: member === null ? [] : peersOf(member, nowMs),
    log: {
      entryCount: replica === undefined ? 0 : replica.log.lastIndex - replica.log.firstIndex + 1,
      currentIndex: raft?.lastIndex ?? 0,
      commitIndex: raft?.commitIndex ?? 0,
      lastAppliedIndex: replica?.stateMachine.appliedIndex ?? 0,
      fileBytes: replica?.log.sizeBytes ?? 0,
      isFull: replica?.isDiskFull ?? false,
      // The mapped log serves for a cache: nothing is held in memory besides it.
      cacheBytes: 0,
      cacheEntries: 0,
      clientAttachedEntries: replica?.pendingProposals ?? 0,
      syncCount: replica?.syncs.count ?? 0,
      syncMaxMicros: replica?.syncs.maxMicros ?? 0,
      syncAverageMicros: replica?.syncs.averageMicros ?? 0,
    },
    snapshot: {
      fileName: "",
      lastIndex: 0,
      lastTerm: 0,
      sizeBytes: 0,
      tookSeconds: -1,
      created: 0,
      received: 0,
      inProgress: null,
    },
    proxy: {
      requests: member?.proxyOrigin.requests ?? 0,
      failedRequests: member?.proxyOrigin.failedRequests ?? 0,
      failedResponses: member?.proxyOrigin.failedResponses ?? 0,
      outstanding: member?.proxyOrigin.outstandingCount ?? 0,
    },
    counts: {
      appendEntriesReceived: replica?.appendEntriesReceived ?? 0,
      appendEntriesWithEntriesReceived: replica?.appendEntriesWithEntriesReceived ?? 0,
      installSnapshotReceived: 0,
      applyThrottled: replica?.syncs.applyThrottled ?? 0,
    },
  };
}

function peersOf(member: ClusterMember, nowMs: number): PeerStatus[] {
  const peers: PeerStatus[] = [];
  const full = new Set(member.raft.peers().flatMap((peer) => (peer.full ? [peer.id] : [])));
  member.members.forEach(({ id, host, port, voting }, position) => {
    if (id === member.id) return;
    const link = member.transport.statistics(id);
    const connectedMs = link?.lastConnectedMs ?? null;
    peers.push({
      position,
      id,
      host,
      port,
      state: link?.state ?? "disconnected",
      voting,
      lastConnectedSeconds: connectedMs === null ? -1 : Math.floor((nowMs - connectedMs) / 1000),
      connectErrors: link?.connectErrors ?? 0,
      connects: link?.connectOks ?? 0,
      matchIndex: member.raft.matchIndexOf(id),
      isFull: full.has(id),
    });
  });
  return peers;
}

/** The databases of a keyspace that hold keys. */
export function keyspaceStatusOf(keyspace: Keyspace | null, nowMs: number): KeyspaceStatus {
  const used = (keyspace?.databases ?? []).filter(({ size }) => size > 0);
  return {
    databases: used.map((database) => ({
      index: database.index,
      keys: database.size,
      expires: database.volatileSize,
      averageTtlMs: database.averageTtl(nowMs),
    })),
    expiredKeys: keyspace?.counters.expired ?? 0,
    hits: keyspace?.counters.hits ?? 0,
    misses: keyspace?.counters.misses ?? 0,
  };
}
