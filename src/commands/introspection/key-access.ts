// The keys of a full command with what happens to each: COMMAND GETKEYSANDFLAGS. The access follows from the key
// specifications, but for the few commands whose options decide it.

import type { CommandFacts, KeySpec } from "../command.ts";
import { keysOf } from "../keys-of.ts";

/** A key and the flags of its access (`RO`, `access`, …). */
export interface KeyAccess {
  readonly key: string;
  readonly flags: readonly string[];
}

/** Flags that say something about the specification rather than about the access. */
const notAccess: ReadonlySet<string> = new Set(["not_key", "incomplete", "variable_flags"]);

/** The keys of `args`, in the order of the specifications. */
export function keyAccesses(command: CommandFacts, args: readonly string[]): KeyAccess[] {
  return command.keySpecs.flatMap((spec) => {
    const flags = accessFlags(command, spec, args);
    return keysOf({ ...command, keySpecs: [spec] }, args).map((at) => ({ key: args[at] as string, flags }));
  });
}

function accessFlags(command: CommandFacts, spec: KeySpec, args: readonly string[]): readonly string[] {
  if (spec.flags.includes("variable_flags")) {
    // SET reads only with GET; BITFIELD writes only with SET or INCRBY.
    if (command.name === "set" && !hasWord(args, 3, "get")) return ["OW", "update"];
    if (command.name === "bitfield" && !hasWord(args, 2, "set") && !hasWord(args, 2, "incrby")) {
      return ["RO", "access"];
    }
  }
  return spec.flags.filter((flag) => !notAccess.has(flag));
}

function hasWord(args: readonly string[], from: number, word: string): boolean {
  return args.some((arg, at) => at >= from && arg.toLowerCase() === word);
}
