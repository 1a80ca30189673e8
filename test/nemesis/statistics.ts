// What the load has met: how operations ended, and how long no write was acknowledged.

/** A stretch of time without an acknowledged write. */
export interface Gap {
  readonly fromMs: number;
  readonly lengthMs: number;
}

const noGap: Gap = { fromMs: 0, lengthMs: 0 };

export class Statistics {
  /** Operations by how they ended: `answered`, `unknown`, or the code of the refusal. */
  readonly outcomes = new Map<string, number>();
  /** The longest time without an acknowledged write while the load ran, whatever had been done to the nodes. */
  longestGap = noGap;
  /** The same, counted only from when a majority of the nodes ran and could talk to each other. */
  longestHealthyGap = noGap;
  #isRunning = false;
  #lastWriteMs = 0;
  #healthySinceMs = Number.POSITIVE_INFINITY;

  get operations(): number {
    let sum = 0;
    for (const count of this.outcomes.values()) sum += count;
    return sum;
  }

  ended(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  /** The load begins, or goes on. */
  start(nowMs: number): void {
    this.#isRunning = true;
    this.#lastWriteMs = nowMs;
  }

  /** The load pauses. */
  stop(nowMs: number): void {
    this.acknowledgedWrite(nowMs);
    this.#isRunning = false;
  }

  acknowledgedWrite(nowMs: number): void {
    if (!this.#isRunning) return;
    this.longestGap = longer(this.longestGap, this.#lastWriteMs, nowMs);
    const fromMs = Math.max(this.#lastWriteMs, this.#healthySinceMs);
    this.longestHealthyGap = longer(this.longestHealthyGap, fromMs, nowMs);
    this.#lastWriteMs = nowMs;
  }

  /** Whether a majority runs and is connected just now. */
  healthIs(isHealthy: boolean, nowMs: number): void {
    if (!isHealthy) this.#healthySinceMs = Number.POSITIVE_INFINITY;
    else if (this.#healthySinceMs === Number.POSITIVE_INFINITY) this.#healthySinceMs = nowMs;
  }
}

function longer(gap: Gap, fromMs: number, toMs: number): Gap {
  return toMs - fromMs > gap.lengthMs ? { fromMs, lengthMs: toMs - fromMs } : gap;
}
