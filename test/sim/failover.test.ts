// What one client sees of a change of leaders, case by case.

import { describe, expect, test } from "bun:test";
import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import { testHistories } from "./histories.ts";
import { textOf } from "./virtual-client.ts";
import type { Settings } from "./virtual-process.ts";
import { VirtualWorld } from "./virtual-world.ts";
import { CheckedLoad } from "./workload/checked-load.ts";

function clusterOf(seed: number, settings: Settings = {}): VirtualWorld {
  const world = new VirtualWorld({ seed, machines: 3, settings });
  world.formCluster();
  return world;
}

function leaderOf(world: VirtualWorld): string {
  return world.leader?.name ?? "";
}

function othersThan(world: VirtualWorld, name: string): string[] {
  return world.machines.map((machine) => machine.name).filter((other) => other !== name);
}

/** Nothing gets from `name` to the other machines any more, nor back. */
function cutOff(world: VirtualWorld, name: string): void {
  for (const other of othersThan(world, name)) {
    world.network.cut(name, other);
    world.network.cut(other, name);
  }
}

/** The answers to commands sent over one connection, as they come in. */
function sendAll(world: VirtualWorld, target: string, ...commands: string[]): string[] {
  const client = world.connect(target);
  const answers: string[] = [];
  const note = (reply: ReplyValue | null): void => void answers.push(reply === null ? "lost" : textOf(reply));
  for (const command of commands) client.send(command.split(" "), note);
  return answers;
}

describe("a leader that is cut off", () => {
  test("answers its pending write TIMEOUT, and the others do without it", () => {
    const world = clusterOf(1);
    const leader = leaderOf(world);
    cutOff(world, leader);
    const answers = sendAll(world, leader, "INCR k", "GET k", "PING");
    world.run(200);
    expect(answers).toEqual([]);
    world.runUntil("an answer", () => answers.length > 0);
    expect(answers[0]).toBe("-TIMEOUT not committed yet");
    world.settle();
    expect(textOf(world.call(leaderOf(world), ["GET", "k"]))).toBe("(nil)");
    expect(answers.slice(1)).toEqual([`-TIMEOUT no quorum for read`, "PONG"]);
  });

  test("gives a pending write its real answer when the next leader commits it", () => {
    const world = clusterOf(2, { "leader-wait-timeout": "5000" });
    const leader = leaderOf(world);
    // The entry gets out; what the others say does not come back.
    for (const other of othersThan(world, leader)) world.network.cut(other, leader);
    const answers = sendAll(world, leader, "INCR k");
    world.runUntil("another leader", () => leaderOf(world) !== leader && leaderOf(world) !== "");
    expect(answers).toEqual([]);
    world.settle();
    expect(answers).toEqual(["1"]);
    expect(textOf(world.call(leaderOf(world), ["GET", "k"]))).toBe("1");
  });

  test("serves no read", () => {
    const world = clusterOf(3);
    const leader = leaderOf(world);
    cutOff(world, leader);
    const answers = sendAll(world, leader, "GET k");
    world.run(1400);
    expect(answers).toEqual([]);
    world.run(2000);
    expect(answers).toEqual(["-CLUSTERDOWN No raft leader"]);
  });
});

test("a leader that was throttled and then deposed says that there is no leader", () => {
  const world = clusterOf(9, { "max-uncommitted-size": "1mb" });
  const leader = leaderOf(world);
  cutOff(world, leader);
  const value = "x".repeat(700_000);
  sendAll(world, leader, `SET a ${value}`, `SET b ${value}`);
  world.run(100);
  const node = world.machine(leader).process?.node;
  expect([node?.leading, node?.disposition]).toEqual([true, "wait"]);
  world.runUntil("its fall", () => node?.leading === false);
  const answers = sendAll(world, leader, "GET a");
  world.runUntil("an answer", () => answers.length > 0);
  expect(answers).toEqual(["-CLUSTERDOWN No raft leader"]);
});

describe("a leader that stands still while another takes over", () => {
  test("serves no read that is out of date when it wakes up", () => {
    const world = clusterOf(8);
    const old = leaderOf(world);
    world.call(old, ["SET", "k", "old"]);
    const client = world.connect(old);
    client.send(["PING"], () => undefined);
    world.run(20);
    cutOff(world, old);
    world.machine(old).process?.standStill(1500);
    world.runUntil("another leader", () =>
      othersThan(world, old).some((name) => world.machine(name).process?.node.leading),
    );
    const successor = othersThan(world, old).find((name) => world.machine(name).process?.node.leading) ?? "";
    expect(textOf(world.call(successor, ["SET", "k", "new"]))).toBe("OK");
    const answers: string[] = [];
    client.send(["GET", "k"], (reply) => answers.push(reply === null ? "lost" : textOf(reply)));
    world.run(1600);
    expect(answers).not.toContain("old");
    world.settle();
    world.runUntil("an answer", () => answers.length === 1);
    expect(answers[0]).toMatch(/^-(MOVED|CLUSTERDOWN|TIMEOUT) /);
  });
});

describe("while there is no leader", () => {
  test("commands are held, and answered in their order by the next one", () => {
    const world = clusterOf(4);
    const leader = leaderOf(world);
    const [follower = ""] = othersThan(world, leader);
    world.machine(leader).kill();
    world.run(2);
    const answers = sendAll(world, follower, "APPEND k a", "GET k", "PING", "APPEND k b", "GET k");
    world.run(1);
    expect(answers).toEqual([]);
    world.runUntil("all answers", () => answers.length === 5);
    if (leaderOf(world) === follower) expect(answers).toEqual(["1", "a", "PONG", "2", "ab"]);
    else for (const at of [0, 1, 3, 4]) expect(answers[at]).toMatch(/^-MOVED /);
    expect(answers[2]).toBe("PONG");
  });

  test("a command fails with CLUSTERDOWN after leader-wait-timeout", () => {
    const world = clusterOf(5, { "leader-wait-timeout": "700" });
    const leader = leaderOf(world);
    const [first = "", second = ""] = othersThan(world, leader);
    world.machine(leader).kill();
    world.machine(second).kill();
    world.run(100);
    const sentMs = world.time.nowMs;
    const answers = sendAll(world, first, "GET k", "GET k");
    world.runUntil("both answers", () => answers.length === 2);
    expect(answers).toEqual(["-CLUSTERDOWN No raft leader", "-CLUSTERDOWN No raft leader"]);
    expect(world.time.nowMs - sentMs).toBeGreaterThanOrEqual(600);
    expect(world.time.nowMs - sentMs).toBeLessThan(900);
  });
});

describe("the proxy", () => {
  const proxying = { "follower-proxy": "yes" };

  test("reads for a client with NO-TOUCH without a trace, as the leader itself does", () => {
    const world = clusterOf(5, proxying);
    const leader = leaderOf(world);
    for (const target of [leader, othersThan(world, leader)[0]!]) {
      world.call(leader, ["SET", "k", "v"]);
      world.run(3000);
      const commands = ["CLIENT NO-TOUCH ON", "GET k", "OBJECT IDLETIME k", "TOUCH k", "OBJECT IDLETIME k"];
      const answers = sendAll(world, target, ...commands);
      world.runUntil("all answers", () => answers.length === commands.length);
      expect([target, answers]).toEqual([target, ["OK", "v", "3", "1", "0"]]);
    }
  });

  test("lets any node answer, in the order of one client's commands", () => {
    const world = clusterOf(6, proxying);
    const [follower = ""] = othersThan(world, leaderOf(world));
    const answers = sendAll(
      world,
      follower,
      "SET k 1",
      "GET k",
      "PING",
      "INCR k",
      "GET k",
      "INCR",
      "LCS k k",
    );
    world.runUntil("all answers", () => answers.length === 7);
    expect(answers).toEqual([
      "OK",
      "1",
      "PONG",
      "2",
      "2",
      "-ERR wrong number of arguments for 'incr' command",
      "2",
    ]);
  });

  test("passes on what it held as soon as its link to the new leader is open", () => {
    const world = clusterOf(33, { ...proxying, "leader-wait-timeout": "5000" });
    for (let round = 0; round < 5; round++) {
      const leader = leaderOf(world);
      const [successor = "", follower = ""] = othersThan(world, leader);
      // Gone for so long that the others try to reach it but once a second.
      world.machine(successor).kill();
      world.run(3000);
      world.machine(successor).start();
      const id = String(world.machine(successor).process?.node.nodeId);
      world.runUntil("the transfer", () => {
        return textOf(world.call(leader, ["RAFT.TRANSFER_LEADER", id])) === "OK";
      });
      const sentMs = world.time.nowMs;
      const answers = sendAll(world, follower, "SET k 1");
      world.runUntil("an answer", () => answers.length > 0);
      expect(answers).toEqual(["OK"]);
      expect(world.time.nowMs - sentMs).toBeLessThan(1500);
      world.settle();
    }
  });

  test("asks once, not all the time, while the leader is throttled, and says so in the end", () => {
    const limits = {
      "max-uncommitted-size": "1mb",
      "leader-wait-timeout": "1000",
      "election-timeout": "5000",
    };
    const world = new VirtualWorld({ seed: 3, machines: 5, settings: { ...proxying, ...limits } });
    world.formCluster();
    const leader = leaderOf(world);
    const [follower = "", ...others] = othersThan(world, leader);
    // The leader will notice only after a while that it is without a majority.
    for (const name of others) world.machine(name).kill();
    for (let at = 0; at < 6; at++) {
      sendAll(world, leader, `SET k${at} ${"x".repeat(700_000)}`);
      world.run(100);
    }
    const node = world.machine(leader).process?.node;
    expect([node?.leading, node?.disposition]).toEqual([true, "wait"]);
    const answers = sendAll(world, follower, "SET k 1", "GET k");
    world.runUntil("the answers", () => answers.length === 2);
    const throttled = "-THROTTLED too many writes wait for a majority of the nodes";
    expect(answers).toEqual([throttled, throttled]);
    // Each may come back once, when the leader notices.
    const requests = world.machine(follower).process?.node.raftStatus().proxy.requests;
    expect(requests).toBeLessThanOrEqual(4);
  });

  test("never sends a write twice when the leader dies with it", () => {
    const world = clusterOf(7, { ...proxying, "leader-wait-timeout": "5000" });
    const leader = leaderOf(world);
    const [follower = ""] = othersThan(world, leader);
    sendAll(world, follower, "SET k 0");
    world.run(50);
    const answers = sendAll(world, follower, "INCR k", "GET k", "INCR k");
    world.run(0.75);
    world.machine(leader).kill();
    world.settle();
    world.runUntil("all answers", () => answers.length === 3);
    const applied = Number(textOf(world.call(leaderOf(world), ["GET", "k"])));
    const unknown = answers.filter((answer) => answer === "-TIMEOUT no reply from leader").length;
    const acknowledged = answers.filter((answer, at) => at !== 1 && /^\d+$/.test(answer)).length;
    expect(applied).toBeGreaterThanOrEqual(acknowledged);
    expect(applied).toBeLessThanOrEqual(acknowledged + unknown);
  });
});

// With one of three nodes down, the leader and one follower are the majority: what they have acknowledged must be on the
// disks of both, for the follower may lose its power in the moment of its answer, and the leader may be the next to go.
testHistories("a follower vouches for nothing that its disk would lose", 30, (seed) => {
  const world = clusterOf(seed);
  const leader = leaderOf(world);
  const [vouching = "", away = ""] = othersThan(world, leader);
  world.machine(away).kill();
  const answers = sendAll(world, leader, "INCR k");
  world.machine(vouching).disk.cutPowerAfter(1 + (seed % 4));
  world.run(50);
  world.machine(vouching).disk.cutPowerAfter(Number.MAX_SAFE_INTEGER);
  world.machine(leader).kill();
  if (!world.machine(vouching).isRunning) world.machine(vouching).start();
  world.machine(away).start();
  world.runUntil("another leader", () => leaderOf(world) !== leader && leaderOf(world) !== "");
  world.run(100);
  const value = textOf(world.call(leaderOf(world), ["GET", "k"]));
  if (answers[0] === "1") expect(value).toBe("1");
  return { runs: 1 };
});

// An election takes less time than commands are held: nobody sees more of it than a redirection.
testHistories("the death of a leader is no error for its clients", 8, (seed) => {
  const world = clusterOf(seed);
  const load = new CheckedLoad(world, 4);
  load.start();
  world.run(200);
  world.leader?.kill();
  world.run(1500);
  world.settle();
  load.finish();
  expect([...load.errors.keys()].filter((code) => code !== "-MOVED")).toEqual([]);
  return { acknowledged: load.counts.acknowledged, moved: load.errors.get("-MOVED") ?? 0 };
});

testHistories("an orderly stop hands leadership over and loses no command", 10, (seed) => {
  const world = clusterOf(seed);
  const load = new CheckedLoad(world, 4);
  load.start();
  world.run(200);
  const leader = world.machine(leaderOf(world));
  leader.process?.terminate();
  world.run(50);
  const successor = leaderOf(world);
  expect(successor).not.toBe(leader.name);
  world.runUntil("the old leader has ended", () => !leader.isRunning);
  world.settle();
  load.finish();
  expect(load.counts.unknown).toBe(0);
  return { acknowledged: load.counts.acknowledged };
});
