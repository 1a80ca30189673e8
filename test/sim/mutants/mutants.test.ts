// That the planted bugs still fit the sources, and are planted where a process loads them.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { mutants } from "./catalogue.ts";
import { planted } from "./mutant.ts";

const sources = join(import.meta.dir, "../../../src");

test("planted() changes one place and refuses none or several", () => {
  const edit = { file: "x.ts", find: "b", replace: "$&" };
  expect(planted("abc", [edit])).toBe("a$&c");
  expect(() => planted("ac", [edit])).toThrow("0 places");
  expect(() => planted("abcb", [edit])).toThrow("2 places");
});

for (const { name, edits } of mutants) {
  test(`${name} fits the sources`, async () => {
    for (const [file, ofFile] of Map.groupBy(edits, (edit) => edit.file)) {
      const source = await Bun.file(join(sources, file)).text();
      expect(planted(source, ofFile)).not.toBe(source);
    }
  });
}

test("mutants have names of their own", () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});
