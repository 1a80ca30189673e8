// INFO of the built executable against that of redis-server 7.0: the sections, their order and their fields.

import { expect } from "bun:test";
import { bulkOf } from "../differential/reply-text.ts";
import { SocketTarget } from "../differential/socket-target.ts";
import { withRedis } from "../differential/with-redis.ts";
import { Cluster } from "../support/cluster.ts";
import { scenario } from "../support/scenario.ts";

/** Fields whose values would have to be made up, with what it is that vlot has not. */
const leftOut: Readonly<Record<string, readonly string[]>> = {
  "a build by a C compiler": ["redis_build_id", "atomicvar_api", "gcc_version"],
  "a choice of clocks, and a cron with a rate": ["monotonic_clock", "hz", "configured_hz"],
  "an allocator that tells": [
    "allocator_active",
    "allocator_allocated",
    "allocator_frag_bytes",
    "allocator_frag_ratio",
    "allocator_resident",
    "allocator_rss_bytes",
    "allocator_rss_ratio",
    "mem_allocator",
    "mem_cluster_links",
    "rss_overhead_bytes",
    "rss_overhead_ratio",
    "used_memory_dataset",
    "used_memory_dataset_perc",
    "used_memory_overhead",
  ],
  "a cycle that looks for expired keys": [
    "expire_cycle_cpu_milliseconds",
    "expired_stale_perc",
    "expired_time_cap_reached_count",
  ],
  "counters of what goes to and comes from other nodes": [
    "instantaneous_input_repl_kbps",
    "instantaneous_output_repl_kbps",
    "total_net_repl_input_bytes",
    "total_net_repl_output_bytes",
  ],
  "reply buffers of one size": ["reply_buffer_expands", "reply_buffer_shrinks"],
  "a thread of its own for commands": ["used_cpu_sys_main_thread", "used_cpu_user_main_thread"],
};

withRedis("INFO", (redis) => {
  scenario(
    "has redis-server's sections in its order, and its fields but for those listed",
    30,
    async (place) => {
      const cluster = await Cluster.form(place, 1);
      const ours = await SocketTarget.connect("vlot", { host: "127.0.0.1", port: cluster.ports[0] ?? 0 });
      const theirs = await SocketTarget.connect("redis", { path: redis().socketPath });
      const texts = await Promise.all([ours, theirs].map(infoOf));
      await Promise.all([ours.close(), theirs.close()]);
      const [own = new Map(), wanted = new Map()] = texts.map(fieldsBySection);
      expect([...own.keys()].filter((title) => !title.startsWith("raft_"))).toEqual([...wanted.keys()]);
      const excused = Object.values(leftOut).flat().sort();
      const missing = [...wanted].flatMap(([title, fields]) =>
        [...fields].filter((field) => own.get(title)?.has(field) !== true),
      );
      expect(missing.sort()).toEqual(excused);
    },
  );
});

async function infoOf(target: SocketTarget): Promise<string> {
  // Something in every section: a key, an error.
  const replies = await target.exchange([
    ["FLUSHALL"],
    ["SET", "k", "v"],
    ["nosuch"],
    ["INFO", "everything"],
  ]);
  return bulkOf(replies[3] ?? "") ?? "";
}

/** The names of the fields, of what is counted per command or error just the kind. */
function fieldsBySection(text: string): Map<string, Set<string>> {
  const sections = new Map<string, Set<string>>();
  let fields = new Set<string>();
  for (const line of text.split("\r\n")) {
    if (line.startsWith("# ")) {
      fields = new Set();
      sections.set(line.slice(2), fields);
    } else if (line !== "") {
      const name = line.slice(0, line.indexOf(":"));
      fields.add(name.replace(/^(cmdstat_|errorstat_|latency_percentiles_usec_).*/, "$1"));
    }
  }
  return sections;
}
