// A disk that hangs without an error (a gray failure) is the worst a leader can have: its heartbeats go on.

import { expect, test } from "bun:test";
import { textOf } from "../sim/virtual-client.ts";
import { VirtualWorld } from "../sim/virtual-world.ts";

const electionTimeoutMs = 300;

test("a leader whose disk hangs in a sync lets another node lead, and stays what it is while nobody can", () => {
  const world = new VirtualWorld({
    seed: 4,
    machines: 3,
    settings: { "election-timeout": String(electionTimeoutMs) },
  });
  world.formCluster();
  expect(world.leader?.name).toBe("n1");
  const slow = world.machine("n1");
  // In the background: heartbeats and everything else go on.
  slow.diskSpeed = { ...slow.diskSpeed, backgroundMsMax: 1e6 };
  const client = world.connect("n1");
  let first = "none";
  client.send(["SET", "a", "1"], (reply) => (first = reply === null ? "lost" : textOf(reply)));
  world.run(electionTimeoutMs / 2);
  // The others have it on their disks, which is a majority.
  expect(first).toBe("OK");
  const fromMs = world.time.nowMs;
  let second = "none";
  client.send(["SET", "b", "2"], (reply) => (second = reply === null ? "lost" : textOf(reply)));
  world.runUntil("another leads", () => world.leader !== undefined && world.leader.name !== "n1");
  expect(world.time.nowMs - fromMs).toBeLessThan(2 * electionTimeoutMs);
  world.runUntil("the second write is answered", () => second !== "none");
  // It was never proposed, so the client is sent on.
  expect(second).toStartWith("-MOVED");
  expect(textOf(world.call(world.leader?.name ?? "", ["GET", "a"]))).toBe("1");
  expect(textOf(world.call(world.leader?.name ?? "", ["SET", "b", "2"]))).toBe("OK");
});

test("a leader whose disk hangs leads on when it is the only voter", () => {
  const world = new VirtualWorld({
    seed: 5,
    machines: 1,
    settings: { "election-timeout": String(electionTimeoutMs) },
  });
  world.formCluster();
  const [machine] = world.machines;
  if (machine !== undefined) machine.diskSpeed = { ...machine.diskSpeed, backgroundMsMax: 1e6 };
  world.connect("n1").send(["SET", "a", "1"], () => undefined);
  world.run(5 * electionTimeoutMs);
  expect(world.leader?.name).toBe("n1");
  expect(textOf(world.call("n1", ["PING"]))).toBe("PONG");
});
