import { describe, expect, test } from "bun:test";
import { splitArguments } from "../../src/base/split-arguments.ts";

/** What redis-server 7.0.15 makes of each line (asked with `zz <line>`, whose error repeats the arguments). */
const lines: readonly [string, string[] | null][] = [
  ["", []],
  [" \t\v\f\r ", []],
  ["a", ["a"]],
  ["  a  b\t c ", ["a", "b", "c"]],
  ["a\vb\fc", ["a\vb\fc"]],
  ["\va \f b", ["a", "b"]],
  ['""', [""]],
  ["''", [""]],
  ["\"a b\" 'c d'", ["a b", "c d"]],
  ['a"b c"', ["ab c"]],
  ["a'b c'", ["ab c"]],
  ['"\\x41\\xfF\\n\\r\\t\\b\\a\\q\\"\\\\"', ['A\xff\n\r\t\b\x07q"\\']],
  ['"\\xg1\\x4"', ["xg1x4"]],
  ['"\\x00"', ["\0"]],
  ["'\\'\\n\\b'", ["'\\n\\b"]],
  ["'\\\\'", null],
  ["'it''s'", null],
  ['"a"\vb', ["a", "b"]],
  ['"a"b', null],
  ["'a'b", null],
  ['"a', null],
  ["'a", null],
  ['a"', null],
  ['"a\\"', null],
  ["'a\\'", null],
  ['"a\\', null],
  ["a\\ b", ["a\\", "b"]],
  ["a b\0 c", ["a", "b"]],
  ["\0a", []],
  ['"a\0"', null],
  ["é\xa0b", ["é\xa0b"]],
];

describe("splitArguments()", () => {
  for (const [line, args] of lines) {
    test(`splits ${JSON.stringify(line)}`, () => expect(splitArguments(line)).toEqual(args));
  }
});
