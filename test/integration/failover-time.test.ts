// How soon writes are acknowledged again after the leader was killed, has hung, or was cut off, at default timeouts. A few
// faults of each kind, against the bound for the slowest; `bun run nemesis -- --failover 20` gives the medians.

import { expect } from "bun:test";
import { FailoverTrial, failoverBounds, leaderFaults } from "../nemesis/failover.ts";
import { scenario } from "../support/scenario.ts";

const rounds = 3;

scenario(
  "a leader that is killed, hangs or is cut off is replaced in time, and nothing is lost",
  90,
  async (place) => {
    const trial = await FailoverTrial.begin(place);
    for (const fault of leaderFaults) {
      for (let round = 0; round < rounds; round++) {
        const tookMs = await trial.measure(fault);
        expect([fault, tookMs, tookMs < failoverBounds[fault].maxMs]).toEqual([fault, tookMs, true]);
      }
    }
    await trial.end();
  },
);
