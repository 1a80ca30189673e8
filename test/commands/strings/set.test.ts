import { beforeEach, describe, expect, test } from "bun:test";
import { CommandHarness, startMs } from "../harness.ts";

const syntaxError = "(error) ERR syntax error";
const invalidExpire = "(error) ERR invalid expire time in 'set' command";

let h: CommandHarness;
beforeEach(() => {
  h = new CommandHarness();
});

describe("SET", () => {
  test("replaces the value and drops the deadline", () => {
    expect(h.run("SET k v EX 100")).toBe("OK");
    expect(h.run("SET k w")).toBe("OK");
    expect(h.run("GET k")).toBe('"w"');
    expect(h.run("TTL k")).toBe("(integer) -1");
  });

  test("keeps canonical integers as integers and all else as it came", () => {
    h.run("SET k 9007199254740991");
    expect(h.keyspace.db(0).peek("k")?.value).toBe(9007199254740991);
    for (const text of ["007", "-0", "+1", "9223372036854775807", "1.0", ""]) {
      h.runArgs(["SET", "k", text]);
      expect(h.keyspace.db(0).peek("k")?.value).toBe(text);
    }
  });

  test("takes its deadline in all four units, from the entry's time", () => {
    for (const option of [
      "EX 100",
      "PX 100000",
      `EXAT ${startMs / 1000 + 100}`,
      `pxat ${startMs + 100_000}`,
    ]) {
      expect(h.run(`SET k v ${option}`)).toBe("OK");
      expect(h.run("PTTL k")).toBe("(integer) 100000");
    }
  });

  test("with a deadline that has come leaves no key", () => {
    expect(h.run("SET k v PXAT 1")).toBe("OK");
    expect(h.run("GET k")).toBe("(nil)");
  });

  test("refuses deadlines that are not positive or do not fit 64 bits", () => {
    for (const option of [
      "EX 0",
      "PX -1",
      "EXAT 0",
      "EX 9223372036854775807",
      "EX 9223372036854775",
      "PX 9223372036854775807",
    ]) {
      expect(h.run(`SET k v ${option}`)).toBe(invalidExpire);
    }
    expect(h.run("SET k v EX 1.5")).toBe("(error) ERR value is not an integer or out of range");
    expect(h.run("SET k v PX 9223372036854775808")).toBe(
      "(error) ERR value is not an integer or out of range",
    );
    expect(h.run("EXISTS k")).toBe("(integer) 0");
  });

  test("accepts the largest deadline, and keeps it to the nearest double", () => {
    expect(h.run("SET k v PXAT 9223372036854775807")).toBe("OK");
    expect(h.keyspace.db(0).peek("k")?.expireAtMs).toBe(2 ** 63);
  });

  test("with KEEPTTL keeps the deadline", () => {
    h.run("SET k v EX 100");
    expect(h.run("SET k w KEEPTTL")).toBe("OK");
    expect(h.run("TTL k")).toBe("(integer) 100");
    expect(h.run("SET new v KEEPTTL")).toBe("OK");
    expect(h.run("TTL new")).toBe("(integer) -1");
  });

  test("with NX and XX writes only a missing or an existing key", () => {
    expect(h.run("SET k v XX")).toBe("(nil)");
    expect(h.run("SET k v NX")).toBe("OK");
    expect(h.run("SET k w nx")).toBe("(nil)");
    expect(h.run("SET k x XX")).toBe("OK");
    expect(h.run("GET k")).toBe('"x"');
  });

  test("with GET answers the old value, also when NX or XX keep it from writing", () => {
    expect(h.run("SET k v GET")).toBe("(nil)");
    expect(h.run("SET k w GET")).toBe('"v"');
    expect(h.run("SET k x NX GET")).toBe('"w"');
    expect(h.run("SET other x GET XX")).toBe("(nil)");
    expect(h.run("GET k")).toBe('"w"');
    expect(h.run("EXISTS other")).toBe("(integer) 0");
  });

  test("takes options in any order, the same one again, and the last of two amounts", () => {
    expect(h.run("SET k v GET PX 5000 NX GET NX")).toBe("(nil)");
    expect(h.run("PTTL k")).toBe("(integer) 5000");
    expect(h.run("SET k v EX 1 XX EX 7")).toBe("OK");
    expect(h.run("TTL k")).toBe("(integer) 7");
  });

  test("refuses options that exclude each other, are unknown or miss their amount", () => {
    const options = [
      "NX XX",
      "EX 1 PX 1",
      "KEEPTTL EX 1",
      "EXAT 1 KEEPTTL",
      "EX",
      "NX EX",
      "PERSIST",
      "IFEQ x",
      "EX NX 1",
    ];
    for (const option of options) expect(h.run(`SET k v ${option}`)).toBe(syntaxError);
    expect(h.run("EXISTS k")).toBe("(integer) 0");
  });

  test("checks its deadline before it answers with GET", () => {
    h.run("SET k v");
    expect(h.run("SET k w GET EX 0")).toBe(invalidExpire);
    expect(h.run("GET k")).toBe('"v"');
  });
});

describe("SETEX and PSETEX", () => {
  test("set value and deadline, and name themselves in errors", () => {
    expect(h.run("SETEX k 10 v")).toBe("OK");
    expect(h.run("PTTL k")).toBe("(integer) 10000");
    expect(h.run("PSETEX k 10 w")).toBe("OK");
    expect(h.run("PTTL k")).toBe("(integer) 10");
    expect(h.run("SETEX k 0 x")).toBe("(error) ERR invalid expire time in 'setex' command");
    expect(h.run("PSETEX k -5 x")).toBe("(error) ERR invalid expire time in 'psetex' command");
    expect(h.run("SETEX k v 10")).toBe("(error) ERR value is not an integer or out of range");
    expect(h.run("GET k")).toBe('"w"');
  });
});

describe("SETNX, GETSET and GETDEL", () => {
  test("SETNX writes a missing key only", () => {
    expect(h.run("SETNX k 1")).toBe("(integer) 1");
    expect(h.run("SETNX k 2")).toBe("(integer) 0");
    expect(h.run("GET k")).toBe('"1"');
  });

  test("GETSET answers the old value and drops the deadline", () => {
    expect(h.run("GETSET k v")).toBe("(nil)");
    h.run("EXPIRE k 100");
    expect(h.run("GETSET k w")).toBe('"v"');
    expect(h.run("TTL k")).toBe("(integer) -1");
  });

  test("GETDEL answers and deletes", () => {
    expect(h.run("GETDEL k")).toBe("(nil)");
    h.run("SET k 12");
    expect(h.run("GETDEL k")).toBe('"12"');
    expect(h.run("EXISTS k")).toBe("(integer) 0");
  });
});

describe("GETEX", () => {
  test("without option only reads", () => {
    h.run("SET k v EX 100");
    expect(h.run("GETEX k")).toBe('"v"');
    expect(h.run("TTL k")).toBe("(integer) 100");
  });

  test("sets and removes the deadline", () => {
    h.run("SET k v");
    expect(h.run("GETEX k PX 5000")).toBe('"v"');
    expect(h.run("PTTL k")).toBe("(integer) 5000");
    expect(h.run("GETEX k PERSIST")).toBe('"v"');
    expect(h.run("TTL k")).toBe("(integer) -1");
    expect(h.run("GETEX k EXAT 1")).toBe('"v"');
    expect(h.run("EXISTS k")).toBe("(integer) 0");
  });

  test("refuses SET's other options, and a bad deadline only if there is a key", () => {
    h.run("SET k v");
    for (const option of ["NX", "GET", "KEEPTTL", "EX", "PERSIST EX 1", "EX 1 PERSIST"]) {
      expect(h.run(`GETEX k ${option}`)).toBe(syntaxError);
    }
    expect(h.run("GETEX k EX 0")).toBe("(error) ERR invalid expire time in 'getex' command");
    expect(h.run("GETEX none EX 0")).toBe("(nil)");
  });
});

describe("STRLEN", () => {
  test("counts bytes, of integers their digits", () => {
    h.runArgs(["SET", "k", "\xff\0x"]);
    h.run("SET n -123");
    expect(h.run("STRLEN k")).toBe("(integer) 3");
    expect(h.run("STRLEN n")).toBe("(integer) 4");
    expect(h.run("STRLEN none")).toBe("(integer) 0");
  });
});
