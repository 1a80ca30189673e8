// Elements that are added, removed and looked for, one by one, and read all together. How that is put into commands is the
// test's business: SETNX, DEL, EXISTS and MGET on a key for each element, bits of a string, or a real set.

import { type Answer, describeAnswer } from "../answer.ts";
import { withHindsight } from "../hindsight.ts";
import type { Marks, Model } from "../model.ts";

export type SetInput =
  /** Answer 1 when they changed the set, else 0; or ok, which tells nothing, where the command does not say. */
  | { readonly kind: "add" | "remove"; readonly set: string; readonly element: string }
  /** Answers 1 or 0. */
  | { readonly kind: "contains"; readonly set: string; readonly element: string }
  /** Answers all elements as texts, in any order; nil is no element. */
  | { readonly kind: "readAll"; readonly set: string };

export type SetState = ReadonlySet<string>;

/** A mark is an element. */
const marks: Marks<SetState, SetInput, Answer> = {
  left: (input) => (input.kind === "add" ? [input.element] : []),
  noticed: noticedElements,
  lost: (before, after) =>
    after.size < before.size ? [...before].filter((element) => !after.has(element)) : [],
};

export const setModel: Model<SetState, SetInput, Answer> = {
  name: "set",
  initial: () => new Set(),
  step(state, input, output) {
    if (input.kind === "readAll") return output === null || isShown(state, output) ? state : null;
    const { element } = input;
    const there = state.has(element);
    if (input.kind === "contains") return isNumber(output, there) ? state : null;
    const changes = there !== (input.kind === "add");
    if (output?.kind !== "ok" && !isNumber(output, changes)) return null;
    if (!changes) return state;
    const next = new Set(state);
    if (there) next.delete(element);
    else next.add(element);
    return next;
  },
  keyOf: ({ set }) => set,
  hashOf: (state) =>
    [...state]
      .sort()
      .map((element) => JSON.stringify(element))
      .join(" "),
  describe(input, output) {
    const subject = input.kind === "readAll" ? "" : ` ${JSON.stringify(input.element)}`;
    return `${input.kind} ${input.set}${subject} -> ${describeAnswer(output)}`;
  },
  isRead(input, output) {
    const isChange = input.kind === "add" || input.kind === "remove";
    return !isChange || (output.kind === "number" && output.number === 0);
  },
  marks,
  // An element that nobody ever found there may as well not have been added. A removal may have been noticed.
  simplify: (operations) =>
    withHindsight(operations, marks, (operation) => (operation.input.kind === "remove" ? operation : null)),
};

function isNumber(output: Answer | null, expected: boolean): boolean {
  return output === null || (output.kind === "number" && output.number === (expected ? 1 : 0));
}

function isShown(state: SetState, output: Answer): boolean {
  if (output.kind === "nil") return state.size === 0;
  if (output.kind !== "list" || output.items.length !== state.size) return false;
  const shown = new Set(output.items.map((item) => (item.kind === "text" ? item.text : null)));
  return shown.size === state.size && [...state].every((element) => shown.has(element));
}

/** The elements that were there before `input`, or it could not have answered so. */
function noticedElements(input: SetInput, output: Answer): string[] {
  switch (input.kind) {
    case "readAll":
      return output.kind === "list"
        ? output.items.flatMap((item) => (item.kind === "text" ? [item.text] : []))
        : [];
    case "contains":
    case "remove":
      return output.kind === "number" && output.number === 1 ? [input.element] : [];
    case "add":
      return output.kind === "number" && output.number === 0 ? [input.element] : [];
  }
}
