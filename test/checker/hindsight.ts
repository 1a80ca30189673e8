// What can be said afterwards of operations of unknown outcome. Each of them may otherwise happen at any later time, and
// the search would have to try; most of them were either seen by somebody, and so had happened by then, or by nobody.

import type { Operation } from "./history.ts";
import type { Marks } from "./model.ts";

/**
 * The operations of one part, those of unknown outcome with an end when somebody saw them, that is a mark which no other
 * operation leaves; and replaced by what `unseen` gives when nobody noticed any: null when it can be taken out of any order
 * without making another answer impossible.
 */
export function withHindsight<State, Input, Output>(
  operations: readonly Operation<Input, Output>[],
  marks: Marks<State, Input, Output>,
  unseen: (operation: Operation<Input, Output>) => Operation<Input, Output> | null,
): (Operation<Input, Output> | null)[] {
  const leavers = new Map<string, number>();
  const noticedBy = new Map<string, number>();
  for (const { input, output, returnedAt } of operations) {
    for (const mark of new Set(marks.left(input))) leavers.set(mark, (leavers.get(mark) ?? 0) + 1);
    if (output === null) continue;
    for (const mark of marks.noticed(input, output)) {
      noticedBy.set(mark, Math.min(returnedAt, noticedBy.get(mark) ?? Infinity));
    }
  }
  return operations.map((operation) => {
    if (operation.returnedAt < Infinity) return operation;
    const left = marks.left(operation.input);
    if (!left.some((mark) => noticedBy.has(mark))) return unseen(operation);
    const times = left.map((mark) =>
      leavers.get(mark) === 1 ? (noticedBy.get(mark) ?? Infinity) : Infinity,
    );
    const returnedAt = Math.min(Infinity, ...times);
    // Seen before it was called: no order will explain that, and the search shall say so.
    return returnedAt < operation.calledAt ? operation : { ...operation, returnedAt };
  });
}

/** Where an operation stands among others, when the object only ever grows: what size it found, and what size it left. */
export interface Growth {
  readonly before: number;
  readonly after: number;
}

/**
 * The same operations with tighter times, when each that has a growth must come after all that found less, and after
 * those that found as much and left less. Those without (null) are left as they are.
 */
export function inOrderOfGrowth<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  growths: readonly (Growth | null)[],
): readonly Operation<Input, Output>[] {
  const growthOf = (at: number): Growth => growths[at] as Growth;
  const compare = (one: number, other: number): number =>
    growthOf(one).before - growthOf(other).before || growthOf(one).after - growthOf(other).after;
  const order = [...operations.keys()].filter((at) => growths[at] !== null).sort(compare);
  const calls = latestBefore(order, compare, (at) => operations[at]?.calledAt ?? 0);
  // The same from the end, with time running backwards.
  const ends = latestBefore(order.toReversed(), compare, (at) => -(operations[at]?.returnedAt ?? 0));
  const tight = operations.map((operation, at) => ({
    ...operation,
    calledAt: Math.max(operation.calledAt, calls.get(at) ?? -Infinity),
    returnedAt: Math.min(operation.returnedAt, -(ends.get(at) ?? -Infinity)),
  }));
  // No order can be: the search shall find out from the history as it was.
  return tight.some(({ calledAt, returnedAt }) => calledAt > returnedAt) ? operations : tight;
}

/** For each of `order` the latest time of all that come before it and are not its equals. */
function latestBefore(
  order: readonly number[],
  compare: (one: number, other: number) => number,
  timeOf: (at: number) => number,
): ReadonlyMap<number, number> {
  const latest = new Map<number, number>();
  let before = -Infinity;
  let withEquals = -Infinity;
  order.forEach((at, place) => {
    if (place > 0 && compare(order[place - 1] as number, at) !== 0) before = withEquals;
    latest.set(at, before);
    withEquals = Math.max(withEquals, timeOf(at));
  });
  return latest;
}
