import { expect, test } from "bun:test";
import { didYouMean, nearestWord } from "../../src/config/suggest.ts";

test("nearestWord() counts a swap of neighbours as one slip", () => {
  expect(nearestWord("prot", ["root", "port"])).toBe("port");
});

test.each([
  ["electoin-timeout", "election-timeout"],
  ["loglvl", "loglevel"],
  ["timeouts", "timeout"],
  ["x", undefined],
  ["frobnicate", undefined],
  ["", undefined],
  ["a".repeat(10_000), undefined],
] as const)("nearestWord() takes %j for %j", (typed, word) => {
  expect(nearestWord(typed, ["election-timeout", "timeout", "loglevel", "port"])).toBe(word);
});

test("didYouMean() is empty when nothing is near", () => {
  expect(didYouMean("PROT", ["port"], "--")).toBe(" (did you mean '--port'?)");
  expect(didYouMean("zzz", ["port"])).toBe("");
});
