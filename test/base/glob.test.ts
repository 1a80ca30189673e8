import { describe, expect, test } from "bun:test";
import { matchesGlob } from "../../src/base/glob.ts";

const matching: readonly [pattern: string, text: string][] = [
  ["*", "anything"],
  ["h?llo", "hello"],
  ["h[ae]llo", "hallo"],
  ["h[^e]llo", "hallo"],
  ["h[a-b]llo", "hbllo"],
  ["h[b-a]llo", "hallo"],
  ["h\\*llo", "h*llo"],
  ["a*b*c", "a.b.b.c"],
  ["a**", "a"],
  ["[abc", "c"],
  ["[^", "x"],
  ["[^]", "x"],
  ["[\\]]", "]"],
  ["[a-]", "^"],
  ["a\\", "a\\"],
  ["*[0-9]", "key7"],
  ["", ""],
];

const differing: readonly [pattern: string, text: string][] = [
  ["h?llo", "hllo"],
  ["h[^e]llo", "hello"],
  ["hello", "Hello"],
  ["h\\*llo", "hxllo"],
  ["[]", "]"],
  ["[]", "a"],
  ["a*b", "a"],
  ["*", ""],
  ["**", ""],
  ["", "a"],
  ["[\x00-\xff]", "a"],
];

describe("matchesGlob()", () => {
  test.each(matching)("%j matches %j", (pattern, text) => {
    expect(matchesGlob(pattern, text)).toBe(true);
  });

  test.each(differing)("%j does not match %j", (pattern, text) => {
    expect(matchesGlob(pattern, text)).toBe(false);
  });

  test("orders bytes above 127 below the others within a range", () => {
    expect(matchesGlob("[\x80-a]", "\xff")).toBe(true);
    expect(matchesGlob("[\x80-a]", "A")).toBe(true);
    expect(matchesGlob("[\x80-a]", "b")).toBe(false);
  });

  test("ignores the case of letters when told to, but not of escaped ones in a class", () => {
    expect(matchesGlob("HeL*[X-Z]", "hElloy", true)).toBe(true);
    expect(matchesGlob("[\\A]", "a", true)).toBe(false);
    expect(matchesGlob("\\A", "a", true)).toBe(true);
  });

  test("takes at most text times pattern steps for a pattern of many stars", () => {
    const startedMs = performance.now();
    expect(matchesGlob(`${"a*".repeat(500)}b`, "a".repeat(5000))).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  test("gives up when it reaches a 1001st star", () => {
    const text = "a".repeat(3000);
    expect(matchesGlob(`${"*a".repeat(1000)}*`, text)).toBe(true);
    expect(matchesGlob(`${"*a".repeat(1001)}*`, text)).toBe(false);
  });
});
