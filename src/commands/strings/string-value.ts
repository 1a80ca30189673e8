// The one place where string commands come from a key to its string, and say WRONGTYPE if it holds something else.

import { errors } from "../../resp/errors.ts";
import type { KeyEntry } from "../../keyspace/key-entry.ts";
import type { Value } from "../../keyspace/value.ts";
import type { DataContext } from "../context.ts";

/** A value that is a string: its bytes, or the integer that stands for them. */
export type StringValue = string | number;

export type StringEntry = KeyEntry & { readonly value: StringValue };

/**
 * For a command that changes the key: its entry; undefined without the key; null after WRONGTYPE was answered, when the
 * command must stop.
 */
export function findString(context: DataContext, key: string): StringEntry | undefined | null {
  return stringOrWrongType(context, context.db.find(key));
}

/** As {@link findString}, for a command that answers what the key holds: counts as a hit or a miss. */
export function readString(context: DataContext, key: string): StringEntry | undefined | null {
  return stringOrWrongType(context, context.db.read(key));
}

function stringOrWrongType(
  context: DataContext,
  entry: KeyEntry | undefined,
): StringEntry | undefined | null {
  if (entry === undefined || isStringEntry(entry)) return entry;
  context.reply.error(errors.wrongType);
  return null;
}

/** Whether the key holds a string; for commands that do not answer WRONGTYPE if it does not (MGET, LCS). */
export function isStringEntry(entry: KeyEntry): entry is StringEntry {
  return isString(entry.value);
}

function isString(value: Value): value is StringValue {
  return typeof value === "string" || typeof value === "number";
}
