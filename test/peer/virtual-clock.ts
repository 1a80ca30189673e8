// A clock whose time passes only when a test says so.

import type { Clock, Timer } from "../../src/base/clock.ts";

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class VirtualClock implements Clock {
  #nowMs = 1000;
  #order = 0;
  #timers: Pending[] = [];
  #endOfTurn: (() => void)[] = [];

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const pending = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.push(pending);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== pending);
      },
    };
  }

  endOfTurn(callback: () => void): void {
    this.#endOfTurn.push(callback);
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Lets `ms` pass: runs every timer that becomes due, in order, each in a turn of its own. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    this.#finishTurn();
    for (let next = this.#takeDue(untilMs); next !== null; next = this.#takeDue(untilMs)) {
      this.#nowMs = next.atMs;
      next.callback();
      this.#finishTurn();
    }
    this.#nowMs = untilMs;
  }

  /** Lets `ms` pass without running anything: the process stood still. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  #finishTurn(): void {
    for (let callback = this.#endOfTurn.shift(); callback !== undefined; callback = this.#endOfTurn.shift()) {
      callback();
    }
  }

  #takeDue(untilMs: number): Pending | null {
    let next: Pending | null = null;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue;
      if (next === null || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order))
        next = timer;
    }
    if (next === null) return null;
    this.#timers = this.#timers.filter((other) => other !== next);
    return next.atMs < this.#nowMs ? { ...next, atMs: this.#nowMs } : next;
  }
}
