// The clients that people use, unchanged, on the built executable: single connections and cluster clients of ioredis and
// node-redis, over RESP2 and RESP3, through the death of a leader.

import { describe, expect } from "bun:test";
import { Cluster as IoRedisCluster, Redis as IoRedis } from "ioredis";
import { createClient, createCluster } from "redis";
import { keySlot } from "../../src/base/key-slot.ts";
import { Cluster, leaderAmong } from "../support/cluster.ts";
import { type Place, scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";

const host = "127.0.0.1";

function url(node: VlotProcess): string {
  return `redis://${node.address}`;
}

/** A cluster client as the application writes it: this much of each library is used below. */
interface Application {
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<string | null>;
  increment(key: string): Promise<number>;
}

function ioredisCluster(place: Place, cluster: Cluster): Application {
  const client = new IoRedisCluster(
    cluster.ports.map((port) => ({ host, port })),
    { redisOptions: { connectTimeout: 2000 }, slotsRefreshTimeout: 2000 },
  );
  // The library tells of nodes that it cannot reach; the calls themselves are what counts here.
  client.on("error", () => undefined);
  place.atEnd(() => client.disconnect());
  return {
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key),
    increment: (key) => client.incr(key),
  };
}

async function nodeRedisCluster(place: Place, cluster: Cluster, RESP: 2 | 3): Promise<Application> {
  const client = createCluster({
    rootNodes: cluster.nodes.map((node) => ({ url: url(node) })),
    RESP,
    defaults: { socket: { connectTimeout: 2000 } },
  });
  client.on("error", () => undefined);
  await client.connect();
  place.atEnd(() => void client.destroy());
  return {
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key),
    increment: (key) => client.incr(key),
  };
}

/** What an application does all day, keys spread over all slots. */
async function mainJob(application: Application, name: string): Promise<void> {
  const keys = Array.from({ length: 50 }, (_, at) => `${name}:${at}`);
  await Promise.all(keys.map((key, at) => application.set(key, `value ${at} \u00fc`)));
  expect(await Promise.all(keys.map((key) => application.get(key)))).toEqual(
    keys.map((_, at) => `value ${at} \u00fc`),
  );
  const counts = await Promise.all(Array.from({ length: 100 }, () => application.increment(name)));
  expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
  expect(await application.get(`${name}:nothing`)).toBeNull();
}

/** Counts on until a call after the death of the leader succeeds; how many failed. */
async function failuresUntilServed(application: Application, key: string): Promise<number> {
  let failures = 0;
  const value = await until("a write through the new leader", async () => {
    try {
      return await application.increment(key);
    } catch (error) {
      failures++;
      throw error;
    }
  });
  // One was counted before; what failed may have been done all the same.
  expect(value).toBeGreaterThan(1);
  expect(value).toBeLessThanOrEqual(2 + failures);
  return failures;
}

scenario("cluster clients find the leader, and follow it when it is killed", 60, async (place) => {
  const cluster = await Cluster.form(place, 3);
  const applications = new Map<string, Application>([
    ["ioredis", ioredisCluster(place, cluster)],
    ["node-redis over RESP2", await nodeRedisCluster(place, cluster, 2)],
    ["node-redis over RESP3", await nodeRedisCluster(place, cluster, 3)],
  ]);
  for (const [name, application] of applications) {
    await mainJob(application, name);
    expect(await application.increment(`survivor ${name}`)).toBe(1);
  }
  const leader = await cluster.leader();
  await leader.kill();
  const failures = await Promise.all(
    [...applications].map(async ([name, application]) =>
      failuresUntilServed(application, `survivor ${name}`),
    ),
  );
  // ioredis repeats by itself what was lost on the way. node-redis looks for another leader at most every five seconds,
  // and fails commands meanwhile.
  expect(failures[0]).toBe(0);
  for (const [name, application] of applications) await mainJob(application, `${name} again`);
});

describe("a leader that is stopped in good order", () => {
  scenario("costs cluster clients not one error", 60, async (place) => {
    const cluster = await Cluster.form(place, 3, { flags: ["--shutdown-drain-timeout", "1500"] });
    const applications = [ioredisCluster(place, cluster), await nodeRedisCluster(place, cluster, 3)];
    const leader = await cluster.leader();
    let isOver = false;
    const counting = applications.map(async (application, at) => {
      let count = 0;
      while (!isOver) expect(await application.increment(`orderly:${at}`)).toBe(++count);
      return count;
    });
    const stopped = leader.stop();
    const successor = await leaderAmong(cluster.others(leader));
    const served = async (): Promise<boolean> => Number(await successor.ask("GET", "orderly:0")) > 50;
    await until("work goes on elsewhere", served);
    isOver = true;
    for (const count of await Promise.all(counting)) expect(count).toBeGreaterThan(0);
    expect(await stopped).toBe(0);
  });
});

describe("single connections", () => {
  scenario(
    "ioredis and node-redis do the main job on the leader, and are told where it is elsewhere",
    60,
    async (place) => {
      const cluster = await Cluster.form(place, 3);
      const leader = await cluster.leader();
      const [follower] = cluster.others(leader);
      if (follower === undefined) throw new Error("three nodes");

      const ioredis = new IoRedis(leader.port, host);
      place.atEnd(() => ioredis.disconnect());
      await mainJob(
        {
          set: (key, value) => ioredis.set(key, value),
          get: (key) => ioredis.get(key),
          increment: (key) => ioredis.incr(key),
        },
        "ioredis",
      );
      const replies = await ioredis.pipeline().set("p", "1").incr("p").get("p").exec();
      expect(replies).toEqual([
        [null, "OK"],
        [null, 2],
        [null, "2"],
      ]);

      for (const RESP of [2, 3] as const) {
        const nodeRedis = createClient({ url: url(leader), RESP });
        await nodeRedis.connect();
        place.atEnd(() => nodeRedis.destroy());
        await mainJob(
          {
            set: (key, value) => nodeRedis.set(key, value),
            get: (key) => nodeRedis.get(key),
            increment: (key) => nodeRedis.incr(key),
          },
          `node-redis RESP${RESP}`,
        );
        expect(await Promise.all([nodeRedis.set("p", "1"), nodeRedis.incr("p"), nodeRedis.get("p")])).toEqual(
          ["OK", 2, "2"],
        );
      }

      const lost = new IoRedis(follower.port, host);
      place.atEnd(() => lost.disconnect());
      for (const key of ["a", "b", "{tag}x", "counter:1"]) {
        await expect(lost.set(key, "x")).rejects.toThrow(`MOVED ${keySlot(key)} ${leader.address}`);
        await expect(lost.get(key)).rejects.toThrow(`MOVED ${keySlot(key)} ${leader.address}`);
      }
      expect(await lost.ping()).toBe("PONG");
    },
  );
});

describe("while a leader is elected", () => {
  scenario("commands are held rather than refused", 60, async (place) => {
    const cluster = await Cluster.form(place, 3);
    const leader = await cluster.leader();
    const [follower] = cluster.others(leader);
    if (follower === undefined) throw new Error("three nodes");
    for (const node of cluster.nodes) await node.ask("CONFIG", "SET", "follower-proxy", "yes");
    const client = await follower.connect();
    expect(await client.ask("SET", "k", "before")).toBe("OK");
    await leader.kill();
    // Sent at once, and sent while there is no leader.
    const replies = await Promise.all([
      client.ask("GET", "k"),
      client.ask("SET", "k", "after"),
      client.ask("GET", "k"),
    ]);
    expect(replies).toEqual(["before", "OK", "after"]);
  });

  scenario(
    "a follower that serves no others answers with the new leader once there is one",
    60,
    async (place) => {
      const cluster = await Cluster.form(place, 3);
      const leader = await cluster.leader();
      await leader.kill();
      const replies = await Promise.all(cluster.others(leader).map((node) => node.ask("SET", "k", "x")));
      const successor = await cluster.leader();
      const moved = `-MOVED ${keySlot("k")} ${successor.address}`;
      // One of the two is the new leader itself. The other may have named the old one before it missed it.
      for (const reply of replies)
        expect(["OK", moved, `-MOVED ${keySlot("k")} ${leader.address}`]).toContain(String(reply));
      expect(await successor.ask("SET", "k", "x")).toBe("OK");
    },
  );
});
