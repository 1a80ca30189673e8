// What a command is: one object with its facts and one handler. From the facts come dispatch, read/write routing, key
// extraction, COMMAND and its subcommands, ACL categories, statistics and the test grammar. A family's file exports its
// commands in one array; `table.ts` lists the families. Adding a command touches one file.

import type { LocalContext, DataContext } from "./context.ts";

/** Redis' command flags, by the names COMMAND INFO prints and in its order. */
export const commandFlags = [
  "write",
  "readonly",
  "denyoom",
  "admin",
  "pubsub",
  "noscript",
  "blocking",
  "loading",
  "stale",
  "skip_monitor",
  "skip_slowlog",
  "asking",
  "fast",
  "no_auth",
  "may_replicate",
  "no_mandatory_keys",
  "no_async_loading",
  "no_multi",
  "movablekeys",
  "allow_busy",
] as const;
export type CommandFlag = (typeof commandFlags)[number];

export type CommandGroup =
  | "bitmap"
  | "cluster"
  | "connection"
  | "generic"
  | "geo"
  | "hash"
  | "hyperloglog"
  | "list"
  | "pubsub"
  | "raft"
  | "scripting"
  | "server"
  | "set"
  | "sorted-set"
  | "stream"
  | "string"
  | "transactions";

/** Redis' key specifications (7.0): where the search begins, how keys are found from there, what happens to them. */
export interface KeySpec {
  /** What the flags do not say. */
  readonly notes?: string;
  readonly flags: readonly string[];
  readonly beginSearch:
    | { readonly kind: "index"; readonly index: number }
    | { readonly kind: "keyword"; readonly keyword: string; readonly startFrom: number }
    | { readonly kind: "unknown" };
  readonly findKeys:
    | {
        readonly kind: "range";
        /** Relative to the first key; -1 is the last argument, -2 the one before. */
        readonly lastKey: number;
        readonly step: number;
        readonly limit: number;
      }
    | {
        readonly kind: "keynum";
        readonly keyNumberIndex: number;
        readonly firstKey: number;
        readonly step: number;
      }
    | { readonly kind: "unknown" };
}

/** One argument as COMMAND DOCS describes it. */
export interface ArgumentSpec {
  readonly name: string;
  readonly type:
    "string" | "integer" | "double" | "key" | "pattern" | "unix-time" | "pure-token" | "oneof" | "block";
  readonly token?: string;
  readonly since?: string;
  readonly optional?: true;
  readonly multiple?: true;
  readonly multipleToken?: true;
  readonly keySpecIndex?: number;
  readonly arguments?: readonly ArgumentSpec[];
}

export interface CommandFacts {
  /** Lower case; a subcommand's own word only (`info`, not `client|info`). */
  readonly name: string;
  readonly summary: string;
  /** The Redis version that brought it, or vlot's for our own. */
  readonly since: string;
  /** What later Redis versions changed in it, oldest first. */
  readonly history?: readonly (readonly [since: string, change: string])[];
  /** Since when Redis advises against it, and what does its work instead. */
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  /** Nodes use it among themselves; clients have no use for it. */
  readonly internal?: true;
  readonly group: CommandGroup;
  readonly complexity: string;
  /** Count of arguments with the name; negative: at least that many. A subcommand counts its parent's name too. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  /** ACL categories beyond those that follow from group and flags, without `@`. */
  readonly categories?: readonly string[];
  readonly keySpecs: readonly KeySpec[];
  readonly arguments: readonly ArgumentSpec[];
  readonly tips?: readonly string[];
}

/**
 * A command on the keyspace: deterministic, synchronous, the same bytes in give the same state and reply on every
 * replica. With flag `write` it goes through the log, else it is a linearizable read. `args[0]` is the command's name.
 */
export interface DataCommand extends CommandFacts {
  readonly scope: "data";
  run(context: DataContext, args: readonly string[]): void;
}

/** A command about this connection, this node or the cluster: answered by the node that got it, in every state. */
export interface LocalCommand extends CommandFacts {
  readonly scope: "local";
  run(context: LocalContext, args: readonly string[]): void;
}

/** A command that only leads to its subcommands, such as CLIENT; dispatch goes by the second word. */
export interface ContainerCommand extends CommandFacts {
  readonly scope: "container";
  readonly subcommands: readonly (DataCommand | LocalCommand)[];
  /** What the word alone does, where it does something: COMMAND. */
  runAlone?(context: LocalContext, args: readonly string[]): void;
}

export type RunnableCommand = DataCommand | LocalCommand;
export type Command = RunnableCommand | ContainerCommand;

/** Whether a call of `command` may have so many arguments, the name included. */
export function fitsArity({ arity }: CommandFacts, count: number): boolean {
  return arity < 0 ? count >= -arity : count === arity;
}
