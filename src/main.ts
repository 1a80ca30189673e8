// The program: reads the command line and does what it asks for. `serve.ts` puts the server together.

import { vlotCommit, vlotVersion } from "./base/version.ts";
import { check } from "./cli/check.ts";
import { demo } from "./cli/demo.ts";
import { status } from "./cli/status.ts";
import { wait } from "./cli/wait.ts";
import { ConfigError } from "./config/config-error.ts";
import { helpText, printedConfig } from "./config/help.ts";
import { parseArguments } from "./config/load.ts";
import { systemFiles } from "./config/system-files.ts";
import { serve } from "./serve.ts";

type Environment = Readonly<Record<string, string | undefined>>;

interface Subcommand {
  readonly usage: string;
  readonly summary: string;
  readonly run: (args: readonly string[], env: Environment) => Promise<number>;
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  demo: { usage: "demo [--nodes 3]", summary: "run a whole cluster here, to try it", run: demo },
  status: {
    usage: "status [host:port] [--json]",
    summary: "show all nodes: role, term, index, lag",
    run: status,
  },
  wait: {
    usage: "wait [host:port] --leader",
    summary: "wait until a leader is known (--timeout 30)",
    run: wait,
  },
  check: {
    usage: "check <directory> [--json]",
    summary: "verify the files of a node that does not run",
    run: check,
  },
};

async function main(argv: readonly string[], env: Environment): Promise<void> {
  const invocation = parseArguments(argv, { env, files: systemFiles, subcommands: Object.keys(subcommands) });
  switch (invocation.kind) {
    case "version":
      console.log(`vlot ${vlotVersion} (${vlotCommit})`);
      return;
    case "help":
      process.stdout.write(
        helpText({
          version: vlotVersion,
          subcommands: Object.values(subcommands).map(({ usage, summary }) => [usage, summary]),
        }),
      );
      return;
    case "print-config":
      process.stdout.write(printedConfig(invocation.config));
      return;
    case "subcommand":
      process.exit(await subcommands[invocation.name]?.run(invocation.args, env));
      return;
    case "serve":
      serve(invocation);
  }
}

try {
  await main(process.argv.slice(2), process.env);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`vlot: ${error.message}`);
  process.exit(error.exitStatus);
}
