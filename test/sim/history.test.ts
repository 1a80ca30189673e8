// The simulator itself: that it notices what goes wrong, and tells how to see it again.

import { expect, test } from "bun:test";
import { runSeed } from "./history.ts";
import { describeSeed } from "./seed-report.ts";
import { VirtualWorld } from "./virtual-world.ts";
import type { Workload } from "./workload.ts";

const limitMs = 30_000;

/** Clients that send nothing and are never content. */
function discontented(): Workload {
  return {
    start: () => undefined,
    stop: () => undefined,
    openCount: 0,
    check: () => {
      throw new Error("not what was promised");
    },
    counts: { sent: 0, acknowledged: 0, unknown: 0, undecided: 0 },
  };
}

test(
  "a history that fails says what failed, its last events, and how to run it again",
  () => {
    const result = runSeed(7, { workloads: [discontented], traceLinesMax: 20 });
    expect(result.failure).toStartWith("not what was promised");
    const text = describeSeed(result);
    expect(text).toContain("bun run sim -- --seed 7");
    expect(result.lines.length).toBe(20);
    for (const line of result.lines) expect(text).toContain(line);
    expect(runSeed(7, { workloads: [discontented] }).hash).toBe(result.hash);
  },
  limitMs,
);

test("a machine that is started twice refuses the second process, and the first goes on", () => {
  const world = new VirtualWorld({ seed: 1, machines: 3 });
  world.formCluster();
  const machine = world.machine("n2");
  const { operations } = machine.disk;
  expect(machine.startSecond()).toMatchObject({ code: "DIRECTORY_LOCKED" });
  expect(machine.disk.operations).toBe(operations);
  expect(machine.isRunning).toBe(true);
  world.settle();
});

test("an end in the middle of an operation of the disk is the end that was asked for", () => {
  for (const end of ["killed", "power cut"] as const) {
    const world = new VirtualWorld({ seed: 2, machines: 3 });
    const ends: string[] = [];
    world.observers.push({
      started: () => undefined,
      stepped: () => undefined,
      stopped: ({ name }, how) => ends.push(`${name} ${how}`),
      diskChanged: () => undefined,
    });
    world.formCluster();
    world.machine("n3").endInOperation(2, end);
    world.expectCall("n1", ["SET", "k", "v"], /^OK$/);
    world.run(100);
    expect(ends).toEqual([`n3 ${end}`]);
    world.settle();
  }
});
