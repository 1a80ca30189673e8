// Each file in `scripts/` is one test; what its commands print must be exactly what the file says. See script-runner.ts.

import { expect, test } from "bun:test";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ScriptRunner } from "./script-runner.ts";

const folder = join(import.meta.dir, "scripts");

/** The script with what its commands print now in place of what it says they print. */
function replay(script: string): string {
  const runner = new ScriptRunner();
  const lines: string[] = [];
  for (const line of script.split("\n")) {
    if (line.startsWith("  ")) continue;
    lines.push(line);
    if (line.trim() !== "" && !line.startsWith("#"))
      for (const printed of runner.execute(line)) lines.push(`  ${printed}`);
  }
  return lines.join("\n");
}

for (const name of readdirSync(folder).sort()) {
  test(`script ${name}`, () => {
    const path = join(folder, name);
    const script = readFileSync(path, "utf8");
    const actual = replay(script);
    if (process.env["UPDATE"] !== undefined) writeFileSync(path, actual);
    else expect(actual).toBe(script);
  });
}
