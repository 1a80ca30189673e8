// What the generator puts into arguments: ordinary values, and those at which implementations differ.

import type { ArgumentSpec } from "../../src/commands/command.ts";
import type { SeededRandom } from "../../src/base/random.ts";

/** Few keys, so that commands meet on them; some are awkward themselves. */
const keys = ["a", "b", "c", "n", "m", "x", "y", "k:1", "k:2", "{t}1", "", "\0", "\xff\xfe", "A", "a b\r\n"];

const integers = [
  "0",
  "1",
  "-1",
  "2",
  "3",
  "-3",
  "7",
  "10",
  "-10",
  "100",
  "9999",
  "10000",
  "9007199254740991",
  "9007199254740992",
  "-9007199254740993",
  "1000000000000000000",
  "9223372036854775806",
  "9223372036854775807",
  "-9223372036854775807",
  "-9223372036854775808",
];

/** Spellings of numbers that are none, or not to everybody. */
const oddNumbers = [
  "",
  "-",
  "+1",
  " 1",
  "1 ",
  "01",
  "-0",
  "00",
  "1.0",
  "1e2",
  "0x10",
  "0x1.8p1",
  "1\0",
  "9223372036854775808",
  "-9223372036854775809",
  "18446744073709551615",
  "99999999999999999999999",
  "inf",
  "-Infinity",
  "nan",
  "abc",
];

const floats = [
  "0",
  "0.1",
  "-0.1",
  "3.0e3",
  "5.0e-1",
  ".5",
  "5.",
  "1e-17",
  "-1e-18",
  "1.00000000000000000001",
  "123456789.123456789",
  "1e20",
  "-1e30",
];

const texts = [
  "",
  "a",
  "abc",
  "ohmytext",
  "mynewtext",
  "hello world",
  "\0",
  "a\0b",
  "\xff\x80\xfe",
  "line\r\nline",
  "x".repeat(44),
  "y".repeat(45),
  "\xe9".repeat(300),
];

const patterns = ["*", "a*", "?", "k:*", "[a-c]", "[^a]", "\\*", "", "*\xff*", "{t}[12]", "[a", "h[ae]llo*"];

/** Relative expiries that no run reaches, and those that Redis refuses. Small ones would race with the clock. */
const refusedExpiries = [
  "0",
  "-1",
  "-100",
  "9223372036854775807",
  "9223372036854775",
  "-9223372036854775808",
];

/** Relative expiries of less than this many seconds or milliseconds come about while the run goes on. */
export const longExpiryMin = 1_000_000;

/** Strings that SETRANGE makes may be this long; above it, only lengths that are refused anyhow. */
export const builtLengthMax = 10_000;
export const refusedLengthMin = 536_870_912;

const offsets = [
  "0",
  "1",
  "2",
  "5",
  "40",
  "100",
  "-1",
  "536870912",
  "9223372036854775807",
  "-9223372036854775808",
];

export function pick<Item>(random: SeededRandom, items: readonly Item[]): Item {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

export function chance(random: SeededRandom, percent: number): boolean {
  return random.below(100) < percent;
}

/** A value for the argument, right for its type in most cases. */
export function valueFor(spec: ArgumentSpec, random: SeededRandom): string {
  if (spec.type !== "key" && chance(random, 6)) return anyValue(random);
  switch (spec.type) {
    case "key":
      return pick(random, keys);
    case "integer":
      return integerFor(spec.name, random);
    case "unix-time":
      return unixTime(spec.name, random);
    case "double":
      return chance(random, 60) ? randomFloat(random) : pick(random, [...floats, ...integers, ...oddNumbers]);
    case "pattern":
      return pick(random, patterns);
    default:
      return spec.name === "type"
        ? pick(random, ["string", "STRING", "list", "hash", "nonsense"])
        : stringValue(random);
  }
}

/** A value without regard to what is expected. */
export function anyValue(random: SeededRandom): string {
  return pick(random, [...integers, ...oddNumbers, ...floats, ...texts, ...keys]);
}

/** A decimal number with a random count of digits and mostly modest exponents. */
export function randomFloat(random: SeededRandom): string {
  const sign = chance(random, 40) ? "-" : "";
  const fraction = chance(random, 80) ? "." + digits(random, 1 + random.below(20)) : "";
  const exponent = chance(random, 25) ? `e${random.below(60) - 30}` : "";
  return sign + digits(random, 1 + random.below(12)) + fraction + exponent;
}

function stringValue(random: SeededRandom): string {
  const kind = random.below(10);
  if (kind < 3) return pick(random, integers);
  if (kind < 4) return randomFloat(random);
  if (kind < 5) return pick(random, oddNumbers);
  if (kind < 7) return randomWord(random);
  return pick(random, texts);
}

/** From a small alphabet, so that LCS finds something. */
function randomWord(random: SeededRandom): string {
  let word = "";
  for (let length = random.below(40); length > 0; length--) word += "abcd"[random.below(4)] ?? "";
  return word;
}

function integerFor(name: string, random: SeededRandom): string {
  if (name === "seconds" || name === "milliseconds") {
    // Spread wide: two deadlines that lie close together would make GT and LT depend on the milliseconds between two calls.
    return chance(random, 75)
      ? `${longExpiryMin + random.below(4_000_000_000)}`
      : pick(random, refusedExpiries);
  }
  if (name === "offset") return pick(random, offsets);
  if (name === "cursor") return chance(random, 80) ? "0" : pick(random, [...integers, ...oddNumbers]);
  if (name === "count") return pick(random, ["1", "10", "100", "1000", "1000", "0", "-1", ...oddNumbers]);
  if (name.endsWith("db") || name.startsWith("index"))
    return pick(random, ["0", "1", "0", "1", "2", "15", "16", "-1", "x"]);
  if (chance(random, 40)) return `${random.below(41) - 20}`;
  return pick(random, integers);
}

/** Long past, far ahead, or refused; never near the present. */
function unixTime(name: string, random: SeededRandom): string {
  const perSecond = name.endsWith("milliseconds") ? 1000 : 1;
  const kind = random.below(10);
  if (kind < 7)
    return `${(2_000_000_000 + random.below(4_000_000_000)) * perSecond + random.below(perSecond)}`;
  if (kind < 9) return pick(random, ["1", "1000", "1500000000", "0", "-1", "-9223372036854775808"]);
  return pick(random, ["9223372036854775807", "9223372036854775808", "9223372036854775", "9007199254740993"]);
}

function digits(random: SeededRandom, count: number): string {
  let text = "";
  for (let left = count; left > 0; left--) text += String(random.below(10));
  return text;
}
