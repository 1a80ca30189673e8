// A short run of the nemesis on the built executable (test/nemesis): processes killed and paused, lines cut, members coming
// and going, all at once, and every answer judged. `SEED=42 bun test nemesis` draws the same faults again; the long run
// is `bun run nemesis -- --minutes 10`.

import { expect } from "bun:test";
import { schedules } from "../nemesis/hands.ts";
import { NemesisRun } from "../nemesis/nemesis-run.ts";
import { scenario } from "../support/scenario.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e6));

for (const isProxied of [false, true]) {
  const how = isProxied ? "through followers" : "at the leader";
  scenario(
    `nothing is lost, done twice, or read too late under faults of all kinds, ${how} (SEED=${seed})`,
    120,
    async (place) => {
      const run = new NemesisRun({
        place,
        nodes: 3,
        seed,
        isProxied,
        schedules,
        durationMs: 4000,
        chapterMs: 4000,
        clients: 8,
        pace: { holdMs: [100, 1200], restMs: [50, 600] },
      });
      await run.run();
      expect(run.findings.list).toEqual([]);
      expect(run.undecided).toEqual([]);
      // Otherwise nothing was tried.
      expect(run.faults.length).toBeGreaterThan(3);
      expect(run.statistics.outcomes.get("answered")).toBeGreaterThan(200);
    },
  );
}
