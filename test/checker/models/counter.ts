// A number under a key: INCR, DECR and INCRBY, which answer the number after them, and GET.

import { type Answer, describeAnswer } from "../answer.ts";
import { type Growth, inOrderOfGrowth } from "../hindsight.ts";
import type { Operation } from "../history.ts";
import type { Model } from "../model.ts";

export type CounterInput =
  /** INCR is 1, DECR is -1. Answers the new number. */
  | { readonly kind: "add"; readonly key: string; readonly amount: number }
  /** Answers the number as text, or nil before the first change. */
  | { readonly kind: "get"; readonly key: string };

export interface CounterState {
  readonly number: number;
  /** A counter at 0 is not the same as none. */
  readonly exists: boolean;
}

export const counterModel: Model<CounterState, CounterInput, Answer> = {
  name: "counter",
  initial: () => ({ number: 0, exists: false }),
  step(state, input, output) {
    if (input.kind === "get") return output === null || isShown(state, output) ? state : null;
    const number = state.number + input.amount;
    if (output !== null && (output.kind !== "number" || output.number !== number)) return null;
    return { number, exists: true };
  },
  keyOf: ({ key }) => key,
  hashOf: ({ number, exists }) => (exists ? number : "none"),
  show: ({ number, exists }) => (exists ? String(number) : "(nil)"),
  describe: (input, output) => `${describeInput(input)} -> ${describeAnswer(output)}`,
  isRead: ({ kind }) => kind === "get",
  // A counter that only goes up says with each number when it was given.
  simplify: (operations) =>
    operations.some(({ input }) => input.kind === "add" && input.amount <= 0)
      ? operations
      : inOrderOfGrowth(operations, operations.map(growthOf)),
};

function growthOf({ input, output }: Operation<CounterInput, Answer>): Growth | null {
  if (output === null) return null;
  if (output.kind === "nil") return { before: -1, after: -1 };
  const after = Number(output.kind === "text" ? output.text : output.kind === "number" ? output.number : NaN);
  if (Number.isNaN(after)) return null;
  return { before: input.kind === "add" ? after - input.amount : after, after };
}

function isShown(state: CounterState, output: Answer): boolean {
  return state.exists
    ? output.kind === "text" && output.text === String(state.number)
    : output.kind === "nil";
}

function describeInput(input: CounterInput): string {
  if (input.kind === "get") return `GET ${input.key}`;
  return input.amount === 1 ? `INCR ${input.key}` : `INCRBY ${input.key} ${input.amount}`;
}
