// The HELP subcommand that each container command has, in Redis' layout.

import type { CommandGroup, LocalCommand } from "./command.ts";
import type { LocalContext } from "./context.ts";

export interface HelpFacts {
  /** The container's name, lower case. */
  readonly container: string;
  readonly group: CommandGroup;
  readonly categories?: readonly string[];
  /** A subcommand's line, then its explanation indented by four spaces. */
  readonly lines: readonly string[];
}

/** The subcommand HELP of a container. */
export function helpSubcommand(facts: HelpFacts): LocalCommand {
  const title = `${facts.container.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`;
  const lines = [title, ...facts.lines, "HELP", "    Prints this help."];
  return {
    name: "help",
    summary: "Returns helpful text about the different subcommands.",
    since: "5.0.0",
    group: facts.group,
    complexity: "O(1)",
    arity: 2,
    flags: ["loading", "stale"],
    ...(facts.categories === undefined ? {} : { categories: facts.categories }),
    keySpecs: [],
    arguments: [],
    scope: "local",
    run(context: LocalContext): void {
      context.reply.array(lines.length);
      for (const line of lines) context.reply.simple(line);
    },
  };
}
