// The rows of the option table that neither Redis nor RedisRaft has, and those of Redis Cluster that say how others
// reach this node.

import { type OptionRow, intMax } from "./option.ts";

const hostnameLengthMax = 255;

export const vlotOptions = [
  {
    name: "init",
    group: "cluster start",
    type: "boolean",
    default: "no",
    when: "start",
    help: "Makes this node the first of a new cluster, unless its directory already belongs to one. Give it to one node only.",
  },
  {
    name: "join",
    group: "cluster start",
    type: "addresses",
    default: "",
    when: "start",
    help: "Nodes to join, as host:port separated by commas; the port may be left out when it is 6379. Ignored once the directory belongs to a cluster, so the same line serves for every restart.",
  },
  {
    name: "bootstrap-expect",
    group: "cluster start",
    type: "integer",
    min: 0,
    max: 63,
    default: "0",
    when: "start",
    help: "With join: when this many empty nodes see each other, one of them founds the cluster and the others join it. It must be a majority of the addresses in join. Start all nodes with the same line, in any order. 0: join an existing cluster only.",
  },
  {
    name: "repair",
    group: "cluster start",
    type: "boolean",
    default: "yes",
    when: "start",
    help: "A node that finds its files damaged has itself replaced by a new one at the same address, which gets all data from the leader; the damaged files are kept aside. no: it stops with status 4 and says what is damaged.",
  },
  {
    name: "cluster-name",
    group: "cluster start",
    type: "string",
    default: "",
    when: "start",
    help: "A cluster takes in, and is founded by, only nodes with its name, which keeps two clusters on one network from mixing.",
  },
  {
    name: "cluster-announce-ip",
    group: "cluster start",
    type: "string",
    default: "",
    when: "init",
    help: "Host under which this node is reached, when it is behind NAT or in a container. addr goes before it.",
  },
  {
    name: "cluster-announce-hostname",
    group: "cluster start",
    type: "string",
    check: checkHostname,
    default: "",
    when: "init",
    help: "The same as a host name; goes before cluster-announce-ip.",
  },
  {
    name: "cluster-announce-port",
    group: "cluster start",
    type: "integer",
    min: 0,
    max: 65535,
    default: "0",
    when: "init",
    help: "Port under which this node is reached, when another than port. 0: port.",
  },
  {
    name: "leader-wait-timeout",
    group: "raft timing",
    type: "integer",
    min: 0,
    max: intMax,
    unit: "ms",
    default: "3000",
    when: "runtime",
    help: "How long commands are held while no leader is known, before they fail with CLUSTERDOWN. Covers an election, which most clients do not retry by themselves; 0 fails at once.",
  },
  {
    name: "shutdown-drain-timeout",
    group: "raft timing",
    type: "integer",
    min: 0,
    max: intMax,
    unit: "ms",
    default: "5000",
    when: "runtime",
    help: "How long a node that stops keeps answering MOVED after it has handed over leadership, so that clients move without an error. It ends sooner when all have left.",
  },
  {
    name: "max-uncommitted-size",
    group: "replication",
    type: "memory",
    min: 1024 * 1024,
    max: intMax,
    default: "256mb",
    when: "runtime",
    help: "Bytes of writes that may wait for a majority; past it new ones are refused before they reach the log. Bounds the memory of a leader whose followers are away.",
  },
  {
    name: "log-segment-size",
    group: "log and reads",
    type: "memory",
    min: 4096,
    max: 1024 * 1024 * 1024,
    default: "64mb",
    when: "start",
    help: "Size of the files that the log consists of. They are filled with zeros ahead of time and removed as a whole: larger means fewer of them and more disk held for longer.",
  },
] as const satisfies readonly OptionRow[];

// Redis' rule and text for host names.
function checkHostname(text: string): string | null {
  if (text.length > hostnameLengthMax)
    return `Hostnames must be less than ${hostnameLengthMax + 1} characters`;
  if (!/^[A-Za-z0-9.-]*$/.test(text)) {
    return "Hostnames may only contain alphanumeric characters, hyphens or dots";
  }
  return null;
}
