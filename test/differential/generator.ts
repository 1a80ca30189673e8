// Random commands from the command table: every argument, option and combination that the facts describe, then now and
// then damaged, so that errors are reached as well. Equal seeds give equal sequences.

import { SeededRandom } from "../../src/base/random.ts";
import type { ArgumentSpec, Command, DataCommand } from "../../src/commands/command.ts";
import type { Args } from "./target.ts";
import {
  anyValue,
  builtLengthMax,
  chance,
  longExpiryMin,
  pick,
  refusedLengthMin,
  valueFor,
} from "./values.ts";

export interface Sample {
  /** `get`, `object|encoding`; what coverage is counted by. */
  readonly commandName: string;
  readonly args: Args;
  /** A deadline comes about at once: let it pass on both sides before the next command. */
  readonly expiresSoon: boolean;
}

interface Entry {
  readonly fullName: string;
  readonly command: DataCommand;
  /** Arguments that come before those of the command: its names. */
  readonly words: readonly string[];
}

/** Commands that empty or exchange databases would leave nothing to test if they were as frequent as the others. */
const rareCommands: ReadonlySet<string> = new Set(["flushall", "flushdb", "swapdb"]);
const rareOneIn = 5;

/** In percent. */
const optionChance = 35;
const damageChance = 18;
const rareDamageChance = 50;
const conflictChance = 6;

export class CommandGenerator {
  readonly commandNames: readonly string[];
  readonly #random: SeededRandom;
  readonly #entries: readonly Entry[];

  constructor(commands: readonly Command[], seed: number) {
    this.#random = new SeededRandom(seed);
    this.#entries = commands.flatMap(dataEntries);
    this.commandNames = this.#entries.map((entry) => entry.fullName);
  }

  next(): Sample {
    for (;;) {
      const entry = this.#pickEntry();
      const wellFormed = this.#wellFormed(entry);
      const isRare = rareCommands.has(entry.command.name);
      const isDamaged = chance(this.#random, isRare ? rareDamageChance : damageChance);
      const args = isDamaged ? this.#damaged(wellFormed) : wellFormed;
      if (buildsHugeString(entry.command, args)) continue;
      if (expiresDuringRun(entry.command, args)) continue;
      return this.#withShortExpiry({ commandName: entry.fullName, args, expiresSoon: false });
    }
  }

  /** As the facts say, with every option as likely. */
  #wellFormed(entry: Entry): string[] {
    const groups = entry.command.arguments.map((spec) => ({ spec, words: this.#argument(spec) }));
    const firstOption = groups.findIndex(({ spec }) => spec.optional === true);
    if (firstOption >= 0 && chance(this.#random, 50)) {
      const options = groups.splice(firstOption);
      while (options.length > 0) groups.push(...options.splice(this.#random.below(options.length), 1));
    }
    return [...entry.words.map((word) => this.#anyCase(word)), ...groups.flatMap(({ words }) => words)];
  }

  #pickEntry(): Entry {
    for (;;) {
      const entry = pick(this.#random, this.#entries);
      if (!rareCommands.has(entry.command.name) || this.#random.below(rareOneIn) === 0) return entry;
    }
  }

  #argument(spec: ArgumentSpec): string[] {
    const random = this.#random;
    if (spec.optional === true && !chance(random, optionChance)) return [];
    const words: string[] = [];
    const token = spec.type === "pure-token" || spec.token === undefined ? [] : [this.#anyCase(spec.token)];
    const times = spec.multiple === true ? 1 + random.below(4) : 1;
    for (let time = 0; time < times; time++) {
      if (time === 0 || spec.multipleToken === true) words.push(...token);
      words.push(...this.#oneValue(spec));
    }
    return words;
  }

  #oneValue(spec: ArgumentSpec): string[] {
    const inner = spec.arguments ?? [];
    switch (spec.type) {
      case "pure-token":
        return [this.#anyCase(spec.token ?? spec.name)];
      case "oneof": {
        const words = this.#argument(pick(this.#random, inner));
        return chance(this.#random, conflictChance)
          ? [...words, ...this.#argument(pick(this.#random, inner))]
          : words;
      }
      case "block":
        return inner.flatMap((part) => this.#argument(part));
      default:
        return [valueFor(spec, this.#random)];
    }
  }

  #anyCase(word: string): string {
    const kind = this.#random.below(8);
    if (kind < 4) return word.toUpperCase();
    if (kind < 7) return word.toLowerCase();
    return [...word]
      .map((char) => (this.#random.below(2) === 0 ? char.toUpperCase() : char.toLowerCase()))
      .join("");
  }

  /** One change at a random place behind the command's name, or the name alone. */
  #damaged(args: readonly string[]): string[] {
    const random = this.#random;
    const damaged = [...args];
    const at = 1 + random.below(Math.max(1, args.length));
    const kind = random.below(8);
    if (kind >= 6) return damaged.slice(0, 1);
    if (kind === 0) damaged.splice(at, 1);
    else if (kind === 1) damaged.splice(at, 0, anyValue(random));
    else if (kind === 2) damaged.splice(at, 1, anyValue(random));
    else if (kind === 3) damaged.push(args[at] ?? "x");
    else if (kind === 4) damaged.splice(Math.max(1, args.length - 1 - random.below(2)));
    else damaged.push(...damaged.splice(at, 1));
    return damaged;
  }

  /** Rarely, gives a relative expiry so short that it has passed after the pause that follows. */
  #withShortExpiry(sample: Sample): Sample {
    const at = sample.args.findIndex((arg) => arg.toLowerCase() === "px");
    const amountAt =
      sample.commandName === "psetex" || sample.commandName === "pexpire" ? 2 : at < 3 ? -1 : at + 1;
    if (amountAt < 0 || amountAt >= sample.args.length || this.#random.below(20) !== 0) return sample;
    const args = [...sample.args];
    args[amountAt] = String(1 + this.#random.below(3));
    return { ...sample, args, expiresSoon: true };
  }
}

function dataEntries(command: Command): Entry[] {
  if (command.scope === "data") return [{ fullName: command.name, command, words: [command.name] }];
  if (command.scope === "local") return [];
  const entries: Entry[] = [];
  for (const subcommand of command.subcommands) {
    if (subcommand.scope !== "data") continue;
    const fullName = `${command.name}|${subcommand.name}`;
    entries.push({ fullName, command: subcommand, words: [command.name, subcommand.name] });
  }
  return entries;
}

/** Whether a relative expiry is neither refused nor far off: then the two sides may judge it at different moments. */
function expiresDuringRun(command: DataCommand, args: Args): boolean {
  const isAmount = (name: string): boolean => name === "seconds" || name === "milliseconds";
  const plainAt = command.arguments.findIndex((spec) => isAmount(spec.name) && spec.token === undefined);
  if (plainAt >= 0 && isShort(args[plainAt + 1])) return true;
  const tokens = command.arguments
    .flatMap((spec) => spec.arguments ?? [])
    .flatMap((spec) => (isAmount(spec.name) && spec.token !== undefined ? [spec.token.toLowerCase()] : []));
  return args.some((arg, at) => tokens.includes(arg.toLowerCase()) && isShort(args[at + 1]));
}

function isShort(amount: string | undefined): boolean {
  return amount !== undefined && /^[1-9][0-9]*$/.test(amount) && Number(amount) < longExpiryMin;
}

/** Whether an offset would make a string of megabytes without being refused. */
function buildsHugeString(command: DataCommand, args: Args): boolean {
  const at = command.arguments.findIndex((spec) => spec.name === "offset");
  if (at < 0) return false;
  const offset = Number(args[at + 1] ?? "");
  return offset > builtLengthMax && offset < refusedLengthMin;
}
