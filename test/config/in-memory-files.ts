// Configuration files that exist only in a test.

import type { ConfigurationFiles } from "../../src/config/configuration-file.ts";
import { parseArguments, type Invocation, type Surroundings } from "../../src/config/load.ts";

export class InMemoryFiles implements ConfigurationFiles {
  readonly #texts: ReadonlyMap<string, string>;

  constructor(texts: Readonly<Record<string, string>>) {
    this.#texts = new Map(Object.entries(texts));
  }

  read(path: string): string {
    const text = this.#texts.get(path);
    if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
    return text;
  }

  /** Understands a star at the end. */
  matching(pattern: string): readonly string[] {
    const start = pattern.replace(/\*$/, "");
    return [...this.#texts.keys()].filter((path) => path.startsWith(start)).sort();
  }
}

/** Surroundings with these files and variables, and the subcommands `demo` and `status`. */
export function surroundingsOf(
  texts: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Surroundings {
  return { env, files: new InMemoryFiles(texts), subcommands: ["demo", "status"] };
}

/** What is served for this command line; fails the test when it asks for anything else. */
export function served(
  argv: readonly string[],
  texts: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Extract<Invocation, { kind: "serve" | "print-config" }> {
  const invocation = parseArguments(argv, surroundingsOf(texts, env));
  if (!("config" in invocation)) throw new Error(`asked for ${invocation.kind}`);
  return invocation;
}
