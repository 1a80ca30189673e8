// Clusters that start themselves, with crashes, partitions and standstills at any moment: one cluster comes of it, never
// two, and in the end every node is a member of it.

import { assert } from "../../src/base/assert.ts";
import { ChosenFaults } from "./chosen-faults.ts";
import { type Counts, testHistories } from "./histories.ts";
import { VirtualWorld } from "./virtual-world.ts";

function selfStarting(seed: number, machines: number, expect: number): Counts {
  const addresses = Array.from({ length: machines }, (_, at) => `n${at + 1}:6379`).join(",");
  const settings = { "bootstrap-expect": String(expect), join: addresses };
  const world = new VirtualWorld({ seed, machines, settings });
  const faults = new ChosenFaults(world, ["kill", "power-cut", "power-cut-in-operation", "isolate"]);
  // In any order, and not all at once.
  for (const machine of world.machines)
    world.time.after(world.random.below(1500), () => machine.isRunning || machine.start());
  faults.run(3000, 150);
  faults.end();
  world.settle();
  world.runUntil("every node is a member", () => isComplete(world, machines), 60_000);
  assert(world.invariants.clusterIds.length === 1, `one cluster, not ${world.invariants.clusterIds.length}`);
  return { ...faults.counts, states: world.invariants.counts.states };
}

function isComplete(world: VirtualWorld, machines: number): boolean {
  const { leader } = world;
  return leader !== undefined && leader.process?.node.raftStatus().votingNodeCount === machines;
}

testHistories("three nodes that expect three", 40, (seed) => selfStarting(seed, 3, 3));
testHistories("three nodes that expect two", 40, (seed) => selfStarting(seed, 3, 2));
testHistories("five nodes that expect three", 40, (seed) => selfStarting(seed, 5, 3));
