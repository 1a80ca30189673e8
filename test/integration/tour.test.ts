// The newcomer's first five minutes, with redis-cli on the built executable, and what follows: a node joins, another is
// removed, and writes go on all the while.

import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { keySlot } from "../../src/base/key-slot.ts";
import { Cluster } from "../support/cluster.ts";
import { CounterLoad } from "../support/counter-load.ts";
import { redisCli, redisCliPath } from "../support/redis-cli.ts";
import { scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";

/** Long enough that a busy machine alone causes no election. */
const calm = ["--election-timeout", "3000"];

async function currentIndex(node: VlotProcess): Promise<number> {
  return Number(await node.field("current_index"));
}

describe("the tour", () => {
  if (redisCliPath === null) {
    test("redis-cli is not on the PATH: the tour cannot be made", () => {
      expect(process.env["REQUIRE_REDIS"]).toBeUndefined();
    });
    return;
  }

  scenario("goes as the design says, with redis-cli", 30, async (place) => {
    const { nodes } = await Cluster.start(place, 3);
    const [n1, n2, n3] = nodes as [VlotProcess, VlotProcess, VlotProcess];
    expect(await redisCli(n1.port, "INCR", "counter:1")).toBe("NOCLUSTER No Raft Cluster");
    expect(await redisCli(n1.port, "RAFT.CLUSTER", "INIT")).toMatch(/^OK [0-9a-f]{32}$/);
    expect(await currentIndex(n1)).toBe(2);
    expect(await redisCli(n2.port, "RAFT.CLUSTER", "JOIN", n1.address)).toBe("OK");
    await until("the second node votes", async () => (await n1.field("num_voting_nodes")) === "2");
    expect(await currentIndex(n1)).toBe(4);
    expect(await redisCli(n3.port, "RAFT.CLUSTER", "JOIN", n1.address)).toBe("OK");
    await until("the third node votes", async () => (await n1.field("num_voting_nodes")) === "3");
    expect(await currentIndex(n1)).toBe(6);

    expect(await redisCli(n1.port, "INCR", "counter:1")).toBe("1");
    const moved = `MOVED ${keySlot("counter:1")} ${n1.address}`;
    expect(await redisCli(n3.port, "INCR", "counter:1")).toBe(moved);
    expect(await redisCli(n3.port, "-c", "INCR", "counter:1")).toBe("2");
    expect(await redisCli(n3.port, "RAFT.CONFIG", "SET", "follower-proxy", "yes")).toBe("OK");
    expect(await redisCli(n3.port, "INCR", "counter:1")).toBe("3");
    expect(await redisCli(n3.port, "GET", "counter:1")).toBe("3");
    expect(await redisCli(n2.port, "GET", "counter:1")).toBe(moved);

    const info = await redisCli(n1.port, "--raw", "RAFT.INFO");
    const line = info.split(/\r?\n/).find((text) => text.includes(String(n3.port))) ?? "";
    expect(line).toMatch(
      /^node2:id=\d+,state=connected,voting=yes,addr=127\.0\.0\.1,port=\d+,last_conn_secs=\d+,conn_errors=\d+,conn_oks=\d+$/,
    );
    const id = /id=(\d+)/.exec(line)?.[1] ?? "";
    expect(id).toBe(await n3.field("node_id"));
    expect(await redisCli(n1.port, "RAFT.NODE", "REMOVE", id)).toBe("OK");
    expect(await n3.exited).toBe(0);
    expect(await redisCli(n1.port, "INCR", "counter:1")).toBe("4");
  });
});

scenario(
  "a fourth node joins and the third is removed while writes go on, and none is lost",
  40,
  async (place) => {
    const cluster = await Cluster.form(place, 3, { flags: calm });
    const [n1, , n3] = cluster.nodes as [VlotProcess, VlotProcess, VlotProcess];
    const load = new CounterLoad({ ports: cluster.ports, clients: 8 });
    place.atEnd(() => load.abandon());
    await load.more(200);

    const n4 = await cluster.grow();
    expect(await n4.ask("RAFT.CLUSTER", "JOIN", n3.address)).toBe("OK");
    await until("the fourth node votes", async () => (await n4.field("is_voting")) === "yes");
    await load.more(200);

    const id = await n3.field("node_id");
    expect(await n1.ask("RAFT.NODE", "REMOVE", id)).toBe("OK");
    expect(await n3.exited).toBe(0);
    await load.more(200);
    await load.stop();
    const leader = await cluster.settled();
    await load.verify((...args) => leader.ask(...args));
    // Nobody had to be elected, and nobody was told of an unknown outcome.
    expect(load.unknown).toEqual([]);
    expect(await leader.field("current_term")).toBe("1");
    expect(await leader.field("num_nodes")).toBe("3");

    expect(readdirSync(n3.directory)).toContain(`removed-${id}`);
    await n3.start();
    expect(await n3.field("state")).toBe("uninitialized");
    expect(await n3.ask("GET", "counter:0")).toBe("-NOCLUSTER No Raft Cluster");
  },
);

scenario("an id is used once in the life of a cluster", 40, async (place) => {
  const cluster = await Cluster.form(place, 2);
  const [n1, n2] = cluster.nodes as [VlotProcess, VlotProcess];
  const ids = [Number(await n1.field("node_id")), Number(await n2.field("node_id"))];
  expect(await n1.ask("RAFT.DEBUG", "USED_NODE_IDS")).toEqual(ids);
  expect(await n1.ask("RAFT.NODE", "REMOVE", String(ids[1]))).toBe("OK");
  expect(await n2.exited).toBe(0);
  expect(await n1.ask("RAFT.DEBUG", "USED_NODE_IDS")).toEqual(ids);
  for (const id of ids) {
    expect(await n1.ask("RAFT.NODE", "ADD", String(id), "127.0.0.1:1")).toBe(
      "-ERR node id has already been used in this cluster",
    );
  }
  // The same process may come back, as somebody else.
  await n2.start();
  expect(await n2.ask("RAFT.CLUSTER", "JOIN", n1.address)).toBe("OK");
  const newId = Number(await n2.field("node_id"));
  expect(ids).not.toContain(newId);
  expect(await n1.ask("RAFT.DEBUG", "USED_NODE_IDS")).toEqual([...ids, newId]);
  await n1.kill();
  await n1.start();
  await cluster.settled();
  expect(await n1.ask("RAFT.DEBUG", "USED_NODE_IDS")).toEqual([...ids, newId]);
});

scenario("an election takes one entry of the log", 30, async (place) => {
  const cluster = await Cluster.form(place, 3);
  const [n1, n2] = cluster.nodes as [VlotProcess, VlotProcess];
  expect(await currentIndex(n1)).toBe(6);
  expect(await n1.ask("RAFT.TRANSFER_LEADER", await n2.field("node_id"))).toBe("OK");
  expect(await cluster.settled()).toBe(n2);
  expect(await currentIndex(n2)).toBe(7);
  expect(await n2.field("current_term")).toBe("2");
  expect(await n1.ask("RAFT.TIMEOUT_NOW")).toBe("OK");
  await until("the first node leads", async () => (await n1.field("role")) === "leader");
  expect(await cluster.settled()).toBe(n1);
  expect(await currentIndex(n1)).toBe(8);
});
