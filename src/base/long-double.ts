// x87 extended precision in software: the `long double` with which Redis does INCRBYFLOAT and HINCRBYFLOAT on x86-64.
// Replies and stored values then agree with Redis to the digit, and on every machine with each other.
//
// A finite number is mantissa × 2^exponent with |mantissa| < 2^64 and exponent ≥ -16445, the weight of the last bit of
// the smallest denormal. Every operation is done exactly on big integers and rounded once, to nearest, ties to even:
// what IEEE 754 asks for, and what the processor, `strtold` and `printf` of glibc do. Negative zero is not kept apart,
// because no text that Redis prints shows it.

const mantissaBits = 64;
/** Exponent of the last mantissa bit in denormals. */
const exponentMin = -16_445;
/** A finite number is below 2^this. */
const magnitudeBitsMax = 16_384;
/** Numbers at or above 10^this are too large, whatever their digits. */
const decimalMagnitudeMax = 4933;
/** Numbers below 10^this round to zero, whatever their digits: half the smallest denormal is 1.8e-4951. */
const decimalMagnitudeMin = -4951;

/** Redis reads numbers of fewer characters than this (MAX_LONG_DOUBLE_CHARS). */
const textLengthLimit = 5 * 1024;
/** Digits after the point in Redis' human friendly format, `%.17Lf`. */
const fractionDigits = 17;
const fractionScale = 10n ** BigInt(fractionDigits);

export interface LongDouble {
  /** Signed. */
  readonly mantissa: bigint;
  readonly exponent: number;
  /** Infinity, of either sign: any sum with one is refused, so the sign does not matter. */
  readonly infinite: boolean;
}

const infinity: LongDouble = { mantissa: 0n, exponent: 0, infinite: true };
const zero: LongDouble = { mantissa: 0n, exponent: 0, infinite: false };

const decimalForm = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:e([+-]?[0-9]+))?$/i;
const hexadecimalForm = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?[0-9]+))?$/i;
const infinityForm = /^[+-]?inf(?:inity)?$/i;

/** An exact integer of at most 64 bits. */
export function longDoubleFromInteger(value: number | bigint): LongDouble {
  return { mantissa: BigInt(value), exponent: 0, infinite: false };
}

/**
 * Reads `text` as Redis' string2ld does: the whole of it in the syntax of C's `strtold`, so also `inf` and hexadecimal,
 * but not `nan`. Null for anything else, and for numbers too large or too close to zero to be held.
 */
export function parseLongDouble(text: string): LongDouble | null {
  if (text.length >= textLengthLimit) return null;
  const decimal = decimalForm.exec(text);
  if (decimal !== null) return readDecimal(decimal);
  const hexadecimal = hexadecimalForm.exec(text);
  if (hexadecimal !== null) return readHexadecimal(hexadecimal);
  return infinityForm.test(text) ? infinity : null;
}

/** `left + right`, rounded; null when the sum is infinite or not a number. */
export function addLongDoubles(left: LongDouble, right: LongDouble): LongDouble | null {
  if (left.infinite || right.infinite) return null;
  const exponent = Math.min(left.exponent, right.exponent);
  const sum =
    (left.mantissa << BigInt(left.exponent - exponent)) +
    (right.mantissa << BigInt(right.exponent - exponent));
  const rounded = roundedQuotient(sum, 1n, exponent);
  return rounded.infinite ? null : rounded;
}

/** Redis' human friendly form: `%.17Lf` without trailing zeros. `value` must be finite. */
export function formatLongDouble(value: LongDouble): string {
  const negative = value.mantissa < 0n;
  const magnitude = (negative ? -value.mantissa : value.mantissa) * fractionScale;
  const scaled =
    value.exponent >= 0
      ? magnitude << BigInt(value.exponent)
      : divideToNearest(magnitude, 1n << BigInt(-value.exponent));
  if (scaled === 0n) return "0";
  const digits = scaled.toString().padStart(fractionDigits + 1, "0");
  const point = digits.length - fractionDigits;
  let end = digits.length;
  while (end > point && digits[end - 1] === "0") end--;
  const fraction = end > point ? "." + digits.slice(point, end) : "";
  return (negative ? "-" : "") + digits.slice(0, point) + fraction;
}

function readDecimal(match: RegExpExecArray): LongDouble | null {
  const [, sign = "", whole = "", fraction = "", exponentText = "0"] = match;
  if (whole.length + fraction.length === 0) return null;
  const significant = (whole + fraction).replace(/^0+/, "");
  if (significant === "") return zero;
  // Exponents of more digits than a double holds become infinite here, which the two limits below catch.
  const exponent = Number(exponentText) - fraction.length;
  const magnitude = exponent + significant.length;
  if (magnitude > decimalMagnitudeMax || magnitude < decimalMagnitudeMin) return null;
  const mantissa = signed(sign, BigInt(significant));
  const rounded =
    exponent >= 0
      ? roundedQuotient(mantissa * 10n ** BigInt(exponent), 1n, 0)
      : roundedQuotient(mantissa, 10n ** BigInt(-exponent), 0);
  return inRange(rounded);
}

function readHexadecimal(match: RegExpExecArray): LongDouble | null {
  const [, sign = "", whole = "", fraction = "", exponentText = "0"] = match;
  if (whole.length + fraction.length === 0) return null;
  const significant = (whole + fraction).replace(/^0+/, "");
  if (significant === "") return zero;
  const exponent = Number(exponentText) - 4 * fraction.length;
  const magnitude = exponent + 4 * significant.length;
  if (magnitude > magnitudeBitsMax + 4 || magnitude < exponentMin - 4) return null;
  return inRange(roundedQuotient(signed(sign, BigInt("0x" + significant)), 1n, exponent));
}

function signed(sign: string, magnitude: bigint): bigint {
  return sign === "-" ? -magnitude : magnitude;
}

/** Of a number that was not zero as text: null if it became infinite or zero. */
function inRange(value: LongDouble): LongDouble | null {
  return value.infinite || value.mantissa === 0n ? null : value;
}

/** (numerator / denominator) × 2^exponent, rounded to a number that can be held. `denominator` is positive. */
function roundedQuotient(numerator: bigint, denominator: bigint, exponent: number): LongDouble {
  if (numerator === 0n) return zero;
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  // A quotient of numbers of m and n bits has m - n or m - n + 1 bits; `excess` of them are beyond the mantissa.
  let excess = bitLength(magnitude) - bitLength(denominator) - mantissaBits;
  excess = Math.max(excess, exponentMin - exponent);
  let quotient = scaledQuotient(magnitude, denominator, excess);
  if (bitLength(quotient) > mantissaBits) {
    excess++;
    quotient = scaledQuotient(magnitude, denominator, excess);
  }
  const roundedExponent = exponent + excess;
  if (bitLength(quotient) + roundedExponent > magnitudeBitsMax) return infinity;
  return { mantissa: negative ? -quotient : quotient, exponent: roundedExponent, infinite: false };
}

/** (magnitude / denominator) / 2^excess to the nearest integer. */
function scaledQuotient(magnitude: bigint, denominator: bigint, excess: number): bigint {
  return excess >= 0
    ? divideToNearest(magnitude, denominator << BigInt(excess))
    : divideToNearest(magnitude << BigInt(-excess), denominator);
}

function divideToNearest(magnitude: bigint, denominator: bigint): bigint {
  const quotient = magnitude / denominator;
  const twice = (magnitude - quotient * denominator) * 2n;
  const roundUp = twice > denominator || (twice === denominator && (quotient & 1n) === 1n);
  return roundUp ? quotient + 1n : quotient;
}

function bitLength(value: bigint): number {
  const hexadecimal = value.toString(16);
  return (hexadecimal.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hexadecimal[0] ?? "0", 16)));
}
