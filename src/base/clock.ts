// Time as a dependency: the real clock lives in `node/system-clock.ts`, the simulator brings a virtual one.

/** A pending timer; `cancel` may be called at any time, also after it fired. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump either way; only stamps entries and fills replies. */
  wallMs(): number;
  /** Milliseconds that never go back and ignore wall-clock steps; every timeout is measured on this one. */
  monotonicMs(): number;
  /** Runs `callback` once, `delayMs` from now or later. */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` once when all input that is ready now has been handled: the end of this turn. */
  endOfTurn(callback: () => void): void;
}
