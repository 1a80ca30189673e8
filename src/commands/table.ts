// All commands, and the way from an argument vector to the one that it names. A family's file exports its commands; this
// file lists the families and checks what no single file can: that names are unique and facts fit together.
//
// Lookup is on the path of every request. Names come in lower or in upper case from nearly every client, so both spellings
// are keys of the map and a command costs one map access; only other spellings are lower-cased first.

import { assert } from "../base/assert.ts";
import { errorFor } from "../resp/errors.ts";
import { type Command, type ContainerCommand, fitsArity, type RunnableCommand } from "./command.ts";
import { clientCommands } from "./client/container.ts";
import { clusterCommands } from "./cluster.ts";
import { configCommands } from "./configuration.ts";
import { connectionCommands } from "./connection.ts";
import { introspectionCommands } from "./introspection/container.ts";
import { raftCommands } from "./raft/commands.ts";
import { serverAdminCommands } from "./server-admin.ts";
import { databaseCommands } from "./keys/databases.ts";
import { expiryCommands } from "./keys/expiry.ts";
import { iterationCommands } from "./keys/iteration.ts";
import { objectCommands } from "./keys/object.ts";
import { presenceCommands } from "./keys/presence.ts";
import { relocationCommands } from "./keys/relocation.ts";
import { timeToLiveCommands } from "./keys/time-to-live.ts";
import { counterCommands } from "./strings/counters.ts";
import { getCommands } from "./strings/get.ts";
import { lcsCommands } from "./strings/lcs.ts";
import { multiKeyCommands } from "./strings/multi-key.ts";
import { rangeCommands } from "./strings/ranges.ts";
import { setCommands } from "./strings/set.ts";

/** Every family. */
export const allCommands: readonly Command[] = [
  ...setCommands,
  ...getCommands,
  ...counterCommands,
  ...rangeCommands,
  ...multiKeyCommands,
  ...lcsCommands,
  ...presenceCommands,
  ...expiryCommands,
  ...timeToLiveCommands,
  ...relocationCommands,
  ...iterationCommands,
  ...databaseCommands,
  ...objectCommands,
  ...connectionCommands,
  ...clientCommands,
  ...introspectionCommands,
  ...configCommands,
  ...serverAdminCommands,
  ...clusterCommands,
  ...raftCommands,
];

/** A command found, with what dispatch asks of it at every request. The table owns it; it never changes. */
export interface FoundCommand {
  readonly kind: "command";
  readonly command: RunnableCommand;
  /** `get`, `client|kill`. */
  readonly fullName: string;
  /** Goes through the log. */
  readonly isWrite: boolean;
}

export interface LookupError {
  readonly kind: "error";
  /** Ready for `Reply.error`. */
  readonly text: string;
}

interface FoundContainer {
  readonly kind: "container";
  readonly command: ContainerCommand;
  readonly fullName: string;
  readonly subcommands: ReadonlyMap<string, FoundCommand>;
  /** The word alone, if that does something. */
  readonly alone: FoundCommand | null;
}

/** Commands by name. Built once at start; building it throws if the facts contradict each other. */
export class CommandTable {
  readonly commands: readonly Command[];
  readonly #bySpelling = new Map<string, FoundCommand | FoundContainer>();

  constructor(commands: readonly Command[] = allCommands) {
    this.commands = commands;
    for (const command of commands) {
      const found = command.scope === "container" ? containerOf(command) : commandOf(command, command.name);
      addSpellings(this.#bySpelling, command.name, found);
    }
  }

  /** The command that `args` name and whose arity they fit, or what to answer. `args` is not empty. */
  lookup(args: readonly string[]): FoundCommand | LookupError {
    const found = this.#bySpelling.get(args[0] ?? "") ?? this.#bySpelling.get((args[0] ?? "").toLowerCase());
    if (found === undefined) return { kind: "error", text: errorFor.unknownCommand(args) };
    if (found.kind === "command") return checkedArity(found, args);
    const given = args[1];
    if (given === undefined) {
      return found.alone ?? { kind: "error", text: errorFor.wrongArity(found.fullName) };
    }
    const subcommand = found.subcommands.get(given) ?? found.subcommands.get(given.toLowerCase());
    if (subcommand === undefined) {
      return { kind: "error", text: errorFor.unknownSubcommand(found.fullName, given) };
    }
    return checkedArity(subcommand, args);
  }

  /** Whether a command that begins with these words and has so many arguments goes through the log. Allocates nothing. */
  isWrite(name: string, subname: string, argumentCount: number): boolean {
    let found = this.#bySpelling.get(name) ?? this.#bySpelling.get(name.toLowerCase());
    if (found?.kind === "container")
      found = found.subcommands.get(subname) ?? found.subcommands.get(subname.toLowerCase());
    return found?.kind === "command" && found.isWrite && fitsArity(found.command, argumentCount);
  }

  /** The command of this name in any case, a subcommand as `client|kill`; undefined if there is none. */
  find(fullName: string): Command | undefined {
    const [name = "", subName, ...rest] = fullName.toLowerCase().split("|", 3);
    const found = this.#bySpelling.get(name);
    if (found === undefined || rest.length > 0) return undefined;
    if (subName === undefined) return found.command;
    return found.kind === "container" ? found.subcommands.get(subName)?.command : undefined;
  }
}

function checkedArity(found: FoundCommand, args: readonly string[]): FoundCommand | LookupError {
  if (fitsArity(found.command, args.length)) return found;
  return { kind: "error", text: errorFor.wrongArity(found.fullName) };
}

function commandOf(command: RunnableCommand, fullName: string): FoundCommand {
  const isWrite = command.flags.includes("write");
  assert(!(isWrite && command.flags.includes("readonly")), `${fullName} to be a write or a read, not both`);
  assert(!isWrite || command.scope === "data", `${fullName} to be a data command, since it writes`);
  assert(command.arity !== 0, `${fullName} to have an arity`);
  return { kind: "command", command, fullName, isWrite };
}

function containerOf(command: ContainerCommand): FoundContainer {
  const subcommands = new Map<string, FoundCommand>();
  for (const subcommand of command.subcommands) {
    addSpellings(subcommands, subcommand.name, commandOf(subcommand, `${command.name}|${subcommand.name}`));
  }
  const { subcommands: _, runAlone, ...facts } = command;
  const alone = runAlone && commandOf({ ...facts, scope: "local", run: runAlone }, command.name);
  return { kind: "container", command, fullName: command.name, subcommands, alone: alone ?? null };
}

function addSpellings<Found>(bySpelling: Map<string, Found>, name: string, found: Found): void {
  assert(name === name.toLowerCase(), `the name ${name} in lower case`);
  assert(!bySpelling.has(name), `one command named ${name}`);
  bySpelling.set(name, found);
  bySpelling.set(name.toUpperCase(), found);
}
