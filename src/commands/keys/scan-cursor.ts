// The cursor argument of SCAN and its kin, read as Redis does with C's strtoul.

/** A sign and digits, up to a zero byte if there is one; the empty text is 0, as strtoul has it. */
const cursorPattern = /^([+-]?)([0-9]+)(?:\0|$)|^(?:\0|$)/;

const uint64Max = 0xffff_ffff_ffff_ffffn;
const uint64DigitsMax = 20;

/**
 * The cursor; null if Redis would refuse it. Our own cursors are below 2^53: what is above, minus 1 as well (strtoul wraps
 * it to the highest value), stands for a position past the newest key.
 */
export function parseCursor(text: string): number | null {
  const match = cursorPattern.exec(text);
  if (match === null) return null;
  const digits = (match[2] ?? "").replace(/^0+/, "");
  // Megabytes of digits would take seconds to become a number.
  if (digits.length > uint64DigitsMax) return null;
  const value = BigInt(digits);
  if (value > uint64Max) return null;
  const wrapped = match[1] === "-" && value !== 0n ? uint64Max + 1n - value : value;
  return wrapped > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(wrapped);
}
