// Strings under several keys at once: MSET, MSETNX, MGET, and transactions (MULTI ... EXEC) of these and of the commands on
// one key. Each happens at one moment for all its keys, so linearizability here is strict serializability.
//
// An EXEC that answers nil since a watched key had changed has done nothing: it was refused, and is not in the history.

import { assert } from "../../../src/base/assert.ts";
import {
  type Answer,
  describeAnswer,
  isSameAnswer,
  listAnswer,
  numberAnswer,
  ok,
  valueAnswer,
} from "../answer.ts";
import { withHindsight } from "../hindsight.ts";
import type { Operation } from "../history.ts";
import type { Marks, Model } from "../model.ts";
import { groupsOf, type KeyGroup } from "./key-groups.ts";
import {
  describeRegisterInput,
  executeOnRegister,
  isBlindToAbsence,
  isReadOfRegister,
  type RegisterInput,
} from "./register.ts";

export type KeysCommand =
  | RegisterInput
  /** Answers ok. Of pairs with the same key the last counts. */
  | { readonly kind: "mset"; readonly pairs: KeyValuePairs }
  /** Sets all or, when one of the keys is there, none; answers 1 or 0. */
  | { readonly kind: "msetnx"; readonly pairs: KeyValuePairs }
  /** Answers a list of texts and nils. */
  | { readonly kind: "mget"; readonly keys: readonly string[] };

type KeyValuePairs = readonly (readonly [key: string, value: string])[];

export type MultiKeyInput = (
  | KeysCommand
  /** Answers the list of its commands' answers. */
  | { readonly kind: "exec"; readonly commands: readonly KeysCommand[] }
) & {
  /** Only for the search: nobody ever read a value that it wrote. */
  readonly unseen?: boolean;
};

export interface MultiKeyState {
  /** Null before the first write. */
  readonly group: KeyGroup | null;
  /** The value of each key of the group, or null for none. */
  readonly values: readonly (string | null)[];
}

/** The model for the history of these operations and no other: they say which keys must be checked together. */
export function multiKeyModel(
  operations: readonly Operation<MultiKeyInput, Answer>[],
): Model<MultiKeyState, MultiKeyInput, Answer> {
  const groups = groupsOf(operations.map(({ input }) => keysOf(input)));
  const groupOf = (input: MultiKeyInput): KeyGroup => {
    const group = groups.get(keysOf(input)[0] ?? "");
    assert(group !== undefined, `${describeInput(input)} to be of the history that the model is for`);
    return group;
  };
  return {
    name: "strings under several keys",
    initial: () => ({ group: null, values: [] }),
    step: (state, input, output) => stepFrom({ group: groupOf(input), values: state.values }, input, output),
    keyOf: (input) => groupOf(input).keys[0] as string,
    hashOf: ({ values }) => values.map((value) => (value === null ? "-" : `${value.length}:${value}`)).join(),
    show: ({ group, values }) =>
      `{${(group?.keys ?? []).map((key, at) => `${key}: ${JSON.stringify(values[at] ?? null)}`).join(", ")}}`,
    describe: (input, output) => `${describeInput(input)} -> ${describeAnswer(output)}`,
    isRead,
    marks,
    touched: keysOf,
    // Values that nobody read can only have mattered by being there, so they need not replace others.
    simplify(part) {
      const blind = part.every(({ input }) => commandsOf(input).every(isBlind));
      return withHindsight(part, marks, (operation) =>
        blind ? null : { ...operation, input: { ...operation.input, unseen: true } },
      );
    },
  };
}

/** A mark is a value in a key. */
const marks: Marks<MultiKeyState, MultiKeyInput, Answer> = {
  left: (input) => commandsOf(input).flatMap(marksLeft),
  noticed: marksNoticed,
  lost: ({ values }, { group, values: after }) =>
    values.flatMap((value, at) =>
      value === null || value === after[at] ? [] : [markOf(group?.keys[at] ?? "", value)],
    ),
};

/** The values while an operation is executed: copied at its first change. */
class Execution {
  values: readonly (string | null)[];
  readonly #group: KeyGroup;
  #changed: (string | null)[] | null = null;

  constructor({ group, values }: { readonly group: KeyGroup; readonly values: readonly (string | null)[] }) {
    this.#group = group;
    this.values = values;
  }

  execute(command: KeysCommand): Answer {
    switch (command.kind) {
      case "mset":
        for (const [key, value] of command.pairs) this.#set(key, value);
        return ok;
      case "msetnx": {
        const isFree = command.pairs.every(([key]) => this.#get(key) === null);
        if (isFree) for (const [key, value] of command.pairs) this.#set(key, value);
        return numberAnswer(isFree ? 1 : 0);
      }
      case "mget":
        return listAnswer(command.keys.map((key) => valueAnswer(this.#get(key))));
      default: {
        const before = this.#get(command.key);
        const { value, answer } = executeOnRegister(before, command);
        if (value !== before) this.#set(command.key, value);
        return answer;
      }
    }
  }

  #get(key: string): string | null {
    return this.values[this.#group.places.get(key) as number] ?? null;
  }

  #set(key: string, value: string | null): void {
    this.#changed ??= this.#group.keys.map((_, at) => this.values[at] ?? null);
    this.#changed[this.#group.places.get(key) as number] = value;
    this.values = this.#changed;
  }
}

function stepFrom(
  state: { readonly group: KeyGroup; readonly values: readonly (string | null)[] },
  input: MultiKeyInput,
  output: Answer | null,
): MultiKeyState | null {
  const execution = new Execution(state);
  const answers = commandsOf(input).map((command) => execution.execute(command));
  const answer = input.kind === "exec" ? listAnswer(answers) : (answers[0] as Answer);
  if (output !== null && !isSameAnswer(answer, output)) return null;
  const { values } = execution;
  const isUseless =
    input.unseen === true && values.every((value, at) => isThere(value) === isThere(state.values[at]));
  return { group: state.group, values: isUseless ? state.values : values };
}

function isThere(value: string | null | undefined): boolean {
  return typeof value === "string";
}

function commandsOf(input: MultiKeyInput): readonly KeysCommand[] {
  return input.kind === "exec" ? input.commands : [input];
}

function keysOf(input: MultiKeyInput): string[] {
  return commandsOf(input).flatMap((command) => {
    switch (command.kind) {
      case "mset":
      case "msetnx":
        return command.pairs.map(([key]) => key);
      case "mget":
        return command.keys;
      default:
        return command.key;
    }
  });
}

function isBlind(command: KeysCommand): boolean {
  if (command.kind === "mset" || command.kind === "mget") return true;
  return command.kind !== "msetnx" && isBlindToAbsence(command);
}

function isRead(input: MultiKeyInput, output: Answer): boolean {
  switch (input.kind) {
    case "mset":
      return false;
    case "msetnx":
      return output.kind === "number" && output.number === 0;
    case "mget":
      return true;
    case "exec":
      return (
        output.kind === "list" &&
        output.items.length === input.commands.length &&
        input.commands.every((command, at) => isRead(command, output.items[at] as Answer))
      );
    default:
      return isReadOfRegister(input, output);
  }
}

function marksLeft(command: KeysCommand): string[] {
  if (command.kind === "mget") return [];
  // Of two pairs with one key nobody sees the first, but then its mark is not noticed.
  if (command.kind === "mset" || command.kind === "msetnx") {
    return command.pairs.map(([key, value]) => markOf(key, value));
  }
  return command.kind === "set" ? [markOf(command.key, command.value)] : [];
}

function marksNoticed(input: MultiKeyInput, output: Answer): string[] {
  if (input.kind === "mset" || input.kind === "msetnx") return [];
  if (input.kind !== "exec" && input.kind !== "mget") {
    return output.kind === "text" ? [markOf(input.key, output.text)] : [];
  }
  const answers = output.kind === "list" ? output.items : [];
  return answers.flatMap((answer, at) => {
    if (input.kind === "exec") {
      const command = input.commands[at];
      return command === undefined ? [] : marksNoticed(command, answer);
    }
    return answer.kind === "text" ? [markOf(input.keys[at] ?? "", answer.text)] : [];
  });
}

function markOf(key: string, value: string): string {
  return `${key.length}:${key}${value}`;
}

function describeInput(input: MultiKeyInput): string {
  switch (input.kind) {
    case "mset":
    case "msetnx":
      return `${input.kind.toUpperCase()} ${input.pairs.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(" ")}`;
    case "mget":
      return `MGET ${input.keys.join(" ")}`;
    case "exec":
      return `EXEC {${input.commands.map(describeInput).join("; ")}}`;
    default:
      return describeRegisterInput(input);
  }
}
