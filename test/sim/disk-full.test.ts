// Full disks: writes are refused with a clear error, leadership goes to a node with room, reads go on, and everything is
// as before within about a second of there being space again; whoever is full, and whatever is restarted meanwhile.

import { expect, test } from "bun:test";
import { ChosenFaults } from "./chosen-faults.ts";
import { type Counts, testHistories } from "./histories.ts";
import { textOf } from "./virtual-client.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import { VirtualWorld } from "./virtual-world.ts";
import { CheckedLoad } from "./workload/checked-load.ts";

const plentyBytes = 1e9;
const ownDiskFull = "-MISCONF Errors writing to the Raft log: ENOSPC";
const majorityFull = "-MISCONF Errors writing to the Raft log: ENOSPC on a majority of the nodes";
/** A tenth of a segment. */
const fillerBytes = 100_000;
const filler = "x".repeat(fillerBytes);
const writesMax = 100;

function worldOf(machines: number, settings: Record<string, string> = {}): VirtualWorld {
  const world = new VirtualWorld({ seed: 7, machines, settings });
  world.formCluster();
  expect(ask(world, "n1", "SET", "k", "v")).toBe("OK");
  return world;
}

function ask(world: VirtualWorld, target: string, ...args: string[]): string {
  return textOf(world.call(target, args));
}

/** Writes through `target` until an answer is not OK, and returns that. */
function fill(world: VirtualWorld, target: string, value = filler): string {
  for (let write = 0; write < writesMax; write++) {
    const answer = ask(world, target, "SET", "filler", value);
    if (answer !== "OK") return answer;
  }
  return "OK";
}

function isFull(machine: VirtualMachine): boolean | undefined {
  return machine.process?.node.raftStatus().log.isFull;
}

/** How long it takes until a write through `target` is taken again. */
function recoveryMs(world: VirtualWorld, target: () => string): number {
  const startMs = world.time.nowMs;
  while (ask(world, target(), "SET", "after", "space") !== "OK") {
    world.run(10);
    if (world.time.nowMs - startMs > 10_000) throw new Error(`no write is taken; ${world.describe()}`);
  }
  return world.time.nowMs - startMs;
}

function leaderName(world: VirtualWorld): string {
  return world.leader?.name ?? "none";
}

test("a single node refuses writes, serves reads, also after restarts, and goes on by itself", () => {
  const world = worldOf(1);
  const machine = world.machine("n1");
  expect(ask(world, "n1", "SET", "due", "soon", "PX", "2000")).toBe("OK");
  machine.disk.freeBytes = 0;
  // To the last byte: after a restart it takes again what is small enough.
  for (let sizeBytes = fillerBytes; sizeBytes >= 1; sizeBytes = Math.floor(sizeBytes / 10)) {
    expect(fill(world, "n1", "x".repeat(sizeBytes))).toBe(ownDiskFull);
    machine.kill();
    machine.start();
    world.runUntil("it leads", () => world.leader === machine, 1000);
  }
  for (let restart = 0; restart < 30; restart++) {
    expect(ask(world, "n1", "GET", "k")).toBe("v");
    expect(ask(world, "n1", "SET", "k", "w")).toBe(ownDiskFull);
    if (restart % 2 === 0) machine.kill();
    else machine.cutPower();
    machine.start();
    world.runUntil("it leads", () => world.leader === machine, 1000);
  }
  expect(ask(world, "n1", "SET", "filler", filler)).toBe(ownDiskFull);
  expect(ask(world, "n1", "INFO", "persistence")).toContain("aof_last_write_status:err");
  expect(ask(world, "n1", "RAFT.INFO")).toContain("disk_full:yes");
  // No entry can say that the key is gone, so nobody says that it is there.
  world.run(2000);
  expect(ask(world, "n1", "GET", "due")).toBe(ownDiskFull);
  expect(ask(world, "n1", "GET", "k")).toBe("v");
  machine.disk.freeBytes = plentyBytes;
  expect(recoveryMs(world, () => "n1")).toBeLessThan(1000);
  expect(ask(world, "n1", "GET", "due")).toBe("(nil)");
  expect(ask(world, "n1", "INFO", "persistence")).toContain("aof_last_write_status:ok");
});

test("replies keep their order when the disk becomes full in the middle of a pipeline", () => {
  const world = worldOf(1);
  world.machine("n1").disk.freeBytes = 0;
  const client = world.connect("n1");
  const answers: string[] = [];
  const count = 40;
  for (let write = 0; write < count; write++) {
    client.send(["SET", `k${write}`, filler], (reply) => answers.push(`SET ${reply && textOf(reply)}`));
    client.send(["EXISTS", `k${write}`], (reply) => answers.push(`EXISTS ${reply && textOf(reply)}`));
  }
  world.runUntil("all is answered", () => answers.length === 2 * count);
  const taken = answers.filter((answer) => answer === "SET OK").length;
  expect(taken).toBeGreaterThan(5);
  expect(taken).toBeLessThan(20);
  for (let write = 0; write < count; write++) {
    const [written, existing] = [answers[2 * write], answers[2 * write + 1]];
    if (write < taken) expect([written, existing]).toEqual(["SET OK", "EXISTS 1"]);
    else expect(written).toBe(`SET ${ownDiskFull}`);
    // The read behind the write that found the disk full shares its batch.
    if (write > taken + 1) expect(existing).toBe("EXISTS 0");
  }
});

test("a leader that is full lets another lead, follows it, and catches up when it has space", () => {
  const world = worldOf(3);
  const full = world.leader as VirtualMachine;
  full.disk.freeBytes = 0;
  const refusal = fill(world, full.name);
  expect(refusal === ownDiskFull || refusal.startsWith("-MOVED")).toBe(true);
  world.runUntil("another leads", () => world.leader !== undefined && world.leader !== full, 1000);
  const successor = leaderName(world);
  expect(fill(world, successor)).toBe("OK");
  expect(ask(world, successor, "GET", "k")).toBe("v");
  expect(isFull(full)).toBe(true);
  expect(ask(world, successor, "RAFT.INFO")).toMatch(new RegExp(`addr=${full.name},.*,full=yes`));
  // It stays a follower, and disturbs nobody, also when it is restarted.
  const term = world.leader?.process?.node.currentTerm;
  full.kill();
  full.start();
  world.run(5000);
  expect([leaderName(world), world.leader?.process?.node.currentTerm]).toEqual([successor, term]);
  full.disk.freeBytes = plentyBytes;
  world.runUntil("it has room", () => isFull(full) === false, 1000);
  world.settle();
});

test("a follower that is full hears its leader, is not flooded, and makes a majority for reads", () => {
  const world = worldOf(3);
  const leader = world.leader as VirtualMachine;
  const [full, other] = world.machines.filter((machine) => machine !== leader) as [
    VirtualMachine,
    VirtualMachine,
  ];
  full.disk.freeBytes = 0;
  expect(fill(world, leader.name)).toBe("OK");
  expect(isFull(full)).toBe(true);
  const term = leader.process?.node.currentTerm;
  const counts = (): { appendEntriesReceived: number; appendEntriesWithEntriesReceived: number } =>
    full.process!.node.raftStatus().counts;
  const before = counts();
  for (let second = 0; second < 5; second++) {
    expect(ask(world, leader.name, "SET", "k", `v${second}`)).toBe("OK");
    world.run(1000);
  }
  // Heartbeats each 60 ms, and one for each commit: no entries.
  const after = counts();
  expect(after.appendEntriesWithEntriesReceived - before.appendEntriesWithEntriesReceived).toBe(0);
  expect(after.appendEntriesReceived - before.appendEntriesReceived).toBeLessThan(120);
  other.kill();
  // With the other one lost nothing can be stored by a majority: what is under way remains so, what comes is refused.
  const client = world.connect(leader.name);
  const open: string[] = [];
  client.send(["SET", "k", "pending"], (reply) => open.push(reply === null ? "lost" : textOf(reply)));
  world.run(500);
  // What the same client sends after it waits for its turn, and nobody else waits for that.
  for (const args of [
    ["GET", "k"],
    ["SET", "k", "later"],
    ["GET", "k"],
  ])
    client.send(args, (reply) => open.push(reply === null ? "lost" : textOf(reply)));
  world.run(500);
  expect(open).toEqual([]);
  const startMs = world.time.nowMs;
  expect(ask(world, leader.name, "SET", "k", "refused")).toBe(majorityFull);
  expect(ask(world, leader.name, "GET", "k")).toBe("v4");
  expect(world.time.nowMs - startMs).toBeLessThan(50);
  world.runUntil("the write is given up", () => open.length === 4, 3000);
  expect(open[0]).toMatch(/^-TIMEOUT /);
  expect(open.slice(1)).toEqual(["v4", majorityFull, "v4"]);
  expect(ask(world, leader.name, "GET", "k")).toBe("v4");
  expect(leader.process?.node.currentTerm).toBe(term as number);
  // It commits after all, before anything new.
  full.disk.freeBytes = plentyBytes;
  expect(recoveryMs(world, () => leaderName(world))).toBeLessThan(1000);
  expect(ask(world, leaderName(world), "GET", "k")).toBe("pending");
  world.settle();
});

test("with all disks full reads go on, through a leader's death and a power cut of all", () => {
  const world = worldOf(3);
  for (const { disk } of world.machines) disk.freeBytes = 0;
  // One after the other finds out and hands over, until those who have are a majority: the last one stays.
  world.runUntil("a majority is full", () => fill(world, leaderName(world)) === majorityFull);
  const last = world.leader as VirtualMachine;
  for (const machine of world.machines) expect(isFull(machine)).toBe(machine !== last);
  world.run(3000);
  expect(world.leader).toBe(last);
  const refused = (): void =>
    expect(ask(world, leaderName(world), "SET", "filler", filler)).toStartWith("-MISCONF ");
  const served = (): void => expect(ask(world, leaderName(world), "GET", "k")).toBe("v");
  refused();
  served();
  last.kill();
  world.runUntil("another leads, for the sake of reads", () => world.leader !== undefined, 5000);
  world.run(100);
  served();
  refused();
  last.start();
  world.run(1000);
  for (const machine of world.machines) machine.cutPower();
  for (const machine of world.machines) machine.start();
  world.runUntil("one leads", () => world.leader !== undefined, 5000);
  world.run(100);
  served();
  refused();
  for (const { disk } of world.machines) disk.freeBytes = plentyBytes;
  expect(recoveryMs(world, () => leaderName(world))).toBeLessThan(1000);
  world.settle();
});

for (const size of [3, 5])
  test(`a leader of ${size} that comes back with more than full nodes could store does not keep the rest from serving`, () => {
    const world = worldOf(size);
    const leader = world.leader as VirtualMachine;
    const others = world.machines.filter((machine) => machine !== leader);
    for (const { disk } of others.slice(0, (size + 1) / 2)) disk.freeBytes = 0;
    const clients = [1, 2, 3, 4].map(() => world.connect(leader.name));
    let refused = false;
    while (!refused) {
      for (const client of clients)
        client.send(["SET", "filler", filler], (reply) => {
          if (reply !== null && textOf(reply) === majorityFull) refused = true;
        });
      world.run(20);
    }
    expect(ask(world, leader.name, "GET", "k")).toBe("v");
    leader.kill();
    leader.start();
    // Nobody who lacks what the leader has left can vote for it in vain for ever.
    let answer = "";
    const startMs = world.time.nowMs;
    for (; answer !== "v" && world.time.nowMs - startMs < 60_000; world.run(100))
      if (world.leader !== undefined) answer = ask(world, world.leader.name, "GET", "k");
    expect(answer).toBe("v");
    expect(ask(world, leaderName(world), "SET", "k", "w")).toStartWith("-MISCONF ");
    for (const { disk } of world.machines) disk.freeBytes = plentyBytes;
    expect(recoveryMs(world, () => leaderName(world))).toBeLessThan(1000);
    world.settle();
  });

test("a change of the membership that full nodes cannot come to is answered in time", () => {
  const world = worldOf(3);
  const leader = world.leader as VirtualMachine;
  const others = world.machines.filter((machine) => machine !== leader);
  for (const { disk } of others) disk.freeBytes = 0;
  const clients = [1, 2, 3, 4].map(() => world.connect(leader.name));
  while (ask(world, leader.name, "SET", "k", "v") === "OK") {
    for (const client of clients) client.send(["SET", "filler", filler], () => undefined);
    world.run(20);
  }
  const id = String(others[0]?.process?.node.raftStatus().nodeId);
  let answer = "none";
  const operator = world.connect(leader.name);
  operator.send(["RAFT.NODE", "REMOVE", id], (reply) => (answer = reply === null ? "lost" : textOf(reply)));
  world.run(10_000);
  expect(answer).toStartWith("-TIMEOUT ");
  expect(world.leader).toBe(leader);
  for (const { disk } of others) disk.freeBytes = plentyBytes;
  world.runUntil("it is done after all", () => leader.process?.node.raftStatus().nodeCount === 2);
});

test("a write that is refused is told why, also when the reason goes away at that moment", () => {
  const world = worldOf(3, { "log-segment-size": "64kb" });
  const leader = world.leader as VirtualMachine;
  const others = world.machines.filter((machine) => machine !== leader);
  const clients = [1, 2, 3, 4, 5, 6].map(() => world.connect(leader.name));
  const answers = new Set<string>();
  const write = (sizeBytes: number): void => {
    for (const client of clients)
      client.send(["SET", "k", "x".repeat(sizeBytes)], (reply) =>
        answers.add(reply === null ? "" : textOf(reply)),
      );
  };
  for (let stepMs = 0.12; stepMs < 0.145; stepMs += 0.01) {
    for (const { disk } of others) disk.freeBytes = 0;
    while (!answers.has(majorityFull)) {
      write(30_000);
      world.run(5);
    }
    for (const { disk } of others) disk.freeBytes = plentyBytes;
    for (let beganMs = world.time.nowMs; world.time.nowMs - beganMs < 350; world.run(stepMs)) write(1);
    for (const answer of answers) if (answer.startsWith("-MISCONF")) expect(answer).toBe(majorityFull);
    answers.clear();
  }
});

function underFullDisks(seed: number, proxy: boolean): Counts {
  const settings = { "follower-proxy": proxy ? "yes" : "no", "log-segment-size": "32kb" };
  const world = new VirtualWorld({ seed, machines: 3, settings });
  world.formCluster();
  const load = new CheckedLoad(world, 4);
  const faults = new ChosenFaults(world, ["kill", "isolate"]);
  load.start();
  const counts: Counts = { full: 0, majorityFull: 0, refused: 0 };
  for (let round = 0; round < 12; round++) {
    for (const { disk } of world.machines) disk.freeBytes = world.random.below(3) > 0 ? 0 : plentyBytes;
    faults.run(round % 3 === 0 ? 400 : 0, 200);
    world.run(400);
    const full = world.machines.filter((machine) => isFull(machine) === true).length;
    if (full > 0) counts["full"]!++;
    if (full > 1) counts["majorityFull"]!++;
  }
  faults.end();
  for (const { disk } of world.machines) disk.freeBytes = plentyBytes;
  world.settle();
  load.finish();
  counts["refused"] = load.errors.get("-MISCONF") ?? 0;
  return { ...counts, acknowledged: load.counts.acknowledged / 50 };
}

testHistories("disks that fill up and are cleared lose nothing that was acknowledged", 6, (seed) =>
  underFullDisks(seed, false),
);
testHistories("disks that fill up and are cleared, with the proxy", 6, (seed) => underFullDisks(seed, true));
