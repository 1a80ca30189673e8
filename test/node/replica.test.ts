// The order of what a replica does, where only an unlucky moment shows a mistake.

import { expect, test } from "bun:test";
import { textOf } from "../sim/virtual-client.ts";
import { usualNetwork } from "../sim/virtual-network.ts";
import { VirtualWorld } from "../sim/virtual-world.ts";

const momentCount = 30;
const momentMs = 0.05;
/** A batch of this size is proposed while a sync is under way. */
const largeValue = "x".repeat(1_100_000);

test("a write is answered when log-fsync is turned off between its append and its sync", () => {
  const world = new VirtualWorld({ seed: 1, machines: 1 });
  // A large command arrives at once.
  world.network.character = { ...usualNetwork, pipeBytes: 4 * 1024 * 1024 };
  world.formCluster();
  for (let moment = 0; moment < momentCount; moment++) {
    expect(textOf(world.call("n1", ["CONFIG", "SET", "log-fsync", "yes"]))).toBe("OK");
    const [first, second, operator] = [world.connect("n1"), world.connect("n1"), world.connect("n1")];
    world.run(10);
    let answer = "none";
    first.send(["SET", "a", "1"], () => undefined);
    world.run(0.2);
    second.send(["SET", "b", largeValue], (reply) => (answer = reply === null ? "lost" : textOf(reply)));
    world.run(moment * momentMs);
    operator.send(["CONFIG", "SET", "log-fsync", "no"], () => undefined);
    world.run(100);
    expect([moment, answer]).toEqual([moment, "OK"]);
  }
});

test("a crowd of keys with one deadline is gone in a moment, though an entry frees a bounded number of them", () => {
  const world = new VirtualWorld({ seed: 2, machines: 3 });
  world.formCluster();
  const client = world.connect("n1");
  for (let key = 0; key < 10_000; key++) client.send(["SET", `k${key}`, "", "PX", "300"], () => undefined);
  world.run(200);
  const databases = (name: string): unknown => world.machine(name).process?.node.keyspaceStatus().databases;
  expect(databases("n1")).toMatchObject([{ keys: 10_000 }]);
  world.run(300);
  expect(["n1", "n2", "n3"].map(databases)).toEqual([[], [], []]);
});
