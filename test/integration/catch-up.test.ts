// Nodes that were away for long, and values of any size, on the built executable. The log's files are of one megabyte
// here, so much of this crosses their borders.

import { expect } from "bun:test";
import { Cluster } from "../support/cluster.ts";
import { scenario } from "../support/scenario.ts";
import type { VlotProcess } from "../support/vlot-process.ts";

const kilobyte = 1024;
const megabyte = 1024 * kilobyte;

async function fill(node: VlotProcess, name: string, bytes: number): Promise<void> {
  const client = await node.connect(30_000);
  const value = "v".repeat(2 * kilobyte);
  const count = Math.ceil(bytes / value.length);
  for (let from = 0; from < count; from += 200) {
    const commands = Array.from({ length: Math.min(200, count - from) }, (_, at) => [
      "SET",
      `${name}:${from + at}`,
      value,
    ]);
    for (const reply of await client.pipeline(commands))
      expect(reply).toEqual({ kind: "simple", text: "OK" });
  }
}

async function digests(cluster: Cluster): Promise<unknown[]> {
  await cluster.settled();
  return Promise.all(cluster.nodes.map((node) => node.ask("RAFT.DEBUG", "DIGEST")));
}

scenario(
  "a node that was away for twelve megabytes of log gets them, and so does one that joins",
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    const leader = await cluster.leader();
    const [, away] = cluster.others(leader) as [VlotProcess, VlotProcess];
    await away.kill();
    await fill(leader, "missed", 12 * megabyte);
    await away.start();
    expect(new Set((await digests(cluster)).map(String)).size).toBe(1);
    const late = await cluster.grow();
    expect(await late.ask("RAFT.CLUSTER", "JOIN", leader.address)).toBe("OK");
    expect(new Set((await digests(cluster)).map(String)).size).toBe(1);
    const keys = (12 * megabyte) / (2 * kilobyte);
    for (const node of cluster.nodes) expect(await node.ask("RAFT.DEBUG", "EXEC", "DBSIZE")).toBe(keys);
  },
);

scenario(
  "values far larger than a file of the log are kept by all nodes, also when these are killed",
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    const leader = await cluster.leader();
    const sizes = [megabyte - 200, megabyte, megabyte + 1, 5 * megabyte, 17 * megabyte];
    const client = await leader.connect(30_000);
    for (const size of sizes) {
      expect(await client.ask("SET", `size:${size}`, "x".repeat(size))).toBe("OK");
      expect(await client.ask("SET", `after:${size}`, "y")).toBe("OK");
    }
    await cluster.settled();
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await Promise.all(cluster.nodes.map((node) => node.start()));
    const successor = await cluster.settled();
    for (const size of sizes) {
      expect(await successor.ask("STRLEN", `size:${size}`)).toBe(size);
      expect(await successor.ask("GET", `after:${size}`)).toBe("y");
    }
    expect(new Set((await digests(cluster)).map(String)).size).toBe(1);
    // One term for the founding, one for the restart: large entries have not kept heartbeats from passing.
    expect(Number(await successor.field("current_term"))).toBeLessThanOrEqual(3);
  },
);
