// Whatever stands on the command line, in the environment or in a file: a configuration or a ConfigError, soon.

import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { Config } from "../../src/config/config.ts";
import { ConfigError } from "../../src/config/config-error.ts";
import { inapplicable } from "../../src/config/inapplicable.ts";
import { parseArguments } from "../../src/config/load.ts";
import { namesOf, options } from "../../src/config/options.ts";
import { rewriteText } from "../../src/config/rewrite.ts";
import { surroundingsOf } from "./in-memory-files.ts";

const seed = Number(process.env.SEED ?? 20240301);
const rounds = 3000;
const names = [
  ...options.flatMap(namesOf),
  ...inapplicable.keys(),
  "include",
  "__proto__",
  "constructor",
  "no-init",
  "help",
];
const values = [
  "",
  "0",
  "-1",
  "1",
  "yes",
  "no",
  "007",
  "1e9",
  "99999999999999999999",
  "9gb",
  "kb",
  "a:1,b:2",
  "[::1]:9",
];
const more = [
  "normal 0 0 0",
  "normal 0 0",
  "v.conf",
  "*",
  "\0",
  "é",
  "\ud800",
  "--",
  "-",
  "-x",
  '"',
  "'",
  "\\x4",
  "#",
  "\r",
  "\u2028",
];

test("parseArguments() gives a configuration or a ConfigError", () => {
  const random = new SeededRandom(seed);
  let loaded = 0;
  for (let round = 0; round < rounds; round++) {
    const argv = Array.from({ length: random.below(6) }, () => randomWord(random));
    const text = Array.from({ length: random.below(6) }, () => randomLine(random)).join("\n");
    const env = Object.fromEntries(Array.from({ length: random.below(3) }, () => randomVariable(random)));
    const input = { argv: random.below(2) === 0 ? ["v.conf", ...argv] : argv, text, env, seed };
    try {
      const invocation = parseArguments(input.argv, surroundingsOf({ "v.conf": text }, env));
      if (!("config" in invocation)) continue;
      loaded++;
      const written = rewriteText(text, invocation.config);
      expect(rewriteText(written, invocation.config)).toBe(written);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw new Error(JSON.stringify(input), { cause: error });
      expect(error.message).not.toBe("");
      expect([1, 2]).toContain(error.exitStatus);
    }
  }
  // Otherwise it would only prove that everything is refused.
  expect(loaded).toBeGreaterThan(rounds / 50);
});

test("CONFIG SET changes something or says why not, and leaves only values that can be set again", () => {
  const random = new SeededRandom(seed);
  const config = new Config();
  let changed = 0;
  for (let round = 0; round < rounds; round++) {
    const args = Array.from({ length: 1 + random.below(2) }, () => [
      pick(random, names),
      randomValue(random),
    ]).flat();
    const error = config.set(args);
    if (error === null) changed++;
    else expect(error).toStartWith("ERR ");
  }
  expect(changed).toBeGreaterThan(rounds / 50);
  for (const row of options) {
    expect(new Config().load(row.name, config.text(row.name), { kind: "set", detail: "" })).toBeNull();
  }
});

function randomWord(random: SeededRandom): string {
  const name = pick(random, names);
  switch (random.below(6)) {
    case 0:
      return `--${name}`;
    case 1:
      return `--${name}=${randomValue(random)}`;
    case 2:
      return `-${name}`;
    case 3:
      return `--raft.${name}`;
    default:
      return randomValue(random);
  }
}

function randomLine(random: SeededRandom): string {
  const name = pick(random, names);
  return random.below(8) === 0 ? randomValue(random) : `${name} ${randomValue(random)}`;
}

function randomVariable(random: SeededRandom): [string, string] {
  return [`VLOT_${pick(random, names).toUpperCase().replaceAll("-", "_")}`, randomValue(random)];
}

function randomValue(random: SeededRandom): string {
  switch (random.below(4)) {
    case 0:
      return pick(random, more);
    case 1:
      return Array.from({ length: random.below(9) }, () => String.fromCharCode(random.below(256))).join("");
    default:
      return pick(random, values);
  }
}

function pick(random: SeededRandom, from: readonly string[]): string {
  return from[random.below(from.length)] ?? "";
}
