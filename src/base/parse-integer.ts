// Integers in arguments, read as Redis' string2ll reads them: an optional minus, digits, nothing else. No plus, no space,
// no leading zero and no "-0", so every integer has exactly one accepted spelling ("canonical"). The range is that of a
// signed 64-bit integer; most of them are safe JavaScript integers, and only the rest need a bigint.

const zero = 0x30;
const nine = 0x39;
const minus = 0x2d;

/** A safe integer has at most 16 digits. */
const safeDigitsMax = 16;
/** Canonical integers other than zero, of as many digits as a signed 64-bit integer has at most. */
const canonicalForm = /^-?[1-9][0-9]{0,18}$/;

export const int64Max = 0x7fff_ffff_ffff_ffffn;
export const int64Min = -0x8000_0000_0000_0000n;

/** The value of a canonical integer within ±(2^53 - 1); null for any other text, also for larger integers. O(length ≤ 17). */
export function parseSafeInteger(text: string): number | null {
  const length = text.length;
  // Most values of clients end here, before a character is looked at.
  if (length === 0 || length > safeDigitsMax + 1) return null;
  const first = text.charCodeAt(0);
  const from = first === minus ? 1 : 0;
  const digits = length - from;
  if (digits === 0 || digits > safeDigitsMax) return null;
  const leading = text.charCodeAt(from);
  if (leading === zero) return length === 1 ? 0 : null;
  let value = 0;
  for (let at = from; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code < zero || code > nine) return null;
    value = value * 10 + (code - zero);
  }
  // 16 digits may pass 2^53, where the sum rounds, but never to below it.
  if (value > Number.MAX_SAFE_INTEGER) return null;
  return from === 1 ? -value : value;
}

/** The value of a canonical signed 64-bit integer; null for any other text. */
export function parseInt64(text: string): bigint | null {
  const value = parseInteger(text);
  return value === null ? null : BigInt(value);
}

/** The value of a canonical signed 64-bit integer, as a number while it is safe, as a bigint beyond; null for any other text. */
export function parseInteger(text: string): number | bigint | null {
  const safe = parseSafeInteger(text);
  if (safe !== null) return safe;
  if (!canonicalForm.test(text)) return null;
  const value = BigInt(text);
  return value >= int64Min && value <= int64Max ? value : null;
}
