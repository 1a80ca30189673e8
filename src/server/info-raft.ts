// INFO's raft sections, field for field those of RedisRaft, and RAFT.INFO, which has the same numbers under the names of
// 2020, without `raft_`.

import { vlotCommit, vlotVersion } from "../base/version.ts";
import type { PeerStatus, RaftStatus } from "../node/status.ts";
import { type Field, renderSections, type Section } from "./info-section.ts";

/** The sections, each making its fields from a status of the moment. */
export function raftSections(status: () => RaftStatus): readonly Section[] {
  const section = (name: string, fields: (status: RaftStatus) => readonly Field[]): Section => ({
    name,
    title: name,
    family: "raft",
    level: "everything",
    fields: () => fields(status()),
  });
  return [
    section("raft_version", () => [
      ["raft_version", vlotVersion],
      ["raft_git_sha1", vlotCommit],
    ]),
    section("raft_general", general),
    section("raft_log", log),
    section("raft_snapshot", snapshot),
    section("raft_clients", clients),
    section("raft_stats", stats),
  ];
}

/** The text of RAFT.INFO. */
export function raftInfoText(status: RaftStatus): string {
  const section = (title: string, fields: readonly Field[]): Section => ({
    name: title,
    title,
    level: "all",
    fields: () => fields.map(([name, value]) => [name.slice("raft_".length), value]),
  });
  return renderSections([
    section("Raft", general(status)),
    section("Log", log(status)),
    section("Snapshot", snapshot(status)),
    section("Clients", clients(status)),
    section("Stats", stats(status)),
  ]);
}

function general(status: RaftStatus): readonly Field[] {
  return [
    ["raft_dbid", status.clusterId],
    ["raft_node_id", status.nodeId],
    ["raft_state", status.state],
    ["raft_role", status.role ?? "(none)"],
    ["raft_is_voting", status.voting === null ? "-" : yesNo(status.voting)],
    ["raft_voted_for", orMinusOne(status.votedFor)],
    ["raft_leader_id", orMinusOne(status.leaderId)],
    ["raft_current_term", status.currentTerm],
    ["raft_num_nodes", status.nodeCount],
    ["raft_num_voting_nodes", status.votingNodeCount],
    ...status.peers.map((peer): Field => [`raft_node${peer.position}`, describePeer(peer)]),
  ];
}

function describePeer(peer: PeerStatus): string {
  return (
    `id=${peer.id},state=${peer.state},voting=${yesNo(peer.voting)},addr=${peer.host},port=${peer.port},` +
    `last_conn_secs=${peer.lastConnectedSeconds},conn_errors=${peer.connectErrors},conn_oks=${peer.connects}` +
    (peer.isFull ? ",full=yes" : "")
  );
}

function log({ log: status }: RaftStatus): readonly Field[] {
  return [
    ["raft_log_entries", status.entryCount],
    ["raft_current_index", status.currentIndex],
    ["raft_commit_index", status.commitIndex],
    ["raft_last_applied_index", status.lastAppliedIndex],
    ["raft_file_size", status.fileBytes],
    ["raft_disk_full", yesNo(status.isFull)],
    ["raft_cache_memory_size", status.cacheBytes],
    ["raft_cache_entries", status.cacheEntries],
    ["raft_client_attached_entries", status.clientAttachedEntries],
    ["raft_fsync_count", status.syncCount],
    ["raft_fsync_max_microseconds", Math.round(status.syncMaxMicros)],
    ["raft_fsync_avg_microseconds", Math.round(status.syncAverageMicros)],
  ];
}

function snapshot({ snapshot: status }: RaftStatus): readonly Field[] {
  return [
    ["raft_snapshot_filename", status.fileName],
    ["raft_snapshot_last_idx", status.lastIndex],
    ["raft_snapshot_last_term", status.lastTerm],
    ["raft_snapshot_size", status.sizeBytes],
    ["raft_snapshot_time_secs", status.tookSeconds],
    ["raft_snapshots_created", status.created],
    ["raft_snapshots_received", status.received],
    ["raft_snapshot_in_progress", yesNo(status.inProgress !== null)],
    ["raft_snapshot_in_progress_last_idx", status.inProgress?.lastIndex ?? -1],
    ["raft_snapshot_in_progress_last_term", status.inProgress?.lastTerm ?? -1],
  ];
}

function clients({ proxy }: RaftStatus): readonly Field[] {
  return [
    ["raft_proxy_reqs", proxy.requests],
    ["raft_proxy_failed_reqs", proxy.failedRequests],
    ["raft_proxy_failed_responses", proxy.failedResponses],
    ["raft_proxy_outstanding_reqs", proxy.outstanding],
  ];
}

function stats({ counts }: RaftStatus): readonly Field[] {
  return [
    ["raft_appendreq_received", counts.appendEntriesReceived],
    ["raft_appendreq_with_entry_received", counts.appendEntriesWithEntriesReceived],
    ["raft_snapshotreq_received", counts.installSnapshotReceived],
    ["raft_exec_throttled", counts.applyThrottled],
    // A session is what RedisRaft makes for WATCH; versions of keys make them needless here.
    ["raft_num_sessions", 0],
  ];
}

function yesNo(value: boolean): "yes" | "no" {
  return value ? "yes" : "no";
}

function orMinusOne(id: number): number {
  return id === 0 ? -1 : id;
}
