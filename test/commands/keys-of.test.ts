import { describe, expect, test } from "bun:test";
import type { CommandFacts, KeySpec } from "../../src/commands/command.ts";
import { oneKey, keyRange, keyRangeWithStep } from "../../src/commands/key-specs.ts";
import { keysOf } from "../../src/commands/keys-of.ts";

function positions(line: string, ...keySpecs: KeySpec[]): readonly number[] {
  const facts: CommandFacts = {
    name: "test",
    summary: "",
    since: "",
    group: "generic",
    complexity: "",
    arity: -1,
    flags: [],
    keySpecs,
    arguments: [],
  };
  return keysOf(facts, line.split(" "));
}

const counted = (index: number): KeySpec => ({
  flags: ["RO"],
  beginSearch: { kind: "index", index },
  findKeys: { kind: "keynum", keyNumberIndex: 0, firstKey: 1, step: 1 },
});

const afterKeyword = (startFrom: number, lastKey: number, limit: number): KeySpec => ({
  flags: ["RO"],
  beginSearch: { kind: "keyword", keyword: "STREAMS", startFrom },
  findKeys: { kind: "range", lastKey, step: 1, limit },
});

describe("keysOf()", () => {
  test("finds the one key of a plain command, if it is there", () => {
    expect(positions("GET a", oneKey(1, "RO"))).toEqual([1]);
    expect(positions("GET", oneKey(1, "RO"))).toEqual([]);
    expect(positions("OBJECT FREQ a", oneKey(2, "RO"))).toEqual([2]);
    expect(positions("DBSIZE")).toEqual([]);
  });

  test("finds ranges, from the start and to the end, with steps", () => {
    expect(positions("LCS a b LEN", keyRange(1, 1, "RO"))).toEqual([1, 2]);
    expect(positions("MGET a b c", keyRange(1, -1, "RO"))).toEqual([1, 2, 3]);
    expect(positions("BLPOP a b 0", keyRange(1, -2, "RW"))).toEqual([1, 2]);
    expect(positions("MSET a 1 b 2", keyRangeWithStep({ index: 1, lastKey: -1, step: 2 }, "OW"))).toEqual([
      1, 3,
    ]);
  });

  test("joins several specifications in their order", () => {
    expect(positions("RENAME a b", oneKey(1, "RW"), oneKey(2, "OW"))).toEqual([1, 2]);
    expect(positions("ZUNIONSTORE d 2 a b WEIGHTS 1 2", oneKey(1, "OW"), counted(2))).toEqual([1, 3, 4]);
  });

  test("counts keys by an argument, and finds none if it lies", () => {
    expect(positions("EVAL s 2 a b c", counted(2))).toEqual([3, 4]);
    for (const line of ["EVAL s 0 a", "EVAL s -1 a", "EVAL s x a", "EVAL s 3 a b", "EVAL s"]) {
      expect(positions(line, counted(2))).toEqual([]);
    }
  });

  test("searches a keyword from either end, and takes the first part of the rest by the limit", () => {
    expect(positions("XREAD COUNT 1 streams a b 0 0", afterKeyword(1, -1, 2))).toEqual([4, 5]);
    expect(positions("X streams a streams b", afterKeyword(-2, 0, 0))).toEqual([4]);
    expect(positions("XREAD COUNT 1 a b", afterKeyword(1, -1, 2))).toEqual([]);
  });

  test("leaves out channels and what cannot be known", () => {
    expect(positions("SPUBLISH c m", oneKey(1, "not_key"))).toEqual([]);
    const unknown: KeySpec = {
      flags: ["RO"],
      beginSearch: { kind: "unknown" },
      findKeys: { kind: "unknown" },
    };
    expect(positions("SORT a STORE b", oneKey(1, "RO"), unknown)).toEqual([1]);
  });
});
