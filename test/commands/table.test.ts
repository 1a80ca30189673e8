import { describe, expect, test } from "bun:test";
import type { Command } from "../../src/commands/command.ts";
import { allCommands, CommandTable } from "../../src/commands/table.ts";

const table = new CommandTable();

function outcome(...args: string[]): string {
  const found = table.lookup(args);
  return found.kind === "command" ? found.fullName : found.text;
}

describe("CommandTable.lookup()", () => {
  test("finds commands in any case", () => {
    for (const name of ["get", "GET", "Get", "gEt"]) expect(outcome(name, "k")).toBe("get");
  });

  test("finds subcommands in any case, under their full names", () => {
    for (const words of [
      ["object", "encoding"],
      ["OBJECT", "ENCODING"],
      ["Object", "enCoding"],
    ]) {
      expect(outcome(...words, "k")).toBe("object|encoding");
    }
  });

  test("tells writes from reads", () => {
    const isWrite = (...args: string[]): unknown => {
      const found = table.lookup(args);
      return found.kind === "command" && found.isWrite;
    };
    expect(isWrite("SET", "k", "v")).toBe(true);
    expect(isWrite("GETEX", "k")).toBe(true);
    expect(isWrite("GET", "k")).toBe(false);
  });

  test("refuses a wrong count of arguments", () => {
    const wrong = (name: string): string => `ERR wrong number of arguments for '${name}' command`;
    expect(outcome("GET")).toBe(wrong("get"));
    expect(outcome("gEt", "a", "b")).toBe(wrong("get"));
    expect(outcome("MSET", "a")).toBe(wrong("mset"));
    expect(outcome("OBJECT")).toBe(wrong("object"));
    expect(outcome("OBJECT", "ENCODING")).toBe(wrong("object|encoding"));
  });

  test("refuses unknown commands and subcommands with what was given", () => {
    expect(outcome("NOPE", "a b", "c")).toBe(
      "ERR unknown command 'NOPE', with args beginning with: 'a b' 'c' ",
    );
    expect(outcome("")).toBe("ERR unknown command '', with args beginning with: ");
    expect(outcome("object", "Nope")).toBe("ERR unknown subcommand 'Nope'. Try OBJECT HELP.");
    expect(outcome("__proto__")).toStartWith("ERR unknown command '__proto__'");
  });
});

describe("CommandTable.find()", () => {
  test("finds commands and subcommands by full name", () => {
    expect(table.find("GET")?.name).toBe("get");
    expect(table.find("object|Freq")?.name).toBe("freq");
    for (const name of ["", "nope", "get|x", "object|nope", "object|freq|x"]) {
      expect(table.find(name)).toBeUndefined();
    }
  });
});

describe("the facts of all commands", () => {
  test("fit together", () => {
    for (const command of runnable(allCommands)) {
      const names = new Set(command.arguments.map((spec) => spec.name));
      expect(`${command.name} ${names.size}`).toBe(`${command.name} ${command.arguments.length}`);
      expect(command.summary).toMatch(/^[A-Z].*\.$/s);
      for (const spec of command.keySpecs) expect(spec.flags.length).toBeGreaterThan(0);
    }
  });

  test("name each command once", () => {
    const twice: readonly Command[] = [...allCommands, ...allCommands.slice(0, 1)];
    expect(() => new CommandTable(twice)).toThrow("one command named");
  });
});

function runnable(commands: readonly Command[]): Command[] {
  return commands.flatMap((command) =>
    command.scope === "container" ? [...command.subcommands] : [command],
  );
}
