import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { splitArguments } from "../../src/base/split-arguments.ts";
import { quoteArgument } from "../../src/config/quoting.ts";

test.each([
  ["", `""`],
  ["plain-1.2:3", "plain-1.2:3"],
  ["a b", `"a b"`],
  ["#", `"#"`],
  ['"\\\n\r\t\b\x07', `"\\"\\\\\\n\\r\\t\\b\\a"`],
  ["\0\xff", `"\\x00\\xff"`],
])("quoteArgument() of %j", (text, quoted) => {
  expect(quoteArgument(text)).toBe(quoted);
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
