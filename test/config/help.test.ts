import { expect, test } from "bun:test";
import { join } from "node:path";
import { helpText, optionTable, printedConfig } from "../../src/config/help.ts";
import { options } from "../../src/config/options.ts";
import { served } from "./in-memory-files.ts";

const begin = "<!-- options: generated from the option table, do not edit -->\n";
const end = "<!-- options end -->";

test("--help names every option once, within the width", () => {
  const text = helpText({ version: "1.2.3", subcommands: [["demo [--nodes N]", "runs a cluster here"]] }, 80);
  for (const { name } of options)
    expect(text.split("\n").filter((line) => line.startsWith(`  --${name} `))).toHaveLength(1);
  expect(text).toContain("vlot demo [--nodes N]   runs a cluster here");
  const wrapped = text.split("\n").filter((line) => line.startsWith("      ") && !line.includes("--"));
  expect(wrapped.filter((line) => line.length > 80)).toEqual([]);
});

test("--print-config says where values come from, keeps secrets, and can be read again", () => {
  const { config } = served(["--port", "7", "--requirepass", "hush", "--bind", "a", "b"]);
  const text = printedConfig(config);
  expect(text).toContain("# flag --port\nport 7\n");
  expect(text).toContain("# default\ntimeout 0\n");
  expect(text).not.toContain("hush");
  const reread = served(["v.conf"], {
    "v.conf": text,
  }).config;
  expect(reread.getMatching(["*"])).toEqual(
    config.getMatching(["*"]).map(([name, value]) => [name, name === "requirepass" ? "" : value]),
  );
});

test("README.md holds the table of options", async () => {
  const path = join(import.meta.dir, "..", "..", "README.md");
  const text = await Bun.file(path).text();
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  expect(from).toBeGreaterThan(begin.length);
  if (process.env.UPDATE_README === "1") {
    await Bun.write(path, `${text.slice(0, from)}${optionTable()}${text.slice(to)}`);
    return;
  }
  // UPDATE_README=1 bun test test/config/help.test.ts puts it there.
  expect(text.slice(from, to)).toBe(optionTable());
});
