// Flags of the subcommands, which are few: each names its own and everything else is an error.

import { ConfigError, usageExitStatus } from "../config/config-error.ts";
import { splitCommandLine } from "../config/flags.ts";
import type { Address } from "../config/option.ts";
import { parseAddress } from "../config/parse-value.ts";

export interface SubcommandFlags {
  readonly words: readonly string[];
  /** Text by name; "" for a flag without a value. */
  readonly flags: ReadonlyMap<string, string>;
}

/** Splits a subcommand's arguments; throws ConfigError for a flag that is not among `known`, and a word too many. */
export function subcommandFlags(
  name: string,
  args: readonly string[],
  known: readonly string[],
  wordsMax: number,
): SubcommandFlags {
  const { words, flags } = splitCommandLine(args);
  const texts = new Map<string, string>();
  const rest: string[] = [...words];
  for (const { name: flag, values } of flags) {
    if (!known.includes(flag)) {
      const allowed = known.map((word) => `--${word}`).join(", ");
      throw new ConfigError(
        "UNKNOWN_FLAG",
        `vlot ${name} has no flag --${flag}; it has ${allowed}`,
        usageExitStatus,
      );
    }
    const takesValue = !switches.has(flag);
    texts.set(flag, takesValue ? (values[0] ?? "") : "");
    rest.push(...values.slice(takesValue ? 1 : 0));
  }
  if (rest.length > wordsMax) {
    throw new ConfigError("BAD_ARGUMENTS", `unexpected argument '${rest[wordsMax]}'`, usageExitStatus);
  }
  return { words: rest, flags: texts };
}

/** Flags without a value, in any subcommand. */
const switches: ReadonlySet<string> = new Set(["json", "leader", "help"]);

/** A whole number from `min` on; throws ConfigError with the range otherwise. */
export function numberFlag(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new ConfigError("BAD_VALUE", `--${flag} takes a whole number from ${min} to ${max}`, usageExitStatus);
}

/** `host:port`, `host`, `:port` or `port`; what is missing is taken from 127.0.0.1:6379. */
export function addressArgument(text: string): Address {
  const port = /^:?(\d{1,5})$/.exec(text)?.[1] ?? (text === "" ? defaultPort : null);
  const address = parseAddress(port === null ? text : `127.0.0.1:${port}`, defaultPort);
  if (address !== null) return address;
  throw new ConfigError("BAD_ARGUMENTS", `'${text}' is no address: write host:port`, usageExitStatus);
}

const defaultPort = 6379;
