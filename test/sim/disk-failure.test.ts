// A failed sync is final (recovery.ts), and so is a write that fails for any other reason than want of space: whichever it
// is, the node stops, and does not lead on without taking anything.

import { expect, test } from "bun:test";
import { DiskError } from "../../src/storage/disk.ts";
import type { MemoryDisk } from "../storage/memory-disk.ts";
import { textOf } from "./virtual-client.ts";
import { VirtualWorld } from "./virtual-world.ts";

const syncCount = 8;
const writeCount = 8;

/** Writes on the only node until the log's next segment is being made, with `fault`: the node's last answers. */
function answersAround(fault: (disk: MemoryDisk) => void): { answers: string[]; stopped: boolean } {
  const world = new VirtualWorld({ seed: 1, machines: 1 });
  world.formCluster();
  expect(textOf(world.call("n1", ["SET", "k", "x".repeat(400_000)]))).toBe("OK");
  world.run(50);
  fault(world.machine("n1").disk);
  const answers: string[] = [];
  try {
    for (let write = 0; write < 6; write++)
      answers.push(textOf(world.call("n1", ["SET", "k", "y".repeat(120_000)])));
    world.run(200);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { answers, stopped: true };
  }
  return { answers, stopped: false };
}

test("a node whose disk fails a sync stops, also when nobody waits for that sync", () => {
  for (let failingSync = 0; failingSync < syncCount; failingSync++) {
    const { answers, stopped } = answersAround((disk) => disk.failNextSync("EIO", failingSync));
    expect([failingSync, stopped]).toEqual([failingSync, true]);
    for (const answer of answers) expect(answer).toBe("OK");
  }
});

test("a node whose disk fails a write stops, also when nobody waits for that write", () => {
  for (let failingWrite = 0; failingWrite < writeCount; failingWrite++) {
    const { answers, stopped } = answersAround((disk) => disk.failNextWrite("EIO", 10, failingWrite));
    expect([failingWrite, stopped]).toEqual([failingWrite, true]);
    for (const answer of answers) expect(answer).toBe("OK");
  }
});
