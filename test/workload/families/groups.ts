// Strings that are written and read several keys at a time: half a write must never be seen.

import type { Random } from "../../../src/base/random.ts";
import { type MultiKeyInput, type MultiKeyState, multiKeyModel } from "../../checker/models/multi-key.ts";
import { Family, type Planned } from "../family.ts";
import { reading, writing } from "./plan.ts";

const keysOfGroup = 4;

/** `keyOf` names an object. */
export function groups(
  objects: number,
  keyOf: (object: number) => string,
  random: Random,
): Family<MultiKeyState, MultiKeyInput> {
  return new Family({
    name: "group",
    model: multiKeyModel,
    objects,
    read: (object) => mget(allKeys(keyOf(object))),
    plan(object, value) {
      const all = allKeys(keyOf(object));
      const some = all.filter(() => random.below(2) === 0);
      const keys = some.length === 0 ? all : some;
      const key = keys[0] as string;
      const pairs = keys.map((each): [string, string] => [each, value]);
      switch (random.below(8)) {
        case 0:
          return writing(["MSETNX", ...pairs.flat()], { kind: "msetnx", pairs }, "number");
        case 1:
          return writing(["SET", key, value], { kind: "set", key, value }, "ok");
        case 2:
          return writing(["DEL", key], { kind: "delete", key }, "number");
        case 3:
        case 4:
          return writing(["MSET", ...pairs.flat()], { kind: "mset", pairs }, "ok");
        default:
          return mget(keys);
      }
    },
  });
}

function allKeys(group: string): string[] {
  return Array.from({ length: keysOfGroup }, (_, at) => `${group}:${at}`);
}

function mget(keys: readonly string[]): Planned<MultiKeyInput> {
  return reading(["MGET", ...keys], { kind: "mget", keys }, "list");
}
