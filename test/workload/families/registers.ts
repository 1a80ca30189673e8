// Strings, each under one key.

import type { Random } from "../../../src/base/random.ts";
import { type RegisterInput, type RegisterState, registerModel } from "../../checker/models/register.ts";
import { Family, type Planned } from "../family.ts";
import { reading, writing } from "./plan.ts";

type Register = Planned<RegisterInput>;

/** `keyOf` names an object. */
export function registers(
  objects: number,
  keyOf: (object: number) => string,
  random: Random,
): Family<RegisterState, RegisterInput> {
  return new Family({
    name: "register",
    model: () => registerModel,
    objects,
    read: (object) => get(keyOf(object)),
    plan(object, value) {
      const key = keyOf(object);
      switch (random.below(12)) {
        case 0:
          return writing(["DEL", key], { kind: "delete", key }, "number");
        case 1:
          return reading(["EXISTS", key], { kind: "exists", key }, "number");
        case 2:
          return set(key, value, "nx");
        case 3:
          return set(key, value, "xx");
        case 4:
          return writing(["SET", key, value, "GET"], { kind: "set", key, value, get: true }, "text", "nil");
        case 5:
        case 6:
        case 7:
          return set(key, value);
        default:
          return get(key);
      }
    },
  });
}

function get(key: string): Register {
  return reading(["GET", key], { kind: "get", key }, "text", "nil");
}

function set(key: string, value: string, condition?: "nx" | "xx"): Register {
  if (condition === undefined) return writing(["SET", key, value], { kind: "set", key, value }, "ok");
  return writing(["SET", key, value, condition], { kind: "set", key, value, condition }, "ok", "nil");
}
