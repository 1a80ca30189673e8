// Nodes that leave, on the built executable: asked or unasked, present or away, the leader too.

import { expect } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Cluster } from "../support/cluster.ts";
import { CounterLoad } from "../support/counter-load.ts";
import { scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";

scenario("a leader that is removed ends, another takes over, and no write is lost", 40, async (place) => {
  const cluster = await Cluster.form(place, 3);
  const load = new CounterLoad({ ports: cluster.ports, clients: 6 });
  place.atEnd(() => load.abandon());
  await load.more(200);
  const leader = await cluster.leader();
  const id = await leader.field("node_id");
  const removal = leader.ask("RAFT.NODE", "REMOVE", id).catch((error: Error) => error.name);
  expect(await leader.exited).toBe(0);
  expect(["OK", "ConnectionLost"]).toContain(String(await removal));
  expect(existsSync(join(leader.directory, `removed-${id}`))).toBe(true);
  await load.more(200);
  await load.stop();
  const successor = await cluster.settled();
  await load.verify((...args) => successor.ask(...args));
  expect(await successor.field("num_nodes")).toBe("2");
});

scenario(
  "a node that was removed while it was away hears of it when it comes back, and leaves",
  40,
  async (place) => {
    const cluster = await Cluster.form(place, 3, { flags: ["--election-timeout", "3000"] });
    const leader = await cluster.leader();
    const [, away] = cluster.others(leader) as [VlotProcess, VlotProcess];
    const id = await away.field("node_id");
    await away.kill();
    expect(await leader.ask("RAFT.NODE", "REMOVE", id)).toBe("OK");
    const term = await leader.field("current_term");
    away.launch();
    expect(await away.exited).toBe(0);
    expect(existsSync(join(away.directory, `removed-${id}`))).toBe(true);
    expect(await cluster.settled()).toBe(leader);
    expect(await leader.field("current_term")).toBe(term);
  },
);

scenario("a node that is added and never comes holds nobody up", 40, async (place) => {
  const cluster = await Cluster.form(place, 2);
  const leader = await cluster.leader();
  const [other] = cluster.others(leader) as [VlotProcess];
  expect(await leader.ask("RAFT.NODE", "ADD", "77", "127.0.0.1:1")).toEqual([77, await leader.field("dbid")]);
  expect(await leader.ask("SET", "k", "v")).toBe("OK");
  expect(await leader.field("num_nodes")).toBe("3");
  expect(await leader.field("num_voting_nodes")).toBe("2");
  expect(await leader.ask("RAFT.NODE", "REMOVE", "77")).toBe("OK");
  expect(await leader.ask("RAFT.NODE", "REMOVE", "77")).toBe("-ERR node id does not exist");
  expect(await leader.ask("RAFT.NODE", "REMOVE", "x")).toBe("-ERR invalid node id");
  expect(await leader.ask("RAFT.CLUSTER", "JOIN", other.address)).toBe("-ERR Already cluster member");
  expect(await leader.ask("RAFT.CLUSTER", "INIT")).toBe("-ERR Already cluster member");
  expect(await cluster.settled()).toBe(leader);
});

scenario("a cluster shrinks to one node and grows again", 40, async (place) => {
  const cluster = await Cluster.form(place, 3);
  const [n1, n2, n3] = cluster.nodes as [VlotProcess, VlotProcess, VlotProcess];
  expect(await n1.ask("SET", "k", "v")).toBe("OK");
  for (const node of [n2, n3]) {
    const id = await node.field("node_id");
    expect(
      await until("the removal", async () =>
        (await n1.ask("RAFT.NODE", "REMOVE", id)) === "OK" ? "OK" : null,
      ),
    ).toBe("OK");
    expect(await node.exited).toBe(0);
  }
  expect(await n1.ask("INCR", "n")).toBe(1);
  expect(await n1.field("num_nodes")).toBe("1");
  for (const node of [n2, n3]) {
    await node.start();
    expect(await node.ask("RAFT.CLUSTER", "JOIN", n1.address)).toBe("OK");
  }
  await cluster.settled();
  await n1.kill();
  const successor = await cluster.leader();
  expect(await successor.ask("GET", "k")).toBe("v");
  expect(await successor.ask("INCR", "n")).toBe(2);
});

scenario(
  "nodes are removed down to the last one, and each archives its files and ends",
  40,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    expect(await (await cluster.leader()).ask("SET", "k", "v")).toBe("OK");
    let [leaving] = cluster.nodes as [VlotProcess];
    for (let left = 3; left > 0; left--) {
      const leader = await cluster.settled();
      expect(await leader.field("num_nodes")).toBe(String(left));
      leaving = cluster.others(leader).find((node) => node.isRunning) ?? leader;
      const id = await leaving.field("node_id");
      // A change may still be under way: the one before, or the first entry of a leader's term.
      const removed = await until("the removal", async () => {
        const reply = await leader.ask("RAFT.NODE", "REMOVE", id);
        return reply === "-ERR one voting change only" ? null : reply;
      });
      expect(removed).toBe("OK");
      expect(await leaving.exited).toBe(0);
      expect(readdirSync(leaving.directory).filter((name) => /^(node$|removed-)/.test(name))).toEqual([
        `removed-${id}`,
      ]);
    }
    // Nothing is left of the cluster: the node that was its last belongs to none, and may found another.
    await leaving.start();
    expect(await leaving.ask("GET", "k")).toBe("-NOCLUSTER No Raft Cluster");
    expect(await leaving.ask("RAFT.CLUSTER", "INIT")).toMatch(/^OK /);
    expect(await leaving.ask("GET", "k")).toBe(null);
  },
);
