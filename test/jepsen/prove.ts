// Shows that each test of a finding fails when what it tests is taken out, and how: `bun test/jepsen/prove.ts [name …]`.
// Ends with status 1 when one does not. A few seconds each, for a bug may let a test hang until its time is up.

import { join } from "node:path";
import { type Protection, protections } from "./protections.ts";

const testFolder = join(import.meta.dir, "..");
const limitMs = 100_000;

let unproved = 0;
const wanted = process.argv.slice(2);
for (const protection of protections) {
  if (wanted.length > 0 && !wanted.includes(protection.name)) continue;
  const failure = failureWithout(protection);
  if (failure === null) unproved++;
  const outcome = failure ?? "STILL PASSES";
  console.log(`${protection.title.padEnd(40)} ${protection.name.padEnd(34)} ${outcome}`);
}
process.exit(unproved === 0 ? 0 : 1);

/** How the test fails without the protection, in one line; null when it does not. */
function failureWithout({ name, testFile, title }: Protection): string | null {
  const preload = join(import.meta.dir, "unprotected.ts");
  const pattern = title.replaceAll(/[^\w ]/g, "\\$&");
  const run = Bun.spawnSync(
    [process.execPath, "test", "--preload", preload, join(testFolder, testFile), "-t", pattern],
    { env: { ...process.env, PROTECTION: name }, stdout: "pipe", stderr: "pipe", timeout: limitMs },
  );
  const output = `${run.stderr.toString()}\n${run.stdout.toString()}`;
  if (run.exitCode === 0 || (run.exitCode !== null && !output.includes("(fail)"))) return null;
  const reason = /^(?:\w*[eE]rror): (.+)$/m.exec(output)?.[1] ?? "does not end";
  const received = /^Received: (.+)$/m.exec(output)?.[1];
  return `${reason}${received === undefined ? "" : `, received ${received}`}`.slice(0, 160);
}
