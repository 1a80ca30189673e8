// Which arguments of a command are keys, from its key specifications: for redirects, expiry checks, permissions and COMMAND
// GETKEYS. Reads only facts; knows no command by name.

import { parseSafeInteger } from "../base/parse-integer.ts";
import type { CommandFacts, KeySpec } from "./command.ts";

const none: readonly number[] = [];
const firstArgument: readonly number[] = [1];

/**
 * Positions in `args` of the command's keys, `args[0]` being its name; in order of the specifications. A specification that
 * these arguments do not fit (its keyword is missing, its count of keys is no number or too high) adds nothing.
 */
export function keysOf(command: CommandFacts, args: readonly string[]): readonly number[] {
  const specs = command.keySpecs;
  if (specs.length === 0) return none;
  const only = specs.length === 1 ? specs[0] : undefined;
  if (only !== undefined && isFirstArgument(only)) return args.length > 1 ? firstArgument : none;
  const positions: number[] = [];
  for (const spec of specs) addKeys(spec, args, positions);
  return positions;
}

/** The plain form of most commands. */
function isFirstArgument(spec: KeySpec): boolean {
  const { beginSearch, findKeys } = spec;
  return (
    beginSearch.kind === "index" &&
    beginSearch.index === 1 &&
    findKeys.kind === "range" &&
    findKeys.lastKey === 0 &&
    !isNotKey(spec)
  );
}

/** Redis specifies some channels like keys, and marks them so. */
function isNotKey(spec: KeySpec): boolean {
  return spec.flags.length > 0 && spec.flags.includes("not_key");
}

function addKeys(spec: KeySpec, args: readonly string[], positions: number[]): void {
  if (isNotKey(spec)) return;
  const begin = searchBegin(spec.beginSearch, args);
  if (begin === null) return;
  const range = keyRange(spec.findKeys, begin, args);
  if (range === null || range.last >= args.length || range.last < range.first) return;
  for (let at = range.first; at <= range.last; at += range.step) positions.push(at);
}

function searchBegin(beginSearch: KeySpec["beginSearch"], args: readonly string[]): number | null {
  if (beginSearch.kind === "index") return beginSearch.index;
  if (beginSearch.kind === "unknown") return null;
  const { startFrom } = beginSearch;
  const keyword = beginSearch.keyword.toLowerCase();
  // A negative start counts from the end and searches towards the beginning.
  const step = startFrom < 0 ? -1 : 1;
  for (let at = startFrom < 0 ? args.length + startFrom : startFrom; at > 0 && at < args.length; at += step) {
    if (args[at]?.toLowerCase() === keyword) return at + 1;
  }
  return null;
}

interface PositionRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

function keyRange(
  findKeys: KeySpec["findKeys"],
  begin: number,
  args: readonly string[],
): PositionRange | null {
  if (findKeys.kind === "unknown") return null;
  if (findKeys.kind === "keynum") {
    const count = parseSafeInteger(args[begin + findKeys.keyNumberIndex] ?? "");
    if (count === null || count < 1) return null;
    const first = begin + findKeys.firstKey;
    return { first, last: first + (count - 1) * findKeys.step, step: findKeys.step };
  }
  const { lastKey, step, limit } = findKeys;
  if (lastKey >= 0) return { first: begin, last: begin + lastKey, step };
  // With a limit, only that part of the rest are keys: 2 means the first half (XREAD).
  const last =
    limit === 0 ? args.length + lastKey : begin + Math.floor((args.length - begin) / limit) + lastKey;
  return { first: begin, last, step };
}
