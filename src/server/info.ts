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
    section("Persistence", "default", () => persistence(raft())),
    section("Stats", "default", () => stats(statistics, keys())),
    section("Replication", "default", () => replication(raft())),
    section("CPU", "default", cpu),
    section("Modules", "default", () => []),
    section("Commandstats", "all", () => commandStats(statistics)),
    section("Latencystats", "all", () => latencyStats(statistics, figures().latencyPercentiles)),
    section("Errorstats", "default", () => errorStats(statistics)),
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
    ["redis_mode", "cluster"],
    ["vlot_version", vlotVersion],
    ["bun_version", Bun.version],
    ["os", `${systemName()} ${release()} ${arch() === "x64" ? "x86_64" : arch()}`],
    ["arch_bits", 64],
    ["process_id", process.pid],
    ["process_supervised", "no"],
    ["run_id", figures.runId],
    ["tcp_port", port],
    ["server_time_usec", figures.wallMicros],
    ["uptime_in_seconds", uptimeSeconds],
    ["uptime_in_days", Math.floor(uptimeSeconds / 86_400)],
    ["executable", process.execPath],
    ["config_file", figures.configFile],
    ["io_threads_active", 0],
    ["listener0", `name=tcp${addresses},port=${port}`],
  ];
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
    ["maxmemory", 0],
    ["maxmemory_human", "0B"],
    ["maxmemory_policy", "noeviction"],
    ["mem_fragmentation_ratio", (rss / used).toFixed(2)],
    ["mem_fragmentation_bytes", rss - used],
    ["mem_clients_normal", figures.clientBytes],
    ["mem_clients_slaves", 0],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", 0],
  ];
}

function persistence(raft: RaftStatus): readonly Field[] {
  return [
    ["loading", raft.state === "loading" ? 1 : 0],
    ["async_loading", 0],
    ["rdb_bgsave_in_progress", raft.snapshot.inProgress === null ? 0 : 1],
    ["aof_enabled", 0],
    ["aof_rewrite_in_progress", 0],
    ["aof_rewrite_scheduled", 0],
    ["module_fork_in_progress", 0],
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
    ["keyspace_hits", keys.hits],
    ["keyspace_misses", keys.misses],
    ["pubsub_channels", 0],
    ["pubsub_patterns", 0],
    ["pubsubshard_channels", 0],
    ["tracking_total_keys", 0],
    ["tracking_total_items", 0],
    ["tracking_total_prefixes", 0],
    ["total_error_replies", statistics.commands.totalErrors],
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
      ["master_repl_offset", offset],
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
    ["master_repl_offset", offset],
  ];
}

function cpu(): readonly Field[] {
  const { system, user } = process.cpuUsage();
  return [
    ["used_cpu_sys", (system / 1e6).toFixed(6)],
    ["used_cpu_user", (user / 1e6).toFixed(6)],
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
