import { describe, expect, test } from "bun:test";
import { errorFor, errors } from "../../src/resp/errors.ts";

describe("the catalogue of errors", () => {
  const rows = Object.entries(errors);

  test("holds every text once", () => {
    const names = new Map<string, string>();
    for (const [name, text] of rows) {
      expect([text, names.get(text)]).toEqual([text, undefined]);
      names.set(text, name);
    }
  });

  test("holds texts that a reply can carry: a code first, one line, printable", () => {
    // RedisRaft gives these without a code; scripts compare them as they are.
    const withoutCode = new Set<string>([errors.clusterSupports, errors.debugExecFailed]);
    for (const [, text] of rows) {
      expect(text).toMatch(/^[\x20-\x7e]+$/);
      if (!withoutCode.has(text)) expect(text).toMatch(/^[A-Z]+ [^ ]/);
    }
  });

  test("fills in what Redis fills in", () => {
    expect(errorFor.wrongArity("client|kill")).toBe(
      "ERR wrong number of arguments for 'client|kill' command",
    );
    expect(errorFor.unknownSubcommand("client", "Foo")).toBe(
      "ERR unknown subcommand 'Foo'. Try CLIENT HELP.",
    );
    expect(errorFor.invalidExpireTime("setex")).toBe("ERR invalid expire time in 'setex' command");
    expect(errorFor.moved(12182, "127.0.0.1", 6379)).toBe("MOVED 12182 127.0.0.1:6379");
    expect(errorFor.protocol("too big inline request")).toBe("ERR Protocol error: too big inline request");
  });

  test("repeats an unknown command as Redis does", () => {
    const start = "ERR unknown command 'foo', with args beginning with: ";
    expect(errorFor.unknownCommand(["foo"])).toBe(start);
    expect(errorFor.unknownCommand(["foo", "a", "", "b c"])).toBe(`${start}'a' '' 'b c' `);
    expect(errorFor.unknownCommand(["foo", "a".repeat(200), "b"])).toBe(`${start}'${"a".repeat(128)}' `);
    expect(errorFor.unknownCommand(["foo", "a".repeat(100), "b".repeat(100), "c"])).toBe(
      `${start}'${"a".repeat(100)}' '${"b".repeat(25)}' `,
    );
    expect(errorFor.unknownCommand(["x".repeat(200)])).toBe(
      `ERR unknown command '${"x".repeat(128)}', with args beginning with: `,
    );
    expect(errorFor.unknownCommand(["a\0b", "c\0d"])).toBe(
      "ERR unknown command 'a', with args beginning with: 'c' ",
    );
  });
});
