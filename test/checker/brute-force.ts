// The definition of linearizability, tried out: every order of the operations, with and without each whose outcome is
// unknown. Shares nothing with the checker but the model's steps, and serves for histories of a handful of operations.

import type { Operation } from "./history.ts";
import type { Model } from "./model.ts";

/** Whether some order explains the answers; takes time in the factorial of the operations. */
export function isLinearizableByForce<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): boolean {
  const keys = new Set(operations.map(({ input }) => model.keyOf(input)));
  return [...keys].every((key) => {
    const part = operations.filter(({ input }) => model.keyOf(input) === key);
    return canGoOn(model, model.initial(), part);
  });
}

function canGoOn<State, Input, Output>(
  model: Model<State, Input, Output>,
  state: State,
  rest: readonly Operation<Input, Output>[],
): boolean {
  if (rest.every(({ returnedAt }) => returnedAt === Infinity)) return true;
  return rest.some((operation) => {
    const others = rest.filter((other) => other !== operation);
    if (others.some(({ returnedAt }) => returnedAt < operation.calledAt)) return false;
    const next = model.step(state, operation.input, operation.output);
    return next !== null && canGoOn(model, next, others);
  });
}
