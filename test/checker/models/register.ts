// A string under a key: GET, SET with NX, XX and GET, DEL, EXISTS. Also the rules of one key for the model of several.

import { type Answer, describeAnswer, isSameAnswer, nil, numberAnswer, ok, valueAnswer } from "../answer.ts";
import { withHindsight } from "../hindsight.ts";
import type { Marks, Model } from "../model.ts";

export type RegisterInput =
  /** Answers the text, or nil. */
  | { readonly kind: "get"; readonly key: string }
  /**
   * Answers ok, or nil when `condition` kept it from happening; with `get` (without condition that is GETSET) the value
   * before, whether it happened or not.
   */
  | {
      readonly kind: "set";
      readonly key: string;
      readonly value: string;
      readonly condition?: "nx" | "xx";
      readonly get?: boolean;
      /** Only for the search: nobody ever read the value. */
      readonly unseen?: boolean;
    }
  /** As `exists`, and the key is gone. */
  | { readonly kind: "delete"; readonly key: string }
  /** Answers how many keys were there: 0 or 1. */
  | { readonly kind: "exists"; readonly key: string };

export interface RegisterState {
  /** Null: there is none. */
  readonly value: string | null;
}

/** A mark is a value; a part has one key. */
const marks: Marks<RegisterState, RegisterInput, Answer> = {
  left: (input) => (input.kind === "set" ? [input.value] : []),
  noticed: (_, output) => (output.kind === "text" ? [output.text] : []),
  lost: (before, after) => (before.value === null || before.value === after.value ? [] : [before.value]),
};

export const registerModel: Model<RegisterState, RegisterInput, Answer> = {
  name: "register",
  initial: () => ({ value: null }),
  step(state, input, output) {
    const done = executeOnRegister(state.value, input);
    if (output !== null && !isSameAnswer(done.answer, output)) return null;
    const isUnseen = input.kind === "set" && input.unseen === true;
    if (isUnseen && state.value !== null) return state;
    return done.value === state.value ? state : { value: done.value };
  },
  keyOf: ({ key }) => key,
  hashOf: ({ value }) => value ?? 0,
  show: ({ value }) => JSON.stringify(value),
  describe: (input, output) => `${describeRegisterInput(input)} -> ${describeAnswer(output)}`,
  isRead: isReadOfRegister,
  marks,
  // A value that nobody read can only have mattered by being there, so it need not replace another.
  simplify(operations) {
    const blind = operations.every(({ input }) => isBlindToAbsence(input));
    return withHindsight(operations, marks, (operation) => {
      const { input } = operation;
      if (blind || input.kind === "get" || input.kind === "exists") return null;
      return input.kind === "set" ? { ...operation, input: { ...input, unseen: true } } : operation;
    });
  },
};

/** What `input` answers where `value` is, and what is there then. */
export function executeOnRegister(
  value: string | null,
  input: RegisterInput,
): { readonly value: string | null; readonly answer: Answer } {
  switch (input.kind) {
    case "get":
      return { value, answer: valueAnswer(value) };
    case "exists":
      return { value, answer: numberAnswer(value === null ? 0 : 1) };
    case "delete":
      return { value: null, answer: numberAnswer(value === null ? 0 : 1) };
    case "set": {
      const happens = input.condition === undefined || (input.condition === "nx") === (value === null);
      const answer = input.get === true ? valueAnswer(value) : happens ? ok : nil;
      return { value: happens ? input.value : value, answer };
    }
  }
}

/** Whether a command that answered so has left the key as it was, whatever was there. */
export function isReadOfRegister(input: RegisterInput, output: Answer): boolean {
  if (input.kind === "get" || input.kind === "exists") return true;
  if (input.kind === "delete") return output.kind === "number" && output.number === 0;
  if (input.get !== true) return output.kind === "nil";
  return input.condition !== undefined && (input.condition === "nx") === (output.kind === "text");
}

/** Whether `input` would do and answer the same with any other value in its place, present or not, but for the value. */
export function isBlindToAbsence(input: RegisterInput): boolean {
  return input.kind === "get" || (input.kind === "set" && input.condition === undefined);
}

/** The command as a client would type it. */
export function describeRegisterInput(input: RegisterInput): string {
  if (input.kind !== "set")
    return `${input.kind === "delete" ? "DEL" : input.kind.toUpperCase()} ${input.key}`;
  const condition = input.condition === undefined ? "" : ` ${input.condition.toUpperCase()}`;
  return `SET ${input.key} ${JSON.stringify(input.value)}${condition}${input.get === true ? " GET" : ""}`;
}
