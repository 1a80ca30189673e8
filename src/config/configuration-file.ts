// Reads a configuration file in the syntax of redis.conf into directives that remember their place. What a directive
// means, and whether there is one of that name, is decided elsewhere.

import { splitArguments } from "../base/split-arguments.ts";
import { messageOf } from "../base/message-of.ts";
import { ConfigError, startExitStatus } from "./config-error.ts";

/** The little of a file system that reading needs. Texts are byte strings; paths are native strings. */
export interface ConfigurationFiles {
  /** The whole file, one char per byte. Throws when it cannot be read. */
  read(path: string): string;
  /** The paths that match a shell pattern, sorted. */
  matching(pattern: string): readonly string[];
}

/** One line that is not a comment: `name` in lower case, and where it stands. */
export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly path: string;
  readonly line: number;
}

/** A file that includes itself would otherwise never end. */
const includeDepthMax = 16;
/** Nor should one that includes another many times over. */
const directivesMax = 100_000;

/** The directives of the file and of all that it includes, in their order. Throws ConfigError with file and line. */
export function readConfigurationFile(path: string, files: ConfigurationFiles): Directive[] {
  const directives: Directive[] = [];
  readInto(directives, path, files, 0);
  return directives;
}

/** Whether Redis passes a line over, whatever quotes are in it. */
export function isComment(line: string): boolean {
  return /^[ \t\r]*#/.test(line);
}

/** The error of one line, in the form all of them have. */
export function lineError(
  code: "BAD_FILE" | "BAD_VALUE" | "UNKNOWN_DIRECTIVE",
  at: { readonly path: string; readonly line: number },
  what: string,
): ConfigError {
  return new ConfigError(code, `${at.path}, line ${at.line}: ${what}`, startExitStatus);
}

function readInto(directives: Directive[], path: string, files: ConfigurationFiles, depth: number): void {
  const lines = readText(path, files).split("\n");
  for (const [index, text] of lines.entries()) {
    const at = { path, line: index + 1 };
    const words = isComment(text) ? [] : splitArguments(text);
    if (words === null) throw lineError("BAD_FILE", at, "unbalanced quotes");
    const [name, ...args] = words;
    if (name === undefined) continue;
    if (directives.length >= directivesMax) {
      throw lineError("BAD_FILE", at, `more than ${directivesMax} directives`);
    }
    if (name.toLowerCase() !== "include") {
      directives.push({ name: name.toLowerCase(), args, ...at });
      continue;
    }
    const pattern = args[0];
    if (pattern === undefined || args.length !== 1) {
      throw lineError("BAD_FILE", at, "include needs one path");
    }
    if (depth === includeDepthMax) {
      throw lineError("BAD_FILE", at, `includes are nested more than ${includeDepthMax} deep`);
    }
    const native = Buffer.from(pattern, "latin1").toString("utf8");
    // As in Redis: a pattern may match nothing, a plain path must be there.
    const included = /[*?[]/.test(native) ? files.matching(native) : [native];
    for (const next of included) readInto(directives, next, files, depth + 1);
  }
}

function readText(path: string, files: ConfigurationFiles): string {
  try {
    return files.read(path);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new ConfigError(
      "BAD_FILE",
      `cannot read the configuration file '${path}': ${reason}`,
      startExitStatus,
    );
  }
}
