import { beforeEach, describe, expect, test } from "bun:test";
import { CommandHarness } from "../harness.ts";

const notAnInteger = "(error) ERR value is not an integer or out of range";
const overflow = "(error) ERR increment or decrement would overflow";

let h: CommandHarness;
beforeEach(() => {
  h = new CommandHarness();
});

describe("INCR, DECR, INCRBY and DECRBY", () => {
  test("count from 0 and keep the deadline", () => {
    expect(h.run("INCR n")).toBe("(integer) 1");
    h.run("EXPIRE n 100");
    expect(h.run("INCRBY n 41")).toBe("(integer) 42");
    expect(h.run("DECRBY n 50")).toBe("(integer) -8");
    expect(h.run("DECR n")).toBe("(integer) -9");
    expect(h.run("TTL n")).toBe("(integer) 100");
  });

  test("are exact around 2^53", () => {
    h.run("SET n 9007199254740991");
    expect(h.run("INCR n")).toBe("(integer) 9007199254740992");
    expect(h.run("INCR n")).toBe("(integer) 9007199254740993");
    expect(h.run("DECRBY n 3")).toBe("(integer) 9007199254740990");
    expect(h.keyspace.db(0).peek("n")?.value).toBe(9007199254740990);
    expect(h.run("INCRBY n -18014398509481983")).toBe("(integer) -9007199254740993");
  });

  test("reach the ends of 64 bits and refuse to pass them", () => {
    h.run("SET n 9223372036854775806");
    expect(h.run("INCR n")).toBe("(integer) 9223372036854775807");
    expect(h.run("INCR n")).toBe(overflow);
    expect(h.run("DECRBY n 9223372036854775807")).toBe("(integer) 0");
    expect(h.run("DECRBY n 9223372036854775807")).toBe("(integer) -9223372036854775807");
    expect(h.run("DECR n")).toBe("(integer) -9223372036854775808");
    expect(h.run("DECR n")).toBe(overflow);
    expect(h.run("OBJECT ENCODING n")).toBe('"int"');
  });

  test("refuse a decrement whose opposite does not fit", () => {
    expect(h.run("DECRBY n -9223372036854775808")).toBe("(error) ERR decrement would overflow");
    expect(h.run("INCRBY n -9223372036854775808")).toBe("(integer) -9223372036854775808");
  });

  test("refuse values and amounts that are no canonical integers", () => {
    for (const text of ["abc", "1.0", " 1", "01", "", "9223372036854775808"]) {
      h.runArgs(["SET", "n", text]);
      expect(h.run("INCR n")).toBe(notAnInteger);
      expect(h.runArgs(["INCRBY", "m", text])).toBe(notAnInteger);
    }
  });
});

describe("INCRBYFLOAT", () => {
  test("adds in extended precision and prints as Redis does", () => {
    expect(h.run("INCRBYFLOAT f 10.5")).toBe('"10.5"');
    expect(h.run("INCRBYFLOAT f 0.1")).toBe('"10.6"');
    expect(h.run("INCRBYFLOAT f -5")).toBe('"5.6"');
    expect(h.run("INCRBYFLOAT f 5.0e3")).toBe('"5005.60000000000000009"');
  });

  test("keeps the deadline, and an integral result as text that counters still take", () => {
    h.run("SET f 2 EX 100");
    expect(h.run("INCRBYFLOAT f 1")).toBe('"3"');
    expect(h.run("OBJECT ENCODING f")).toBe('"embstr"');
    expect(h.run("TTL f")).toBe("(integer) 100");
    expect(h.run("INCR f")).toBe("(integer) 4");
    expect(h.run("OBJECT ENCODING f")).toBe('"int"');
  });

  test("refuses what is no number and sums that are not finite", () => {
    h.run("SET f abc");
    expect(h.run("INCRBYFLOAT f 1")).toBe("(error) ERR value is not a valid float");
    expect(h.run("INCRBYFLOAT g nan")).toBe("(error) ERR value is not a valid float");
    expect(h.run("INCRBYFLOAT g inf")).toBe("(error) ERR increment would produce NaN or Infinity");
    expect(h.run("EXISTS g")).toBe("(integer) 0");
  });
});
