// A process that runs histories: it is sent seeds, one at a time, and answers with what became of each. A history that
// fails is run once more, with its text.

import { faultKinds, kindsBeyondThePromise } from "./fault-kinds.ts";
import { runSeed, type SeedResult } from "./history.ts";

export interface SeedOrder {
  readonly seed: number;
  /** Whether faults strike that are beyond what is promised (fault-kinds.ts). */
  readonly beyond: boolean;
  /** Lines to keep should it fail. */
  readonly linesMax: number;
}

function follow({ seed, linesMax, beyond }: SeedOrder): SeedResult {
  const kinds = beyond ? [...faultKinds, ...kindsBeyondThePromise] : faultKinds;
  const result = runSeed(seed, { kinds });
  if (result.failure === null || linesMax === 0) return result;
  const again = runSeed(seed, { kinds, traceLinesMax: linesMax });
  if (again.hash === result.hash) return again;
  return { ...result, failure: `${result.failure}\nand it went another way when it was run again` };
}

process.on("message", (order: SeedOrder) => process.send?.(follow(order)));
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
