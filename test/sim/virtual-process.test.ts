// When a process of a virtual machine stands still, and until when.

import { expect, test } from "bun:test";
import { assert } from "../../src/base/assert.ts";
import { VirtualWorld } from "./virtual-world.ts";

test("a process goes on at once after a pause, but not before what it has done is over", () => {
  const world = new VirtualWorld({ seed: 1, machines: 1 });
  const machine = world.machine("n1");
  world.formCluster();
  const { process } = machine;
  assert(process !== null, "n1 runs");
  process.standStill(1000);
  expect([process.isStandingStill, process.busyForMs]).toEqual([true, 0]);
  process.goOn();
  expect(process.isStandingStill).toBe(false);

  machine.kill();
  machine.diskSpeed = { backgroundMsMax: 1, loopMsMax: 1000 };
  machine.start();
  const again = machine.process;
  assert(again !== null, "n1 runs again");
  const { busyForMs } = again;
  expect(busyForMs).toBeGreaterThan(100);
  again.standStill(10_000);
  again.goOn();
  world.run(busyForMs - 1);
  expect(again.isStandingStill).toBe(true);
  machine.diskSpeed = { backgroundMsMax: 1, loopMsMax: 0 };
  world.runUntil("it goes on", () => !again.isStandingStill, 2);
});
