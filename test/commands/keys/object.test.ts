import { describe, expect, test } from "bun:test";
import { storedString } from "../../../src/keyspace/value.ts";
import { harnessWith } from "../harness.ts";

describe("OBJECT", () => {
  test.each(["ENCODING", "FREQ", "IDLETIME", "REFCOUNT"])("%s answers nil without the key", (subcommand) => {
    const h = harnessWith();
    expect(h.replyTo(["object", subcommand, "absent"])).toEqual({ kind: "nil" });
  });

  test("ENCODING tells integers, short and long strings apart", () => {
    const h = harnessWith();
    const texts = ["12", "9223372036854775807", "1.5", "x".repeat(45)];
    for (const [index, text] of texts.entries()) h.keyspace.db(0).set(`k${index}`, storedString(text));
    expect(texts.map((_, index) => h.run(`OBJECT ENCODING k${index}`))).toEqual([
      '"int"',
      '"int"',
      '"embstr"',
      '"raw"',
    ]);
  });

  test("REFCOUNT is that of Redis' shared integers, or 1", () => {
    const h = harnessWith("text");
    h.keyspace.db(0).set("small", 42);
    expect(h.run("OBJECT REFCOUNT small")).toBe("(integer) 2147483647");
    expect(h.run("OBJECT REFCOUNT text")).toBe("(integer) 1");
  });

  test("IDLETIME counts whole seconds since the last access and is none itself", () => {
    const h = harnessWith("k");
    h.nowMs += 12_999;
    expect(h.run("OBJECT IDLETIME k")).toBe("(integer) 12");
    expect(h.run("OBJECT IDLETIME k")).toBe("(integer) 12");
    h.run("TTL k");
    expect(h.run("OBJECT IDLETIME k")).toBe("(integer) 12");
  });

  test("FREQ is refused with Redis' reason", () => {
    expect(harnessWith("k").run("OBJECT FREQ k")).toStartWith(
      "(error) ERR An LFU maxmemory policy is not selected, access frequency not tracked.",
    );
  });

  test("wants a subcommand that it knows, with its one key", () => {
    const h = harnessWith("k");
    expect(h.run("OBJECT")).toBe("(error) ERR wrong number of arguments for 'object' command");
    expect(h.run("OBJECT NONSENSE k")).toBe("(error) ERR unknown subcommand 'NONSENSE'. Try OBJECT HELP.");
    expect(h.run("OBJECT ENCODING")).toBe(
      "(error) ERR wrong number of arguments for 'object|encoding' command",
    );
  });
});
