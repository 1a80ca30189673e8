// INFO: Redis 7.2's sections and fields, as far as they have a meaning here. A field whose value would have to be made
// up is left out: what reads INFO copes with a missing field, and not with a wrong one.

import { arch, release, totalmem, type as systemName } from "node:os";
import { redisVersion, vlotVersion } from "../base/version.ts";
import { formatPercentile } from "../config/parse-value.ts";
import type { KeyspaceStatus, RaftStatus, StatusSource } from "../node/status.ts";
import { raftSections } from "./info-raft.ts";
import { type Field, humanBytes, renderSections, type Section, selectSections } from "./info-section.ts";
import { memoryUsage } from "./memory-usage.ts";
import type { Statistics } from "./statistics.ts";

/** What INFO shows of the server besides its counters: a picture of the moment. */
export interface ServerFigures {
  readonly runId: string;
  readonly port: number;
  readonly bind: readonly string[];
  /** "" when there is none. */
  readonly configFile: string;
  readonly wallMicros: number;
  readonly uptimeSeconds: number;
  readonly connectedClients: number;
  readonly blockedClients: number;
  readonly peerConnections: number;
  readonly maxClients: number;
  readonly inputBytesMax: number;
  readonly outputBytesMax: number;
  readonly clientBytes: number;
  readonly startMemoryBytes: number;
  /** Which percentiles of the commands' durations Latencystats shows. */
  readonly latencyPercentiles: readonly number[];
}

export interface InfoSources {
  readonly statistics: Statistics;
  readonly status: StatusSource;
  readonly figures: () => ServerFigures;
}

/** The text of INFO with these section names as arguments. */
export function infoText(sources: InfoSources, names: readonly string[]): string {
  return renderSections(selectSections(sectionsOver(sources), names));
}

/** All sections. What several of them show is asked for once, so that they show one moment. */
function sectionsOver(sources: InfoSources): readonly Section[] {
  const { statistics, status } = sources;
  const figures = once(() => sources.figures());
  const raft = once(() => status.raftStatus());
  const keys = once(() => status.keyspaceStatus());
  const section = (title: string, level: Section["level"], fields: () => readonly Field[]): Section => ({
    name: title.toLowerCase(),
    title,
    level,
    fields,
  });
  return [
    section("Server", "default", () => server(figures())),
    section("Clients", "default", () => clients(figures())),
    section("Memory", "default", () => memory(figures(), statistics)),
    section("Persistence", "default", () => persistence(raft(), startedAtSecondsOf(figures()))),
    section("Stats", "default", () => stats(statistics, keys())),
    section("Replication", "default", () => replication(raft())),
    section("CPU", "default", cpu),
    section("Modules", "default", () => []),
    section("Commandstats", "all", () => commandStats(statistics)),
    section("Errorstats", "default", () => errorStats(statistics)),
    section("Latencystats", "all", () => latencyStats(statistics, figures().latencyPercentiles)),
    section("Cluster", "default", () => [["cluster_enabled", 1]]),
    section("Keyspace", "default", () => keyspace(keys())),
    ...raftSections(raft),
  ];
}

/** Gives what `make` makes when it is first asked. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | null = null;
  return () => (made ??= { value: make() }).value;
}

function server(figures: ServerFigures): readonly Field[] {
  const { bind, port, uptimeSeconds } = figures;
  const addresses = bind.map((address) => `,bind=${address}`).join("");
  return [
    ["redis_version", redisVersion],
    ["redis_git_sha1", "00000000"],
    ["redis_git_dirty", 0],
    ["redis_mode", "cluster"],
    ["vlot_version", vlotVersion],
    ["bun_version", Bun.version],
    ["os", `${systemName()} ${release()} ${arch() === "x64" ? "x86_64" : arch()}`],
    ["arch_bits", 64],
    ["multiplexing_api", "epoll"],
    ["process_id", process.pid],
    ["process_supervised", "no"],
    ["run_id", figures.runId],
    ["tcp_port", port],
    ["server_time_usec", figures.wallMicros],
    ["uptime_in_seconds", uptimeSeconds],
    ["uptime_in_days", Math.floor(uptimeSeconds / 86_400)],
    ["lru_clock", Math.floor(figures.wallMicros / 1e6) & 0xff_ffff],
    ["executable", process.execPath],
    ["config_file", figures.configFile],
    ["io_threads_active", 0],
    ["listener0", `name=tcp${addresses},port=${port}`],
  ];
}

function startedAtSecondsOf({ wallMicros, uptimeSeconds }: ServerFigures): number {
  return Math.floor(wallMicros / 1e6) - uptimeSeconds;
}

function clients(figures: ServerFigures): readonly Field[] {
  return [
    ["connected_clients", figures.connectedClients],
    ["cluster_connections", figures.peerConnections],
    ["maxclients", figures.maxClients],
    ["client_recent_max_input_buffer", figures.inputBytesMax],
    ["client_recent_max_output_buffer", figures.outputBytesMax],
    ["blocked_clients", figures.blockedClients],
    ["tracking_clients", 0],
    ["clients_in_timeout_table", 0],
    ["total_blocking_keys", 0],
    ["total_blocking_keys_on_nokey", 0],
  ];
}

function memory(figures: ServerFigures, statistics: Statistics): readonly Field[] {
  const { heapUsed: used, rss } = memoryUsage();
  statistics.noteMemory(used);
  const peak = statistics.peakMemoryBytes;
  const total = totalmem();
  return [
    ["used_memory", used],
    ["used_memory_human", humanBytes(used)],
    ["used_memory_rss", rss],
    ["used_memory_rss_human", humanBytes(rss)],
    ["used_memory_peak", peak],
    ["used_memory_peak_human", humanBytes(peak)],
    ["used_memory_peak_perc", `${((used / peak) * 100).toFixed(2)}%`],
    ["used_memory_startup", figures.startMemoryBytes],
    ["total_system_memory", total],
    ["total_system_memory_human", humanBytes(total)],
    // There are no scripts and functions yet.
    ["used_memory_lua", 0],
    ["used_memory_vm_eval", 0],
    ["used_memory_lua_human", "0B"],
    ["used_memory_scripts_eval", 0],
    ["number_of_cached_scripts", 0],
    ["number_of_functions", 0],
    ["number_of_libraries", 0],
    ["used_memory_vm_functions", 0],
    ["used_memory_vm_total", 0],
    ["used_memory_vm_total_human", "0B"],
    ["used_memory_functions", 0],
    ["used_memory_scripts", 0],
    ["used_memory_scripts_human", "0B"],
    ["maxmemory", 0],
    ["maxmemory_human", "0B"],
    ["maxmemory_policy", "noeviction"],
    ["mem_fragmentation_ratio", (rss / used).toFixed(2)],
    ["mem_fragmentation_bytes", rss - used],
    ["mem_not_counted_for_evict", 0],
    ["mem_replication_backlog", 0],
    ["mem_total_replication_buffers", 0],
    ["mem_clients_normal", figures.clientBytes],
    ["mem_clients_slaves", 0],
    ["mem_aof_buffer", 0],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", 0],
    ["lazyfreed_objects", 0],
  ];
}

/** The log in the words of RDB and AOF: no change waits to be saved, nothing forks, nothing is rewritten. */
function persistence(raft: RaftStatus, startedAtSeconds: number): readonly Field[] {
  return [
    ["loading", raft.state === "loading" ? 1 : 0],
    ["async_loading", 0],
    ["current_cow_peak", 0],
    ["current_cow_size", 0],
    ["current_cow_size_age", 0],
    ["current_fork_perc", "0.00"],
    ["current_save_keys_processed", 0],
    ["current_save_keys_total", 0],
    ["rdb_changes_since_last_save", 0],
    ["rdb_bgsave_in_progress", raft.snapshot.inProgress === null ? 0 : 1],
    // As in Redis before its first save.
    ["rdb_last_save_time", startedAtSeconds],
    ["rdb_last_bgsave_status", "ok"],
    ["rdb_last_bgsave_time_sec", raft.snapshot.tookSeconds],
    ["rdb_current_bgsave_time_sec", -1],
    ["rdb_saves", raft.snapshot.created],
    ["rdb_last_cow_size", 0],
    ["rdb_last_load_keys_expired", 0],
    ["rdb_last_load_keys_loaded", 0],
    ["aof_enabled", 0],
    ["aof_rewrite_in_progress", 0],
    ["aof_rewrite_scheduled", 0],
    ["aof_last_rewrite_time_sec", -1],
    ["aof_current_rewrite_time_sec", -1],
    ["aof_last_bgrewrite_status", "ok"],
    ["aof_rewrites", 0],
    ["aof_rewrites_consecutive_failures", 0],
    ["aof_last_write_status", raft.log.isFull ? "err" : "ok"],
    ["aof_last_cow_size", 0],
    ["module_fork_in_progress", 0],
    ["module_fork_last_cow_size", 0],
  ];
}

function stats(statistics: Statistics, keys: KeyspaceStatus): readonly Field[] {
  const kilobytes = (bytes: number): string => (bytes / 1024).toFixed(2);
  return [
    ["total_connections_received", statistics.connectionsReceived],
    ["total_commands_processed", statistics.commandsProcessed],
    ["instantaneous_ops_per_sec", Math.round(statistics.commandRate.perSecond)],
    ["total_net_input_bytes", statistics.netInputBytes],
    ["total_net_output_bytes", statistics.netOutputBytes],
    ["instantaneous_input_kbps", kilobytes(statistics.inputRate.perSecond)],
    ["instantaneous_output_kbps", kilobytes(statistics.outputRate.perSecond)],
    ["rejected_connections", statistics.connectionsRejected],
    ["sync_full", 0],
    ["sync_partial_ok", 0],
    ["sync_partial_err", 0],
    ["expired_keys", keys.expiredKeys],
    ["evicted_keys", 0],
    ["evicted_clients", 0],
    ["total_eviction_exceeded_time", 0],
    ["current_eviction_exceeded_time", 0],
    ["keyspace_hits", keys.hits],
    ["keyspace_misses", keys.misses],
    ["pubsub_channels", 0],
    ["pubsub_patterns", 0],
    ["pubsubshard_channels", 0],
    ["latest_fork_usec", 0],
    ["total_forks", 0],
    ["migrate_cached_sockets", 0],
    ["slave_expires_tracked_keys", 0],
    ["active_defrag_hits", 0],
    ["active_defrag_misses", 0],
    ["active_defrag_key_hits", 0],
    ["active_defrag_key_misses", 0],
    ["total_active_defrag_time", 0],
    ["current_active_defrag_time", 0],
    ["tracking_total_keys", 0],
    ["tracking_total_items", 0],
    ["tracking_total_prefixes", 0],
    ["unexpected_error_replies", 0],
    ["total_error_replies", statistics.commands.totalErrors],
    ["dump_payload_sanitizations", 0],
    ["total_reads_processed", statistics.readsProcessed],
    ["total_writes_processed", statistics.writesProcessed],
    ["io_threaded_reads_processed", 0],
    ["io_threaded_writes_processed", 0],
    ["client_query_buffer_limit_disconnections", statistics.queryBufferDisconnections],
    ["client_output_buffer_limit_disconnections", statistics.outputBufferDisconnections],
    ["acl_access_denied_auth", statistics.commands.errorCount("WRONGPASS")],
    ["acl_access_denied_cmd", 0],
    ["acl_access_denied_key", 0],
    ["acl_access_denied_channel", 0],
  ];
}

/** The cluster in the words of replication; an offset is a position in the Raft log. */
function replication(raft: RaftStatus): readonly Field[] {
  const offset = raft.log.lastAppliedIndex;
  if (raft.role === "leader") {
    const connected = raft.peers.filter((peer) => peer.state === "connected");
    return [
      ["role", "master"],
      ["connected_slaves", connected.length],
      ...connected.map((peer, at): Field => [
        `slave${at}`,
        `ip=${peer.host},port=${peer.port},state=online,offset=${peer.matchIndex}`,
      ]),
      ["master_failover_state", "no-failover"],
      ...history(raft, offset),
    ];
  }
  const leader = raft.peers.find((peer) => peer.id === raft.leaderId);
  return [
    ["role", "slave"],
    ["master_host", leader?.host ?? ""],
    ["master_port", leader?.port ?? 0],
    ["master_link_status", leader?.state === "connected" ? "up" : "down"],
    ["slave_repl_offset", offset],
    ["slave_read_only", 1],
    ["connected_slaves", 0],
    ["master_failover_state", "no-failover"],
    ...history(raft, offset),
  ];
}

/** Which history the data belong to: the same on all nodes of a cluster, as among the replicas of a Redis. */
function history(raft: RaftStatus, offset: number): readonly Field[] {
  return [
    ["master_replid", raft.clusterId.padEnd(40, "0")],
    ["master_replid2", "".padEnd(40, "0")],
    ["master_repl_offset", offset],
    ["second_repl_offset", -1],
    ["repl_backlog_active", 0],
    ["repl_backlog_size", 0],
    ["repl_backlog_first_byte_offset", 0],
    ["repl_backlog_histlen", 0],
  ];
}

function cpu(): readonly Field[] {
  const { system, user } = process.cpuUsage();
  return [
    ["used_cpu_sys", (system / 1e6).toFixed(6)],
    ["used_cpu_user", (user / 1e6).toFixed(6)],
    ["used_cpu_sys_children", "0.000000"],
    ["used_cpu_user_children", "0.000000"],
  ];
}

function commandStats(statistics: Statistics): readonly Field[] {
  const fields: Field[] = [];
  for (const { name, calls, micros, rejectedCalls, failedCalls } of statistics.commands.used()) {
    const perCall = calls === 0 ? 0 : micros / calls;
    fields.push([
      `cmdstat_${name}`,
      `calls=${calls},usec=${Math.round(micros)},usec_per_call=${perCall.toFixed(2)},rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
    ]);
  }
  return fields;
}

/** `percentiles` of each command's durations, in microseconds. */
function latencyStats(statistics: Statistics, percentiles: readonly number[]): readonly Field[] {
  const fields: Field[] = [];
  for (const { name, latency } of statistics.commands.used()) {
    if (latency === null) continue;
    const figures = percentiles.map(
      (percent) => `p${formatPercentile(percent)}=${(latency.percentile(percent) / 1000).toFixed(3)}`,
    );
    fields.push([`latency_percentiles_usec_${name}`, figures.join(",")]);
  }
  return fields;
}

function errorStats(statistics: Statistics): readonly Field[] {
  return statistics.commands
    .errorCounts()
    .map(([code, count]): Field => [`errorstat_${code}`, `count=${count}`]);
}

function keyspace({ databases }: KeyspaceStatus): readonly Field[] {
  return databases.map(({ index, keys, expires, averageTtlMs }): Field => [
    `db${index}`,
    `keys=${keys},expires=${expires},avg_ttl=${averageTtlMs}`,
  ]);
}
