// The key specifications that most commands share, so that a command states them in one line.

import type { KeySpec } from "./command.ts";

/** One key, the argument at `index`. */
export function oneKey(index: number, ...flags: string[]): KeySpec {
  return keyRange(index, 0, ...flags);
}

/** Keys from argument `index` on to `lastKey`: relative to the first, or counted from the end when negative. */
export function keyRange(index: number, lastKey: number, ...flags: string[]): KeySpec {
  return keyRangeWithStep({ index, lastKey, step: 1 }, ...flags);
}

/** As {@link keyRange}, a key every `step` arguments. */
export function keyRangeWithStep(
  range: { readonly index: number; readonly lastKey: number; readonly step: number },
  ...flags: string[]
): KeySpec {
  return {
    flags,
    beginSearch: { kind: "index", index: range.index },
    findKeys: { kind: "range", lastKey: range.lastKey, step: range.step, limit: 0 },
  };
}
