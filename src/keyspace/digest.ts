// The digest by which nodes compare their state at the same position of the log. It covers all that a client could ever
// observe: clock, revision, and per database the order, names, values, encodings, deadlines and versions of its keys and
// the next sequence. It leaves out what is a node's own (access times).
//
// The bytes hashed name every length before its text, so that two different states never spell the same bytes:
//   "vlot keyspace 1 " clock " " revision " " databases "\n"
//   per database: "db " index " " lastSequence " " size "\n"
//   per key: sequence " " version " " deadline " " encoding " " keyLength " " valueLength " " key value "\n"

import type { Keyspace } from "./keyspace.ts";
import type { KeyEntry } from "./key-entry.ts";
import { encodingOf, stringOf, valueType } from "./value.ts";

/** 40 hex digits, as DEBUG DIGEST of Redis. */
export function digestOf(keyspace: Keyspace): string {
  const hasher = new Bun.CryptoHasher("sha1");
  hasher.update(
    `vlot keyspace 1 ${keyspace.clockMs} ${keyspace.revision} ${keyspace.databases.length}\n`,
    "latin1",
  );
  for (const database of keyspace.databases) {
    hasher.update(`db ${database.index} ${database.lastSequence} ${database.size}\n`, "latin1");
    for (const entry of database.storedEntries()) hasher.update(lineOf(entry), "latin1");
  }
  return hasher.digest("hex");
}

function lineOf(entry: KeyEntry): string {
  const value = stringOf(entry.value);
  const kind = `${valueType(entry.value)}-${encodingOf(entry)}`;
  const head = `${entry.sequence} ${entry.version} ${entry.expireAtMs} ${kind} ${entry.key.length} ${value.length}`;
  return `${head} ${entry.key}${value}\n`;
}
