import { expect, test } from "bun:test";
import { rules } from "./rules.ts";
import { codeOf, madeUp, sourceFiles } from "./source-text.ts";

const files = sourceFiles("src", "test", "build.ts");

test.each(rules.map((rule) => [rule.name, rule] as const))("%s", (_, rule) => {
  expect(files.filter(({ path }) => rule.applies(path)).flatMap(rule.violations)).toEqual([]);
});

test.each(rules.map((rule) => [rule.name, rule] as const))("the rule notices: %s", (_, rule) => {
  for (const { path, text } of rule.broken) {
    expect([text, rule.applies(path)]).toEqual([text, true]);
    expect([text, rule.violations(madeUp(path, text)).length]).toEqual([text, 1]);
  }
});

test("there are files to look at", () => {
  expect(files.length).toBeGreaterThan(50);
});

test.each([
  ["a // any\nb", "a       \nb"],
  ["a /* any\n */ b", "a       \n    b"],
  ['f("any \\" x") + y', "f(          ) + y"],
  ["f(`any ${g(`x`)} z`) + y", "f(                 ) + y"],
  ['x = /[/"]any\\//.test(y)', "x =            .test(y)"],
  ["a / b / any", "a / b / any"],
])("codeOf() blanks the literals of %j", (text, code) => {
  expect(codeOf(text)).toBe(code);
});
