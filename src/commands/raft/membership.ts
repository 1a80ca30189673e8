// Who belongs to the cluster and who leads it: RAFT.CLUSTER, RAFT.NODE, RAFT.TRANSFER_LEADER, RAFT.TIMEOUT_NOW. Replies
// and error texts are RedisRaft's; what they set off is the node's.

import { errorFor, errors } from "../../resp/errors.ts";
import type { LocalCommand } from "../command.ts";
import { isPrintableName } from "../connection.ts";
import type { ClientPort, ClusterPort, LocalContext } from "../context.ts";
import { isWord, parseAddress, parseNodeId } from "./arguments.ts";
import { raftFacts } from "./facts.ts";

const clusterIdLength = 32;

const cluster: LocalCommand = {
  ...raftFacts,
  name: "raft.cluster",
  summary: "Founds a cluster with this node as its first, or makes this node join one.",
  arity: -2,
  arguments: [
    {
      name: "operation",
      type: "oneof",
      arguments: [
        {
          name: "init",
          type: "block",
          token: "INIT",
          arguments: [{ name: "cluster-id", type: "string", optional: true }],
        },
        { name: "address", type: "string", token: "JOIN", multiple: true },
      ],
    },
  ],
  run(context, args) {
    const word = args[1] as string;
    if (isWord(word, "init")) runInit(context, args);
    else if (isWord(word, "join")) runJoin(context, args);
    else context.reply.error(errors.clusterSupports);
  },
};

function runInit(context: LocalContext, args: readonly string[]): void {
  const { reply } = context;
  if (args.length > 3) return reply.error(errorFor.wrongArity("raft.cluster"));
  const clusterId = args[2];
  // A space or a line end in the id would break the lines of INFO and CLUSTER NODES apart, and the reply to INIT too.
  if (clusterId !== undefined && (clusterId.length !== clusterIdLength || !isPrintableName(clusterId))) {
    return reply.error(errors.clusterIdLength);
  }
  const result = context.cluster.init(clusterId);
  if ("error" in result) reply.error(result.error);
  else reply.simple(`OK ${result.clusterId}`);
}

function runJoin(context: LocalContext, args: readonly string[]): void {
  const { reply, client } = context;
  if (args.length < 3) return reply.error(errorFor.wrongArity("raft.cluster"));
  const addresses: { host: string; port: number }[] = [];
  for (let at = 2; at < args.length; at++) {
    const address = parseAddress(args[at] as string);
    if (address === null) return reply.error(errors.nodeAddressInvalid);
    addresses.push(address);
  }
  context.cluster.join(addresses, outcomeLater(client));
}

const node: LocalCommand = {
  ...raftFacts,
  name: "raft.node",
  summary: "Adds a node to the cluster, removes one, or replaces one by a new one.",
  arity: -2,
  arguments: [
    {
      name: "operation",
      type: "oneof",
      arguments: [
        {
          name: "add",
          type: "block",
          token: "ADD",
          arguments: [
            { name: "node-id", type: "integer" },
            { name: "address", type: "string" },
            { name: "cluster-name", type: "string", optional: true },
          ],
        },
        { name: "node-id", type: "integer", token: "REMOVE" },
        {
          name: "replace",
          type: "block",
          token: "REPLACE",
          arguments: [
            { name: "node-id", type: "integer" },
            { name: "new-node-id", type: "integer" },
            { name: "address", type: "string" },
            { name: "cluster-id", type: "string", optional: true },
          ],
        },
      ],
    },
  ],
  run(context, args) {
    const { reply } = context;
    const error = context.cluster.stateError() ?? context.cluster.leaderError();
    if (error !== null) return reply.error(error);
    const word = args[1] as string;
    if (isWord(word, "add")) runAdd(context, args);
    else if (isWord(word, "remove")) runRemove(context, args);
    else if (isWord(word, "replace")) runReplace(context, args);
    else reply.error(errors.nodeSupports);
  },
};

function runAdd(context: LocalContext, args: readonly string[]): void {
  const { reply, config } = context;
  if (args.length !== 4 && args.length !== 5) return reply.error(errorFor.wrongArity("raft.node"));
  // A node that wants to join says which cluster it means; a person who adds one need not.
  const clusterName = args[4] ?? config.get("cluster-name");
  if (clusterName !== config.get("cluster-name")) return reply.error(errors.otherClusterName);
  const id = parseNodeId(args[2] as string, 0);
  if (id === null) return reply.error(errors.nodeIdInvalid);
  const address = parseAddress(args[3] as string);
  if (address === null) return reply.error(errors.nodeAddressInvalid);
  context.cluster.addNode(id, address.host, address.port, placeLater(context.client));
}

function runRemove(context: LocalContext, args: readonly string[]): void {
  const { reply, client } = context;
  if (args.length !== 3) return reply.error(errorFor.wrongArity("raft.node"));
  const id = parseNodeId(args[2] as string, 1);
  if (id === null) return reply.error(errors.nodeIdInvalid);
  context.cluster.removeNode(id, outcomeLater(client));
}

/** A node that asks for itself names the cluster that it means; a person need not. */
function runReplace(context: LocalContext, args: readonly string[]): void {
  const { reply, cluster: port } = context;
  if (args.length !== 5 && args.length !== 6) return reply.error(errorFor.wrongArity("raft.node"));
  if (args[5] !== undefined && args[5] !== port.clusterId) return reply.error(errors.otherClusterId);
  const id = parseNodeId(args[2] as string, 1);
  const by = parseNodeId(args[3] as string, 0);
  if (id === null || by === null) return reply.error(errors.nodeIdInvalid);
  const address = parseAddress(args[4] as string);
  if (address === null) return reply.error(errors.nodeAddressInvalid);
  port.replaceNode(id, { id: by, ...address }, placeLater(context.client));
}

const transferLeader: LocalCommand = {
  ...raftFacts,
  name: "raft.transfer_leader",
  summary: "Hands leadership to another node, by default to the most caught-up one.",
  arity: -1,
  arguments: [{ name: "node-id", type: "integer", optional: true }],
  run(context, args) {
    const { reply } = context;
    if (args.length > 2) return reply.error(errorFor.wrongArity("raft.transfer_leader"));
    const error = context.cluster.stateError();
    if (error !== null) return reply.error(error);
    const target = args[1] === undefined ? 0 : parseNodeId(args[1], 1);
    if (target === null) return reply.error(errors.transferTargetInvalid);
    context.cluster.transferLeadership(target, outcomeLater(context.client));
  },
};

const timeoutNow: LocalCommand = {
  ...raftFacts,
  name: "raft.timeout_now",
  summary: "Makes this node stand for election at once.",
  arity: 1,
  arguments: [],
  run({ reply, cluster: port }) {
    const error = port.stateError() ?? port.timeoutNow();
    if (error === null) reply.ok();
    else reply.error(error);
  },
};

/** Lets the client wait; the function returned answers it OK, or the error. */
function outcomeLater(client: ClientPort): (error: string | null) => void {
  const later = client.answerLater();
  return (error) => later.answer((out) => (error === null ? out.ok() : out.error(error)));
}

/** The same for who is given a place: the function returned answers the id and the cluster's id, or the error. */
function placeLater(client: ClientPort): Parameters<ClusterPort["addNode"]>[3] {
  const later = client.answerLater();
  return (result) =>
    later.answer((out) => {
      if ("error" in result) return out.error(result.error);
      out.array(2);
      out.integer(result.id);
      out.simple(result.clusterId);
    });
}

export const membershipCommands: readonly LocalCommand[] = [cluster, node, timeoutNow, transferLeader];
