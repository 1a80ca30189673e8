// RAFT.* commands with arguments that nobody meant, to every node: leader, follower, and one that belongs to no cluster.
// Each is answered, none ends a node or makes it hang, and what was refused has changed nothing.

import { expect } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { peerVersion } from "../../src/peer/hello.ts";
import { type Counts, testHistories } from "../sim/histories.ts";
import { textOf } from "../sim/virtual-client.ts";
import { VirtualWorld } from "../sim/virtual-world.ts";

const calls = 250;
const together = 10;

const words = [
  ...[
    "",
    " ",
    "0",
    "1",
    "-1",
    "2147483647",
    "2147483648",
    "9007199254740993",
    "1e3",
    "NaN",
    "0x10",
    "+1",
    "01",
  ],
  ...[
    "n1:6379",
    "n9:6379",
    "n1",
    ":6379",
    "n1:",
    "n1:0",
    "n1:65536",
    "[::1]:1",
    "[n1:1",
    "a b:1",
    "x\r\ny:1",
    "\xff\xfe:1",
  ],
  ...[
    "INIT",
    "JOIN",
    "ADD",
    "REMOVE",
    "GET",
    "SET",
    "STATE",
    "PROMISE",
    "COMMANDSPEC",
    "DIGEST",
    "USED_NODE_IDS",
    "*",
  ],
  ...[
    "follower-proxy",
    "election-timeout",
    "no-such-option",
    "x".repeat(300),
    "f".repeat(32),
    "\0",
    "\r\n",
    "%s",
    "__proto__",
  ],
];
const commands = [
  ["RAFT.CLUSTER"],
  ["RAFT.CLUSTER", "INIT"],
  ["RAFT.NODE"],
  ["RAFT.NODE", "ADD"],
  ["RAFT.NODE", "REMOVE"],
  ["RAFT.CONFIG"],
  ["RAFT.CONFIG", "GET"],
  ["RAFT.CONFIG", "SET", "election-timeout"],
  ["RAFT.DEBUG"],
  ["RAFT.DEBUG", "COMMANDSPEC"],
  ["RAFT.BOOTSTRAP"],
  ["RAFT.BOOTSTRAP", "PROMISE"],
  ["RAFT.TRANSFER_LEADER"],
  ["RAFT.TIMEOUT_NOW"],
  ["RAFT.INFO"],
  ["RAFT.PEER"],
  ["RAFT.PEER", String(peerVersion)],
  ["RAFT.NOSUCH"],
];
/** A valid value of it would change how the cluster works, and is no attack. */
const taken = /^(election-timeout|follower-proxy)$/;

function oddAdministration(seed: number): Counts {
  const world = new VirtualWorld({ seed, machines: 3 });
  world.formCluster();
  const stranger = world.addMachine();
  stranger.start();
  const random = new SeededRandom(world.random.uint32());
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)] as T;
  const counts = { answered: 0, refused: 0, accepted: 0 };
  let sent = 0;
  for (let at = 0; at < calls; at++) {
    const args = [...pick(commands), ...Array.from({ length: random.below(4) }, () => pick(words))];
    const isChange =
      args[1] === "SET" && taken.test(args[2] ?? "") && /^\+?\d+$|^yes$|^no$/.test(args[3] ?? "");
    const isExecution = args[0] === "RAFT.DEBUG" && "exec".startsWith((args[1] ?? "x").toLowerCase());
    if (isChange || isExecution) continue;
    const client = world.connect(`n${1 + random.below(4)}`);
    sent++;
    client.send(args, (reply) => {
      counts.answered++;
      const text = reply === null ? "lost" : textOf(reply);
      expect([args, text]).not.toEqual([args, "lost"]);
      if (text.startsWith("-")) counts.refused++;
      else counts.accepted++;
      client.close();
    });
    if (at % together === 0) world.run(random.below(100));
  }
  world.runUntil("every answer", () => counts.answered === sent, 60_000);
  world.settle();
  world.expectCall(world.leader?.name ?? "n1", ["SET", "k", "v"], /^OK$/);
  for (const { process } of world.machines) {
    const status = process?.node.raftStatus();
    if (status?.clusterId !== world.leader?.process?.node.clusterId) continue;
    for (const { host, id } of process?.node.slots() ?? []) {
      expect(host).toMatch(/^[\w.:%-]+$/);
      expect(id).toBeGreaterThan(0);
    }
  }
  return counts;
}

testHistories("odd administration is answered and harmless", 6, oddAdministration);
