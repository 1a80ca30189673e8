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
const worldStartMs = 1_700_000_000_000;

/** The clock of one process. Whatever it calls goes through `run`, which knows whether that process still lives. */
export class VirtualClock implements Clock {
  /** How far the wall clock is off; may jump at any time. */
  wallOffsetMs: number;
  readonly #time: VirtualTime;
  readonly #run: (callback: () => void) => void;

  constructor(time: VirtualTime, run: (callback: () => void) => void, wallOffsetMs = 0) {
    this.#time = time;
    this.#run = run;
    this.wallOffsetMs = wallOffsetMs;
  }

  wallMs(): number {
    return Math.floor(worldStartMs + this.#time.nowMs + this.wallOffsetMs);
  }

  monotonicMs(): number {
    return this.#time.nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#time.after(delayMs, () => this.#run(callback));
  }

  endOfTurn(callback: () => void): void {
    this.#time.endOfTurn(() => this.#run(callback));
  }
}
