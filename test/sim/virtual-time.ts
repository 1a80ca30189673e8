// The time of a virtual world: one queue of events for all that lives in it, and nothing else ever moves the time on.
// What falls on the same instant runs in the order in which it was asked for; then the turn ends, as the event loop of a
// real process ends one, and what that leads to at once makes another turn of the same instant.

import { assert } from "../../src/base/assert.ts";
import type { Clock, Timer } from "../../src/base/clock.ts";
import { Heap, type HeapItem } from "../../src/base/heap.ts";

/** Time goes in steps of this size, so that things coincide as they do on a busy machine. */
const stepsPerMs = 16;
/** Turns in one instant after which something is going round in circles. */
const turnsPerInstantMax = 10_000;

class Event implements HeapItem {
  heapIndex = -1;
  readonly atMs: number;
  readonly sequence: number;
  readonly callback: () => void;

  constructor(atMs: number, sequence: number, callback: () => void) {
    this.atMs = atMs;
    this.sequence = sequence;
    this.callback = callback;
  }
}

export class VirtualTime {
  /** Milliseconds since the world began. */
  nowMs = 0;
  /** Events run so far. */
  eventCount = 0;
  readonly #events = new Heap<Event>(
    (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence),
  );
  #endOfTurn: (() => void)[] = [];
  #nextSequence = 0;

  after(delayMs: number, callback: () => void): Timer {
    const atMs = Math.ceil((this.nowMs + Math.max(0, delayMs)) * stepsPerMs) / stepsPerMs;
    const event = new Event(atMs, this.#nextSequence++, callback);
    this.#events.push(event);
    return {
      cancel: () => {
        if (event.heapIndex >= 0) this.#events.delete(event);
      },
    };
  }

  endOfTurn(callback: () => void): void {
    this.#endOfTurn.push(callback);
  }

  /** Runs everything up to `untilMs`, which is the time then. */
  runUntil(untilMs: number): void {
    for (;;) {
      const next = this.#events.first;
      const due = next !== undefined && next.atMs <= untilMs;
      if (!due && this.#endOfTurn.length === 0) break;
      if (due && this.#endOfTurn.length === 0) this.nowMs = next.atMs;
      this.#runInstant();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #runInstant(): void {
    for (let turns = 0; ; turns++) {
      assert(turns < turnsPerInstantMax, `an end to the instant ${this.nowMs} ms`);
      for (
        let event = this.#events.first;
        event !== undefined && event.atMs <= this.nowMs;
        event = this.#events.first
      ) {
        this.#events.delete(event);
        this.eventCount++;
        event.callback();
      }
      const ending = this.#endOfTurn;
      if (ending.length === 0) return;
      this.#endOfTurn = [];
      for (const callback of ending) callback();
    }
  }
}

/** When the world began, by everybody's clocks: 2023-11-14T22:13:20Z. */
export const worldStartMs = 1_700_000_000_000;

/** The clocks of one machine, which go on whatever its processes do. */
export class MachineClocks {
  /** How far the wall clock is off; may jump at any time. */
  wallOffsetMs = 0;
  readonly #time: VirtualTime;
  /** Milliseconds of the monotonic clock that pass in one of the world's. */
  #rate = 1;
  /** What the monotonic clock showed when the rate last changed, and when that was. */
  #monotonicMs = 0;
  #sinceMs = 0;
  /** The latest time of the world for which the monotonic clock was read: a busy process reads times to come. */
  #readMs = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  get rate(): number {
    return this.#rate;
  }

  /** Takes effect behind what was read already, or the monotonic clock would go back. */
  set rate(rate: number) {
    const fromMs = Math.max(this.#readMs, this.#time.nowMs);
    this.#monotonicMs = this.monotonicAt(fromMs);
    this.#sinceMs = fromMs;
    this.#rate = rate;
  }

  wallAt(worldMs: number): number {
    return Math.floor(worldStartMs + worldMs + this.wallOffsetMs);
  }

  monotonicAt(worldMs: number): number {
    this.#readMs = Math.max(this.#readMs, worldMs);
    return this.#monotonicMs + (worldMs - this.#sinceMs) * this.#rate;
  }
}

/** Whose time it is: a process, which may be busy for longer than the moment in which it runs. */
export interface Timed {
  /** Runs what concerns the process: at once, later, or, if it is dead, never. */
  readonly run: (callback: () => void) => void;
  /** How long what it has done in this moment has kept it. */
  readonly busyMs: number;
}

/** The clock of one process. Whatever it calls goes through the process's `run`. */
export class VirtualClock implements Clock {
  readonly #time: VirtualTime;
  readonly #clocks: MachineClocks;
  readonly #process: Timed;

  constructor(time: VirtualTime, process: Timed, clocks = new MachineClocks(time)) {
    this.#time = time;
    this.#clocks = clocks;
    this.#process = process;
  }

  wallMs(): number {
    return this.#clocks.wallAt(this.#time.nowMs + this.#process.busyMs);
  }

  monotonicMs(): number {
    return this.#clocks.monotonicAt(this.#time.nowMs + this.#process.busyMs);
  }

  after(delayMs: number, callback: () => void): Timer {
    const dueMs = this.monotonicMs() + Math.max(0, delayMs);
    let timer = this.#at(dueMs, fire);
    const clock = this;
    function fire(): void {
      // Never early, though the clock may have become slower meanwhile.
      if (clock.#clocks.monotonicAt(clock.#time.nowMs) < dueMs - toleranceMs) timer = clock.#at(dueMs, fire);
      else clock.#process.run(callback);
    }
    return { cancel: () => timer.cancel() };
  }

  endOfTurn(callback: () => void): void {
    this.#time.endOfTurn(() => this.#process.run(callback));
  }

  #at(dueMs: number, callback: () => void): Timer {
    const clocks = this.#clocks;
    return this.#time.after((dueMs - clocks.monotonicAt(this.#time.nowMs)) / clocks.rate, callback);
  }
}

/** Rounding errors of the arithmetic above. */
const toleranceMs = 1e-6;
