// The executable under test: dist/vlot, built anew when a source file is younger than it, or the one that the variable
// EXECUTABLE_UNDER_TEST names, taken as it is.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..", "..");
const executable = join(root, "dist", "vlot");
const sources = ["src", "build.ts", "package.json", "package-lock.json"];

let current: string | null = null;

/** Path of an executable that is as new as the sources. The first call may take the time of a build. */
export function vlotExecutable(): string {
  current ??= process.env["EXECUTABLE_UNDER_TEST"] ?? null;
  if (current !== null) return current;
  const isOld = modifiedMs(executable) < Math.max(...sources.map((path) => newestMs(join(root, path))));
  if (isOld) {
    const build = Bun.spawnSync([process.execPath, "build.ts"], { cwd: root, stderr: "inherit" });
    if (!build.success) throw new Error("dist/vlot could not be built");
  }
  current = executable;
  return current;
}

function newestMs(path: string): number {
  if (!statSync(path).isDirectory()) return modifiedMs(path);
  const inside = readdirSync(path, { recursive: true, encoding: "utf8" });
  return Math.max(...inside.map((name) => modifiedMs(join(path, name))));
}

/** 0 for what is not there. */
function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
