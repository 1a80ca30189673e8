// The executable as a command that ends by itself: subcommands, and starts that fail.

import { vlotExecutable } from "./executable.ts";
import type { Place } from "./scenario.ts";

export interface RunResult {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs the executable in the place's folder until it ends. */
export async function runVlot(
  place: Place,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const child = place.adopt(
    Bun.spawn([vlotExecutable(), ...args], {
      cwd: place.folder,
      env: { ...process.env, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    }),
  );
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  return { status: child.exitCode, output, errors };
}
