import { describe, expect, test } from "bun:test";
import { harnessWith } from "../harness.ts";

describe("KEYS", () => {
  test("lists matching names in the order of creation", () => {
    const h = harnessWith("b1", "a1", "b2", "\xff");
    expect(h.run("KEYS b?")).toBe('1) "b1"\n2) "b2"');
    expect(h.run("KEYS *1")).toBe('1) "b1"\n2) "a1"');
    expect(h.run("KEYS *")).toBe('1) "b1"\n2) "a1"\n3) "b2"\n4) "\\xff"');
    expect(h.run("KEYS x*")).toBe("(empty array)");
  });

  test("lists the empty name for a bare star only", () => {
    const h = harnessWith("");
    expect(h.run("KEYS *")).toBe('1) ""');
    expect(h.run("KEYS **")).toBe("(empty array)");
    expect(h.run('KEYS ""')).toBe('1) ""');
  });
});

describe("SCAN", () => {
  test("goes from the newest key to the oldest, ten at a time", () => {
    const h = harnessWith(...Array.from({ length: 12 }, (_, index) => `k${index}`));
    expect(h.run("SCAN 0")).toBe(
      [
        '1) "2"',
        '2) 1) "k11"',
        ...Array.from({ length: 9 }, (_, index) => `   ${index + 2}) "k${10 - index}"`),
      ].join("\n"),
    );
    expect(h.run("SCAN 2")).toBe('1) "0"\n2) 1) "k1"\n   2) "k0"');
  });

  test("filters by pattern and type after counting", () => {
    const h = harnessWith("a", "b1", "b2");
    expect(h.run("SCAN 0 COUNT 2 MATCH b*")).toBe('1) "1"\n2) 1) "b2"\n   2) "b1"');
    expect(h.run("SCAN 1 count 2 match b*")).toBe('1) "0"\n2) (empty array)');
    expect(h.run("SCAN 0 TYPE STRING MATCH a")).toBe('1) "0"\n2) 1) "a"');
    expect(h.run("SCAN 0 TYPE hash")).toBe('1) "0"\n2) (empty array)');
    expect(h.run("SCAN 0 TYPE nonsense")).toBe('1) "0"\n2) (empty array)');
  });

  test("lists the empty name for a bare star, as KEYS does", () => {
    const h = harnessWith("");
    expect(h.run("SCAN 0 MATCH *")).toBe('1) "0"\n2) 1) ""');
    expect(h.run("SCAN 0 MATCH **")).toBe('1) "0"\n2) (empty array)');
  });

  test("takes the cursors that strtoul takes", () => {
    const h = harnessWith("a");
    for (const cursor of ["18446744073709551615", "-1", "+7", "007", '""', '"5\\x00x"']) {
      expect(h.run(`SCAN ${cursor}`)).toBe('1) "0"\n2) 1) "a"');
    }
  });

  test("looks no closer at a cursor of megabytes", () => {
    const digits = 2 ** 24;
    const started = Bun.nanoseconds();
    expect(harnessWith("a").runArgs(["SCAN", "9".repeat(digits)])).toBe("(error) ERR invalid cursor");
    expect(harnessWith("a").runArgs(["SCAN", "0".repeat(digits)])).toBe('1) "0"\n2) 1) "a"');
    expect(harnessWith("a").runArgs(["SCAN", `${"0".repeat(digits)}x`])).toBe("(error) ERR invalid cursor");
    expect(Bun.nanoseconds() - started).toBeLessThan(1e9);
  });

  test.each([
    ["SCAN abc", "ERR invalid cursor"],
    ["SCAN 1x", "ERR invalid cursor"],
    ['SCAN " 1"', "ERR invalid cursor"],
    ["SCAN -", "ERR invalid cursor"],
    ["SCAN 1.0", "ERR invalid cursor"],
    ["SCAN 18446744073709551616", "ERR invalid cursor"],
    ["SCAN abc COUNT x", "ERR invalid cursor"],
    ["SCAN 0 COUNT 0", "ERR syntax error"],
    ["SCAN 0 COUNT -5", "ERR syntax error"],
    ["SCAN 0 COUNT x", "ERR value is not an integer or out of range"],
    ["SCAN 0 COUNT 9223372036854775808", "ERR value is not an integer or out of range"],
    ["SCAN 0 COUNT", "ERR syntax error"],
    ["SCAN 0 MATCH", "ERR syntax error"],
    ["SCAN 0 SORT a", "ERR syntax error"],
    ["SCAN 0 MATCH a TYPE", "ERR syntax error"],
    ["SCAN", "ERR wrong number of arguments for 'scan' command"],
  ])("%s is refused", (line, error) => {
    expect(harnessWith("a").run(line)).toBe(`(error) ${error}`);
  });

  test("takes the largest COUNT there is", () => {
    expect(harnessWith("a").run("SCAN 0 COUNT 9223372036854775807")).toBe('1) "0"\n2) 1) "a"');
  });
});

describe("RANDOMKEY and DBSIZE", () => {
  test("RANDOMKEY draws a live key, and answers nil without any", () => {
    const h = harnessWith();
    expect(h.replyTo(["RANDOMKEY"])).toEqual({ kind: "nil" });
    for (const name of ["a", "b", "c"]) h.keyspace.db(0).set(name, "");
    const drawn = new Set(Array.from({ length: 60 }, () => h.run("RANDOMKEY")));
    expect([...drawn].sort()).toEqual(['"a"', '"b"', '"c"']);
  });

  test("DBSIZE counts the keys of the selected database", () => {
    const h = harnessWith("a", "b");
    expect(h.run("DBSIZE")).toBe("(integer) 2");
    h.dbIndex = 3;
    expect(h.run("DBSIZE")).toBe("(integer) 0");
  });
});
