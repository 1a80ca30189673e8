// How long a cluster is without a leader after the last one fell silent: what the election timeouts are drawn from decides
// it. Under load one follower has entries that the other lacks, so only the one can win, and only its own timeout counts.

import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { defaultTuning } from "../../src/raft/options.ts";
import { LocalCluster } from "./local-cluster.ts";
import { MemoryNode, membershipOf } from "./memory-node.ts";

const seeds = 200;
const ids = [1, 2, 3];

/** Milliseconds without a leader; `lags` says whether node 2 lacks the last entry. */
function interregnumMs(seed: number, lags: boolean): number {
  const cluster = new LocalCluster(0);
  for (const id of ids) {
    const random = new SeededRandom(seed * ids.length + id);
    const options = { id, founding: membershipOf(ids), random, tuning: {}, nowMs: 0 };
    cluster.nodes.set(id, new MemoryNode(options, () => undefined));
  }
  cluster.elect(1);
  if (lags) cluster.isolated.add(2);
  cluster.propose(1);
  cluster.deliver();
  cluster.isolated.delete(2);
  cluster.isolated.add(1);
  const sinceMs = cluster.nowMs;
  while (cluster.raft(2).role !== "leader" && cluster.raft(3).role !== "leader") {
    cluster.tick(1);
    cluster.deliver();
  }
  return cluster.nowMs - sinceMs;
}

test.each([
  ["of equal logs", false],
  ["of which one lacks an entry", true],
])("followers %s replace a silent leader in less than 1.4 election timeouts, as a rule", (_, lags) => {
  const figures = Array.from({ length: seeds }, (_, seed) => interregnumMs(seed, lags));
  figures.sort((one, other) => one - other);
  const { electionTimeoutMs } = defaultTuning;
  expect((figures[seeds / 2] ?? 0) / electionTimeoutMs).toBeLessThan(1.35);
  expect((figures.at(-1) ?? 0) / electionTimeoutMs).toBeLessThan(1.8);
});
