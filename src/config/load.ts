// From command line, environment and file to a configuration: a flag goes before the environment, that before the file,
// that before the default. Whatever is wrong is one ConfigError that says where it stands and what would do.

import { Config, type Origin } from "./config.ts";
import { ConfigError, startExitStatus, usageExitStatus } from "./config-error.ts";
import { type ConfigurationFiles, lineError, readConfigurationFile } from "./configuration-file.ts";
import { collectFlags, splitCommandLine } from "./flags.ts";
import { findInapplicable, type Inapplicable, inapplicable } from "./inapplicable.ts";
import type { OptionRow } from "./option.ts";
import {
  environmentNameOf,
  findOption,
  type NamedRow,
  namesOf,
  type OptionName,
  options,
} from "./options.ts";
import { didYouMean, nearestWord } from "./suggest.ts";

/** What the command line asks for. */
export type Invocation =
  | { readonly kind: "help" | "version" }
  | { readonly kind: "subcommand"; readonly name: string; readonly args: readonly string[] }
  | {
      readonly kind: "serve" | "print-config";
      readonly config: Config;
      /** The file that CONFIG REWRITE writes to; null without one. */
      readonly configFile: string | null;
      /** Things to log once there is a logger. */
      readonly warnings: readonly string[];
    };

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: ConfigurationFiles;
  /** First words that are no file names but subcommands, which parse the rest themselves. */
  readonly subcommands: readonly string[];
}

/** Lines and flags that add to what was said before rather than replace it. */
const accumulating: ReadonlySet<string> = new Set(["client-output-buffer-limit", "join"]);
const actions = ["help", "version", "print-config"] as const;
const standardInput = "/dev/stdin";

/** Reads `argv` (without interpreter and script). Throws ConfigError and nothing else. */
export function parseArguments(argv: readonly string[], surroundings: Surroundings): Invocation {
  const [first, ...rest] = argv;
  if (first !== undefined && surroundings.subcommands.includes(first)) {
    return { kind: "subcommand", name: first, args: rest };
  }
  const { words, flags } = splitCommandLine(argv);
  if (words.length > 1) throw usage("UNKNOWN_FLAG", `unexpected argument '${words[1]}'`);
  const action = flags.find(({ name }) => name === "help" || name === "version");
  if (action !== undefined) return { kind: action.name === "help" ? "help" : "version" };

  const loader = new Loader(surroundings);
  const configFile = words[0] === undefined ? null : words[0] === "-" ? standardInput : words[0];
  if (configFile !== null) loader.loadFile(configFile);
  loader.loadEnvironment();
  loader.loadFlags(flags.filter(({ name }) => name !== "print-config"));
  return {
    kind: flags.some(({ name }) => name === "print-config") ? "print-config" : "serve",
    config: loader.config,
    configFile: configFile === standardInput ? null : configFile,
    warnings: loader.finish(),
  };
}

class Loader {
  readonly config = new Config();
  readonly #surroundings: Surroundings;
  readonly #warnings: string[] = [];
  /** Names of settings that were given and have no effect, by the reason. */
  readonly #withoutEffect = new Map<string, Set<string>>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  loadFile(path: string): void {
    const texts = new Map<OptionName, string>();
    for (const directive of this.#readFile(path)) {
      const { name, args } = directive;
      const fail = (what: string): never => {
        throw lineError("BAD_VALUE", directive, what);
      };
      const row = findOption(name);
      if (row === undefined) {
        const other = findInapplicable(name);
        if (other === undefined) {
          throw lineError(
            "UNKNOWN_DIRECTIVE",
            directive,
            `unknown option '${printable(name)}'${suggestion(name)}`,
          );
        }
        this.#passOver(other, args.join(" "), fail);
        continue;
      }
      if (args.length !== 1 && !takesManyWords(row)) fail(`'${name}' takes one value, not ${args.length}`);
      const text = accumulate(row, texts.get(row.name), args.join(" "));
      texts.set(row.name, text);
      this.#load(row, text, { kind: "file", detail: `${directive.path}:${directive.line}` }, fail);
    }
  }

  loadEnvironment(): void {
    const rows = new Map(options.map((row) => [environmentNameOf(row), row]));
    for (const [variable, text] of Object.entries(this.#surroundings.env)) {
      if (!variable.startsWith("VLOT_") || text === undefined) continue;
      const row = rows.get(variable);
      if (row !== undefined && !isServiceLink(variable, text)) {
        this.#load(row, toByteString(text), { kind: "environment", detail: variable }, (what) => {
          throw new ConfigError("BAD_VALUE", `environment variable ${variable}: ${what}`, startExitStatus);
        });
      } else if (row !== undefined) {
        this.#warnings.push(`${variable}='${text}' is taken for a Kubernetes service link and ignored`);
      } else if (!/^VLOT_(SERVICE|PORT)_/.test(variable)) {
        const nearest = nearestWord(variable, rows.keys());
        const hint = nearest === undefined ? "" : ` (did you mean ${nearest}?)`;
        this.#warnings.push(`environment variable ${variable} is not an option of vlot${hint}`);
      }
    }
  }

  loadFlags(flags: readonly { readonly name: string; readonly values: readonly string[] }[]): void {
    const texts: [OptionName, string][] = [];
    for (const { name, values } of flags) {
      const row = findOption(name);
      const fail = (what: string): never => {
        throw usage("BAD_VALUE", `--${name}: ${what}`);
      };
      if (row === undefined) this.#loadStrayFlag(name, values, fail);
      else texts.push([row.name, flagText(row, values, fail)]);
    }
    for (const [name, given] of collectFlags(texts)) {
      const row = findOption(name);
      if (row === undefined) continue;
      const text = given.reduce((before, next) => accumulate(row, before, next));
      if (given.length > 1 && !accumulating.has(name)) {
        const counts = row.secret === true ? "the last one counts" : `the last one, '${text}', counts`;
        this.#warnings.push(`--${name} is given ${given.length} times: ${counts}`);
      }
      this.#load(row, toByteString(text), { kind: "flag", detail: `--${name}` }, (what) => {
        throw usage("BAD_VALUE", `--${name}: ${what}`);
      });
    }
  }

  /** Checks what only shows when everything is there, and gives all warnings. */
  finish(): string[] {
    const { config } = this;
    const init = config.get("init");
    const expect = config.get("bootstrap-expect");
    const joinCount = config.get("join").length;
    if (init && joinCount > 0) {
      throw usage("CONFLICT", "init founds a new cluster and join enters an existing one: give one of them");
    }
    if (init && expect > 0) {
      throw usage(
        "CONFLICT",
        "with bootstrap-expect the nodes agree on who founds the cluster: leave init out",
      );
    }
    if (expect > 1 && joinCount === 0) {
      throw usage("CONFLICT", "bootstrap-expect needs join, the addresses of the nodes to expect");
    }
    if (expect > 0 && joinCount >= expect * 2) {
      throw usage(
        "CONFLICT",
        `bootstrap-expect ${expect} is not a majority of the ${joinCount} addresses in join: two clusters could come of it`,
      );
    }
    if (config.get("request-timeout") * 2 > config.get("election-timeout")) {
      this.#warnings.push(
        `request-timeout (${config.get("request-timeout")} ms) is more than half of election-timeout (${config.get("election-timeout")} ms): one late heartbeat can cost the leader its place`,
      );
    }
    for (const [why, names] of this.#withoutEffect) {
      this.#warnings.push(`no effect: ${[...names].join(", ")} (${why})`);
    }
    return this.#warnings;
  }

  #readFile(path: string): ReturnType<typeof readConfigurationFile> {
    try {
      return readConfigurationFile(path, this.#surroundings.files);
    } catch (error) {
      const hint = didYouMean(path, this.#surroundings.subcommands);
      if (!(error instanceof ConfigError) || hint === "" || !error.message.includes(`'${path}'`)) throw error;
      throw new ConfigError(error.code, error.message + hint, usageExitStatus);
    }
  }

  #loadStrayFlag(name: string, values: readonly string[], fail: (what: string) => never): void {
    const other = findInapplicable(name);
    if (other !== undefined) return this.#passOver(other, values.join(" "), fail);
    const denied = name.startsWith("no-") ? findOption(name.slice(3)) : undefined;
    if (denied?.type === "boolean") {
      throw usage("UNKNOWN_FLAG", `unknown flag --${name}: write --${denied.name} no`);
    }
    throw usage("UNKNOWN_FLAG", `unknown flag --${name}${suggestion(name, "--", actions)}`);
  }

  #passOver(other: Inapplicable, text: string, fail: (what: string) => never): void {
    if (text === other.value) return;
    if (other.kind === "refused") fail(`'${other.name}' cannot be used: ${other.why}`);
    const names = this.#withoutEffect.get(other.why) ?? new Set();
    this.#withoutEffect.set(other.why, names.add(other.name));
  }

  #load(row: NamedRow, text: string, origin: Origin, fail: (what: string) => never): void {
    const error = this.config.load(row.name, text, origin);
    if (error === null) return;
    const given = row.secret === true ? "the value" : `'${printable(text)}'`;
    fail(`${given} is not a value of '${row.name}': ${error}`);
  }
}

function usage(code: "UNKNOWN_FLAG" | "BAD_VALUE" | "CONFLICT", what: string): ConfigError {
  return new ConfigError(code, what, usageExitStatus);
}

function takesManyWords(row: OptionRow): boolean {
  return (
    row.type === "words" ||
    row.type === "addresses" ||
    row.type === "buffer-limits" ||
    row.type === "percentiles"
  );
}

function accumulate(row: OptionRow, before: string | undefined, text: string): string {
  return before === undefined || !accumulating.has(row.name) ? text : `${before} ${text}`;
}

// A boolean flag alone means yes.
function flagText(row: OptionRow, values: readonly string[], fail: (what: string) => never): string {
  if (values.length === 0) return row.type === "boolean" ? "yes" : fail("needs a value");
  if (values.length > 1 && !takesManyWords(row)) fail(`takes one value, not ${values.length}`);
  return values.join(" ");
}

// Kubernetes gives the pods beside a service named "vlot" a VLOT_PORT=tcp://10.0.0.1:6379 that nobody asked for.
function isServiceLink(variable: string, text: string): boolean {
  return variable === "VLOT_PORT" && /^(tcp|udp|sctp):\/\//.test(text);
}

function suggestion(name: string, prefix = "", more: readonly string[] = []): string {
  const known = [...options.flatMap(namesOf), ...inapplicable.keys(), ...more];
  return didYouMean(name, known, prefix);
}

// Flags and variables are native strings; values are byte strings, compared with what clients send.
function toByteString(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
