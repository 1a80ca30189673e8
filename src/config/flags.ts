// minimist with its traps closed. Left alone it turns "007" into 7, `--raft.id 1` into a nested object, `--no-x` into
// `x: false`, a repeated flag into an array, and takes `-secret` after a flag for a flag of its own. Here the words are
// put in the one form in which it touches nothing, `--name=value`, and every name is declared to be a string.

import minimist from "minimist";
import { ConfigError, usageExitStatus } from "./config-error.ts";

/** One `--name value…` as it was typed: `values` is all words up to the next flag, or the text after `=` alone. */
export interface Flag {
  readonly name: string;
  readonly values: readonly string[];
}

export interface CommandLine {
  /** Words before the first flag. */
  readonly words: readonly string[];
  /** Flags in their order. */
  readonly flags: readonly Flag[];
}

/** Words that stand for a flag of another name. */
const shortFlags: Readonly<Record<string, string>> = { "-h": "help", "-?": "help", "-v": "version" };

/**
 * Splits a command line as redis-server does: what begins with two dashes is a flag, everything up to the next flag is
 * its value, so values may begin with one dash. Throws ConfigError for a word that is neither.
 */
export function splitCommandLine(argv: readonly string[]): CommandLine {
  const words: string[] = [];
  const flags: { readonly name: string; readonly values: string[]; readonly closed: boolean }[] = [];
  for (const word of argv) {
    const last = flags.at(-1);
    if (word.startsWith("--") && word.length > 2) {
      const [, name = "", text] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
      flags.push({ name, values: text === undefined ? [] : [text], closed: text !== undefined });
    } else if (shortFlags[word] !== undefined && (last === undefined || last.closed)) {
      flags.push({ name: shortFlags[word], values: [], closed: true });
    } else if (last === undefined && !isFlagLike(word)) {
      words.push(word);
    } else if (last !== undefined && !last.closed) {
      last.values.push(word);
    } else {
      const what = isFlagLike(word)
        ? `unknown flag ${word}: flags begin with two dashes`
        : `unexpected argument '${word}'`;
      throw new ConfigError("UNKNOWN_FLAG", what, usageExitStatus);
    }
  }
  return { words, flags: flags.map(({ name, values }) => ({ name, values })) };
}

/** Texts by name, in the order given, for flags whose names are known and hold neither `=` nor `.`. */
export function collectFlags(
  flags: readonly (readonly [name: string, text: string])[],
): Map<string, string[]> {
  const names = [...new Set(flags.map(([name]) => name))];
  const parsed: Record<string, unknown> = minimist(
    flags.map(([name, text]) => `--${name}=${text}`),
    { string: names },
  );
  return new Map(names.map((name) => [name, [parsed[name]].flat().map(String)]));
}

// `-p` is a flag that does not exist; `-` alone is a file name.
function isFlagLike(word: string): boolean {
  return word.startsWith("-") && word !== "-";
}
