// What clients asked of a system, when, and what they learned: the input of the checker. Knows no commands and no clock;
// times are whatever numbers the test hands in, all from one clock that never goes back.
//
// An operation took effect at one moment between its call and its return. Two operations are ordered only when one
// returned *before* the other was called: with equal times they count as concurrent, since who came first is not known
// then. That is the weaker reading: it may overlook a violation and never invents one. A test in one thread that knows
// the order of all its events loses nothing when it numbers them and hands in the numbers.

import { assert } from "../../src/base/assert.ts";

export interface Operation<Input, Output> {
  /** Only for the reader: the same client may have many operations open at once. */
  readonly client: number;
  readonly input: Input;
  readonly calledAt: number;
  /** Infinity when the outcome is unknown: it may have happened at any time from the call on, or never. */
  readonly returnedAt: number;
  /** Null: unknown. With a finite `returnedAt` the operation has surely happened, whatever it answered. */
  readonly output: Output | null;
}

type Outcome<Output> =
  | { readonly kind: "open" | "unknown" | "refused" }
  | { readonly kind: "returned"; readonly output: Output; readonly at: number };

interface Recorded<Input, Output> {
  readonly client: number;
  readonly input: Input;
  readonly calledAt: number;
  outcome: Outcome<Output>;
}

/** Collects operations as they are called and end. Each ends once, in one of three ways; one that never ends is unknown. */
export class HistoryRecorder<Input, Output> {
  readonly #recorded: Recorded<Input, Output>[] = [];

  /** An operation is sent; the result names it from now on. */
  call(client: number, input: Input, at: number): number {
    assert(Number.isFinite(at), `a finite time of the call, not ${at}`);
    return this.#recorded.push({ client, input, calledAt: at, outcome: { kind: "open" } }) - 1;
  }

  /** It has answered. `at` is not before its call. */
  returned(id: number, output: Output, at: number): void {
    const { calledAt } = this.#settle(id, { kind: "returned", output, at });
    assert(
      at >= calledAt && at < Infinity,
      `operation ${id} to return after its call at ${calledAt}, not at ${at}`,
    );
  }

  /** It may have happened at any time from its call on, may still happen, or may never. */
  unknown(id: number): void {
    this.#settle(id, { kind: "unknown" });
  }

  /** It has surely not happened and never will: whoever sees an effect of it sees what nobody did. */
  refused(id: number): void {
    this.#settle(id, { kind: "refused" });
  }

  /** All but the refused, in the order of their calls. */
  operations(): Operation<Input, Output>[] {
    return this.#recorded.flatMap(({ client, input, calledAt, outcome }) => {
      if (outcome.kind === "refused") return [];
      const { at, output } = outcome.kind === "returned" ? outcome : { at: Infinity, output: null };
      return [{ client, input, calledAt, returnedAt: at, output }];
    });
  }

  #settle(id: number, outcome: Outcome<Output>): Recorded<Input, Output> {
    const recorded = this.#recorded[id];
    assert(recorded !== undefined, `operation ${id} to have been called`);
    assert(recorded.outcome.kind === "open", `one end of operation ${id}, which is ${recorded.outcome.kind}`);
    recorded.outcome = outcome;
    return recorded;
  }
}
