// Compiles vlot into one executable.
//
//     bun build.ts                        dist/vlot for this machine
//     bun build.ts --target all           dist/vlot-<platform> for every platform, and dist/SHA256SUMS
//     bun build.ts --target linux-arm64   one of them
//     bun build.ts --entry other.ts       another program than src/main.ts
//
// Bun fetches its runtime for a foreign platform from the npm registry the first time.

import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import minimist from "minimist";

const output = join(import.meta.dir, "dist");

/** The platform's name in our file names, and Bun's name for it. */
const platforms = {
  "linux-x64": "bun-linux-x64",
  "linux-x64-musl": "bun-linux-x64-musl",
  "linux-x64-baseline": "bun-linux-x64-baseline",
  "linux-x64-baseline-musl": "bun-linux-x64-baseline-musl",
  "linux-arm64": "bun-linux-arm64",
  "linux-arm64-musl": "bun-linux-arm64-musl",
} as const satisfies Record<string, Bun.Build.CompileTarget>;

type Platform = keyof typeof platforms;

const flags = minimist<{ target?: string; entry?: string }>(Bun.argv.slice(2), {
  string: ["target", "entry"],
});
process.exit(await run(flags.target ?? "host", flags.entry ?? join(import.meta.dir, "src", "main.ts")));

async function run(target: string, entry: string): Promise<number> {
  mkdirSync(output, { recursive: true });
  if (target === "host") return (await compile(entry, null, join(output, "vlot"))) ? 0 : 1;
  const wanted = platformsNamed(target);
  if (wanted.length === 0) {
    console.error(`unknown target '${target}': host, all, ${Object.keys(platforms).join(", ")}`);
    return 2;
  }
  const files = wanted.map((platform) => join(output, `vlot-${platform}`));
  for (const [index, platform] of wanted.entries()) {
    if (!(await compile(entry, platform, files[index] ?? ""))) return 1;
  }
  writeFileSync(join(output, "SHA256SUMS"), files.map(checksumLine).join(""));
  return 0;
}

function platformsNamed(target: string): Platform[] {
  const all = Object.keys(platforms).filter((name): name is Platform => name in platforms);
  return target === "all" ? all : all.filter((name) => name === target);
}

/** True when `file` has been written; says on standard error what went wrong otherwise. */
async function compile(entry: string, platform: Platform | null, file: string): Promise<boolean> {
  const started = Bun.nanoseconds();
  // A running executable cannot be written to, but it can be replaced.
  const fresh = `${file}.${process.pid}.new`;
  try {
    await Bun.build({
      entrypoints: [entry],
      target: "bun",
      minify: true,
      bytecode: true,
      format: "esm",
      // An optional addon of msgpackr, which tries to load it and goes on without: the executable needs no file beside it.
      external: ["msgpackr-extract"],
      define: { VLOT_COMMIT: JSON.stringify(commit()) },
      compile: {
        ...(platform === null ? {} : { target: platforms[platform] }),
        outfile: fresh,
        // Otherwise the server would take orders from whatever directory it is started in.
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
    });
    chmodSync(fresh, 0o755);
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    const problems = error instanceof AggregateError ? error.errors : [error];
    for (const problem of problems) console.error(String(problem));
    console.error(`could not build ${basename(file)}`);
    return false;
  }
  const seconds = ((Bun.nanoseconds() - started) / 1e9).toFixed(1);
  const megabytes = (Bun.file(file).size / 1e6).toFixed(0);
  console.log(`built dist/${basename(file)} in ${seconds} s (${megabytes} MB)`);
  return true;
}

/** The commit the executable is made of, for INFO and --version; `unknown` outside a repository. */
function commit(): string {
  const show = Bun.spawnSync(["git", "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"], {
    cwd: import.meta.dir,
    stderr: "ignore",
  });
  return show.success ? show.stdout.toString().trim() : "unknown";
}

function checksumLine(file: string): string {
  return `${createHash("sha256").update(readFileSync(file)).digest("hex")}  ${basename(file)}\n`;
}
