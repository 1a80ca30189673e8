// Sets, with a key for each element: there is no set type yet, and this way one reading spans many keys.

import type { Random } from "../../../src/base/random.ts";
import { type Answer, listAnswer } from "../../checker/answer.ts";
import { type SetInput, type SetState, setModel } from "../../checker/models/set.ts";
import { Family, type Planned } from "../family.ts";
import { reading, writing } from "./plan.ts";

const elements = ["a", "b", "c", "d"];

/** `keyOf` names an object. */
export function sets(
  objects: number,
  keyOf: (object: number) => string,
  random: Random,
): Family<SetState, SetInput> {
  return new Family({
    name: "set",
    model: () => setModel,
    objects,
    read: (object) => readAll(keyOf(object)),
    plan(object) {
      const set = keyOf(object);
      const element = elements[random.below(elements.length)] as string;
      const key = elementKey(set, element);
      switch (random.below(5)) {
        case 0:
        case 1:
          return writing(["SETNX", key, element], { kind: "add", set, element }, "number");
        case 2:
          return writing(["DEL", key], { kind: "remove", set, element }, "number");
        case 3:
          return reading(["EXISTS", key], { kind: "contains", set, element }, "number");
        default:
          return readAll(set);
      }
    },
  });
}

function elementKey(set: string, element: string): string {
  return `${set}:${element}`;
}

function readAll(set: string): Planned<SetInput> {
  const keys = elements.map((element) => elementKey(set, element));
  return { ...reading(["MGET", ...keys], { kind: "readAll", set }, "list"), translate: present };
}

function present(answer: Answer): Answer {
  return answer.kind === "list" ? listAnswer(answer.items.filter(({ kind }) => kind !== "nil")) : answer;
}
