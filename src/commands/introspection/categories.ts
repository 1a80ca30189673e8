// The ACL categories of a command, from its facts: COMMAND INFO and COMMAND LIST show them, permissions go by them.

import type { Command, CommandFlag, CommandGroup } from "../command.ts";

/** All categories, in the order in which Redis prints them. */
const categoryNames: readonly string[] = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
];

const byGroup: Readonly<Partial<Record<CommandGroup, string>>> = {
  bitmap: "bitmap",
  connection: "connection",
  generic: "keyspace",
  geo: "geo",
  hash: "hash",
  hyperloglog: "hyperloglog",
  list: "list",
  pubsub: "pubsub",
  scripting: "scripting",
  set: "set",
  "sorted-set": "sortedset",
  stream: "stream",
  string: "string",
  transactions: "transaction",
};

const byFlag: Readonly<Partial<Record<CommandFlag, readonly string[]>>> = {
  write: ["write"],
  readonly: ["read"],
  admin: ["admin", "dangerous"],
  pubsub: ["pubsub"],
  fast: ["fast"],
  blocking: ["blocking"],
};

/** A command's categories without `@`, in Redis' order. */
export function categoriesOf(command: Command): readonly string[] {
  const found = new Set(command.categories);
  // A container does nothing itself, so Redis puts it in no category but @slow.
  const fromGroup = command.scope === "container" ? undefined : byGroup[command.group];
  if (fromGroup !== undefined) found.add(fromGroup);
  for (const flag of command.flags) {
    // A script reads and writes what it likes; Redis keeps those commands out of @read.
    if (flag === "readonly" && command.group === "scripting") continue;
    for (const name of byFlag[flag] ?? []) found.add(name);
  }
  if (!found.has("fast")) found.add("slow");
  return categoryNames.filter((name) => found.has(name));
}
