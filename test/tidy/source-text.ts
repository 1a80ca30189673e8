// The files that the tidy tests look at, and their code without comments and without what stands in literals, so that a
// rule about code does not stumble over prose. Not a parser: it knows where literals end, and that is enough for text in
// the one form that the formatter leaves.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

export const root = join(import.meta.dir, "..", "..");

export interface SourceFile {
  /** From the top of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the insides of literals turned to spaces; lines stay where they are. */
  readonly code: string;
}

/** All TypeScript files under the folders or of the names given. */
export function sourceFiles(...paths: readonly string[]): SourceFile[] {
  return paths.flatMap((path) => (path.endsWith(".ts") ? [path] : typescriptUnder(path))).map(readSource);
}

/** A file made up for a test of a rule. */
export function madeUp(path: string, text: string): SourceFile {
  return { path, text, code: codeOf(text) };
}

function typescriptUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

function readSource(path: string): SourceFile {
  return madeUp(path, readFileSync(join(root, path), "utf8"));
}

/** `text` with comments and the insides of string, template and regular-expression literals blanked. */
export function codeOf(text: string): string {
  let code = "";
  let at = 0;
  while (at < text.length) {
    const end = literalEnd(text, at, code);
    if (end === at) {
      code += text[at];
      at++;
    } else {
      code += text.slice(at, end).replace(/[^\n]/g, " ");
      at = end;
    }
  }
  return code;
}

// Where the comment or literal that begins at `at` ends; `at` itself when none does.
function literalEnd(text: string, at: number, codeBefore: string): number {
  const char = text[at];
  const next = text[at + 1];
  if (char === "/" && next === "/") return endOf(text, at, /\n|$/g, 0);
  if (char === "/" && next === "*") return endOf(text, at + 2, /\*\//g, 2);
  if (char === '"' || char === "'") return endOfQuoted(text, at, char);
  if (char === "`") return endOfTemplate(text, at);
  // A slash divides after a value, and begins a regular expression anywhere else.
  if (
    char === "/" &&
    /(^|[(,=:[!&|?{};+<>~^*%-]|=>|\breturn|\btypeof|\bcase)\s*$/.test(codeBefore.slice(-80))
  ) {
    return endOfRegExp(text, at);
  }
  return at;
}

function endOf(text: string, from: number, pattern: RegExp, width: number): number {
  pattern.lastIndex = from;
  const found = pattern.exec(text);
  return found === null ? text.length : found.index + width;
}

function endOfQuoted(text: string, start: number, quote: string): number {
  let at = start + 1;
  while (at < text.length && text[at] !== quote) at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

// What stands in `${}` is blanked as well: templates hold little code, and telling it apart takes a parser.
function endOfTemplate(text: string, start: number): number {
  let at = start + 1;
  let depth = 0;
  while (at < text.length) {
    if (text[at] === "\\") at++;
    else if (depth === 0 && text[at] === "`") return at + 1;
    else if (depth > 0 && text[at] === "`") at = endOfTemplate(text, at) - 1;
    else if (text[at] === "$" && text[at + 1] === "{") depth++;
    else if (depth > 0 && text[at] === "}") depth--;
    at++;
  }
  return at;
}

function endOfRegExp(text: string, start: number): number {
  let at = start + 1;
  let inClass = false;
  while (at < text.length && text[at] !== "\n") {
    if (text[at] === "\\") at++;
    else if (text[at] === "[") inClass = true;
    else if (text[at] === "]") inClass = false;
    else if (text[at] === "/" && !inClass) return at + 1;
    at++;
  }
  return at;
}
