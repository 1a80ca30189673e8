// What no tampering with a node brings about, because the node's own assertions or other checks come first: the watches
// are told by themselves of messages and answers that no sound node would send.

import { describe, expect, test } from "bun:test";
import { assert } from "../../../src/base/assert.ts";
import { CommandTable } from "../../../src/commands/table.ts";
import type { Message } from "../../../src/raft/types.ts";
import type { VirtualWorld } from "../virtual-world.ts";
import { ClientWatch } from "./client-watch.ts";
import { ClusterRecord } from "./cluster-record.ts";
import { DurableLog } from "./durable-log.ts";
import { MessageWatch } from "./message-watch.ts";
import { broken, formed, memberOn } from "./tampering.ts";
import { WatchedNode } from "./watched-node.ts";
import { WorldHealth } from "./world-health.ts";

const commands = new CommandTable();

/** The node on `name` of a cluster at rest, led by n1, as a record sees it that has just begun to watch. */
function watchedOn(world: VirtualWorld, name: string): WatchedNode {
  const cluster = new ClusterRecord(commands);
  const [leader, ...others] = world.machines.map((machine) => {
    assert(machine.process !== null, `${machine.name} to run`);
    return new WatchedNode(machine, machine.process, memberOn(world, machine.name), cluster);
  });
  assert(leader !== undefined, "a leader");
  // It founded the cluster alone; there was nobody to vote.
  for (const { id } of others) cluster.noteVote(1, leader.id, id);
  const nodes = [leader, ...others];
  for (const node of nodes) node.look();
  const found = nodes.find((node) => node.name === name);
  assert(found !== undefined, `a node on ${name}`);
  return found;
}

/** The promise that `message` breaks when n2 of a cluster at rest sends it. */
function brokenBySaying(said: (node: WatchedNode, to: number) => Message): number | null {
  const { world } = formed();
  const node = watchedOn(world, "n2");
  const watch = new MessageWatch(new WorldHealth(world.time, world.network), () => world.time.nowMs);
  return broken(() => watch.left(node, said(node, memberOn(world, "n1").id)));
}

describe("a message is refused that", () => {
  test("asks for votes without its own vote on the disk", () => {
    const campaign = {
      kind: "RequestVote",
      lastLogIndex: 1,
      lastLogTerm: 1,
      leadershipTransfer: false,
    } as const;
    const asking = (preVote: boolean) => (node: WatchedNode, to: number) =>
      ({ ...campaign, preVote, from: node.id, to, term: preVote ? 2 : 1 }) as const;
    expect(brokenBySaying(asking(false))).toBe(2);
    expect(brokenBySaying(asking(true))).toBeNull();
  });

  test("grants a vote that is not on the disk", () => {
    const answer = (preVote: boolean, voteGranted: boolean) => (node: WatchedNode, to: number) =>
      ({ kind: "RequestVoteResponse", from: node.id, to, term: 1, preVote, voteGranted }) as const;
    expect(brokenBySaying(answer(false, true))).toBe(2);
    expect(brokenBySaying(answer(false, false))).toBeNull();
    expect(brokenBySaying(answer(true, true))).toBeNull();
  });

  test("acknowledges more than is on the disk", () => {
    const acknowledging = (ahead: number) => (node: WatchedNode, to: number) =>
      ({
        kind: "AppendEntriesResponse",
        from: node.id,
        to,
        term: 1,
        success: true,
        matchIndex: node.member.raft.lastIndex + ahead,
        rejectedIndex: 0,
        hintIndex: 0,
        hintTerm: 0,
        round: 0,
        full: false,
      }) as const;
    expect(brokenBySaying(acknowledging(1))).toBe(7);
    expect(brokenBySaying(acknowledging(0))).toBeNull();
  });
});

test("a read is refused that a leader answers before it has committed anything in its term", () => {
  const { world } = formed();
  const node = watchedOn(world, "n1");
  const watch = new ClientWatch({ commands, nodeOn: () => node });
  const { raft } = node.member;
  const ask = (requestId: number): void => {
    watch.passedOn("n2", "n1", requestId, ["GET", "key"]);
    node.cluster.confirmations.sent(node.id, requestId);
    for (const { id } of raft.membership.members)
      node.cluster.confirmations.echoed(node.id, id, raft.currentTerm, requestId);
  };
  ask(1);
  expect(broken(() => watch.passedBack("n1", "n2", 1, false))).toBeNull();
  // Elected again, with nothing committed since.
  Object.defineProperty(raft, "currentTerm", { get: () => 2 });
  ask(2);
  expect(broken(() => watch.passedBack("n1", "n2", 2, false))).toBe(11);
});

test("DurableLog finds what is synced and nothing else, also behind a truncation and in the next segment", () => {
  const { world } = formed({ settings: { "log-segment-size": "4kb" } });
  const { disk } = world.machine("n2");
  const { log } = memberOn(world, "n2").replica;
  for (let at = 0; at < 40; at++) world.expectCall("n1", ["SET", `key${at}`, "x".repeat(200)], /^OK$/);
  world.run(100);
  expect(
    disk.durableNames("/data/node/log").filter((name) => name.endsWith(".segment")).length,
  ).toBeGreaterThan(2);
  const durable = new DurableLog(disk, "/data/node/log");
  expect(durable.reaches(log.lastIndex)).toBeTrue();
  expect(durable.reaches(log.lastIndex + 1)).toBeFalse();
  for (let index = 1; index <= log.lastIndex; index++)
    expect(durable.at(index)).toMatchObject({ term: log.termAt(index), crc: log.crcAt(index) });
  const cut = log.lastIndex - 20;
  durable.truncateAfter(cut);
  expect([durable.lastIndex, durable.reaches(log.lastIndex)]).toEqual([cut, true]);
});
