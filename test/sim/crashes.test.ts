// Clusters under load while everything goes wrong: what was acknowledged is there, every read is linearizable, every
// client sees its own commands in their order, and in the end all replicas are equal.

import { type Counts, testHistories } from "./histories.ts";
import { type FaultKind, VirtualFaults } from "./virtual-faults.ts";
import { VirtualLoad } from "./virtual-load.ts";
import { VirtualWorld } from "./virtual-world.ts";

interface Scenario {
  readonly kinds?: readonly FaultKind[];
  readonly proxy?: boolean;
  readonly machines?: number;
}

function underFaults(seed: number, { kinds, proxy = false, machines = 3 }: Scenario): Counts {
  const world = new VirtualWorld({ seed, machines, settings: { "follower-proxy": proxy ? "yes" : "no" } });
  world.formCluster();
  const load = new VirtualLoad(world, 4);
  const faults = new VirtualFaults(world, kinds);
  load.start();
  faults.run(2000, 200);
  world.settle();
  load.finish();
  world.settle();
  load.checkFinally();
  return {
    acknowledged: load.acknowledged / 50,
    reads: load.counter.reads / 10,
    comparisons: world.comparison.comparisons,
    ...(kinds === undefined ? {} : Object.fromEntries(kinds.map((kind) => [kind, faults.counts[kind]]))),
  };
}

testHistories("killed processes lose nothing that was acknowledged", 20, (seed) =>
  underFaults(seed, { kinds: ["kill", "restart"] }),
);
testHistories("power cuts lose nothing that was acknowledged", 20, (seed) =>
  underFaults(seed, { kinds: ["cutPower", "cutPowerInWrite", "restart"] }),
);
testHistories("networks that fall apart make no replica or reader see what is not so", 20, (seed) =>
  underFaults(seed, { kinds: ["isolate", "cutOneWay", "heal", "breakConnection"] }),
);
testHistories("processes that stand still believe nothing that is over", 20, (seed) =>
  underFaults(seed, { kinds: ["standStill", "isolate", "heal"] }),
);
testHistories("wall clocks that jump mean nothing", 20, (seed) =>
  underFaults(seed, { kinds: ["wallJump", "transfer"] }),
);
testHistories("leadership that moves all the time, with the proxy", 20, (seed) =>
  underFaults(seed, { kinds: ["transfer"], proxy: true }),
);
testHistories("all faults together, five machines", 20, (seed) => underFaults(seed, { machines: 5 }));
testHistories("all faults together, with the proxy", 30, (seed) => underFaults(seed, { proxy: true }));
