// What goes wrong in a virtual world, drawn by chance: processes that die, machines that lose their power (also in the
// middle of a write), networks that fall apart in one direction or both, connections that break, processes that stand
// still, wall clocks that jump, leaders that are told to hand over.

import { SeededRandom } from "../../src/base/random.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import type { VirtualWorld } from "./virtual-world.ts";

const wallJumpMsMax = 3_600_000;
const standStillMsMax = 1500;
/** A power cut is armed to strike within so many operations of the disk. */
const operationsMax = 30;

export const faultKinds = [
  "kill",
  "cutPower",
  "cutPowerInWrite",
  "restart",
  "isolate",
  "cutOneWay",
  "heal",
  "breakConnection",
  "standStill",
  "wallJump",
  "transfer",
] as const;
export type FaultKind = (typeof faultKinds)[number];

export class VirtualFaults {
  /** How often each has struck. */
  readonly counts: Record<FaultKind, number>;
  readonly #world: VirtualWorld;
  readonly #random: SeededRandom;
  readonly #kinds: readonly FaultKind[];

  constructor(world: VirtualWorld, kinds: readonly FaultKind[] = faultKinds) {
    this.#world = world;
    this.#random = new SeededRandom(world.random.uint32());
    this.#kinds = kinds;
    this.counts = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  }

  /** Lets one fault strike. */
  strike(): void {
    const kind = this.#pick(this.#kinds);
    if (kind !== undefined && this.#strike(kind)) this.counts[kind]++;
  }

  /** For `forMs`, a fault every now and then. */
  run(forMs: number, pauseMsMax: number): void {
    const untilMs = this.#world.time.nowMs + forMs;
    while (this.#world.time.nowMs < untilMs) {
      this.#world.run(1 + this.#random.below(pauseMsMax));
      this.strike();
    }
  }

  /** False when there was nothing to strike. */
  #strike(kind: FaultKind): boolean {
    const world = this.#world;
    const running = this.#victim(world.running);
    switch (kind) {
      case "kill":
        running?.kill();
        return running !== undefined;
      case "cutPower":
        running?.cutPower();
        return running !== undefined;
      case "cutPowerInWrite":
        running?.disk.cutPowerAfter(1 + this.#random.below(operationsMax));
        return running !== undefined;
      case "restart":
        return (
          this.#pick(world.machines.filter(({ isRunning, hasLeft }) => !isRunning && !hasLeft))?.start() ??
          false
        );
      case "isolate":
        if (running !== undefined) for (const { name } of world.machines) this.#cut(running.name, name, true);
        return running !== undefined;
      case "cutOneWay":
        this.#cut(this.#pick(world.machines)?.name, this.#pick(world.machines)?.name, false);
        return true;
      case "heal":
        world.network.heal();
        return true;
      case "breakConnection":
        return world.network.breakOne(new Set(world.machines.map(({ name }) => name)));
      case "standStill":
        running?.process?.standStill(this.#random.below(standStillMsMax));
        return running !== undefined;
      case "wallJump":
        if (running !== undefined)
          running.wallOffsetMs = this.#random.below(2 * wallJumpMsMax) - wallJumpMsMax;
        return running !== undefined;
      case "transfer":
        return this.#transfer();
    }
  }

  #transfer(): boolean {
    const { leader } = this.#world;
    if (leader === undefined) return false;
    const client = this.#world.connect(leader.name);
    client.send(["RAFT.TRANSFER_LEADER"], () => client.close());
    return true;
  }

  /** The leader half of the time: that is where it hurts. */
  #victim(machines: readonly VirtualMachine[]): VirtualMachine | undefined {
    const { leader } = this.#world;
    return leader !== undefined && this.#random.below(2) === 0 ? leader : this.#pick(machines);
  }

  #cut(from: string | undefined, to: string | undefined, bothWays: boolean): void {
    if (from === undefined || to === undefined || from === to) return;
    this.#world.network.cut(from, to);
    if (bothWays) this.#world.network.cut(to, from);
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.#random.below(Math.max(1, items.length))];
  }
}
