import { describe, expect, test } from "bun:test";
import { harnessWith } from "../harness.ts";

describe("FLUSHDB and FLUSHALL", () => {
  test.each(["", " ASYNC", " sync"])("empty one database, or all%s", (option) => {
    const h = harnessWith("a");
    h.keyspace.db(5).set("b", "");
    expect(h.run(`FLUSHDB${option}`)).toBe("OK");
    expect(h.keyspace.databases.map((db) => db.size).filter((size) => size > 0)).toEqual([1]);
    expect(h.run(`FLUSHALL${option}`)).toBe("OK");
    expect(h.keyspace.db(5).size).toBe(0);
  });

  test.each(["FLUSHALL NOW", "FLUSHDB ASYNC SYNC", "FLUSHDB SYNC SYNC"])("%s is refused", (line) => {
    const h = harnessWith("a");
    expect(h.run(line)).toBe("(error) ERR syntax error");
    expect(h.run("DBSIZE")).toBe("(integer) 1");
  });
});

describe("SWAPDB", () => {
  test("swaps what clients of both databases see", () => {
    const h = harnessWith("a");
    expect(h.run("SWAPDB 0 15")).toBe("OK");
    expect(h.run("DBSIZE")).toBe("(integer) 0");
    h.dbIndex = 15;
    expect(h.run("KEYS *")).toBe('1) "a"');
    expect(h.run("SWAPDB 15 15")).toBe("OK");
    expect(h.run("KEYS *")).toBe('1) "a"');
  });

  test.each([
    ["SWAPDB a 1", "ERR invalid first DB index"],
    ["SWAPDB 2147483648 x", "ERR invalid first DB index"],
    ["SWAPDB 0 01", "ERR invalid second DB index"],
    ["SWAPDB 0 16", "ERR DB index is out of range"],
    ["SWAPDB -1 0", "ERR DB index is out of range"],
  ])("%s is refused", (line, error) => {
    expect(harnessWith("a").run(line)).toBe(`(error) ${error}`);
  });
});
