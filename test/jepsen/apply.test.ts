// Writes that were applied again and again, or on the leader only. Both findings had one cause: applying an entry called
// back into the server, which took that for a client's command.

import { expect, test } from "bun:test";
import { ask, clusterOf, leaderOf, othersThan, sendAll } from "./scene.ts";

test("redisraft #13: one write through the proxy is applied once, and then the log is still", () => {
  const world = clusterOf(13, 3, { "follower-proxy": "yes" });
  const [follower = ""] = othersThan(world, leaderOf(world));
  const node = world.machine(follower).process?.node;
  expect(ask(world, follower, "APPEND list x")).toBe("1");
  const { currentIndex } = node!.raftStatus().log;
  world.run(5000);
  expect(node!.raftStatus().log.currentIndex).toBe(currentIndex);
  for (const { name } of world.machines) expect(ask(world, name, "STRLEN list")).toBe("1");
});

test("redisraft #14: all data is there on the next leader, and the next", () => {
  const world = clusterOf(14, 3);
  const keys = Array.from({ length: 300 }, (_, at) => `key:${at}`);
  const answers = sendAll(world, leaderOf(world), ...keys.map((key) => `SET ${key} ${key}`));
  world.runUntil("all are set", () => answers.length === keys.length);
  for (let failover = 0; failover < 3; failover++) {
    const old = world.machine(leaderOf(world));
    if (failover === 1) old.process?.standStill(2000);
    else old.kill();
    world.runUntil("another leader", () => leaderOf(world) !== old.name && leaderOf(world) !== "");
    const values = sendAll(world, leaderOf(world), ...keys.map((key) => `GET ${key}`));
    world.runUntil("all is read", () => values.length === keys.length);
    expect(values).toEqual(keys);
    world.settle();
  }
  expect(new Set(world.machines.map(({ process }) => process?.node.digest().digest)).size).toBe(1);
});
