// LCS: options and replies; the search itself is in `longest-common-subsequence.ts`.

import { parseInteger } from "../../base/parse-integer.ts";
import { errors } from "../../resp/errors.ts";
import { stringBytesMax, stringOf } from "../../keyspace/value.ts";
import type { Command, DataCommand } from "../command.ts";
import type { DataContext } from "../context.ts";
import { keyRange } from "../key-specs.ts";
import { type CommonRange, CommonSubsequence, tableBytes } from "./longest-common-subsequence.ts";
import { isStringEntry } from "./string-value.ts";

const lcs = {
  name: "lcs",
  scope: "data",
  summary: "Finds the longest common subsequence of two strings: the text, its length or its places.",
  since: "7.0.0",
  group: "string",
  complexity: "O(N*M) with N and M the lengths of the strings",
  arity: -3,
  flags: ["readonly"],
  keySpecs: [keyRange(1, 1, "RO", "access")],
  arguments: [
    { name: "key1", type: "key", keySpecIndex: 0 },
    { name: "key2", type: "key", keySpecIndex: 0 },
    { name: "len", type: "pure-token", token: "LEN", optional: true },
    { name: "idx", type: "pure-token", token: "IDX", optional: true },
    { name: "min-match-len", type: "integer", token: "MINMATCHLEN", optional: true },
    { name: "withmatchlen", type: "pure-token", token: "WITHMATCHLEN", optional: true },
  ],
  run: findCommonSubsequence,
} as const satisfies DataCommand;

export const lcsCommands: readonly Command[] = [lcs];

interface LcsOptions {
  length: boolean;
  indexes: boolean;
  matchLengths: boolean;
  matchLengthMin: number | bigint;
}

function findCommonSubsequence(context: DataContext, args: readonly string[]): void {
  const { reply } = context;
  const a = stringOrEmpty(context, args[1] ?? "");
  const b = stringOrEmpty(context, args[2] ?? "");
  if (a === null || b === null) return reply.error(errors.lcsNotStrings);
  const options = parseLcsOptions(args);
  if (typeof options === "string") return reply.error(options);
  if (options.length && options.indexes) return reply.error(errors.lcsLengthAndIndexes);
  const found = subsequenceOf(a, b);
  if (typeof found === "string") return reply.error(found);
  if (options.indexes) writeIndexes(context, found, options);
  else if (options.length) reply.integer(found.length);
  else reply.bulk(found.text());
}

/** The key's string, "" without the key, null if the key holds something else. */
function stringOrEmpty(context: DataContext, key: string): string | null {
  const entry = context.db.read(key);
  if (entry === undefined) return "";
  return isStringEntry(entry) ? stringOf(entry.value) : null;
}

/** The options after the two keys, or an error text. */
function parseLcsOptions(args: readonly string[]): LcsOptions | string {
  const options: LcsOptions = { length: false, indexes: false, matchLengths: false, matchLengthMin: 0 };
  for (let at = 3; at < args.length; at++) {
    const word = (args[at] ?? "").toLowerCase();
    if (word === "idx") options.indexes = true;
    else if (word === "len") options.length = true;
    else if (word === "withmatchlen") options.matchLengths = true;
    else if (word === "minmatchlen" && at + 1 < args.length) {
      const lengthMin = parseInteger(args[++at] ?? "");
      if (lengthMin === null) return errors.notAnInteger;
      options.matchLengthMin = lengthMin;
    } else return errors.syntax;
  }
  return options;
}

/** The search, or an error text if its table would take more than a string may or than there is. */
function subsequenceOf(a: string, b: string): CommonSubsequence | string {
  if (tableBytes(a.length, b.length) > stringBytesMax) return errors.lcsTooMuchMemory;
  try {
    return new CommonSubsequence(a, b);
  } catch (error) {
    if (error instanceof RangeError) return errors.lcsNoMemory;
    throw error;
  }
}

function writeIndexes(context: DataContext, found: CommonSubsequence, options: LcsOptions): void {
  const { reply } = context;
  const ranges = found.ranges().filter((range) => lengthOf(range) >= options.matchLengthMin);
  reply.map(2);
  reply.bulk("matches");
  reply.array(ranges.length);
  for (const range of ranges) {
    reply.array(options.matchLengths ? 3 : 2);
    reply.array(2);
    reply.integer(range.aFrom);
    reply.integer(range.aTo);
    reply.array(2);
    reply.integer(range.bFrom);
    reply.integer(range.bTo);
    if (options.matchLengths) reply.integer(lengthOf(range));
  }
  reply.bulk("len");
  reply.integer(found.length);
}

function lengthOf(range: CommonRange): number {
  return range.aTo - range.aFrom + 1;
}
