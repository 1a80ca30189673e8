// Settings of Redis and RedisRaft that configurations out there carry and that have no place here, so that a file
// written for either still loads, and says what of it has no effect and why.
//   ignored  tunes something that vlot does otherwise: any value is accepted, and has no effect
//   fixed    promises something; vlot behaves as the value given here, and another value is warned of at the start
//            (and refused by CONFIG SET, which may not answer OK to something that did not happen)
//   refused  guards something: to start without it would open a door, so another value than the one here is an error

import { raftPrefix } from "./options.ts";

export type InapplicableKind = "ignored" | "fixed" | "refused";

/** One such setting; `value` is what CONFIG GET answers until it is set. */
export interface Inapplicable {
  readonly name: string;
  readonly kind: InapplicableKind;
  readonly value: string;
  readonly why: string;
}

interface InapplicableGroup {
  readonly kind: InapplicableKind;
  /** Completes the sentence "<names> has no effect: …". */
  readonly why: string;
  readonly settings: Readonly<Record<string, string>>;
}

const groups: readonly InapplicableGroup[] = [
  {
    kind: "fixed",
    why: "every acknowledged write is in the Raft log on disk, and snapshots are made as the log grows",
    settings: { save: "", appendonly: "no" },
  },
  {
    kind: "ignored",
    why: "vlot keeps its data in a Raft log and snapshots rather than in RDB and AOF files",
    settings: {
      "aof-disable-auto-gc": "no",
      "aof-load-truncated": "yes",
      "aof-rewrite-incremental-fsync": "yes",
      "aof-timestamp-enabled": "no",
      "aof-use-rdb-preamble": "yes",
      aof_rewrite_cpulist: "",
      appenddirname: "appendonlydir",
      appendfilename: "appendonly.aof",
      appendfsync: "everysec",
      "auto-aof-rewrite-min-size": "67108864",
      "auto-aof-rewrite-percentage": "100",
      bgsave_cpulist: "",
      dbfilename: "dump.rdb",
      "no-appendfsync-on-rewrite": "no",
      "rdb-del-sync-files": "no",
      "rdb-save-incremental-fsync": "yes",
      rdbchecksum: "yes",
      rdbcompression: "yes",
      "sanitize-dump-payload": "no",
      "stop-writes-on-bgsave-error": "yes",
      "loading-process-events-interval-bytes": "2097152",
    },
  },
  {
    kind: "fixed",
    why: "all nodes of a cluster must have the same databases, and all have 16",
    settings: { databases: "16" },
  },
  {
    kind: "fixed",
    why: "nodes follow the leader of their cluster: RAFT.CLUSTER JOIN, or --join",
    settings: { replicaof: "", slaveof: "" },
  },
  {
    kind: "ignored",
    why: "nodes log in on each other with cluster-user and cluster-password",
    settings: { masterauth: "", masteruser: "" },
  },
  {
    kind: "ignored",
    why: "replication is Raft's, with options of its own",
    settings: {
      "min-replicas-max-lag": "10",
      "min-replicas-to-write": "0",
      "min-slaves-max-lag": "10",
      "min-slaves-to-write": "0",
      "repl-backlog-size": "1048576",
      "repl-backlog-ttl": "3600",
      "repl-disable-tcp-nodelay": "no",
      "repl-diskless-load": "disabled",
      "repl-diskless-sync": "yes",
      "repl-diskless-sync-delay": "5",
      "repl-diskless-sync-max-replicas": "0",
      "repl-ping-replica-period": "10",
      "repl-ping-slave-period": "10",
      "repl-timeout": "60",
      "replica-announce-ip": "",
      "replica-announce-port": "0",
      "replica-announced": "yes",
      "replica-ignore-maxmemory": "yes",
      "replica-lazy-flush": "no",
      "replica-priority": "100",
      "replica-read-only": "yes",
      "replica-serve-stale-data": "yes",
      "slave-announce-ip": "",
      "slave-announce-port": "0",
      "slave-ignore-maxmemory": "yes",
      "slave-lazy-flush": "no",
      "slave-priority": "100",
      "slave-read-only": "yes",
      "slave-serve-stale-data": "yes",
    },
  },
  {
    kind: "ignored",
    why: "vlot is always a cluster of one shard, whose membership is in the Raft log",
    settings: {
      "cluster-allow-pubsubshard-when-down": "yes",
      "cluster-allow-reads-when-down": "no",
      "cluster-allow-replica-migration": "yes",
      "cluster-announce-bus-port": "0",
      "cluster-announce-human-nodename": "",
      "cluster-announce-tls-port": "0",
      "cluster-config-file": "nodes.conf",
      "cluster-enabled": "yes",
      "cluster-link-sendbuf-limit": "0",
      "cluster-migration-barrier": "1",
      "cluster-node-timeout": "15000",
      "cluster-port": "0",
      "cluster-preferred-endpoint-type": "ip",
      "cluster-replica-no-failover": "no",
      "cluster-replica-validity-factor": "10",
      "cluster-require-full-coverage": "yes",
      "cluster-slave-no-failover": "no",
      "cluster-slave-validity-factor": "10",
    },
  },
  {
    kind: "fixed",
    why: "vlot never evicts and sets no limit to the memory of its data; limit it from outside and watch it",
    settings: { maxmemory: "0", "maxmemory-policy": "noeviction", "maxmemory-clients": "0" },
  },
  {
    kind: "ignored",
    why: "vlot never evicts",
    settings: {
      "lfu-decay-time": "1",
      "lfu-log-factor": "10",
      "maxmemory-eviction-tenacity": "10",
      "maxmemory-samples": "5",
    },
  },
  {
    kind: "ignored",
    why: "vlot's data structures and memory are its own",
    settings: {
      "active-defrag-cycle-max": "25",
      "active-defrag-cycle-min": "1",
      "active-defrag-ignore-bytes": "104857600",
      "active-defrag-max-scan-fields": "1000",
      "active-defrag-threshold-lower": "10",
      "active-defrag-threshold-upper": "100",
      "active-expire-effort": "1",
      activedefrag: "no",
      activerehashing: "yes",
      "hash-max-listpack-entries": "512",
      "hash-max-listpack-value": "64",
      "hash-max-ziplist-entries": "512",
      "hash-max-ziplist-value": "64",
      "hll-sparse-max-bytes": "3000",
      "jemalloc-bg-thread": "yes",
      "lazyfree-lazy-eviction": "no",
      "lazyfree-lazy-expire": "no",
      "lazyfree-lazy-server-del": "no",
      "lazyfree-lazy-user-del": "no",
      "lazyfree-lazy-user-flush": "no",
      "list-compress-depth": "0",
      "list-max-listpack-size": "-2",
      "list-max-ziplist-entries": "512",
      "list-max-ziplist-size": "-2",
      "list-max-ziplist-value": "64",
      "set-max-intset-entries": "512",
      "set-max-listpack-entries": "128",
      "set-max-listpack-value": "64",
      "stream-node-max-bytes": "4096",
      "stream-node-max-entries": "100",
      "zset-max-listpack-entries": "128",
      "zset-max-listpack-value": "64",
      "zset-max-ziplist-entries": "128",
      "zset-max-ziplist-value": "64",
    },
  },
  {
    kind: "ignored",
    why: "vlot's process works otherwise than Redis'",
    settings: {
      "always-show-logo": "no",
      bio_cpulist: "",
      "bind-source-addr": "",
      "crash-log-enabled": "yes",
      "crash-memcheck-enabled": "yes",
      "disable-thp": "yes",
      "dynamic-hz": "yes",
      hz: "10",
      "ignore-warnings": "",
      "io-threads": "1",
      "io-threads-do-reads": "no",
      locale_collate: "",
      "oom-score-adj": "no",
      "oom-score-adj-values": "0 200 800",
      "proc-title-template": "{title} {listen-addr} {server-mode}",
      server_cpulist: "",
      "set-proc-title": "yes",
      "shutdown-on-sigint": "default",
      "shutdown-on-sigterm": "default",
      "shutdown-timeout": "10",
      "socket-mark-id": "0",
      supervised: "no",
      "syslog-enabled": "no",
      "syslog-facility": "local0",
      "syslog-ident": "vlot",
      unixsocketperm: "0",
    },
  },
  {
    kind: "ignored",
    why: "512 connections may wait to be accepted, or net.core.somaxconn when that is less",
    settings: { "tcp-backlog": "511" },
  },
  {
    kind: "fixed",
    why: "vlot listens on TCP only",
    settings: { unixsocket: "" },
  },
  {
    kind: "ignored",
    why: "vlot has no such feature",
    settings: {
      "acl-pubsub-default": "resetchannels",
      "acllog-max-len": "128",
      "busy-reply-threshold": "5000",
      "enable-debug-command": "no",
      "enable-module-command": "no",
      "enable-protected-configs": "no",
      "latency-monitor-threshold": "0",
      "lua-replicate-commands": "yes",
      "lua-time-limit": "5000",
      "slowlog-log-slower-than": "10000",
      "slowlog-max-len": "128",
      "tracking-table-max-keys": "1000000",
    },
  },
  {
    kind: "fixed",
    why: "vlot sends no keyspace notifications",
    settings: { "notify-keyspace-events": "" },
  },
  {
    kind: "ignored",
    why: "vlot loads no modules, and needs none: RedisRaft's commands and options are built in",
    settings: { loadmodule: "" },
  },
  {
    kind: "ignored",
    why: "entries are read from the mapped log, so there is no cache of them to limit",
    settings: { "log-max-cache-size": "64000000", "raft-log-max-cache-size": "64000000" },
  },
  {
    kind: "ignored",
    why: "the log is a set of segment files in dir whose names are vlot's own",
    settings: { "log-filename": "redisraft.db", "raft-log-filename": "redisraft.db" },
  },
  {
    kind: "ignored",
    why: "loglevel debug tells what RedisRaft's trace told",
    settings: { trace: "off" },
  },
  {
    kind: "fixed",
    why: "every command on data goes through the log, or the nodes would drift apart",
    settings: { "ignored-commands": "", "raftize-all-commands": "yes" },
  },
  {
    kind: "fixed",
    why: "a vlot cluster owns all slots; there is no sharding over several clusters",
    settings: { sharding: "no", "external-sharding": "no", "slot-config": "0:16383" },
  },
  {
    kind: "ignored",
    why: "there is no sharding over several clusters",
    settings: { "scan-size": "1000", "shardgroup-update-interval": "5000" },
  },
  {
    kind: "refused",
    why: "vlot stays in the foreground: let systemd, a container or `&` put it in the background",
    settings: { daemonize: "no" },
  },
  {
    kind: "refused",
    why: "vlot does not encrypt its connections; use a private network or a tunnel, and leave this setting out",
    settings: { "tls-port": "0", "tls-cluster": "no", "tls-replication": "no", "tls-enabled": "no" },
  },
  {
    kind: "ignored",
    why: "vlot does not encrypt its connections",
    settings: {
      "tls-auth-clients": "yes",
      "tls-ca-cert-dir": "",
      "tls-ca-cert-file": "",
      "tls-cert-file": "",
      "tls-ciphers": "",
      "tls-ciphersuites": "",
      "tls-client-cert-file": "",
      "tls-client-key-file": "",
      "tls-client-key-file-pass": "",
      "tls-dh-params-file": "",
      "tls-key-file": "",
      "tls-key-file-pass": "",
      "tls-prefer-server-ciphers": "no",
      "tls-protocols": "",
      "tls-session-cache-size": "20480",
      "tls-session-cache-timeout": "300",
      "tls-session-caching": "yes",
    },
  },
  {
    kind: "refused",
    why: "vlot has one user, `default`, whose password is requirepass; leaving out the others would change who may do what",
    settings: { aclfile: "", user: "" },
  },
  {
    kind: "refused",
    why: "vlot does not rename commands, and leaving them as they are could open what this line closes",
    settings: { "rename-command": "" },
  },
];

const raftNames = new Set([
  "external-sharding",
  "ignored-commands",
  "log-filename",
  "log-max-cache-size",
  "raft-log-filename",
  "raft-log-max-cache-size",
  "scan-size",
  "sharding",
  "shardgroup-update-interval",
  "slot-config",
  "tls-enabled",
  "trace",
]);

/** All of them, by name. */
export const inapplicable: ReadonlyMap<string, Inapplicable> = new Map(
  groups.flatMap(({ kind, why, settings }) =>
    Object.entries(settings).map(([name, value]) => [name, { name, kind, value, why }] as const),
  ),
);

/** The one that `name` means, with or without `raft.` where it was RedisRaft's. */
export function findInapplicable(name: string): Inapplicable | undefined {
  const lower = name.toLowerCase();
  const bare = lower.startsWith(raftPrefix) ? lower.slice(raftPrefix.length) : lower;
  if (bare !== lower && !raftNames.has(bare)) return undefined;
  return inapplicable.get(bare);
}
