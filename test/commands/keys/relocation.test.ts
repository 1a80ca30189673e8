import { describe, expect, test } from "bun:test";
import { harnessWith } from "../harness.ts";

describe("RENAME", () => {
  test("takes value, deadline and encoding along, in place of the key that had the name", () => {
    const h = harnessWith("a", "b");
    const entry = h.keyspace.db(0).set("a", "value");
    entry.rawEncoded = true;
    h.run("EXPIRE a 10");
    h.run("EXPIRE b 99");
    expect(h.run("RENAME a b")).toBe("OK");
    expect(h.run("EXISTS a")).toBe("(integer) 0");
    expect(h.run("TTL b")).toBe("(integer) 10");
    expect(h.run("OBJECT ENCODING b")).toBe('"raw"');
    expect(h.keyspace.db(0).find("b")?.value).toBe("value");
  });

  test("drops the deadline of the key that had the name", () => {
    const h = harnessWith("a", "b");
    h.run("EXPIRE b 10");
    h.run("RENAME a b");
    expect(h.run("TTL b")).toBe("(integer) -1");
  });

  test("to its own name changes nothing, but the key must be there", () => {
    const h = harnessWith("a");
    const before = h.keyspace.digest();
    expect(h.run("RENAME a a")).toBe("OK");
    expect(h.keyspace.digest()).toBe(before);
    expect(h.run("RENAME absent absent")).toBe("(error) ERR no such key");
    expect(h.run("RENAME absent b")).toBe("(error) ERR no such key");
  });
});

describe("RENAMENX", () => {
  test("leaves everything when the name is taken, be it by the key itself", () => {
    const h = harnessWith("a", "b");
    const before = h.keyspace.digest();
    expect(h.run("RENAMENX a b")).toBe("(integer) 0");
    expect(h.run("RENAMENX a a")).toBe("(integer) 0");
    expect(h.keyspace.digest()).toBe(before);
    expect(h.run("RENAMENX a c")).toBe("(integer) 1");
    expect(h.run("KEYS *")).toBe('1) "b"\n2) "c"');
    expect(h.run("RENAMENX absent x")).toBe("(error) ERR no such key");
  });

  test("takes the name of a key that has expired", () => {
    const h = harnessWith("a", "b");
    h.run("PEXPIRE b 10");
    h.nowMs += 10;
    expect(h.run("RENAMENX a b")).toBe("(integer) 1");
    expect(h.run("TTL b")).toBe("(integer) -1");
  });
});

describe("COPY", () => {
  test("copies value, deadline and encoding, and leaves the source", () => {
    const h = harnessWith("a");
    h.run("EXPIRE a 10");
    const source = h.keyspace.db(0).find("a");
    if (source !== undefined) source.rawEncoded = true;
    expect(h.run("COPY a b")).toBe("(integer) 1");
    expect(h.run("TTL b")).toBe("(integer) 10");
    expect(h.run("TTL a")).toBe("(integer) 10");
    expect(h.run("OBJECT ENCODING b")).toBe('"raw"');
  });

  test("replaces a key only with REPLACE", () => {
    const h = harnessWith("a", "b");
    h.run("EXPIRE b 10");
    h.keyspace.db(0).set("a", "new");
    expect(h.run("COPY a b")).toBe("(integer) 0");
    expect(h.run("TTL b")).toBe("(integer) 10");
    expect(h.run("COPY a b replace")).toBe("(integer) 1");
    expect(h.run("TTL b")).toBe("(integer) -1");
    expect(h.keyspace.db(0).find("b")?.value).toBe("new");
  });

  test("copies to another database, under the same name too", () => {
    const h = harnessWith("a");
    expect(h.run("COPY a a DB 2")).toBe("(integer) 1");
    expect(h.run("COPY a b DB 2 REPLACE")).toBe("(integer) 1");
    expect([...h.keyspace.db(2).entries()].map((entry) => entry.key)).toEqual(["a", "b"]);
    expect(h.run("COPY absent x DB 2")).toBe("(integer) 0");
  });

  test.each([
    ["COPY a a", "ERR source and destination objects are the same"],
    ["COPY a a REPLACE DB 0", "ERR source and destination objects are the same"],
    ["COPY absent absent", "ERR source and destination objects are the same"],
    ["COPY a b DB 16", "ERR DB index is out of range"],
    ["COPY a b DB -1", "ERR DB index is out of range"],
    ["COPY a b DB x", "ERR value is not an integer or out of range"],
    ["COPY a b DB 2147483648", "ERR value is out of range, value must between -2147483648 and 2147483647"],
    ["COPY a b DB", "ERR syntax error"],
    ["COPY a b KEEP", "ERR syntax error"],
  ])("%s is refused", (line, error) => {
    expect(harnessWith("a").run(line)).toBe(`(error) ${error}`);
  });
});

describe("MOVE", () => {
  test("moves a key with its deadline unless the name is taken there", () => {
    const h = harnessWith("a", "b");
    h.run("EXPIRE a 10");
    expect(h.run("MOVE a 1")).toBe("(integer) 1");
    expect(h.run("KEYS *")).toBe('1) "b"');
    h.keyspace.db(1).set("b", "other");
    expect(h.run("MOVE b 1")).toBe("(integer) 0");
    expect(h.run("MOVE absent 1")).toBe("(integer) 0");
    h.dbIndex = 1;
    expect(h.run("TTL a")).toBe("(integer) 10");
  });

  test.each([
    ["MOVE a 0", "ERR source and destination objects are the same"],
    ["MOVE absent 0", "ERR source and destination objects are the same"],
    ["MOVE a 16", "ERR DB index is out of range"],
    ["MOVE a x", "ERR value is not an integer or out of range"],
    ["MOVE a -2147483649", "ERR value is out of range, value must between -2147483648 and 2147483647"],
  ])("%s is refused", (line, error) => {
    expect(harnessWith("a").run(line)).toBe(`(error) ${error}`);
  });
});
