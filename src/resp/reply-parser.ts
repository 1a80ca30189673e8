// Turns the bytes of a RESP2 or RESP3 server into values: for our own client side (joining, `vlot status`, tests), which
// talks to nodes that may be of another make, so nothing is believed: a reply may nest, claim and weigh only so much, and
// what breaks the protocol ends in `error`, never in an exception. Not a hot path; plain rather than fast.
//
//   +simple  -error  :integer  $bulk  *array           RESP2; `$-1` and `*-1` are nil
//   _nil  #boolean  ,double  (big number  =verbatim  !bulk error  %map  ~set  >push  |attribute        RESP3
//
// Attributes are read and dropped. The streamed types of the RESP3 draft (`$?`, `*?`) are refused: no Redis sends them.

import { parseInteger, parseSafeInteger } from "../base/parse-integer.ts";
import { ByteInput, type LineRule } from "./byte-input.ts";

/** A reply; texts are byte strings. */
export type ReplyValue =
  | { readonly kind: "simple"; readonly text: string }
  /** With its code, without the dash. */
  | { readonly kind: "error"; readonly text: string }
  /** A bigint only where a number would lose digits. */
  | { readonly kind: "integer"; readonly value: number | bigint }
  | { readonly kind: "bulk"; readonly text: string }
  | { readonly kind: "nil" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "bigNumber"; readonly digits: string }
  | { readonly kind: "verbatim"; readonly format: string; readonly text: string }
  | { readonly kind: "array" | "set" | "push"; readonly items: readonly ReplyValue[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [ReplyValue, ReplyValue])[] };

export interface ReplyLimits {
  /** How deep arrays and the like may nest. */
  readonly maxDepth: number;
  /** How many bytes one reply may take, all its parts together. Memory is bounded by a small multiple of it. */
  readonly maxReplyBytes: number;
}

export const defaultReplyLimits: ReplyLimits = { maxDepth: 64, maxReplyBytes: 64 * 1024 * 1024 };

/** A simple string, an error, a number or a header. */
const lineBytesMax = 64 * 1024;
const lineRule: LineRule = { terminator: 0x0a, dropAfter: 0, bytesMax: lineBytesMax, zeroHides: false };
/** The shortest element is `_` CR LF. */
const elementBytesMin = 3;
const verbatimFormatBytes = 3;

const nil: ReplyValue = { kind: "nil" };

/** An aggregate whose elements are still arriving. */
interface OpenAggregate {
  readonly kind: "array" | "set" | "push" | "map" | "attribute";
  readonly items: ReplyValue[];
  missing: number;
}

/** A bulk whose header has been read. */
interface OpenBulk {
  readonly type: string;
  readonly length: number;
}

/**
 * An incremental parser of one server's replies. `push` what was received, then call `next` until it gives null. A pushed
 * chunk must not change until `next` has returned null; values never refer to a chunk.
 */
export class ReplyParser {
  readonly #limits: ReplyLimits;
  readonly #input = new ByteInput();
  #error: string | null = null;
  #open: OpenAggregate[] = [];
  #bulk: OpenBulk | null = null;
  /** `readBytes` where the current reply began. */
  #replyFrom = 0;

  constructor(limits: ReplyLimits = defaultReplyLimits) {
    this.#limits = limits;
  }

  /** Says what was wrong with the bytes, once `next` has come to it; null as long as all is well. */
  get error(): string | null {
    return this.#error;
  }

  push(chunk: Uint8Array): void {
    this.#input.push(chunk);
  }

  /** The next complete reply; null when there is none, or an `error`. */
  next(): ReplyValue | null {
    while (this.#error === null) {
      const element = this.#readElement();
      if (element === "cut") return null;
      const complete = this.#place(element === "opened" ? null : element);
      if (complete === null) continue;
      this.#replyFrom = this.#input.readBytes;
      return complete;
    }
    return null;
  }

  /** Puts an element where it belongs (null: an aggregate was just opened); the whole reply when that completes it. */
  #place(element: ReplyValue | null): ReplyValue | null {
    let value = element;
    for (;;) {
      const top = this.#open.at(-1);
      if (top === undefined) return value;
      if (value !== null) {
        top.items.push(value);
        top.missing--;
      }
      if (top.missing > 0) return null;
      this.#open.pop();
      value = closed(top);
    }
  }

  /** A value that holds no others; or `opened`: an aggregate's header; or `cut`: more bytes are needed, or an error. */
  #readElement(): ReplyValue | "opened" | "cut" {
    if (this.#bulk !== null) return this.#readBulk(this.#bulk);
    const line = this.#input.readLine(lineRule);
    if (line === null) return this.#input.lineTooLong ? this.#fail("a line longer than 64 kB") : "cut";
    if (line.charCodeAt(line.length - 1) !== 0x0d) return this.#fail("a line that does not end in CR LF");
    const type = line[0] ?? "";
    const rest = line.slice(1, -1);
    if (this.#remainingBytes() < 0) return this.#fail("a reply longer than allowed");
    if (type === "$" || type === "=" || type === "!") return this.#openBulk(type, rest);
    const kind = aggregateKinds.get(type);
    if (kind !== undefined) return this.#openAggregate(kind, rest);
    return scalar(type, rest) ?? this.#fail(`unexpected line '${printable(type + rest)}'`);
  }

  #openBulk(type: string, rest: string): ReplyValue | "cut" {
    const length = parseSafeInteger(rest);
    if (length === -1 && type === "$") return nil;
    if (length === null || length < 0) return this.#fail(`invalid length '${printable(rest)}'`);
    if (length > this.#remainingBytes()) return this.#fail("a reply longer than allowed");
    this.#bulk = { type, length };
    return this.#readBulk(this.#bulk);
  }

  #readBulk(bulk: OpenBulk): ReplyValue | "cut" {
    const text = this.#input.readString(bulk.length, 2);
    if (text === null) return "cut";
    this.#bulk = null;
    if (bulk.type === "$") return { kind: "bulk", text };
    if (bulk.type === "!") return { kind: "error", text };
    if (text[verbatimFormatBytes] !== ":") return this.#fail("a verbatim string without a format");
    return {
      kind: "verbatim",
      format: text.slice(0, verbatimFormatBytes),
      text: text.slice(verbatimFormatBytes + 1),
    };
  }

  #openAggregate(kind: OpenAggregate["kind"], rest: string): ReplyValue | "opened" | "cut" {
    const count = parseSafeInteger(rest);
    if (count === -1 && kind === "array") return nil;
    if (count === null || count < 0) return this.#fail(`invalid length '${printable(rest)}'`);
    const missing = kind === "map" || kind === "attribute" ? count * 2 : count;
    if (missing * elementBytesMin > this.#remainingBytes()) return this.#fail("a reply longer than allowed");
    if (this.#open.length >= this.#limits.maxDepth) return this.#fail("a reply nested deeper than allowed");
    this.#open.push({ kind, items: [], missing });
    return "opened";
  }

  /** How many bytes the current reply may still have. */
  #remainingBytes(): number {
    return this.#limits.maxReplyBytes - (this.#input.readBytes - this.#replyFrom);
  }

  #fail(what: string): "cut" {
    this.#error = `protocol error in a reply: ${what}`;
    return "cut";
  }
}

const aggregateKinds: ReadonlyMap<string, OpenAggregate["kind"]> = new Map([
  ["*", "array"],
  ["%", "map"],
  ["~", "set"],
  [">", "push"],
  ["|", "attribute"],
]);

/** The value of a complete aggregate; null for an attribute, which is no value. */
function closed(aggregate: OpenAggregate): ReplyValue | null {
  const { kind, items } = aggregate;
  if (kind === "attribute") return null;
  if (kind !== "map") return { kind, items };
  const entries: [ReplyValue, ReplyValue][] = [];
  for (let index = 0; index + 1 < items.length; index += 2) {
    entries.push([items[index] ?? nil, items[index + 1] ?? nil]);
  }
  return { kind, entries };
}

/** The value of a one-line reply; null when it breaks the protocol. */
function scalar(type: string, rest: string): ReplyValue | null {
  switch (type) {
    case "+":
      return { kind: "simple", text: rest };
    case "-":
      return { kind: "error", text: rest };
    case ":": {
      const value = parseInteger(rest);
      return value === null ? null : { kind: "integer", value };
    }
    case "_":
      return rest === "" ? nil : null;
    case "#":
      return rest === "t" || rest === "f" ? { kind: "boolean", value: rest === "t" } : null;
    case ",":
      return parseDouble(rest);
    case "(":
      return /^-?[0-9]+$/.test(rest) ? { kind: "bigNumber", digits: rest } : null;
    default:
      return null;
  }
}

function parseDouble(text: string): ReplyValue | null {
  if (text === "inf") return { kind: "double", value: Infinity };
  if (text === "-inf") return { kind: "double", value: -Infinity };
  if (text === "nan") return { kind: "double", value: Number.NaN };
  return /^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$/.test(text)
    ? { kind: "double", value: Number(text) }
    : null;
}

/** The beginning of `text` for an error message. */
function printable(text: string): string {
  return text.slice(0, 40).replace(/[^\x20-\x7e]/g, ".");
}
