// Expiry when no two wall clocks agree: each key is set once, with a deadline, and read by everybody. Once it was seen
// gone it is gone for all who ask later, whoever leads by then and whatever that node's clock says.

import { assert } from "../../src/base/assert.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { ChosenFaults } from "./chosen-faults.ts";
import type { FaultKind } from "./fault-kinds.ts";
import { type Counts, testHistories } from "./histories.ts";
import { textOf, type VirtualClient } from "./virtual-client.ts";
import { VirtualWorld } from "./virtual-world.ts";

const lifeMsMax = 300;
const pauseMsMax = 20;
const hourMs = 3_600_000;

class VolatileKey {
  readonly name: string;
  isSet = false;
  isGone = false;

  constructor(name: string) {
    this.name = name;
  }
}

/** Clients that set volatile keys and read those of all. */
class VolatileLoad {
  seen = 0;
  seenGone = 0;
  sending = true;
  readonly #world: VirtualWorld;
  readonly #random: SeededRandom;
  readonly #keys: VolatileKey[] = [];
  #client: VirtualClient | null = null;
  #target = "n1";

  constructor(world: VirtualWorld) {
    this.#world = world;
    this.#random = new SeededRandom(world.random.uint32());
  }

  start(): void {
    this.#world.time.after(this.#random.below(pauseMsMax), () => {
      if (!this.sending) return;
      this.#step();
      this.start();
    });
  }

  get openCount(): number {
    return this.#client?.openCount ?? 0;
  }

  #step(): void {
    const served = this.#client !== null && !this.#client.isOver && this.#client.openCount < 10;
    if (!served) {
      this.#client?.close();
      this.#client = this.#world.connect(this.#target);
    }
    const client = this.#client as VirtualClient;
    if (this.#random.below(3) === 0) return this.#set(client);
    const key = this.#keys[this.#random.below(Math.max(1, this.#keys.length))];
    if (key !== undefined) this.#read(client, key);
  }

  #set(client: VirtualClient): void {
    const key = new VolatileKey(`volatile:${this.#keys.length}`);
    this.#keys.push(key);
    client.send(["SET", key.name, "here", "PX", String(1 + this.#random.below(lifeMsMax))], (reply) => {
      key.isSet = reply?.kind === "simple";
      if (reply !== null) this.#follow(textOf(reply));
    });
  }

  #read(client: VirtualClient, key: VolatileKey): void {
    const { isSet, isGone } = key;
    client.send(["GET", key.name], (reply) => {
      if (reply === null || reply.kind === "error") {
        if (reply !== null) this.#follow(textOf(reply));
        return;
      }
      if (reply.kind === "bulk") {
        assert(!isGone, `${key.name} not to come back`);
        this.seen++;
      } else if (isSet) {
        key.isGone = true;
        this.seenGone++;
      }
    });
  }

  #follow(text: string): void {
    if (!text.startsWith("-")) return;
    this.#target = /^-MOVED \d+ (\w+):/.exec(text)?.[1] ?? `n${1 + this.#random.below(3)}`;
    this.#client?.close();
  }
}

function withClocks(seed: number, kinds: readonly FaultKind[]): Counts {
  const world = new VirtualWorld({ seed, machines: 3 });
  for (const machine of world.machines) machine.wallOffsetMs = world.random.below(2 * hourMs) - hourMs;
  world.formCluster();
  const load = new VolatileLoad(world);
  const faults = new ChosenFaults(world, kinds);
  load.start();
  faults.run(2500, 150);
  load.sending = false;
  faults.end();
  world.settle();
  // Without any traffic, the leader's clock alone makes the rest go.
  for (const machine of world.machines) machine.wallOffsetMs = 3 * hourMs;
  world.runUntil(
    "all keys are gone",
    () => (world.leader?.process?.node.keyspaceStatus().databases ?? [1]).length === 0,
  );
  world.settle();
  return {
    seen: load.seen / 10,
    seenGone: load.seenGone / 10,
    ...world.invariants.counts,
    ...faults.counts,
  };
}

testHistories("a key that was seen expired never comes back, though leaders and clocks change", 30, (seed) =>
  withClocks(seed, ["wall-jump", "transfer", "kill"]),
);
