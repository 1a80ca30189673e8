// Time to live on the built executable: the same keys are gone on all nodes, at the same place of the log, and what was
// once seen to be gone stays gone, whoever leads.

import { expect } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { allCommands } from "../../src/commands/table.ts";
import { CommandGenerator } from "../differential/generator.ts";
import { plain } from "../server/test-client.ts";
import { Cluster } from "../support/cluster.ts";
import { FollowingClient } from "../support/following-client.ts";
import { scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
/** Between the clock that the test reads and the one that the nodes read. */
const clockSlackMs = 5;

/** What `keys` the node itself holds, whoever leads. */
async function held(node: VlotProcess, keys: readonly string[]): Promise<unknown> {
  return node.ask("RAFT.DEBUG", "EXEC", "EXISTS", ...keys);
}

/** Waits for a moment at which all running nodes have applied the same entries; their states must be the same then. */
async function expectSameState(cluster: Cluster): Promise<void> {
  const digests = await until("all nodes at the same index", async () => {
    const answers = await Promise.all(cluster.running.map((node) => node.ask("RAFT.DEBUG", "DIGEST")));
    const pairs = answers.map((answer) => (Array.isArray(answer) ? answer : []));
    return new Set(pairs.map(([index]) => Number(index))).size === 1
      ? pairs.map(([, digest]) => String(digest))
      : null;
  });
  expect(digests).toEqual(digests.map(() => digests[0] ?? ""));
  expect(digests[0]?.length).toBeGreaterThan(0);
}

scenario("keys go on all nodes at their deadline, also when nobody asks", 30, async (place) => {
  const cluster = await Cluster.form(place, 3);
  const leader = await cluster.leader();
  const keys = Array.from({ length: 20 }, (_, at) => `k${at}`);
  for (const [at, key] of keys.entries())
    expect(await leader.ask("SET", key, "v", "PX", String(50 + 10 * at))).toBe("OK");
  expect(await leader.ask("SET", "kept", "v")).toBe("OK");
  for (const node of cluster.nodes) {
    await until(`${node.name} holds none of them`, async () => (await held(node, keys)) === 0);
    expect(await held(node, ["kept"])).toBe(1);
  }
  await expectSameState(cluster);
  // One entry for each key at most, and none once there is nothing left to expire.
  const index = await leader.field("current_index");
  expect(Number(index)).toBeLessThanOrEqual(6 + 2 * keys.length + 1);
  expect(await cluster.settled()).toBe(leader);
  expect(await leader.field("current_index")).toBe(index);
});

scenario("a deadline means the same to the next leader", 30, async (place) => {
  const cluster = await Cluster.form(place, 3);
  const leader = await cluster.leader();
  const sentAtMs = Date.now();
  expect(await leader.ask("SET", "k", "v", "PX", "100000")).toBe("OK");
  const deadline = Number(await leader.ask("PEXPIRETIME", "k"));
  await leader.kill();
  const successor = await cluster.leader();
  const left = Number(await successor.ask("PTTL", "k"));
  const passedMs = Date.now() - sentAtMs;
  expect(left).toBeLessThanOrEqual(100_000);
  expect(left).toBeGreaterThanOrEqual(100_000 - passedMs - clockSlackMs);
  expect(await successor.ask("PEXPIRETIME", "k")).toBe(deadline);
});

scenario(
  `no key goes before its deadline, is read after it, or comes back, while leaders die (SEED=${seed})`,
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    const random = new SeededRandom(seed);
    for (let round = 0; round < 3; round++) {
      const leader = await cluster.leader();
      const watching = Array.from({ length: 12 }, (_, at) => {
        const client = new FollowingClient({ ports: cluster.ports });
        place.atEnd(() => client.close());
        return watchExpiry(client, `r${round}:${at}`, 200 + random.below(500));
      });
      await Bun.sleep(150 + random.below(500));
      await leader.kill();
      await Promise.all(watching);
      await leader.start();
      await cluster.settled();
      await expectSameState(cluster);
    }
  },
);

/** Sets a key that lives for so long, and reads it until well after its deadline. */
async function watchExpiry(client: FollowingClient, key: string, lifeMs: number): Promise<void> {
  const sentAtMs = Date.now();
  const written = await client.call("SET", key, "v", "PX", String(lifeMs));
  const writtenAtMs = Date.now();
  // Whether it was set is not known, and reading on would tell nothing.
  if (written.kind === "unknown") return;
  expect(plain(written.reply)).toBe("OK");
  let isGone = false;
  while (Date.now() < writtenAtMs + lifeMs + 400) {
    const askedAtMs = Date.now();
    const outcome = await client.call("GET", key);
    const answeredAtMs = Date.now();
    if (outcome.kind === "unknown") continue;
    const value = plain(outcome.reply);
    const shown = {
      key,
      lifeMs,
      askedAfterMs: askedAtMs - sentAtMs,
      answeredAfterMs: answeredAtMs - sentAtMs,
    };
    if (answeredAtMs < sentAtMs + lifeMs - clockSlackMs || (value !== null && !isGone)) {
      expect({ ...shown, value }).toEqual({ ...shown, value: "v" });
    }
    if (isGone || askedAtMs > writtenAtMs + lifeMs + clockSlackMs)
      expect({ ...shown, value }).toEqual({ ...shown, value: null });
    isGone ||= value === null;
  }
  expect(isGone).toBe(true);
}

scenario(
  `all nodes hold the same after any load, and after replaying it (SEED=${seed})`,
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    const leader = await cluster.leader();
    const generator = new CommandGenerator(allCommands, seed);
    const random = new SeededRandom(seed);
    const client = await leader.connect();
    for (let batch = 0; batch < 40; batch++) {
      const commands = Array.from({ length: 80 }, () => {
        if (random.below(4) > 0) return generator.next().args;
        return ["SET", `short:${random.below(30)}`, "v", "PX", String(1 + random.below(300))];
      });
      for (const reply of await client.pipeline(commands)) {
        if (reply.kind === "error") expect(reply.text).not.toMatch(/^(MOVED|CLUSTERDOWN|TIMEOUT) /);
      }
    }
    await expectSameState(cluster);
    for (const node of cluster.nodes) {
      await node.kill();
      await node.start();
      await cluster.settled();
      await expectSameState(cluster);
    }
  },
);
