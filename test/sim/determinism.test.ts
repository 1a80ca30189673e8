import { expect, test } from "bun:test";
import { VirtualFaults } from "./virtual-faults.ts";
import { VirtualLoad } from "./virtual-load.ts";
import { VirtualWorld } from "./virtual-world.ts";

/** All that can be told of a history. */
function historyOf(seed: number): unknown[] {
  const world = new VirtualWorld({ seed, machines: 3, settings: { "follower-proxy": "yes" } });
  world.formCluster();
  const load = new VirtualLoad(world, 4);
  const faults = new VirtualFaults(world);
  load.start();
  faults.run(1500, 150);
  world.settle();
  const { counter, unknown, lost } = load;
  const digests = world.machines.map(({ process }) => process?.node.digest());
  return [world.time.eventCount, world.describe(), counter.sent, counter.knownValue, unknown, lost, digests];
}

test("equal seeds give equal histories, other seeds other ones", () => {
  for (const seed of [1, 2, 3]) {
    const history = historyOf(seed);
    expect(historyOf(seed)).toEqual(history);
    expect(historyOf(seed + 100)).not.toEqual(history);
  }
});
