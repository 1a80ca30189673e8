// What a key may hold, and the questions every type answers: its name for TYPE, its encoding for OBJECT ENCODING.
// A string that spells a safe integer canonically is kept as a JS number: counters then cost no text and no parsing.
// Further types join the union as classes, and `valueType` and `encodingOf` learn one more case each.

import { parseInt64, parseSafeInteger } from "../base/parse-integer.ts";
import type { KeyEntry } from "./key-entry.ts";

/**
 * A byte string (one char per byte), or a safe integer that stands for its decimal digits. Text that was stored through
 * {@link storedString} is a number whenever it can be; a string of such digits is one that was built as text
 * (INCRBYFLOAT), which OBJECT ENCODING tells apart, as in Redis.
 */
export type Value = string | number;

/** Names as TYPE and SCAN's TYPE option spell them. */
export type ValueType = "string";

export type Encoding = "int" | "embstr" | "raw";

/** Redis embeds strings up to this length in their object. */
const embeddedLengthMax = 44;

/** Redis keeps one shared object for each integer from 0 to below this. */
const sharedIntegers = 10_000;

/** As TYPE names it. */
export function valueType(_value: Value): ValueType {
  return "string";
}

/** A value of its own that equals `value`, for COPY. */
export function copyOf(value: Value): Value {
  return value;
}

/** The bytes that a string value stands for. */
export function stringOf(value: string | number): string {
  return typeof value === "number" ? String(value) : value;
}

/** The form in which `bytes` are kept. */
export function storedString(bytes: string): string | number {
  const integer = parseSafeInteger(bytes);
  return integer === null ? bytes : integer;
}

/** As OBJECT ENCODING names it. */
export function encodingOf(entry: KeyEntry): Encoding {
  const value = entry.value;
  if (entry.rawEncoded) return "raw";
  if (typeof value === "number") return "int";
  if (value.length > embeddedLengthMax) return "raw";
  // Integers between 2^53 and 2^63 are kept as text; safe ones are text only when they were built as text.
  return parseSafeInteger(value) === null && parseInt64(value) !== null ? "int" : "embstr";
}

/** As OBJECT REFCOUNT counts: values are not shared here, but small integers answer as Redis' shared ones do. */
export function referenceCount(entry: KeyEntry): number {
  const value = entry.value;
  const shared = typeof value === "number" && !entry.rawEncoded && value >= 0 && value < sharedIntegers;
  return shared ? 0x7fff_ffff : 1;
}

/**
 * The longest string that a command may build, in bytes: what proto-max-bulk-len allows at most. A constant, because the
 * option may differ between nodes, and all must do the same when they apply the log.
 */
export const stringBytesMax = 512 * 1024 * 1024;
