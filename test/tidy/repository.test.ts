import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { vlotVersion } from "../../src/base/version.ts";
import { errorFor, errors } from "../../src/resp/errors.ts";
import { root, sourceFiles } from "./source-text.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");

test("the lock file names no registry, so that every machine asks its own", () => {
  expect(read("package-lock.json")).not.toContain('"resolved"');
});

test("the version is said once in two places", () => {
  expect(JSON.parse(read("package.json"))).toMatchObject({ version: vlotVersion });
});

test("packages are pinned", () => {
  const {
    dependencies,
    devDependencies,
  }: Record<string, Record<string, string>> = JSON.parse(read("package.json"));
  for (const version of Object.values({ ...dependencies, ...devDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  }
});

test("no file speaks of a folder of the machine it was written on", () => {
  const machine = new RegExp(["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]"].join("|"));
  const texts = ["README.md", "package.json", ".ci/run", "tsconfig.json", "bunfig.toml"].map((path) => ({
    path,
    text: read(path),
  }));
  const files = [...texts, ...sourceFiles("src", "test", "build.ts")];
  expect(files.filter(({ text }) => machine.test(text)).map(({ path }) => path)).toEqual([]);
  expect(
    sourceFiles("src")
      .filter(({ text }) => text.includes("/tmp/"))
      .map(({ path }) => path),
  ).toEqual([]);
});

test("the top of the repository stays small", () => {
  const known = new Set([
    ...[
      "src",
      "test",
      ".ci",
      "build.ts",
      "bunfig.toml",
      "package.json",
      "package-lock.json",
      "tsconfig.json",
    ],
    ...["README.md", "LICENSE", ".gitignore", ".git", "node_modules", "dist", "vlot-demo"],
  ]);
  expect(readdirSync(root).filter((name) => !known.has(name) && !name.endsWith(".log"))).toEqual([]);
});

test(".ci/run can be run", () => {
  expect(statSync(join(root, ".ci/run")).mode & 0o111).toBe(0o111);
});

test("every row of the catalogue of errors is given by somebody", () => {
  const users = sourceFiles("src").filter(({ path }) => path !== "src/resp/errors.ts");
  const used = (row: string): boolean => users.some(({ text }) => new RegExp(`${row}\\b`).test(text));
  const rows = [
    ...Object.keys(errors).map((name) => `errors\\.${name}`),
    ...Object.keys(errorFor).map((name) => `errorFor\\.${name}`),
  ];
  expect(rows.filter((row) => !used(row))).toEqual([]);
});
