// Tokens appended to a string: APPEND, which answers the new length, and GET. When every token is appended once, a reading
// shows the whole history of the key: what is missing was lost, what is there twice was done twice, and two readings of
// which neither begins with the other come from two histories.

import { type Answer, describeAnswer } from "../answer.ts";
import { type Growth, inOrderOfGrowth } from "../hindsight.ts";
import type { Operation } from "../history.ts";
import type { Model } from "../model.ts";

export type ListAppendInput =
  /** Answers the length of the whole in bytes; a token is a byte string (one character a byte) and not empty. */
  | {
      readonly kind: "append";
      readonly key: string;
      readonly token: string;
      /** Only for the search: what the readings say of the length before it. */
      readonly place?: { readonly kind: "at" | "from"; readonly length: number };
    }
  /** Answers the whole text, or nil before the first token. */
  | { readonly kind: "get"; readonly key: string };

/** The tokens so far. Each sequence that is reached is made once, so that a number can stand for a long text. */
export interface ListAppendState {
  readonly text: string;
  readonly number: number;
  readonly longer: Map<string, ListAppendState>;
  /** How many sequences were made from the same beginning. */
  readonly made: { count: number };
}

type ListOperation = Operation<ListAppendInput, Answer>;

export const listAppendModel: Model<ListAppendState, ListAppendInput, Answer> = {
  name: "list-append",
  initial: () => ({ text: "", number: 0, longer: new Map(), made: { count: 0 } }),
  step(state, input, output) {
    if (input.kind === "get") return output === null || isShown(state.text, output) ? state : null;
    const { length } = state.text;
    const { place, token } = input;
    if (place?.kind === "at" && length !== place.length) return null;
    if (place?.kind === "from" && length < place.length) return null;
    const fits = output?.kind === "number" && output.number === length + token.length;
    return output === null || fits ? appended(state, token) : null;
  },
  keyOf: ({ key }) => key,
  hashOf: ({ number }) => number,
  show: ({ text }) => JSON.stringify(text),
  describe(input, output) {
    const command =
      input.kind === "get" ? `GET ${input.key}` : `APPEND ${input.key} ${JSON.stringify(input.token)}`;
    return `${command} -> ${describeAnswer(output)}`;
  },
  isRead: ({ kind }) => kind === "get",
  simplify(operations) {
    const end = commonEnd(operations);
    if (end === null) return operations;
    const placed = withPlaces(operations, end);
    return inOrderOfGrowth(placed, placed.map(growthOf));
  },
};

function isShown(text: string, output: Answer): boolean {
  return text === "" ? output.kind === "nil" : output.kind === "text" && output.text === text;
}

function appended(state: ListAppendState, token: string): ListAppendState {
  const known = state.longer.get(token);
  if (known !== undefined) return known;
  const { made } = state;
  const longer = { text: state.text + token, number: ++made.count, longer: new Map(), made };
  state.longer.set(token, longer);
  return longer;
}

function growthOf({ input, output }: ListOperation): Growth | null {
  if (input.kind === "get") {
    const length = output?.kind === "text" ? output.text.length : 0;
    return output === null ? null : { before: length, after: length };
  }
  const { length } = input.token;
  if (input.place?.kind === "at") return { before: input.place.length, after: input.place.length + length };
  return output?.kind === "number" ? { before: output.number - length, after: output.number } : null;
}

/** The character that ends every token and stands nowhere else in it; null without one, or when a token comes twice. */
function commonEnd(operations: readonly ListOperation[]): string | null {
  let end: string | undefined;
  const tokens = new Set<string>();
  for (const { input } of operations) {
    if (input.kind === "get") continue;
    end ??= input.token.at(-1);
    if (end === undefined || input.token.indexOf(end) !== input.token.length - 1) return null;
    if (tokens.has(input.token)) return null;
    tokens.add(input.token);
  }
  return end ?? null;
}

/**
 * All readings begin the longest one, which begins the text at the end, or no order exists. So each token in it has its
 * one place and was there when the first reading that reaches so far returned; all others came after it, and nobody ever
 * saw more of them than their length.
 */
function withPlaces(operations: readonly ListOperation[], end: string): ListOperation[] {
  const readings = operations
    .flatMap(({ output, returnedAt }) => (output?.kind === "text" ? [{ text: output.text, returnedAt }] : []))
    .sort((one, other) => other.text.length - one.text.length);
  const longest = readings[0]?.text ?? "";
  const places = new Map<string, { readonly at: number; seenAt: number }>();
  let at = 0;
  for (const token of longest.split(end).slice(0, -1)) {
    places.set(token + end, { at, seenAt: Infinity });
    at += token.length + end.length;
  }
  // From the last token, which only the longest have, to the first.
  let reading = 0;
  let seenAt = Infinity;
  for (const place of [...places.values()].reverse()) {
    for (; (readings[reading]?.text.length ?? 0) > place.at; reading++) {
      seenAt = Math.min(seenAt, readings[reading]?.returnedAt ?? Infinity);
    }
    place.seenAt = seenAt;
  }
  return operations.map((operation) => {
    const { input, calledAt, returnedAt } = operation;
    if (input.kind === "get") return operation;
    const place = places.get(input.token);
    if (place === undefined) {
      const token = "?".repeat(input.token.length);
      return { ...operation, input: { ...input, token, place: { kind: "from", length: longest.length } } };
    }
    // Seen before it was called: no order will explain that, and the search shall say so.
    const by = place.seenAt < calledAt ? returnedAt : Math.min(returnedAt, place.seenAt);
    return {
      ...operation,
      input: { ...input, place: { kind: "at", length: place.at } },
      returnedAt: by,
    };
  });
}
