// RAFT.PEER: another node turns this connection into a link. It says who it is, whom it means and what the link is for;
// after `+OK` both sides speak frames.

import { parseSafeInteger } from "../../base/parse-integer.ts";
import { errors } from "../../resp/errors.ts";
import type { LocalCommand } from "../command.ts";
import type { PeerHello } from "../context.ts";
import { parseNodeId } from "./arguments.ts";
import { raftFacts } from "./facts.ts";

const channels: ReadonlyMap<string, PeerHello["channel"]> = new Map([
  ["control", "control"],
  ["bulk", "bulk"],
  ["proxy", "proxy"],
]);

const peer: LocalCommand = {
  ...raftFacts,
  name: "raft.peer",
  summary: "Turns this connection into a link between two nodes.",
  internal: true,
  arity: -6,
  arguments: [
    { name: "version", type: "integer" },
    { name: "cluster-id", type: "string" },
    { name: "from", type: "integer" },
    { name: "to", type: "integer" },
    {
      name: "channel",
      type: "oneof",
      arguments: [
        { name: "control", type: "pure-token", token: "CONTROL" },
        { name: "bulk", type: "pure-token", token: "BULK" },
        { name: "proxy", type: "pure-token", token: "PROXY" },
      ],
    },
    { name: "address", type: "string", optional: true },
  ],
  run({ reply, client, cluster }, args) {
    const hello = parseHello(args);
    if (hello === null) return reply.error(errors.invalidArgument);
    const error = cluster.peerError(hello);
    if (error !== null) return reply.error(error);
    reply.ok();
    client.upgradeToPeer(hello);
  },
};

function parseHello(args: readonly string[]): PeerHello | null {
  const version = parseSafeInteger(args[1] as string);
  const clusterId = args[2] as string;
  const from = parseNodeId(args[3] as string, 1);
  const to = parseNodeId(args[4] as string, 1);
  const channel = channels.get((args[5] as string).toLowerCase());
  if (version === null || from === null || to === null || channel === undefined) return null;
  const address = args[6];
  if (args.length > 7) return null;
  return { version, clusterId, from, to, channel, ...(address === undefined ? {} : { address }) };
}

export const peerCommands: readonly LocalCommand[] = [peer];
