// Everything that must hold before a change is taken, in order of speed. Goes on after a failure, so that one run tells
// all there is to tell, and closes with one line: `N passed, N failed`. A stage without tests counts as one check.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countTests } from "./test-report.ts";

interface Count {
  readonly passed: number;
  readonly failed: number;
}

interface Stage {
  readonly name: string;
  run(): Count;
}

const root = join(import.meta.dir, "..");
const reports = mkdtempSync(join(tmpdir(), "vlot-gate-"));

const stages: readonly Stage[] = [
  { name: "types", run: () => check(["check", "--no-script"]) },
  { name: "format", run: () => check(["fmt", "--no-script", "--check", "src", "test", "build.ts"]) },
  { name: "unit", run: () => tests("unit", ["--path-ignore-patterns=test/integration/**"]) },
  { name: "simulator", run: () => check(["test/sim/simulate.ts", "--seeds", "300"]) },
  { name: "build", run: () => check(["build.ts"]) },
  { name: "integration", run: () => tests("integration", ["./test/integration/"]) },
];

process.exit(runAll());

function runAll(): number {
  let passed = 0;
  let failed = 0;
  const summary: string[] = [];
  for (const stage of stages) {
    console.log(`\n== ${stage.name}`);
    const started = Bun.nanoseconds();
    const count = stage.run();
    const seconds = ((Bun.nanoseconds() - started) / 1e9).toFixed(1).padStart(6);
    summary.push(`${stage.name.padEnd(12)} ${seconds} s  ${count.passed} passed, ${count.failed} failed`);
    passed += count.passed;
    failed += count.failed;
  }
  rmSync(reports, { recursive: true });
  console.log(`\n${summary.join("\n")}\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function check(args: readonly string[]): Count {
  const ok = bun(args) === 0;
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1 };
}

// Skipped tests are not counted, and a run that ends badly has failed even when every test in its report is well: the
// process may have died before the others, or a file may not have loaded. So has a run that found no tests.
function tests(name: string, args: readonly string[]): Count {
  const report = join(reports, `${name}.xml`);
  const status = bun(["test", ...args, "--reporter=junit", `--reporter-outfile=${report}`]);
  const count = countTests(readOrEmpty(report));
  const unexplained = (status !== 0 && count.failed === 0) || count.passed + count.failed === 0;
  return unexplained ? { passed: count.passed, failed: count.failed + 1 } : count;
}

function bun(args: readonly string[]): number {
  const child = Bun.spawnSync([process.execPath, ...args], {
    cwd: root,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  // Interrupted: so are we.
  if (child.signalCode === "SIGINT" || child.exitCode === 130) process.exit(130);
  return child.exitCode;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    console.log(`no test report: ${String(error)}`);
    return "";
  }
}
