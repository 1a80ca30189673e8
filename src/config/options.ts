// The one option table, and its index by every name an option is known under.

import type { OptionRow, ValueOf } from "./option.ts";
import { raftOptions } from "./raft-options.ts";
import { redisOptions } from "./redis-options.ts";
import { vlotOptions } from "./vlot-options.ts";

const table = [...redisOptions, ...raftOptions, ...vlotOptions] as const;

type Row = (typeof table)[number];
/** The name of an option, as in `config.get("election-timeout")`. */
export type OptionName = Row["name"];
/** The type of an option's value. */
export type OptionValue<Name extends OptionName> = ValueOf<Extract<Row, { readonly name: Name }>>;

/** A row of the table, whose name is known to be an option's. */
export type NamedRow = OptionRow & { readonly name: OptionName };

/** Every option, in the order of the table. */
export const options: readonly NamedRow[] = table;

/** The prefix under which RedisRaft's options are known to Redis. */
export const raftPrefix = "raft.";

const rowsByName = new Map(options.flatMap((row) => namesOf(row).map((name) => [name, row] as const)));

/** The row that `name` means, whatever its case: its own name, `raft.<name>` where RedisRaft has it, or an old name. */
export function findOption(name: string): NamedRow | undefined {
  return rowsByName.get(name.toLowerCase());
}

/** Every name an option is known under, its own first. */
export function namesOf(row: OptionRow): string[] {
  const bare = [row.name, ...(row.aliases ?? [])];
  return row.raft === undefined ? bare : [...bare, ...bare.map((name) => raftPrefix + name)];
}

/** The names that a listing shows: RedisRaft's options with their prefix, those that Redis has too under both. */
export function listedNamesOf(row: OptionRow): string[] {
  if (row.raft === undefined) return [row.name];
  return row.raft === "shared" ? [row.name, raftPrefix + row.name] : [raftPrefix + row.name];
}

/** The environment variable of an option: `VLOT_ELECTION_TIMEOUT`. */
export function environmentNameOf(row: OptionRow): string {
  return `VLOT_${row.name.toUpperCase().replaceAll("-", "_")}`;
}
