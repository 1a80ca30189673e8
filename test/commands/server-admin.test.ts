import { describe, expect, test } from "bun:test";
import { serveTests } from "./serving-each.ts";

const { ask, serving } = serveTests();

async function info(...sections: string[]): Promise<string> {
  return String(await ask("INFO", ...sections));
}

function titlesOf(text: string): string[] {
  return [...text.matchAll(/^# (.*)\r$/gm)].map((match) => match[1] as string);
}

function fieldOf(text: string, name: string): string | undefined {
  return new RegExp(`^${name.replace("|", "\\|")}:(.*)\r$`, "m").exec(text)?.[1];
}

describe("INFO", () => {
  test("has Redis' sections in Redis' order, separated by empty lines", async () => {
    const usual = [
      "Server",
      "Clients",
      "Memory",
      "Persistence",
      "Stats",
      "Replication",
      "CPU",
      "Modules",
      "Errorstats",
    ];
    const text = await info();
    expect(titlesOf(text)).toEqual([...usual, "Cluster", "Keyspace"]);
    expect(titlesOf(await info("default"))).toEqual(titlesOf(text));
    expect(text).toContain("\r\n\r\n# Clients\r\n");
    const all = [...usual.slice(0, -1), "Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace"];
    expect(titlesOf(await info("ALL"))).toEqual(all);
    const raft = ["raft_version", "raft_general", "raft_log", "raft_snapshot", "raft_clients", "raft_stats"];
    expect(titlesOf(await info("everything"))).toEqual([...all, ...raft]);
    expect(titlesOf(await info("raft"))).toEqual(raft);
    expect(titlesOf(await info("raft_log"))).toEqual(["raft_log"]);
    expect(titlesOf(await info("keyspace", "SERVER"))).toEqual(["Server", "Keyspace"]);
    expect(await info("nope")).toBe("");
  });

  test("says what cluster clients look for", async () => {
    const text = await info();
    for (const [name, value] of [
      ["redis_version", "7.2.7"],
      ["redis_mode", "cluster"],
      ["tcp_port", String(serving.port)],
      ["role", "master"],
      ["loading", "0"],
      ["cluster_enabled", "1"],
      ["connected_slaves", "1"],
      ["slave0", "ip=127.0.0.1,port=6381,state=online,offset=11"],
      ["master_repl_offset", "12"],
      ["db0", "keys=3,expires=1,avg_ttl=1500"],
      ["db5", "keys=1,expires=0,avg_ttl=0"],
    ]) {
      expect([name, fieldOf(text, name!)]).toEqual([name, value]);
    }
  });

  test("a follower names its leader", async () => {
    serving.cluster.leading = false;
    const text = await info("replication");
    serving.cluster.leading = true;
    expect(text).toStartWith(
      "# Replication\r\nrole:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:6381\r\nmaster_link_status:up\r\n",
    );
  });

  test("raft has every field of RedisRaft and one more, RAFT.INFO the same without prefix", async () => {
    const fields =
      `raft_version raft_git_sha1 raft_dbid raft_node_id raft_state raft_role raft_is_voting raft_voted_for raft_leader_id
      raft_current_term raft_num_nodes raft_num_voting_nodes raft_node1 raft_log_entries raft_current_index raft_commit_index
      raft_last_applied_index raft_file_size raft_disk_full raft_cache_memory_size raft_cache_entries
      raft_client_attached_entries
      raft_fsync_count raft_fsync_max_microseconds raft_fsync_avg_microseconds raft_snapshot_filename raft_snapshot_last_idx
      raft_snapshot_last_term raft_snapshot_size raft_snapshot_time_secs raft_snapshots_created raft_snapshots_received
      raft_snapshot_in_progress raft_snapshot_in_progress_last_idx raft_snapshot_in_progress_last_term raft_proxy_reqs
      raft_proxy_failed_reqs raft_proxy_failed_responses raft_proxy_outstanding_reqs raft_appendreq_received
      raft_appendreq_with_entry_received raft_snapshotreq_received raft_exec_throttled raft_num_sessions`.split(
        /\s+/,
      );
    const text = await info("raft");
    expect([...text.matchAll(/^(\w+):/gm)].map((match) => match[1] as string)).toEqual(fields);
    const peer =
      "id=8,state=connected,voting=yes,addr=127.0.0.1,port=6381,last_conn_secs=3537,conn_errors=0,conn_oks=1";
    expect(fieldOf(text, "raft_node1")).toBe(peer);
    const short = String(await ask("RAFT.INFO"));
    expect(titlesOf(short)).toEqual(["Raft", "Log", "Snapshot", "Clients", "Stats"]);
    expect(fieldOf(short, "node1")).toBe(peer);
    expect(fieldOf(short, "fsync_avg_microseconds")).toBe("101");
    expect(fieldOf(short, "snapshot_time_secs")).toBe("-1");
  });

  test("tells hits and misses, which CONFIG RESETSTAT resets", async () => {
    const text = await info("stats");
    expect(fieldOf(text, "keyspace_hits")).toBe("9");
    expect(fieldOf(text, "keyspace_misses")).toBe("2");
    const before = serving.cluster.keyspaceResets;
    await ask("CONFIG", "RESETSTAT");
    expect(serving.cluster.keyspaceResets).toBe(before + 1);
  });

  test("latencystats has the percentiles asked for of every command that ran", async () => {
    await ask("CONFIG", "RESETSTAT");
    await ask("SET", "word", "x");
    await ask("GET");
    const figure = String.raw`\d+\.\d{3}`;
    const usual = await info("latencystats");
    expect(fieldOf(usual, "latency_percentiles_usec_set")).toMatch(
      new RegExp(`^p50=${figure},p99=${figure},p99\\.9=${figure}$`),
    );
    expect(fieldOf(usual, "latency_percentiles_usec_get")).toBeUndefined();
    await ask("CONFIG", "SET", "latency-tracking-info-percentiles", "0.5 100");
    expect(fieldOf(await info("latencystats"), "latency_percentiles_usec_config|set")).toMatch(
      /^p0\.5=.*,p100=/,
    );
    await ask("CONFIG", "SET", "latency-tracking", "no");
    await ask("CONFIG", "RESETSTAT");
    await ask("SET", "word", "x");
    expect(titlesOf(await info("latencystats"))).toEqual(["Latencystats"]);
    expect(await info("latencystats")).not.toContain("usec_set");
    await ask("CONFIG", "SET", "latency-tracking", "yes", "latency-tracking-info-percentiles", "50 99 99.9");
  });

  test("counts calls, refusals, failures and errors, until CONFIG RESETSTAT", async () => {
    expect(await ask("CONFIG", "RESETSTAT")).toBe("OK");
    await ask("SET", "word", "x");
    await ask("SET", "word", "y");
    await ask("INCR", "word");
    await ask("GET");
    await ask("CLIENT", "NO-EVICT", "maybe");
    await ask("CLIENT", "ID", "x");
    await ask("nosuch");
    await ask("HELLO", "9");
    const text = await info("commandstats", "errorstats", "stats");
    expect(fieldOf(text, "cmdstat_set")).toMatch(
      /^calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0$/,
    );
    expect(fieldOf(text, "cmdstat_incr")).toMatch(/^calls=1,.*,rejected_calls=0,failed_calls=1$/);
    expect(fieldOf(text, "cmdstat_get")).toMatch(
      /^calls=0,usec=0,usec_per_call=0\.00,rejected_calls=1,failed_calls=0$/,
    );
    expect(fieldOf(text, "cmdstat_client|no-evict")).toMatch(/^calls=1,.*,failed_calls=1$/);
    expect(fieldOf(text, "cmdstat_client|id")).toMatch(/^calls=0,.*,rejected_calls=1,failed_calls=0$/);
    expect(fieldOf(text, "errorstat_ERR")).toBe("count=5");
    expect(fieldOf(text, "errorstat_NOPROTO")).toBe("count=1");
    expect(fieldOf(text, "total_error_replies")).toBe("6");
    expect(fieldOf(text, "total_commands_processed")).toBe("6");
    await ask("CONFIG", "RESETSTAT");
    expect(titlesOf(await info("errorstats"))).toEqual(["Errorstats"]);
    expect(fieldOf(await info("stats"), "total_error_replies")).toBe("0");
  });

  test("is verbatim text in RESP3", async () => {
    await ask("HELLO", "3");
    expect(await info("cluster")).toBe("# Cluster\r\ncluster_enabled:1\r\n");
  });
});

test("TIME gives seconds and microseconds", async () => {
  const before = Date.now();
  const [seconds, micros] = (await ask("TIME")) as [string, string];
  const atMs = Number(seconds) * 1000 + Number(micros) / 1000;
  expect(atMs).toBeGreaterThanOrEqual(before);
  expect(atMs).toBeLessThanOrEqual(Date.now() + 1);
  expect(Number(micros)).toBeLessThan(1_000_000);
});

describe("CONFIG", () => {
  test("GET answers a flat array in RESP2 and a map in RESP3", async () => {
    expect(await ask("CONFIG", "GET", "maxclients")).toEqual(["maxclients", "10000"]);
    await ask("HELLO", "3");
    expect(await ask("CONFIG", "GET", "maxclients", "time*")).toEqual({ maxclients: "10000", timeout: "0" });
  });

  test("SET takes effect on what the server does", async () => {
    expect(await ask("CONFIG", "SET", "proto-max-bulk-len", "1mb")).toBe("OK");
    expect(serving.server.requestLimits.maxBulkBytes).toBe(1_048_576);
    expect(await ask("CONFIG", "SET", "proto-max-bulk-len", "512mb")).toBe("OK");
  });

  test.each([
    [["GET"], "-ERR wrong number of arguments for 'config|get' command"],
    [["SET", "a"], "-ERR wrong number of arguments for 'config|set' command"],
    [["SET", "maxclients", "10", "timeout"], "-ERR syntax error"],
    [["SET", "nope", "1"], "-ERR Unknown option or number of arguments for CONFIG SET - 'nope'"],
    [["FOO"], "-ERR unknown subcommand 'FOO'. Try CONFIG HELP."],
    [["REWRITE"], "-ERR The server is running without a config file"],
  ])("CONFIG %j", async (args, expected) => {
    expect(await ask("CONFIG", ...args)).toBe(expected);
  });
});
