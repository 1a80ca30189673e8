import { describe, expect, test } from "bun:test";
import { harnessWith, startMs } from "../harness.ts";

const startSeconds = startMs / 1000;

describe("EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT", () => {
  test.each([
    ["EXPIRE k 100", startMs + 100_000],
    ["PEXPIRE k 100", startMs + 100],
    [`EXPIREAT k ${startSeconds + 5}`, startMs + 5000],
    [`PEXPIREAT k ${startMs + 7}`, startMs + 7],
  ])("%s sets the deadline", (line, deadlineMs) => {
    const h = harnessWith("k");
    expect(h.run(line)).toBe("(integer) 1");
    expect(h.run("PEXPIRETIME k")).toBe(`(integer) ${deadlineMs}`);
    h.nowMs = deadlineMs - 1;
    expect(h.run("EXISTS k")).toBe("(integer) 1");
    h.nowMs = deadlineMs;
    expect(h.run("EXISTS k")).toBe("(integer) 0");
    expect(h.run("DBSIZE")).toBe("(integer) 0");
  });

  test.each([
    "EXPIRE k 0",
    "EXPIRE k -1",
    "PEXPIRE k -9223372036854775808",
    `EXPIREAT k ${startSeconds}`,
    "PEXPIREAT k 0",
  ])("%s deletes the key at once", (line) => {
    const h = harnessWith("k");
    expect(h.run(line)).toBe("(integer) 1");
    expect(h.keyspace.db(0).size).toBe(0);
  });

  test.each(["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"])("%s answers 0 without the key", (command) => {
    expect(harnessWith().run(`${command} absent 100`)).toBe("(integer) 0");
  });

  test.each([
    ["EXPIRE k abc", "ERR value is not an integer or out of range"],
    ["EXPIRE k 1.5", "ERR value is not an integer or out of range"],
    ['EXPIRE k ""', "ERR value is not an integer or out of range"],
    ["EXPIRE k 9223372036854775808", "ERR value is not an integer or out of range"],
    ["EXPIRE k 9223372036854775807", "ERR invalid expire time in 'expire' command"],
    ["EXPIRE k 9223370399119966", "ERR invalid expire time in 'expire' command"],
    ["EXPIRE k -9223372036854776", "ERR invalid expire time in 'expire' command"],
    ["EXPIREAT k 9223372036854776", "ERR invalid expire time in 'expireat' command"],
    ["PEXPIRE k 9223372036854770000", "ERR invalid expire time in 'pexpire' command"],
    ["EXPIRE k 10 AB", "ERR Unsupported option AB"],
    ["EXPIRE k abc AB", "ERR Unsupported option AB"],
    ["EXPIRE k 10 NX XX", "ERR NX and XX, GT or LT options at the same time are not compatible"],
    ["EXPIRE k 10 nx gt", "ERR NX and XX, GT or LT options at the same time are not compatible"],
    ["EXPIRE k 10 GT LT", "ERR GT and LT options at the same time are not compatible"],
    ["EXPIRE absent abc", "ERR value is not an integer or out of range"],
    ["EXPIRE k", "ERR wrong number of arguments for 'expire' command"],
  ])("%s is refused", (line, error) => {
    const h = harnessWith("k");
    expect(h.run(line)).toBe(`(error) ${error}`);
    expect(h.run("TTL k")).toBe("(integer) -1");
  });

  test.each([
    // now, the condition, the new deadline, whether it is taken
    [0, "NX", 50, true],
    [100, "NX", 50, false],
    [0, "XX", 50, false],
    [100, "XX", 50, true],
    [0, "GT", 50, false],
    [100, "GT", 50, false],
    [100, "GT", 100, false],
    [100, "GT", 101, true],
    [0, "LT", 50, true],
    [100, "LT", 50, true],
    [100, "LT", 100, false],
    [100, "LT", 101, false],
    [0, "XX LT", 50, false],
    [100, "xx lt", 50, true],
    [100, "LT XX GT", 50, null],
  ] as const)("with %d seconds left, %s %d sets it: %p", (seconds, condition, amount, taken) => {
    const h = harnessWith("k");
    if (seconds > 0) h.run(`EXPIRE k ${seconds}`);
    const reply = h.run(`EXPIRE k ${amount} ${condition}`);
    if (taken === null) expect(reply).toStartWith("(error)");
    else expect(reply).toBe(`(integer) ${taken ? 1 : 0}`);
    const left = taken === true ? amount : seconds === 0 ? -1 : seconds;
    expect(h.run("TTL k")).toBe(`(integer) ${left}`);
  });

  test("LT with a past deadline deletes a key that would never expire, GT and XX do not", () => {
    const h = harnessWith("k");
    expect(h.run("EXPIRE k -5 GT")).toBe("(integer) 0");
    expect(h.run("EXPIRE k -5 XX")).toBe("(integer) 0");
    expect(h.run("EXPIRE k -5 LT")).toBe("(integer) 1");
    expect(h.run("EXISTS k")).toBe("(integer) 0");
  });

  test("the last word of Redis' 64 bits is taken, to the nearest double", () => {
    const h = harnessWith("k");
    expect(h.run("PEXPIREAT k 9223372036854775807")).toBe("(integer) 1");
    expect(h.run("PEXPIRETIME k")).toBe("(integer) 9223372036854775807");
    expect(h.run("EXPIRETIME k")).toBe("(integer) 9223372036854776");
    expect(h.run("PTTL k")).toBe(`(integer) ${9223372036854775807n - BigInt(startMs)}`);
  });
});

describe("TTL, PTTL, EXPIRETIME and PEXPIRETIME", () => {
  test.each(["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"])("%s tells no key from no deadline", (command) => {
    const h = harnessWith("k");
    expect(h.run(`${command} absent`)).toBe("(integer) -2");
    expect(h.run(`${command} k`)).toBe("(integer) -1");
  });

  test("seconds are rounded, half a second up", () => {
    const h = harnessWith("k");
    h.run("PEXPIRE k 10500");
    expect(h.run("TTL k")).toBe("(integer) 11");
    expect(h.run("EXPIRETIME k")).toBe(`(integer) ${startSeconds + 11}`);
    h.nowMs += 1;
    expect(h.run("TTL k")).toBe("(integer) 10");
    expect(h.run("PTTL k")).toBe("(integer) 10499");
    h.nowMs += 10_498;
    expect(h.run("TTL k")).toBe("(integer) 0");
  });
});

describe("PERSIST", () => {
  test("drops the deadline, and says whether there was one", () => {
    const h = harnessWith("k");
    expect(h.run("PERSIST k")).toBe("(integer) 0");
    h.run("EXPIRE k 10");
    expect(h.run("PERSIST k")).toBe("(integer) 1");
    h.nowMs += 20_000;
    expect(h.run("TTL k")).toBe("(integer) -1");
    expect(h.run("PERSIST absent")).toBe("(integer) 0");
  });
});
