// A Reply that keeps what it is told and shows it as redis-cli would: `"bulk"`, `OK`, `(integer) 1`, `(nil)`,
// `(error) ERR …`, `1) "a"` and so on. Tests read that at a glance, and no reply shares its text with another kind.

import { assert, unreachable } from "../../src/base/assert.ts";
import type { Reply } from "../../src/resp/reply.ts";

export type RecordedReply =
  | { readonly kind: "simple" | "error" | "bulk" | "bigNumber"; readonly text: string }
  | { readonly kind: "integer"; readonly value: number | bigint }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "nil" | "nilArray" }
  | { readonly kind: "verbatim"; readonly format: string; readonly text: string }
  | {
      readonly kind: "array" | "set" | "push" | "map";
      readonly length: number;
      readonly elements: RecordedReply[];
    };

type Aggregate = Extract<RecordedReply, { readonly elements: unknown }>;

export class ReplyRecorder implements Reply {
  readonly protocol: 2 | 3;
  readonly replies: RecordedReply[] = [];
  /** Announced aggregates that still miss elements, outermost first. */
  readonly #open: Aggregate[] = [];

  constructor(protocol: 2 | 3) {
    this.protocol = protocol;
  }

  /** The one reply recorded; fails unless the handler gave exactly one whole reply. */
  get only(): RecordedReply {
    const [reply, second] = this.replies;
    assert(this.#open.length === 0, "every announced element to be given");
    assert(reply !== undefined && second === undefined, "exactly one reply");
    return reply;
  }

  ok(): void {
    this.#add({ kind: "simple", text: "OK" });
  }

  simple(text: string): void {
    assert(!/[\r\n]/.test(text), "a simple string without line ends");
    this.#add({ kind: "simple", text });
  }

  error(text: string): void {
    assert(/^[A-Z]+ /.test(text), "an error that starts with its code");
    this.#add({ kind: "error", text });
  }

  integer(value: number | bigint): void {
    assert(typeof value === "bigint" || Number.isSafeInteger(value), "an integer that is safe or a bigint");
    this.#add({ kind: "integer", value });
  }

  bulk(value: string): void {
    assert(typeof value === "string", "a bulk reply that is a string");
    this.#add({ kind: "bulk", text: value });
  }

  nil(): void {
    this.#add({ kind: "nil" });
  }

  nilArray(): void {
    this.#add({ kind: "nilArray" });
  }

  array(length: number): void {
    this.#announce("array", length);
  }

  map(pairs: number): void {
    this.#announce("map", pairs * 2);
  }

  set(length: number): void {
    this.#announce("set", length);
  }

  push(length: number): void {
    this.#announce("push", length);
  }

  double(value: number): void {
    this.#add({ kind: "double", value });
  }

  boolean(value: boolean): void {
    this.#add({ kind: "boolean", value });
  }

  bigNumber(digits: string): void {
    this.#add({ kind: "bigNumber", text: digits });
  }

  verbatim(format: string, text: string): void {
    this.#add({ kind: "verbatim", format, text });
  }

  #announce(kind: Aggregate["kind"], length: number): void {
    const aggregate: Aggregate = { kind, length, elements: [] };
    this.#add(aggregate);
    if (length > 0) this.#open.push(aggregate);
  }

  #add(reply: RecordedReply): void {
    // A full aggregate closes, and may have been the last element of the one around it.
    const parent = this.#open[this.#open.length - 1];
    if (parent === undefined) this.replies.push(reply);
    else parent.elements.push(reply);
    if ("elements" in reply && reply.length > 0) return;
    for (let inner = this.#open.at(-1); inner?.elements.length === inner?.length; inner = this.#open.at(-1)) {
      if (this.#open.pop() === undefined) return;
    }
  }
}

/** `reply` as redis-cli shows it; what RESP2 cannot express is shown as the RESP2 form that it takes. */
export function replyText(reply: RecordedReply, protocol: 2 | 3): string {
  switch (reply.kind) {
    case "simple":
      return reply.text;
    case "error":
      return `(error) ${reply.text}`;
    case "bulk":
      return quoted(reply.text);
    case "integer":
      return `(integer) ${reply.value}`;
    case "nil":
    case "nilArray":
      return "(nil)";
    case "double":
      return protocol === 2 ? quoted(doubleText(reply.value)) : `(double) ${doubleText(reply.value)}`;
    case "boolean":
      return protocol === 2 ? `(integer) ${reply.value ? 1 : 0}` : `(${reply.value})`;
    case "bigNumber":
      return protocol === 2 ? quoted(reply.text) : `(big number) ${reply.text}`;
    case "verbatim":
      return protocol === 2 ? quoted(reply.text) : `(${reply.format}) ${reply.text}`;
    case "array":
    case "set":
    case "push":
    case "map":
      return aggregateText(reply, protocol);
    default:
      return unreachable(reply);
  }
}

const marks = { array: ")", set: "~", push: ">", map: "#" } as const;
const emptyTexts = {
  array: "(empty array)",
  set: "(empty set)",
  push: "(empty push)",
  map: "(empty map)",
} as const;

function aggregateText(reply: Aggregate, protocol: 2 | 3): string {
  const kind = protocol === 2 ? "array" : reply.kind;
  if (reply.elements.length === 0) return emptyTexts[kind];
  const step = kind === "map" ? 2 : 1;
  const lines: string[] = [];
  for (let at = 0; at < reply.elements.length; at += step) {
    const texts = reply.elements.slice(at, at + step).map((element) => replyText(element, protocol));
    const label = `${at / step + 1}${marks[kind]} `;
    lines.push(label + texts.join(" => ").replaceAll("\n", `\n${" ".repeat(label.length)}`));
  }
  return lines.join("\n");
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return String(value);
}

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x07": "\\a",
  "\b": "\\b",
};

/** A byte string in double quotes, other bytes than printable ASCII as redis-cli escapes them. */
export function quoted(bytes: string): string {
  const body = bytes.replace(/[\\"]|[^\x20-\x7e]/g, (char) => {
    return escapes[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `"${body}"`;
}
