// What the wall clocks of the nodes may have shown while an operation was under way.

import type { WallClocks } from "../checker/models/expiring-key.ts";

export interface WallTimes {
  /** What one of them shows now, in milliseconds since 1970; for a deadline to come. */
  nowMs(): number;
  /** For an operation called and returned at these times of the run; the second is Infinity when it did not return. */
  during(calledAt: number, returnedAt: number): WallClocks;
}

/** Between the wall clock as the nodes read it and as it follows from the clock of the run. */
const slackMs = 5;

/** All nodes are on this machine, and its clock is theirs; the clock of the run is `performance.now()`. */
export function wallTimesOfThisMachine(): WallTimes {
  const wallMinusRunMs = Date.now() - performance.now();
  return {
    nowMs: () => Date.now(),
    during: (calledAt, returnedAt) => ({
      fromMs: Math.floor(wallMinusRunMs + calledAt) - slackMs,
      toMs: Math.ceil(wallMinusRunMs + returnedAt) + slackMs,
    }),
  };
}
