// Reads that saw less than was there. Both findings had one cause: a leader answered before it had committed an entry of
// its own term, and so before it knew what was committed.

import { expect, test } from "bun:test";
import { VirtualWorld } from "../sim/virtual-world.ts";
import { testHistories } from "../sim/histories.ts";
import {
  ask,
  askAllFor,
  clusterOf,
  cutOff,
  leaderOf,
  othersThan,
  refusal,
  sendAll,
  unknown,
} from "./scene.ts";

const readForMs = 700;

function appended(world: VirtualWorld, times: number): string {
  for (let at = 0; at < times; at++) ask(world, leaderOf(world), "APPEND list x");
  return "x".repeat(times);
}

// Kill all, restart all, and once more with a majority killed while the rest reads.
testHistories("redisraft #18: no empty read after all nodes were killed", 4, (seed) => {
  const world = clusterOf(seed, 3);
  const full = appended(world, 20);
  let read = 0;
  const heard = (answer: string): void => {
    if (refusal.test(answer) || unknown.test(answer)) return;
    expect(answer).toBe(full);
    read++;
  };
  for (const machine of world.machines) machine.kill();
  for (const machine of world.machines) machine.start();
  askAllFor(world, readForMs, "GET list", heard);
  for (const name of othersThan(world, leaderOf(world))) world.machine(name).cutPower();
  world.run(10);
  for (const machine of world.machines) if (!machine.isRunning) machine.start();
  askAllFor(world, readForMs, "GET list", heard);
  return { read };
});

// A leader commits, tells its client, and stops before it has told anybody else. Whoever follows has the entry, and does
// not know at first that it is committed.
testHistories("redisraft #19: no stale read from the leader after a pause", 12, (seed) => {
  const world = clusterOf(seed, 3);
  const old = leaderOf(world);
  ask(world, old, "SET k old");
  const answers = sendAll(world, old, "SET k new");
  world.runUntil("it is acknowledged", () => answers.length > 0);
  expect(answers).toEqual(["OK"]);
  world.machine(old).process?.standStill(readForMs);
  cutOff(world, old);
  let read = 0;
  askAllFor(world, readForMs, "GET k", (answer) => {
    if (refusal.test(answer) || unknown.test(answer)) return;
    expect(answer).toBe("new");
    read++;
  });
  return { read };
});

// The one that was paused wakes up and still takes itself for the leader: its clock has not moved on.
test("redisraft #19: no stale read from the paused leader itself", () => {
  const world = clusterOf(8, 3);
  const old = leaderOf(world);
  ask(world, old, "SET k old");
  const client = world.connect(old);
  client.send(["PING"], () => undefined);
  world.run(20);
  cutOff(world, old);
  world.machine(old).process?.standStill(1500);
  const leads = (name: string): boolean => world.machine(name).process?.node.leading === true;
  world.runUntil("another leader", () => othersThan(world, old).some(leads));
  expect(ask(world, othersThan(world, old).find(leads) ?? "", "SET k new")).toBe("OK");
  const answers: string[] = [];
  client.send(["GET", "k"], (reply) => answers.push(reply?.kind === "bulk" ? reply.text : "an error"));
  world.run(1600);
  world.settle();
  world.runUntil("an answer", () => answers.length === 1);
  expect(answers).toEqual(["an error"]);
});

// Cluster after cluster that once had one voter, and more, and one again: its log shows a single voter at its beginning.
testHistories(
  "redisraft #30: no empty read after a restart, whatever membership the log shows",
  4,
  (seed) => {
    const world = clusterOf(seed, 1);
    const full = appended(world, 5);
    let read = 0;
    const heard = (answer: string): void => {
      if (refusal.test(answer) || unknown.test(answer)) return;
      expect(answer).toBe(full);
      read++;
    };
    const restartAll = (): void => {
      const members = world.machines.filter(({ hasLeft }) => !hasLeft);
      for (const machine of members) if (seed % 2 === 0) machine.kill();
      for (const machine of members) if (machine.isRunning) machine.cutPower();
      for (const machine of members) machine.start();
      askAllFor(world, readForMs, "GET list", heard);
      world.runUntil("a leader", () => leaderOf(world) !== "");
    };
    restartAll();
    for (const name of ["n2", "n3"]) {
      world.addMachine().start();
      expect(ask(world, name, "RAFT.CLUSTER JOIN n1:6379")).toBe("OK");
      world.settle();
      restartAll();
    }
    for (const name of ["n3", "n2"]) {
      const id = world.machine(name).process?.node.nodeId;
      world.runUntil(
        `${name} is removed`,
        () => ask(world, leaderOf(world), `RAFT.NODE REMOVE ${id}`) === "OK",
      );
      world.runUntil(`${name} has left`, () => world.machine(name).hasLeft);
      restartAll();
    }
    return { read };
  },
);
