// The rules of the house that a machine can check. Each takes a file and gives the lines that break it.

import { basename } from "node:path";
import type { SourceFile } from "./source-text.ts";

export interface Rule {
  readonly name: string;
  /** Where it holds. */
  readonly applies: (path: string) => boolean;
  readonly violations: (file: SourceFile) => string[];
  /** A file that breaks it, so that the rule is seen to work. */
  readonly broken: readonly { readonly path: string; readonly text: string }[];
}

const fileLinesMax = 600;
const functionLinesMax = 70;
const parametersMax = 4;

const inSource = (path: string): boolean => path.startsWith("src/");
const everywhere = (): boolean => true;
const inPureRoom = (path: string): boolean => /^src\/(raft|keyspace|commands|resp)\//.test(path);
const mayTellTime = (path: string): boolean => /^src\/(node|server)\/|^src\/(main|serve)\.ts$/.test(path);

export const rules: readonly Rule[] = [
  lineRule(
    "no clock, timer or chance of the process's own",
    (path) => inSource(path) && !mayTellTime(path),
    [
      /\bDate\.now\b|\bnew Date\(\)|\bDate\(\)/,
      /\bperformance\b|\bhrtime\b|\bBun\.nanoseconds\b|\bBun\.sleep/,
      /\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b/,
      /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b|\brandomInt\b/,
    ],
    ["const t = Date.now();", "setTimeout(f, 1);", "const r = Math.random();", "performance.now();"],
  ),
  lineRule(
    "no promise, process or Bun where bytes must give the same state everywhere",
    inPureRoom,
    [
      /\basync\b|\bawait\b|\bPromise\b|\bqueueMicrotask\b/,
      /\bprocess\.|\bBun\.(?!CryptoHasher\b|hash\b)|\bfetch\(/,
    ],
    ["await done;", "const p = process.pid;"],
  ),
  lineRule(
    "no any, no cast through unknown, no enum, no namespace",
    everywhere,
    [
      /(:|\bas|<|\||&)\s*any\b(?!\s*[.(])|=\s*any\s*[;|&]|\bany\[\]/,
      /\bas unknown as\b/,
      /^\s*(export )?(declare )?(const )?enum\b|^\s*(export )?namespace\b/,
    ],
    ["const x: any = 1;", "f(x as unknown as Y);", "export enum A {", "type T = any[];"],
  ),
  lineRule(
    "no default export, no export of everything",
    everywhere,
    [/^export default\b|\bas default\b/, /^export \*/],
    ["export default class X {", 'export * from "./x.ts";'],
  ),
  rawRule(
    "no switching off of the type checker",
    everywhere,
    /@ts-(ignore|nocheck|expect-error)/,
    `// @${"ts-ignore"}`,
  ),
  rawRule(
    "nothing left to do",
    everywhere,
    new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X"].join("|")})\\b`),
    `// ${"TO" + "DO"}: later`,
  ),
  rawRule(
    "no test left out",
    everywhere,
    new RegExp(`\\b(test|it|describe)\\.(${["ski" + "p", "on" + "ly", "to" + "do"].join("|")})\\b`),
    `test.${"ski" + "p"}("x", f);`,
  ),
  {
    name: "no empty catch",
    applies: everywhere,
    violations: ({ path, code }) => matchesOf(path, code, /\bcatch\s*(\([^)]*\)\s*)?\{\s*\}/g),
    broken: [{ path: "src/base/x.ts", text: "try {\n  f();\n} catch {\n  // never mind\n}\n" }],
  },
  {
    name: `at most ${fileLinesMax} lines a file`,
    applies: everywhere,
    violations: ({ path, text }) => {
      const lines = text.split("\n").length - 1;
      return lines > fileLinesMax ? [`${path} has ${lines} lines`] : [];
    },
    broken: [{ path: "src/base/x.ts", text: "\n".repeat(fileLinesMax + 1) }],
  },
  {
    name: "a header comment that says what lives here",
    applies: inSource,
    violations: ({ path, text }) => (/^(#!.*\n)?\/\/ \S/.test(text) ? [] : [`${path} has no header comment`]),
    broken: [{ path: "src/base/x.ts", text: "export const x = 1;\n" }],
  },
  {
    name: "file names in kebab case that say something",
    applies: everywhere,
    violations: ({ path }) =>
      /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)?(\.test)?\.ts$/.test(basename(path)) &&
      !/(^|[/-])(utils?|helpers?|managers?|misc)(\.test)?\.ts$|\/(common|index|utils?|helpers?)(\.ts$|\/)/.test(
        path,
      )
        ? []
        : [path],
    broken: [
      { path: "src/base/lineLogger.ts", text: "" },
      { path: "src/base/utils.ts", text: "" },
      { path: "src/base/index.ts", text: "" },
    ],
  },
  {
    name: "no file that only passes others' exports on",
    applies: inSource,
    violations: ({ path, code }) => {
      const statements = code.split("\n").filter((line) => /^\S/.test(line) && !line.startsWith("}"));
      const passed = statements.filter((line) => /^export (type )?\{/.test(line)).length;
      return passed > 0 && statements.every((line) => /^(export (type )?\{|import\b)/.test(line))
        ? [path]
        : [];
    },
    broken: [
      { path: "src/base/x.ts", text: '// x\nexport { a } from "./a.ts";\nexport { b } from "./b.ts";\n' },
    ],
  },
  {
    name: "exported functions and classes say what they promise",
    applies: inSource,
    violations: ({ path, text }) => undocumentedExports(path, text),
    broken: [
      {
        path: "src/base/x.ts",
        text: "// x\n\n/** A. */\nexport class A {}\n\nexport function f(): void {}\n",
      },
    ],
  },
  {
    name: `at most ${functionLinesMax} lines a function`,
    applies: inSource,
    violations: ({ path, code }) => longFunctions(path, code),
    broken: [
      { path: "src/base/x.ts", text: `function f(): void {\n${"  g();\n".repeat(functionLinesMax)}}\n` },
    ],
  },
  {
    name: `at most ${parametersMax} parameters a function`,
    applies: inSource,
    violations: ({ path, code }) => manyParameters(path, code),
    broken: [
      { path: "src/base/x.ts", text: "function f(a: A, b: B, c: C, d: D, e: E): void {\n}\n" },
      {
        path: "src/base/x.ts",
        text: "class X {\n  g(\n    a: A,\n    b: B,\n    c: C,\n    d: D,\n    e: E,\n  ): void {\n  }\n}\n",
      },
    ],
  },
];

function lineRule(
  name: string,
  applies: Rule["applies"],
  patterns: readonly RegExp[],
  samples: readonly string[],
): Rule {
  return {
    name,
    applies,
    violations: ({ path, code, text }) => {
      const lines = text.split("\n");
      return code
        .split("\n")
        .flatMap((line, at) =>
          patterns.some((pattern) => pattern.test(line))
            ? [`${path}:${at + 1}: ${(lines[at] ?? "").trim()}`]
            : [],
        );
    },
    broken: samples.map((text) => ({ path: "src/raft/x.ts", text })),
  };
}

// Looks at comments and literals as well.
function rawRule(name: string, applies: Rule["applies"], pattern: RegExp, sample: string): Rule {
  return {
    name,
    applies,
    violations: ({ path, text }) =>
      text
        .split("\n")
        .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
    broken: [{ path: "src/base/x.ts", text: sample }],
  };
}

function matchesOf(path: string, code: string, pattern: RegExp): string[] {
  return [...code.matchAll(pattern)].map(({ index }) => `${path}:${code.slice(0, index).split("\n").length}`);
}

const exportedCode = /^export (?:abstract |async |declare )*(?:function\*?|class) (\w+)/;

// The header of a file that exports one function or class is the comment of that.
function undocumentedExports(path: string, text: string): string[] {
  const lines = text.split("\n");
  const onlyExport = lines.filter((line) => exportedCode.test(line)).length === 1;
  return lines.flatMap((line, at) => {
    const name = exportedCode.exec(line)?.[1];
    if (name === undefined) return [];
    const before = (lines[at - 1] ?? "").trim();
    const overload = before.startsWith("export function ");
    return before.endsWith("*/") || overload || onlyExport ? [] : [`${path}:${at + 1}: ${name}`];
  });
}

interface FunctionHead {
  readonly name: string;
  readonly line: number;
  readonly parameters: number;
  readonly lines: number;
}

const modifiers = "(?:export |async |static |override |private |public |get |set )*";
const headOnOneLine = new RegExp(
  `^(\\s*)${modifiers}(?:function\\*? )?(#?\\w+)(?:<.*>)?\\((.*)\\)(?:: .*)? \\{$`,
);
const headOnMany = new RegExp(`^(\\s*)${modifiers}(?:function\\*? )?(#?\\w+)(?:<.*>)?\\($`);
const control = new Set(["if", "for", "while", "switch", "catch", "with", "function"]);

// Functions and methods as the formatter leaves them: the closing brace stands under the beginning of the head.
function functionHeads(code: string): FunctionHead[] {
  const lines = code.split("\n");
  return lines.flatMap((line, at) => {
    const one = headOnOneLine.exec(line);
    const [, indent = "", name = "", inside = ""] = one ?? headOnMany.exec(line) ?? [];
    if (name === "" || control.has(name)) return [];
    const closing = lines.findIndex((other, where) => where > at && other.startsWith(`${indent}}`));
    if (closing === -1) return [];
    if (one !== null)
      return [{ name, line: at + 1, parameters: countParts(inside), lines: closing - at + 1 }];
    const headEnd = lines.findIndex((other, where) => where > at && other.startsWith(`${indent})`));
    if (headEnd === -1 || !/^\s*\)(: .*)? \{$/.test(lines[headEnd] ?? "")) return [];
    const body = lines.slice(at + 1, headEnd);
    const parameters = body.filter(
      (other) => other.startsWith(`${indent}  `) && /^\S/.test(other.slice(indent.length + 2)),
    );
    const starts = parameters.filter((other) => !/^\s*[}\])]/.test(other));
    return [{ name, line: at + 1, parameters: starts.length, lines: closing - at + 1 }];
  });
}

// Parts between commas that stand in no bracket.
function countParts(text: string): number {
  let depth = 0;
  let parts = text.trim() === "" ? 0 : 1;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if ("([{<".includes(char)) depth++;
    else if (")]}".includes(char) || (char === ">" && text[at - 1] !== "=")) depth--;
    else if (char === "," && depth === 0) parts++;
  }
  return parts;
}

function longFunctions(path: string, code: string): string[] {
  return functionHeads(code)
    .filter(({ lines }) => lines > functionLinesMax)
    .map(({ name, line, lines }) => `${path}:${line}: ${name} has ${lines} lines`);
}

function manyParameters(path: string, code: string): string[] {
  return (
    functionHeads(code)
      // A record that is made all the time gets its fields one by one.
      .filter(({ name, parameters }) => parameters > parametersMax && name !== "constructor")
      .map(({ name, line, parameters }) => `${path}:${line}: ${name} has ${parameters} parameters`)
  );
}
