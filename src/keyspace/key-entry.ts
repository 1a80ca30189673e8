// One key of a database: its name, its value and what the database keeps about it. Fields other than `accessedMs` and
// `rawEncoded` change through `Database`, which keeps its indexes and versions true. Eight fields fill an 80-byte cell.

import type { Value } from "./value.ts";

export class KeyEntry {
  readonly key: string;
  value: Value;
  /** The deadline, milliseconds since 1970; 0 = never. Beyond 2^53 (in 285,000 years) to the nearest double. */
  expireAtMs: number;
  /** The keyspace's revision at the last change of value, expiry or existence. */
  version: number;
  /** Position in the order of creation within the database, from 1; SCAN's cursor. Kept when the value is replaced. */
  readonly sequence: number;
  /** Last access, milliseconds since 1970. Of this node alone: reads leave no trace in the log, so no digest covers it. */
  accessedMs: number;
  /** The value is a string that was changed in place (APPEND, SETRANGE), which Redis reports as encoding `raw`. */
  rawEncoded: boolean;
  /** Place in the database's heap of deadlines; -1 = no deadline. */
  heapIndex: number;

  constructor(key: string, value: Value, version: number, sequence: number, accessedMs: number) {
    this.key = key;
    this.value = value;
    this.expireAtMs = 0;
    this.version = version;
    this.sequence = sequence;
    this.accessedMs = accessedMs;
    this.rawEncoded = false;
    this.heapIndex = -1;
  }
}
