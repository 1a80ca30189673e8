import { describe, expect, test } from "bun:test";
import { CommandHarness, harnessWith } from "../harness.ts";

describe.each(["DEL", "UNLINK"])("%s", (command) => {
  test("removes keys and counts those that were there", () => {
    const h = harnessWith("a", "b", "c");
    expect(h.run(`${command} a b a absent`)).toBe("(integer) 2");
    expect(h.run("KEYS *")).toBe('1) "c"');
  });

  test("does not count a key that has expired", () => {
    const h = harnessWith("a");
    h.run("PEXPIRE a 10");
    h.nowMs += 10;
    expect(h.run(`${command} a`)).toBe("(integer) 0");
  });

  test("wants at least one key", () => {
    expect(new CommandHarness().run(command)).toBe(
      `(error) ERR wrong number of arguments for '${command.toLowerCase()}' command`,
    );
  });
});

describe("EXISTS and TOUCH", () => {
  test("count every mention of a key that is there", () => {
    const h = harnessWith("a", "b");
    expect(h.run("EXISTS a b absent a")).toBe("(integer) 3");
    expect(h.run("TOUCH a b absent a")).toBe("(integer) 3");
  });

  test("TOUCH notes the access, EXISTS does not", () => {
    const h = harnessWith("a");
    h.nowMs += 60_000;
    h.run("EXISTS a");
    expect(h.run("OBJECT IDLETIME a")).toBe("(integer) 60");
    h.run("TOUCH a");
    expect(h.run("OBJECT IDLETIME a")).toBe("(integer) 0");
  });
});

test("TYPE names the type, or none", () => {
  const h = harnessWith("a");
  expect(h.run("TYPE a")).toBe("string");
  expect(h.run("TYPE absent")).toBe("none");
});
