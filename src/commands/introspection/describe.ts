// One command as COMMAND and COMMAND INFO show it, and its first, last and step of keys as old clients know them.

import type { Reply } from "../../resp/reply.ts";
import { type Command, commandFlags, type KeySpec } from "../command.ts";
import { categoriesOf } from "./categories.ts";

/** Key positions in the form of Redis 2.8: first key, last key (negative: from the end), step; all 0 without keys. */
interface KeyRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  /** There may be keys elsewhere. */
  readonly movable: boolean;
}

/** Writes the ten elements of a command's entry. `parent` is the container's name for a subcommand. */
export function describeCommand(reply: Reply, command: Command, parent?: string): void {
  const range = keyRangeOf(command.keySpecs);
  const flags = commandFlags.filter(
    (flag) => command.flags.includes(flag) || (flag === "movablekeys" && range.movable),
  );
  reply.array(10);
  reply.bulk(fullName(command, parent));
  reply.integer(command.arity);
  reply.set(flags.length);
  for (const flag of flags) reply.simple(flag);
  reply.integer(range.first);
  reply.integer(range.last);
  reply.integer(range.step);
  const categories = categoriesOf(command);
  reply.set(categories.length);
  for (const category of categories) reply.simple(`@${category}`);
  const tips = command.tips ?? [];
  reply.set(tips.length);
  for (const tip of tips) reply.bulk(tip);
  reply.set(command.keySpecs.length);
  for (const spec of command.keySpecs) describeKeySpec(reply, spec);
  const subcommands = command.scope === "container" ? command.subcommands : [];
  reply.set(subcommands.length);
  for (const subcommand of subcommands) describeCommand(reply, subcommand, command.name);
}

/** `get`, or `client|list` for a subcommand. */
export function fullName(command: Command, parent?: string): string {
  return parent === undefined ? command.name : `${parent}|${command.name}`;
}

function describeKeySpec(reply: Reply, spec: KeySpec): void {
  reply.map(spec.notes === undefined ? 3 : 4);
  if (spec.notes !== undefined) writePairs(reply, [["notes", spec.notes]]);
  reply.bulk("flags");
  reply.set(spec.flags.length);
  for (const flag of spec.flags) reply.simple(flag);
  reply.bulk("begin_search");
  const begin = spec.beginSearch;
  switch (begin.kind) {
    case "index":
      writeSearch(reply, "index", [["index", begin.index]]);
      break;
    case "keyword":
      writeSearch(reply, "keyword", [
        ["keyword", begin.keyword],
        ["startfrom", begin.startFrom],
      ]);
      break;
    case "unknown":
      writeSearch(reply, "unknown", []);
  }
  reply.bulk("find_keys");
  const find = spec.findKeys;
  switch (find.kind) {
    case "range":
      writeSearch(reply, "range", [
        ["lastkey", find.lastKey],
        ["keystep", find.step],
        ["limit", find.limit],
      ]);
      break;
    case "keynum":
      writeSearch(reply, "keynum", [
        ["keynumidx", find.keyNumberIndex],
        ["firstkey", find.firstKey],
        ["keystep", find.step],
      ]);
      break;
    case "unknown":
      writeSearch(reply, "unknown", []);
  }
}

function writeSearch(
  reply: Reply,
  type: string,
  fields: readonly (readonly [string, string | number])[],
): void {
  reply.map(2);
  reply.bulk("type");
  reply.bulk(type);
  reply.bulk("spec");
  reply.map(fields.length);
  writePairs(reply, fields);
}

/** Names and values, the inside of a map. */
export function writePairs(
  reply: Reply,
  pairs: readonly (readonly [name: string, value: string | number])[],
): void {
  for (const [name, value] of pairs) {
    reply.bulk(name);
    if (typeof value === "number") reply.integer(value);
    else reply.bulk(value);
  }
}

/**
 * What of the key specifications fits into the old form: a single range does as it is; of several, those that follow
 * one another without gaps do. What does not fit makes the command's keys movable.
 */
function keyRangeOf(specs: readonly KeySpec[]): KeyRange {
  const only = specs[0];
  if (specs.length === 1 && only?.beginSearch.kind === "index" && only.findKeys.kind === "range") {
    const { index } = only.beginSearch;
    const { lastKey, step } = only.findKeys;
    const last = lastKey >= 0 ? index + lastKey : lastKey;
    return { first: index, last, step, movable: isIncomplete(only) };
  }
  let first = 0;
  let last = 0;
  let movable = false;
  for (const spec of specs) {
    if (isIncomplete(spec)) movable = true;
    const begin = spec.beginSearch;
    const find = spec.findKeys;
    if (begin.kind !== "index" || find.kind !== "range" || find.step !== 1) {
      movable = true;
    } else if (last !== 0 && last !== begin.index - 1) {
      movable = true;
    } else {
      if (first === 0) first = begin.index;
      const end = find.lastKey >= 0 ? begin.index + find.lastKey : find.lastKey;
      // One that is counted from the end goes further than any that is not.
      last = last < 0 || end < 0 ? Math.max(Math.min(last, -1), Math.min(end, -1)) : Math.max(last, end);
    }
  }
  return { first, last, step: first === 0 ? 0 : 1, movable };
}

function isIncomplete(spec: KeySpec): boolean {
  return spec.flags.includes("incomplete");
}
