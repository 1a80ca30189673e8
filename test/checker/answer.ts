// What a command answered, as the models know it: RESP without the wire. Every model takes any answer and finds one of the
// wrong kind impossible, so an answer that belongs to another request is a violation like any other.

import type { ReplyValue } from "../../src/resp/reply-parser.ts";

export type Answer =
  | { readonly kind: "ok" | "nil" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly number: number }
  | { readonly kind: "list"; readonly items: readonly Answer[] };

export const ok: Answer = { kind: "ok" };
export const nil: Answer = { kind: "nil" };

export function textAnswer(text: string): Answer {
  return { kind: "text", text };
}

export function numberAnswer(number: number): Answer {
  return { kind: "number", number };
}

export function listAnswer(items: readonly Answer[]): Answer {
  return { kind: "list", items };
}

/** A stored string, or null for a key that is not there. */
export function valueAnswer(value: string | null): Answer {
  return value === null ? nil : textAnswer(value);
}

/** Null for an error, which is no answer: what it says of the outcome is for the caller to know. */
export function answerOf(reply: ReplyValue): Answer | null {
  switch (reply.kind) {
    case "error":
      return null;
    case "nil":
      return nil;
    case "simple":
      return reply.text === "OK" ? ok : textAnswer(reply.text);
    case "bulk":
      return textAnswer(reply.text);
    case "integer":
      return numberAnswer(Number(reply.value));
    case "array":
    case "set": {
      const items = reply.items.map(answerOf);
      return items.includes(null) ? null : listAnswer(items.filter((item) => item !== null));
    }
    default:
      // No command of the models answers so: a text that no model gives.
      return textAnswer(JSON.stringify(reply));
  }
}

export function isSameAnswer(one: Answer, other: Answer): boolean {
  switch (one.kind) {
    case "text":
      return other.kind === "text" && other.text === one.text;
    case "number":
      return other.kind === "number" && other.number === one.number;
    case "list":
      return (
        other.kind === "list" &&
        other.items.length === one.items.length &&
        one.items.every((item, at) => isSameAnswer(item, other.items[at] as Answer))
      );
    default:
      return other.kind === one.kind;
  }
}

/** For people; `?` where the answer is unknown. */
export function describeAnswer(answer: Answer | null): string {
  switch (answer?.kind) {
    case undefined:
      return "?";
    case "ok":
      return "OK";
    case "nil":
      return "(nil)";
    case "text":
      return JSON.stringify(answer.text);
    case "number":
      return String(answer.number);
    case "list":
      return `[${answer.items.map(describeAnswer).join(", ")}]`;
  }
}
