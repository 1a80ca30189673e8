// Numbers that are counted up and down.

import type { Random } from "../../../src/base/random.ts";
import { type CounterInput, type CounterState, counterModel } from "../../checker/models/counter.ts";
import { Family, type Planned } from "../family.ts";
import { reading, writing } from "./plan.ts";

const stepMax = 1000;

/** `keyOf` names an object. */
export function counters(
  objects: number,
  keyOf: (object: number) => string,
  random: Random,
): Family<CounterState, CounterInput> {
  return new Family({
    name: "counter",
    model: () => counterModel,
    objects,
    read: (object) => get(keyOf(object)),
    plan(object) {
      const key = keyOf(object);
      switch (random.below(6)) {
        case 0:
        case 1:
          return get(key);
        case 2:
        case 3:
          return add(key, ["INCR", key], 1);
        case 4:
          return add(key, ["DECR", key], -1);
        default: {
          const amount = 2 + random.below(stepMax);
          return add(key, ["INCRBY", key, String(amount)], amount);
        }
      }
    },
  });
}

function get(key: string): Planned<CounterInput> {
  return reading(["GET", key], { kind: "get", key }, "text", "nil");
}

function add(key: string, args: readonly string[], amount: number): Planned<CounterInput> {
  return writing(args, { kind: "add", key, amount }, "number");
}
