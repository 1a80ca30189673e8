// The two client libraries of the ecosystem that run in this process, against the real server over a toy router: their
// handshakes, single and as cluster clients of a cluster of one.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import { viewOf } from "./fake-cluster.ts";
import { Serving } from "./serving.ts";

let serving: Serving;

beforeAll(() => {
  serving = new Serving();
  serving.cluster.members = [viewOf(7, serving.port, { leader: true, myself: true })];
});

afterAll(() => serving.close());

test("ioredis connects to a single node and works", async () => {
  const client = new Redis(serving.port, "127.0.0.1", { lazyConnect: true });
  await client.connect();
  expect(await client.set("ioredis", "1")).toBe("OK");
  expect(await client.incr("ioredis")).toBe(2);
  const results = await client.pipeline().get("ioredis").ping().exec();
  expect(results?.map(([, value]) => value)).toEqual(["2", "PONG"]);
  await client.quit();
});

test("ioredis' Cluster finds the leader and works", async () => {
  const client = new Cluster([{ host: "127.0.0.1", port: serving.port }], { lazyConnect: true });
  await client.connect();
  expect(await client.set("cluster", "1")).toBe("OK");
  expect(await client.get("cluster")).toBe("1");
  await client.quit();
});

test("node-redis connects to a single node in RESP2 and RESP3 and works", async () => {
  for (const RESP of [2, 3] as const) {
    const client = createClient({ RESP, socket: { host: "127.0.0.1", port: serving.port }, name: "app" });
    await client.connect();
    expect(await client.set("node-redis", "x")).toBe("OK");
    expect(await client.get("node-redis")).toBe("x");
    expect(await client.clientGetName()).toBe("app");
    expect((await client.configGet("maxclients"))["maxclients"]).toBe("10000");
    expect((await client.clientInfo()).libName).toBe("node-redis");
    await client.close();
  }
});

test("node-redis' cluster finds the leader and works", async () => {
  const client = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${serving.port}` }] });
  await client.connect();
  expect(await client.set("cluster:2", "1")).toBe("OK");
  expect(await client.get("cluster:2")).toBe("1");
  await client.close();
});

test("Bun's client connects and works", async () => {
  const client = new Bun.RedisClient(`redis://127.0.0.1:${serving.port}`);
  await client.connect();
  await client.set("bun", "1");
  expect(await client.get("bun")).toBe("1");
  client.close();
});
