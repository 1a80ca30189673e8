// What the wall clocks of a virtual world's machines have shown, so that a history of keys with deadlines can be judged
// although every clock is off by something else and jumps. Time is cut into eras in which no clock jumps.

import { assert } from "../../../src/base/assert.ts";
import type { WallClocks } from "../../checker/models/expiring-key.ts";
import type { WallTimes } from "../../workload/wall-times.ts";
import type { StepObserver } from "../step-observer.ts";
import type { VirtualMachine } from "../virtual-machine.ts";
import { worldStartMs } from "../virtual-time.ts";
import type { VirtualWorld } from "../virtual-world.ts";

/** From `startMs` of the world to the next era, every clock was off by at least and at most this. */
interface Era {
  readonly startMs: number;
  readonly offsetMsMin: number;
  readonly offsetMsMax: number;
}

export class VirtualWallTimes implements WallTimes, StepObserver {
  readonly #world: VirtualWorld;
  readonly #offsets = new Map<string, number>();
  readonly #eras: Era[] = [];
  /** How far a process in the middle of a long step has been ahead of the world's time; and rounding. */
  #aheadMsMax = 1;

  constructor(world: VirtualWorld) {
    this.#world = world;
    world.observers.push(this);
    for (const machine of world.machines) this.#look(machine);
  }

  nowMs(): number {
    return worldStartMs + Math.floor(this.#world.time.nowMs);
  }

  during(calledAt: number, returnedAt: number): WallClocks {
    let fromMs = Infinity;
    let toMs = -Infinity;
    this.#eras.forEach(({ startMs, offsetMsMin, offsetMsMax }, at) => {
      const endMs = this.#eras[at + 1]?.startMs ?? Infinity;
      if (endMs >= calledAt && startMs <= returnedAt)
        fromMs = Math.min(fromMs, Math.max(startMs, calledAt) + offsetMsMin);
      if (startMs <= returnedAt) toMs = Math.max(toMs, Math.min(endMs, returnedAt) + offsetMsMax);
    });
    const slackMs = this.#aheadMsMax;
    return {
      fromMs: worldStartMs + Math.floor(fromMs - slackMs),
      toMs: worldStartMs + Math.ceil(toMs + slackMs),
    };
  }

  started(machine: VirtualMachine): void {
    this.#look(machine);
  }

  stepped(machine: VirtualMachine): void {
    this.#look(machine);
  }

  stopped(): void {}

  diskChanged(): void {}

  #look(machine: VirtualMachine): void {
    const { wallOffsetMs, name } = machine;
    this.#aheadMsMax = Math.max(this.#aheadMsMax, 1 + (machine.process?.busyMs ?? 0));
    if (this.#offsets.get(name) === wallOffsetMs) return;
    this.#offsets.set(name, wallOffsetMs);
    const offsets = [...this.#offsets.values()];
    const startMs = this.#world.time.nowMs;
    const last = this.#eras.at(-1);
    assert(last === undefined || last.startMs <= startMs, "time that goes on");
    this.#eras.push({ startMs, offsetMsMin: Math.min(...offsets), offsetMsMax: Math.max(...offsets) });
  }
}
