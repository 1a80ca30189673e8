// Each family of faults alone, so that no other keeps it from getting anywhere: whole histories of the simulator, with
// all that it checks, in which only kinds of one family strike.

import {
  clockFaultKinds,
  diskFaultKinds,
  type FaultKind,
  kindsBeyondThePromise,
  membershipFaultKinds,
  networkFaultKinds,
  processFaultKinds,
} from "./fault-kinds.ts";
import { type Counts, testHistories } from "./histories.ts";
import { runSeed } from "./history.ts";

function only(kinds: readonly FaultKind[], seed: number): Counts {
  const { failure, faults, workload } = runSeed(seed, { kinds });
  if (failure !== null) throw new Error(failure);
  const struck = Object.values(faults).reduce((sum, times) => sum + times, 0);
  return { struck, acknowledged: workload.acknowledged };
}

const families: Readonly<Record<string, readonly FaultKind[]>> = {
  network: networkFaultKinds,
  process: processFaultKinds,
  disk: diskFaultKinds.filter((kind) => !kindsBeyondThePromise.includes(kind)),
  clock: clockFaultKinds,
  membership: membershipFaultKinds,
};

for (const [name, kinds] of Object.entries(families))
  testHistories(`faults of the ${name} alone cost nothing that was acknowledged`, 12, (seed) =>
    only(kinds, seed),
  );
