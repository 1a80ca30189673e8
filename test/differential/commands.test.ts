// Every data command against redis-server: random sequences, equal replies to the byte, equal state at the end.
// SEED=n repeats a run, COUNT=n makes it longer. VLOT_PORT=n takes the server on that loopback port, whose data are
// flushed, in place of the command layer in this process.

import { expect, test } from "bun:test";
import { allCommands } from "../../src/commands/table.ts";
import { Comparison, type ComparisonResult } from "./comparison.ts";
import { CommandGenerator } from "./generator.ts";
import { InProcessTarget } from "./in-process-target.ts";
import { SocketTarget } from "./socket-target.ts";
import type { Target } from "./target.ts";
import { withRedis } from "./with-redis.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const count = Number(process.env["COUNT"] ?? 60_000);
const differencesMax = 8;
/** Each command must succeed and fail at least this often; a shorter run proves too little to ask for it. */
const coverageMin = 5;
const coverageCountMin = 60_000;

withRedis("data commands", (redis) => {
  for (const protocol of ["2", "3"] as const) {
    test(
      `answer as redis-server does over RESP${protocol} (SEED=${seed})`,
      async () => {
        const result = await compare(redis().socketPath, protocol);
        expect(result.differences.join("\n\n")).toBe("");
        if (count >= coverageCountMin) expect(uncovered(result)).toEqual([]);
      },
      { timeout: 60_000 + count * 5 },
    );
  }
});

async function compare(path: string, protocol: "2" | "3"): Promise<ComparisonResult> {
  const vlotPort = process.env["VLOT_PORT"];
  const ours: Target =
    vlotPort === undefined
      ? new InProcessTarget()
      : await SocketTarget.connect("vlot", { port: Number(vlotPort), host: "127.0.0.1" });
  const theirs = await SocketTarget.connect("redis", { path });
  const clean = [["HELLO", protocol], ["FLUSHALL"]];
  await Promise.all([ours.exchange(clean), theirs.exchange(clean)]);
  const generator = new CommandGenerator(allCommands, seed + Number(protocol));
  const half = Math.ceil(count / 2);
  const result = await new Comparison({ ours, theirs, generator, count: half, differencesMax }).run();
  await Promise.all([ours.close(), theirs.close()]);
  return result;
}

/** Commands that the run has not shown to work and to fail alike. */
function uncovered(result: ComparisonResult): string[] {
  const missing: string[] = [];
  for (const [name, { succeeded, failed }] of result.coverage) {
    if (succeeded < coverageMin || failed < coverageMin)
      missing.push(`${name}: ${succeeded} ok, ${failed} errors`);
  }
  return missing;
}
