// What a cluster does at its limits, on the built executable: when too much waits for a majority, and when one value is
// as large as many messages.

import { expect } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { plain } from "../server/test-client.ts";
import { Cluster } from "../support/cluster.ts";
import { scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";

scenario(
  "a leader without followers refuses writes once too much waits, and goes on with what it took when they return",
  40,
  async (place) => {
    // Silence must not cost it the lead before it is full, and a held command should be refused soon.
    const flags = [
      "--max-uncommitted-size",
      "1mb",
      "--leader-wait-timeout",
      "200",
      "--election-timeout",
      "8000",
    ];
    const cluster = await Cluster.form(place, 3, { flags });
    const leader = await cluster.leader();
    const value = "x".repeat(100_000);
    // So many of them fit into a megabyte.
    const takenCount = 10;
    expect(await leader.ask("SET", "before", value)).toBe("OK");
    for (const node of cluster.others(leader)) node.pause();

    // One at a time, each in the log before the next: how many are taken is exact.
    const open: Promise<unknown>[] = [];
    const answers: unknown[] = [];
    while (answers.length === 0 && open.length < 20) {
      const index = await leader.field("current_index");
      const writer = await leader.connect(20_000);
      const answer = writer.ask("SET", `open:${open.length}`, value).catch((error: Error) => error.name);
      open.push(answer.then((text) => answers.push(text)));
      await until(
        "the write is in the log or answered",
        async () => answers.length > 0 || (await leader.field("current_index")) !== index,
      );
    }
    const throttled = "-THROTTLED too many writes wait for a majority of the nodes";
    expect(answers).toEqual([throttled]);
    expect(open.length).toBe(takenCount + 1);
    expect(await leader.ask("SET", "refused", value)).toBe(throttled);

    for (const node of cluster.others(leader)) node.resume();
    await Promise.all(open);
    expect(answers).toEqual([throttled, ...Array.from({ length: takenCount }, () => "OK")]);
    expect(await leader.ask("SET", "after", value)).toBe("OK");
    const serving = await cluster.settled();
    const taken = ["before", "after", ...Array.from({ length: takenCount }, (_, at) => `open:${at}`)];
    for (const key of taken) expect([key, await serving.ask("STRLEN", key)]).toEqual([key, value.length]);
    expect(await serving.ask("EXISTS", "refused", `open:${takenCount}`)).toBe(0);
  },
);

scenario("a value of 64 MB reaches three nodes without an election", 40, async (place) => {
  const cluster = await Cluster.form(place, 3);
  const leader = await cluster.leader();
  const term = await leader.field("current_term");
  const value = bytesOf(64_000_000);
  const client = await leader.connect(20_000);
  expect(plain(await client.call("SET", "k", value))).toBe("OK");
  const reply = await client.call("GET", "k");
  expect(reply.kind === "bulk" ? reply.text === value : reply).toBe(true);
  expect(await cluster.settled()).toBe(leader);
  const digests = await Promise.all(cluster.nodes.map((node) => node.ask("RAFT.DEBUG", "DIGEST")));
  expect(digests).toEqual(digests.map(() => digests[0]));
  for (const node of cluster.nodes) expect(await node.field("current_term")).toBe(term);
});

/** Bytes of every value, in no order; the same each time. */
function bytesOf(length: number): string {
  const random = new SeededRandom(1);
  const block = Buffer.from(Array.from({ length: 65_521 }, () => random.below(256)));
  return Buffer.alloc(length, block).toString("latin1");
}
