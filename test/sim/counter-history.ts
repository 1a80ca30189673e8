// Whether the reads and increments of one counter, seen by many clients at once, are linearizable. Increments give
// distinct numbers that only grow, so it is enough to hold each answer against what was known when its command was sent:
//   · no two acknowledged increments have the same number;
//   · an increment gives more than any increment that was acknowledged, and any value that was read, before it was sent;
//   · a read gives at least as much as both of these, and no more than increments were sent.

import { assert } from "../../src/base/assert.ts";

/** One command under way: what was known when it was sent. */
export interface CounterOperation {
  readonly knownValue: number;
}

export class CounterHistory {
  /** Increments sent so far. */
  sent = 0;
  acknowledged = 0;
  reads = 0;
  #knownValue = 0;
  readonly #values = new Set<number>();

  get knownValue(): number {
    return this.#knownValue;
  }

  increment(): CounterOperation {
    this.sent++;
    return this.read();
  }

  read(): CounterOperation {
    return { knownValue: this.#knownValue };
  }

  incremented(operation: CounterOperation, value: number): void {
    const { knownValue } = operation;
    assert(!this.#values.has(value), `no other increment to have given ${value}`);
    assert(
      value > knownValue && value <= this.sent,
      `a number above ${knownValue}, at most ${this.sent}, not ${value}`,
    );
    this.#values.add(value);
    this.acknowledged++;
    this.#knownValue = Math.max(this.#knownValue, value);
  }

  wasRead(operation: CounterOperation, value: number): void {
    const { knownValue } = operation;
    assert(
      value >= knownValue && value <= this.sent,
      `a value in [${knownValue}, ${this.sent}], not ${value}`,
    );
    this.reads++;
    this.#knownValue = Math.max(this.#knownValue, value);
  }
}
