// What a node does when its disk no longer gives back what was written while the node runs: nothing of it is applied or
// sent, the node stops, and the others go on.

import { expect, test } from "bun:test";
import { assert } from "../../src/base/assert.ts";
import { bodyBytesAt, recordSizeBytes } from "../../src/storage/record.ts";
import { segmentHeaderBytes } from "../../src/storage/segment.ts";
import { LogDamagedError } from "../../src/storage/errors.ts";
import type { MemoryDisk } from "../storage/memory-disk.ts";
import { textOf } from "../sim/virtual-client.ts";
import { dataPath } from "../sim/virtual-process.ts";
import { VirtualWorld } from "../sim/virtual-world.ts";

const segment = `${dataPath}/node/log/0000000000000001.segment`;

/** A cluster of three in which n1 leads, with a value "victim" in the middle of the log; and the errors of those that end. */
function clusterWithVictim(seed: number) {
  const failures: { readonly name: string; readonly error: Error }[] = [];
  const world = new VirtualWorld({
    seed,
    machines: 3,
    failed: ({ name }, error) => void failures.push({ name, error }),
  });
  world.formCluster();
  expect(world.leader?.name).toBe("n1");
  return { world, failures };
}

function write(world: VirtualWorld, values: readonly string[]): void {
  const leader = world.leader?.name ?? "";
  for (const value of values) expect(textOf(world.call(leader, ["SET", `key:${value}`, value]))).toBe("OK");
}

/** Flips a bit in the value, and returns where. */
function damageVictim(disk: MemoryDisk): number {
  const offset = Buffer.from(disk.read(segment) ?? []).lastIndexOf("victim");
  assert(offset > 0, "the value in the log");
  disk.damage(segment, offset, 4);
  return offset;
}

/** Where the record begins that holds `offset`. */
function recordAt(bytes: Uint8Array, offset: number): number {
  const view = new DataView(bytes.buffer);
  let start = segmentHeaderBytes;
  for (;;) {
    const end = start + recordSizeBytes(bodyBytesAt(view, start));
    if (offset < end) return start;
    start = end;
  }
}

function expectLogDamaged(
  failure: { readonly name: string; readonly error: Error } | undefined,
  offset: number,
): void {
  expect(failure).toEqual({ name: "n1", error: expect.any(LogDamagedError) });
  const error = failure?.error as LogDamagedError;
  expect(error.path).toBe(segment);
  expect(offset - error.offset).toBeWithin(48, 120);
}

test("a leader sends no damaged entry to a node that catches up: it stops, and the others go on", () => {
  const { world, failures } = clusterWithVictim(1);
  world.machine("n3").kill();
  write(world, ["before", "victim", "after"]);
  const offset = damageVictim(world.machine("n1").disk);
  world.machine("n3").start();
  world.runUntil("n1 has stopped", () => failures.length > 0);
  expectLogDamaged(failures[0], offset);
  world.runUntil("another leads", () => world.leader !== undefined && world.leader.name !== "n1");
  const leader = world.leader?.name ?? "";
  expect(textOf(world.call(leader, ["GET", "key:victim"]))).toBe("victim");
  expect(textOf(world.call(leader, ["SET", "key:later", "later"]))).toBe("OK");
});

test("a node that drops entries because its own last record has changed does not do so for ever: it stops", () => {
  const { world, failures } = clusterWithVictim(3);
  write(world, ["before", "victim"]);
  world.settle();
  const { disk } = world.machine("n2");
  const bytes = disk.read(segment) as Uint8Array;
  const start = recordAt(bytes, Buffer.from(bytes).lastIndexOf("victim"));
  // The checksum that the next record repeats.
  disk.damage(segment, start + 8, 1);
  write(world, ["after"]);
  world.runUntil("n2 has stopped", () => failures.length > 0);
  expect(failures).toMatchObject([
    { name: "n2", error: { code: "LOG_DAMAGED", path: segment, offset: start } },
  ]);
});

test("a node that is sent entries again, behind one of its own that has changed, stops as for any other damage", () => {
  const { world, failures } = clusterWithVictim(4);
  write(world, ["before", "victim"]);
  world.settle();
  // n2 gets what follows, and its answer is lost: n1 sends it again.
  world.network.cut("n2", "n1");
  write(world, ["after"]);
  const offset = damageVictim(world.machine("n2").disk);
  world.runUntil("n2 has stopped", () => failures.length > 0);
  expect(failures).toMatchObject([{ name: "n2", error: { code: "LOG_DAMAGED", path: segment } }]);
  expect(offset - (failures[0]?.error as LogDamagedError).offset).toBeWithin(48, 120);
  expect(textOf(world.call(world.leader?.name ?? "", ["GET", "key:victim"]))).toBe("victim");
});

test("a node applies no damaged entry: it stops, and the others go on", () => {
  const { world, failures } = clusterWithVictim(2);
  write(world, ["before", "victim"]);
  world.settle();
  world.machine("n1").kill();
  world.runUntil("another leads", () => world.leader !== undefined);
  // It misses this one, so it will follow.
  write(world, ["after"]);
  for (const machine of world.running) machine.kill();
  // Alone it cannot know what is committed, so it has applied nothing when the bytes change.
  world.machine("n1").start();
  world.run(100);
  const offset = damageVictim(world.machine("n1").disk);
  for (const name of ["n2", "n3"]) world.machine(name).start();
  world.runUntil("n1 has stopped", () => failures.length > 0);
  expectLogDamaged(failures[0], offset);
  world.runUntil("another leads", () => world.leader !== undefined && world.leader.name !== "n1");
  expect(textOf(world.call(world.leader?.name ?? "", ["GET", "key:victim"]))).toBe("victim");
});
