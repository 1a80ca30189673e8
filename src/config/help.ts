// The texts for people that follow from the option table: `--help`, `--print-config`, and the table in README.md.

import type { Config } from "./config.ts";
import { intMax, longMax, optionGroups, type OptionRow, unsignedIntMax } from "./option.ts";
import { environmentNameOf, options } from "./options.ts";
import { formatMemory, linesOf } from "./rewrite.ts";

const widthDefault = 100;
const indent = 6;

/** What stands around the options in `--help`; a subcommand is a name and a sentence. */
export interface HelpFrame {
  readonly version: string;
  readonly subcommands: readonly (readonly [usage: string, summary: string])[];
}

/** `--help`: everything the command line understands, grouped, wrapped at `width` columns. */
export function helpText(frame: HelpFrame, width = widthDefault): string {
  const usageWidth = Math.max(...frame.subcommands.map(([usage]) => usage.length), 0);
  const lines = [
    `vlot ${frame.version}: a strongly consistent, Redis-compatible server`,
    "",
    "Usage: vlot [redis.conf | -] [--option value ...]",
    ...frame.subcommands.map(([usage, summary]) => `       vlot ${usage.padEnd(usageWidth)}   ${summary}`),
    "",
    ...wrap(
      "Every option can also be set by an environment variable (--follower-proxy yes is VLOT_FOLLOWER_PROXY=yes) or a line of the file (follower-proxy yes). A flag goes before the environment, and that before the file. RedisRaft's options may be written raft.<name>.",
      width,
      0,
    ),
    "",
    "  -h, --help        print this and exit",
    "  -v, --version     print the version and exit",
    "      --print-config  print every option with its value and where it comes from, and exit",
  ];
  for (const group of optionGroups) {
    lines.push("", `${group.toUpperCase()}`);
    for (const row of options.filter((option) => option.group === group)) {
      lines.push(`  --${row.name} ${placeholder(row)}   (${factsOf(row)})`);
      lines.push(...wrap(row.help, width, indent));
    }
  }
  return `${lines.join("\n")}\n`;
}

/** `--print-config`: a configuration file that sets every option, each line with its origin. Secrets are left out. */
export function printedConfig(config: Config): string {
  const lines: string[] = [];
  for (const row of options) {
    const { kind, detail } = config.origin(row.name);
    const origin = `# ${kind}${detail === "" ? "" : ` ${detail}`}`;
    if (row.secret === true) {
      lines.push(origin, `# ${row.name} ${config.text(row.name) === "" ? "(empty)" : "(set, not shown)"}`);
    } else {
      lines.push(origin, ...linesOf(row, row.name, config, null));
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The table of all options for README.md, in Markdown. */
export function optionTable(): string {
  const parts = optionGroups.map((group) => {
    const rows = options
      .filter((row) => row.group === group)
      .map(
        (row) =>
          `| \`${row.name}\` | ${typeOf(row)} | ${row.default === "" ? "" : `\`${row.default}\``} | ${changeOf(row)} | ${row.help.replaceAll("|", "\\|")} |`,
      );
    const title = `### ${group.slice(0, 1).toUpperCase()}${group.slice(1)}`;
    return [
      title,
      "",
      "| option | value | default | changes | what it does |",
      "| --- | --- | --- | --- | --- |",
      ...rows,
      "",
    ].join("\n");
  });
  return parts.join("\n");
}

function placeholder(row: OptionRow): string {
  switch (row.type) {
    case "boolean":
      return "yes|no";
    case "enum":
      return row.values.join("|");
    case "integer":
      return row.unit === undefined ? "<n>" : `<${row.unit}>`;
    case "memory":
      return "<bytes>";
    case "path":
      return "<path>";
    case "address":
      return "<host:port>";
    case "addresses":
      return "<host:port,...>";
    case "words":
      return "<address ...>";
    case "buffer-limits":
      return "<class hard soft seconds ...>";
    case "percentiles":
      return "<percent ...>";
    default:
      return "<text>";
  }
}

function factsOf(row: OptionRow): string {
  const facts = [row.default === "" ? "default: empty" : `default ${row.default}`];
  if (row.type === "integer" || row.type === "memory") facts.push(rangeOf(row));
  facts.push(environmentNameOf(row));
  return facts.join(", ");
}

function typeOf(row: OptionRow): string {
  switch (row.type) {
    case "integer":
      return row.unit === undefined ? rangeOf(row) : `${row.unit}, ${rangeOf(row)}`;
    case "memory":
      return `bytes, ${rangeOf(row)}`;
    case "enum":
    case "boolean":
      return placeholder(row).split("|").join(", ");
    case "string":
      return "text";
    default:
      return placeholder(row).replace(/[<>]/g, "");
  }
}

function rangeOf(row: Extract<OptionRow, { type: "integer" | "memory" }>): string {
  const format = (bound: number | bigint): string =>
    row.type === "memory" ? formatMemory(BigInt(bound)) : bound.toString();
  // The largest value of the machine's own integers is no limit to people.
  const limitless = [intMax, unsignedIntMax, longMax].includes(row.max);
  return limitless ? `${format(row.min)} or more` : `${format(row.min)} to ${format(row.max)}`;
}

function changeOf(row: OptionRow): string {
  switch (row.when) {
    case "start":
      return "at start";
    case "init":
      return "until INIT/JOIN";
    case "runtime":
      return "any time";
  }
}

function wrap(text: string, width: number, margin: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && margin + line.length + 1 + word.length > width) {
      lines.push(" ".repeat(margin) + line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, " ".repeat(margin) + line];
}
