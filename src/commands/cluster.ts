// CLUSTER and its kin: the cluster in the form that Redis Cluster's clients know. One shard owns all slots; its master
// is the Raft leader, its replicas are the other nodes. While no leader is known the last one stands in for it: a
// client that is shown an empty cluster drops all its connections or gives up.

import { keySlot } from "../base/key-slot.ts";
import { errors } from "../resp/errors.ts";
import type { Reply } from "../resp/reply.ts";
import type { Command, CommandFacts, LocalCommand } from "./command.ts";
import type { ClusterNodeView, ClusterPort, LocalContext } from "./context.ts";
import { helpSubcommand } from "./help.ts";

const slotCount = 16384;
const nodeIdHexDigits = 8;

/** What the subcommands without arguments and flags of their own have in common. */
const shared = {
  group: "cluster",
  complexity: "O(1)",
  arity: 2,
  flags: ["stale"],
  keySpecs: [],
  arguments: [],
  scope: "local",
} as const;

/** A node's name of 40 hex digits: the cluster's id and the node's, as RedisRaft composes it. */
function nodeName(cluster: ClusterPort, id: number): string {
  return cluster.clusterId + id.toString(16).padStart(nodeIdHexDigits, "0");
}

/** The members, the one to show as master first; empty after an error reply when there is no cluster yet. */
function membersOf(context: LocalContext): readonly ClusterNodeView[] {
  const { cluster, reply } = context;
  const members = cluster.clusterId === "" ? [] : cluster.slots();
  if (members.length === 0) reply.error(cluster.stateError() ?? errors.noCluster);
  return members;
}

const slots: LocalCommand = {
  ...shared,
  name: "slots",
  summary: "Returns the mapping of cluster slots to nodes.",
  since: "3.0.0",
  deprecated: { since: "7.0.0", replacedBy: "`CLUSTER SHARDS`" },
  history: [
    ["4.0.0", "Shows the IDs of nodes."],
    ["7.0.0", "Shows further facts of a node's address."],
  ],
  complexity: "O(N) where N is the total number of Cluster nodes",
  tips: ["nondeterministic_output"],
  run(context) {
    const { reply, cluster } = context;
    const members = membersOf(context);
    if (members.length === 0) return;
    reply.array(1);
    reply.array(2 + members.length);
    reply.integer(0);
    reply.integer(slotCount - 1);
    for (const member of members) {
      reply.array(4);
      reply.bulk(member.host);
      reply.integer(member.port);
      reply.bulk(nodeName(cluster, member.id));
      reply.map(0);
    }
  },
};

const shards: LocalCommand = {
  ...shared,
  name: "shards",
  summary: "Returns the mapping of cluster slots to shards.",
  since: "7.0.0",
  complexity: "O(N) where N is the total number of cluster nodes",
  flags: ["loading", "stale"],
  tips: ["nondeterministic_output"],
  run(context) {
    const { reply } = context;
    const members = membersOf(context);
    if (members.length === 0) return;
    reply.array(1);
    reply.map(2);
    reply.bulk("slots");
    reply.array(2);
    reply.integer(0);
    reply.integer(slotCount - 1);
    reply.bulk("nodes");
    reply.array(members.length);
    for (const [position, member] of members.entries()) writeShardNode(context, member, position === 0);
  },
};

function writeShardNode(context: LocalContext, member: ClusterNodeView, isMaster: boolean): void {
  const { reply, cluster } = context;
  reply.map(7);
  reply.bulk("id");
  reply.bulk(nodeName(cluster, member.id));
  reply.bulk("port");
  reply.integer(member.port);
  reply.bulk("ip");
  reply.bulk(member.host);
  reply.bulk("endpoint");
  reply.bulk(member.host);
  reply.bulk("role");
  reply.bulk(isMaster ? "master" : "replica");
  reply.bulk("replication-offset");
  reply.integer(member.matchIndex);
  reply.bulk("health");
  reply.bulk(healthOf(cluster, member));
}

function healthOf(cluster: ClusterPort, member: ClusterNodeView): "online" | "loading" | "fail" {
  if (!member.myself) return member.connected ? "online" : "fail";
  return cluster.stateError() === null ? "online" : "loading";
}

const nodes: LocalCommand = {
  ...shared,
  name: "nodes",
  summary: "Returns the cluster configuration for a node.",
  since: "3.0.0",
  complexity: "O(N) where N is the total number of Cluster nodes",
  tips: ["nondeterministic_output"],
  run(context) {
    const members = membersOf(context);
    const master = members[0];
    if (master === undefined) return;
    const { cluster } = context;
    let text = "";
    for (const member of members) {
      const isMaster = member === master;
      const flags = `${member.myself ? "myself," : ""}${isMaster ? "master" : "slave"}`;
      const state = member.myself || member.connected ? "connected" : "disconnected";
      // Peers use the clients' port, so it stands for the cluster bus as well. Nobody keeps times of pings here.
      text += `${nodeName(cluster, member.id)} ${member.host}:${member.port}@${member.port} ${flags}`;
      text += ` ${isMaster ? "-" : nodeName(cluster, master.id)} 0 0 ${cluster.currentTerm} ${state}`;
      text += isMaster ? ` 0-${slotCount - 1}\n` : "\n";
    }
    context.reply.verbatim("txt", text);
  },
};

const info: LocalCommand = {
  ...shared,
  name: "info",
  summary: "Returns information about the state of a node.",
  since: "3.0.0",
  tips: ["nondeterministic_output"],
  run(context) {
    const { cluster } = context;
    const members = cluster.clusterId === "" ? [] : cluster.slots();
    const isMember = members.length > 0;
    // Redis' meaning of ok: this node can take queries, here or by sending the client on.
    const ok = cluster.stateError() === null && members.some((member) => member.leader);
    const assigned = isMember ? slotCount : 0;
    const fields: readonly (readonly [string, string | number])[] = [
      ["cluster_enabled", 1],
      ["cluster_state", ok ? "ok" : "fail"],
      ["cluster_slots_assigned", assigned],
      ["cluster_slots_ok", ok ? assigned : 0],
      ["cluster_slots_pfail", 0],
      ["cluster_slots_fail", ok ? 0 : assigned],
      ["cluster_known_nodes", Math.max(1, members.length)],
      ["cluster_size", isMember ? 1 : 0],
      ["cluster_current_epoch", cluster.currentTerm],
      ["cluster_my_epoch", cluster.currentTerm],
    ];
    context.reply.verbatim("txt", fields.map(([name, value]) => `${name}:${value}\r\n`).join(""));
  },
};

const myId: LocalCommand = {
  ...shared,
  name: "myid",
  summary: "Returns the ID of a node.",
  since: "3.0.0",
  run(context) {
    const { reply, cluster } = context;
    if (cluster.clusterId === "") reply.error(cluster.stateError() ?? errors.noCluster);
    else reply.bulk(nodeName(cluster, cluster.nodeId));
  },
};

const keySlotCommand: LocalCommand = {
  ...shared,
  name: "keyslot",
  summary: "Returns the hash slot for a key.",
  since: "3.0.0",
  complexity: "O(N) where N is the number of bytes in the key",
  arity: 3,
  arguments: [{ name: "key", type: "string" }],
  run({ reply }, args) {
    reply.integer(keySlot(args[2] as string));
  },
};

const help = helpSubcommand({
  container: "cluster",
  group: "cluster",
  lines: [
    "INFO",
    "    Return information about the cluster.",
    "KEYSLOT <key>",
    "    Return the hash slot for <key>.",
    "MYID",
    "    Return the node id.",
    "NODES",
    "    Return cluster configuration seen by node. Output format:",
    "    <id> <ip:port> <flags> <master> <pings> <pongs> <epoch> <link> <slot> ...",
    "SLOTS",
    "    Return information about slots range mappings. Each range is made of:",
    "    start, end, master and replicas IP addresses, ports and ids",
    "SHARDS",
    "    Return information about slot range mappings and the nodes associated with them.",
  ],
});

/** Commands by which a cluster client tells what its connection is for. */
function connectionMode(
  facts: Pick<CommandFacts, "name" | "summary" | "flags">,
  run: (context: LocalContext, reply: Reply) => void,
): LocalCommand {
  return {
    ...facts,
    since: "3.0.0",
    group: "cluster",
    complexity: "O(1)",
    arity: 1,
    categories: ["connection"],
    keySpecs: [],
    arguments: [],
    scope: "local",
    run: (context) => run(context, context.reply),
  };
}

// No slot ever migrates here, so there is no redirect that ASKING could follow; it is harmless, as in Redis.
const asking = connectionMode(
  {
    name: "asking",
    summary: "Signals that a cluster client is following an -ASK redirect.",
    flags: ["fast"],
  },
  (_context, reply) => reply.ok(),
);

const readOnly = connectionMode(
  {
    name: "readonly",
    summary: "Enables read-only queries for a connection to a Redis Cluster replica node.",
    flags: ["loading", "stale", "fast"],
  },
  ({ client }, reply) => {
    client.readOnly = true;
    reply.ok();
  },
);

const readWrite = connectionMode(
  {
    name: "readwrite",
    summary: "Enables read-write queries for a connection to a Redis Cluster replica node.",
    flags: ["loading", "stale", "fast"],
  },
  ({ client }, reply) => {
    client.readOnly = false;
    reply.ok();
  },
);

export const clusterCommands: readonly Command[] = [
  asking,
  {
    name: "cluster",
    summary: "A container for Redis Cluster commands.",
    since: "3.0.0",
    group: "cluster",
    complexity: "Depends on subcommand.",
    arity: -2,
    flags: [],
    keySpecs: [],
    arguments: [],
    scope: "container",
    subcommands: [help, info, keySlotCommand, myId, nodes, shards, slots],
  },
  readOnly,
  readWrite,
];
