import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { quoteArgument, splitArguments } from "../../src/config/quoting.ts";

test.each([
  ["a b  c", ["a", "b", "c"]],
  ["", []],
  ["  ", []],
  [`"a b" 'c d'`, ["a b", "c d"]],
  [`"\\n\\r\\t\\b\\a\\x41\\q\\""`, ['\n\r\t\b\x07Aq"']],
  [`'it\\'s \\n'`, ["it's \\n"]],
  [`a"b c"`, ["ab c"]],
  [`""`, [""]],
  [`"\\xzz"`, ["xzz"]],
] as const)("splitArguments() reads %j", (line, words) => {
  expect(splitArguments(line)).toEqual([...words]);
});

test.each([`"a`, `'a`, `"a"b`, `'a'b`, `"a\\`])("splitArguments() refuses %j", (line) => {
  expect(splitArguments(line)).toBeNull();
});

test("splitArguments() reads back whatever quoteArgument() wrote", () => {
  const random = new SeededRandom(Number(process.env.SEED ?? 1));
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: random.below(12) }, () => String.fromCharCode(random.below(256))).join(
      "",
    );
    expect(splitArguments(`x ${quoteArgument(text)} y`)).toEqual(["x", text, "y"]);
  }
});
