// That what takes the protections out still fits the sources, and that each names a test that exists.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { planted } from "../sim/mutants/mutant.ts";
import { protections } from "./protections.ts";

const sources = join(import.meta.dir, "../../src");
const tests = join(import.meta.dir, "..");

for (const { name, edits, testFile, title } of protections) {
  test(`${name} fits the sources, and ${title} exists`, async () => {
    for (const [file, ofFile] of Map.groupBy(edits, (edit) => edit.file)) {
      const source = await Bun.file(join(sources, file)).text();
      expect(planted(source, ofFile)).not.toBe(source);
    }
    expect(await Bun.file(join(tests, testFile)).text()).toMatch(new RegExp(`["\`]${title}`));
  });
}

test("protections have names of their own", () => {
  expect(new Set(protections.map(({ name }) => name)).size).toBe(protections.length);
});
