// Texts that tokens are appended to, each token once: whatever is lost, done twice or out of order shows in every reading.

import type { Random } from "../../../src/base/random.ts";
import {
  type ListAppendInput,
  type ListAppendState,
  listAppendModel,
} from "../../checker/models/list-append.ts";
import { Family, type Planned } from "../family.ts";
import { reading, writing } from "./plan.ts";

/** `keyOf` names an object. */
export function lists(
  objects: number,
  keyOf: (object: number) => string,
  random: Random,
): Family<ListAppendState, ListAppendInput> {
  return new Family({
    name: "list",
    model: () => listAppendModel,
    objects,
    read: (object) => get(keyOf(object)),
    plan(object, text) {
      const key = keyOf(object);
      if (random.below(3) === 0) return get(key);
      const token = `${text};`;
      return writing(["APPEND", key, token], { kind: "append", key, token }, "number");
    },
  });
}

function get(key: string): Planned<ListAppendInput> {
  return reading(["GET", key], { kind: "get", key }, "text", "nil");
}
