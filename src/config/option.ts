// The shape of one row of the option table, and the types that follow from it. From a row come the flag, the environment
// variable, the line of the configuration file, CONFIG GET and SET, `--help` and the table in README.md; nothing about
// an option is said a second time. What an option means is known only where it is used.

export const optionGroups = [
  "network",
  "security",
  "process",
  "clients",
  "cluster start",
  "raft timing",
  "replication",
  "log and reads",
] as const;
export type OptionGroup = (typeof optionGroups)[number];

/** `host:port` with the brackets of an IPv6 host taken off. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Bytes of unsent replies at which a client is cut off: at once past `hardBytes`, and past `softBytes` once that has
 * lasted for `softSeconds`. Zero means no limit. */
export interface BufferLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

export const clientClasses = ["normal", "replica", "pubsub"] as const;
export type ClientClass = (typeof clientClasses)[number];
export type BufferLimits = Readonly<Record<ClientClass, BufferLimit>>;

interface RowBase {
  /** As in CONFIG GET, lower case. */
  readonly name: string;
  readonly group: OptionGroup;
  /** `start`: only by flag, environment or file. `init`: also by CONFIG SET until the node is part of a cluster. */
  readonly when: "start" | "init" | "runtime";
  /** In the notation of the configuration file. */
  readonly default: string;
  /** Plain English, with the trade-off. Shown by `--help` and in the README. */
  readonly help: string;
  /** RedisRaft's: also known as `raft.<name>`, and listed so. `shared`: Redis has an option of that name as well. */
  readonly raft?: true | "shared";
  /** Names of older versions that are still understood. */
  readonly aliases?: readonly string[];
  /** CONFIG GET shows it only when asked by its exact name. */
  readonly hidden?: true;
  /** Its value never goes to a log or a screen. */
  readonly secret?: true;
}

interface NumberRow extends RowBase {
  readonly type: "integer" | "memory";
  readonly min: number;
  readonly max: number | bigint;
  readonly unit?: "ms" | "s";
}

interface EnumRow extends RowBase {
  readonly type: "enum";
  readonly values: readonly string[];
}

interface StringRow extends RowBase {
  readonly type: "string";
  /** What is wrong with this value, or null. */
  readonly check?: (text: string) => string | null;
}

interface PlainRow extends RowBase {
  readonly type: "boolean" | "path" | "words" | "address" | "addresses" | "buffer-limits" | "percentiles";
}

/** One row of the table. */
export type OptionRow = NumberRow | EnumRow | StringRow | PlainRow;

interface ValueByType {
  readonly integer: number;
  /** Bytes. */
  readonly memory: number;
  readonly boolean: boolean;
  readonly enum: string;
  /** A byte string, as everything that is compared with what clients send. */
  readonly string: string;
  /** A native string, ready for the file system. */
  readonly path: string;
  readonly words: readonly string[];
  /** Null when the option is empty. */
  readonly address: Address | null;
  readonly addresses: readonly Address[];
  readonly "buffer-limits": BufferLimits;
  /** Each from 0 to 100. */
  readonly percentiles: readonly number[];
}

/** What `Config.get` gives for a row: the union of an enum's own words, else the type's value. */
export type ValueOf<Row extends OptionRow> = Row extends { type: "enum"; values: readonly (infer Word)[] }
  ? Word
  : ValueByType[Row["type"]];

export type AnyValue = ValueByType[keyof ValueByType];

/** The largest value of an option that Redis keeps in a C int. */
export const intMax = 2_147_483_647;
/** The same for an unsigned int, and for a 64-bit integer. */
export const unsignedIntMax = 4_294_967_295;
export const longMax = 9_223_372_036_854_775_807n;
