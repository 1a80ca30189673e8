// The values of all options: typed for those who use them, as text for those who set and show them. What a value means
// is its user's business; whoever must act on a change asks to be told.

import { assert } from "../base/assert.ts";
import { matchesGlob } from "../base/glob.ts";
import { findInapplicable, type Inapplicable, inapplicable } from "./inapplicable.ts";
import type { AnyValue, OptionRow } from "./option.ts";
import {
  findOption,
  listedNamesOf,
  type NamedRow,
  type OptionName,
  options,
  type OptionValue,
  raftPrefix,
} from "./options.ts";
import { parseValue } from "./parse-value.ts";

/** Where a value came from, in the order of who wins. */
export type OriginKind = "default" | "file" | "environment" | "flag" | "set";

export interface Origin {
  readonly kind: OriginKind;
  /** The file and line, the variable or the flag. */
  readonly detail: string;
}

/** Which names a listing uses: Redis' CONFIG GET (`raft.follower-proxy`) or RAFT.CONFIG GET (`follower-proxy`). */
export type NameStyle = "redis" | "raft";

const builtIn: Origin = { kind: "default", detail: "" };
const setAtRuntime: Origin = { kind: "set", detail: "CONFIG SET" };

class Setting {
  readonly row: NamedRow;
  text = "";
  value: AnyValue = "";
  origin = builtIn;
  readonly listeners: (() => void)[] = [];

  constructor(row: NamedRow) {
    this.row = row;
    const parsed = parseValue(row, row.default, "");
    assert(!("error" in parsed), `the default of ${row.name} is a value of it`);
    this.text = parsed.text;
    this.value = parsed.value;
  }
}

/** One option of a CONFIG SET, as it was typed. */
interface Given {
  readonly name: string;
  readonly text: string;
}

interface Change {
  readonly setting: Setting;
  readonly text: string;
  readonly value: AnyValue;
}

/** What a listing has found, by the name in lower case. */
type Listing = Map<string, [name: string, text: string]>;

export class Config {
  readonly #settings = new Map<string, Setting>(options.map((row) => [row.name, new Setting(row)]));
  /** Texts of settings that have no effect, once somebody set them. */
  readonly #ignored = new Map<string, string>();
  #partOfCluster = false;

  /** The value of an option. */
  get<Name extends OptionName>(name: Name): OptionValue<Name> {
    return this.#setting(name).value as OptionValue<Name>;
  }

  /** A function that gives the option's value of the moment, without looking its name up: for hot paths. */
  watch<Name extends OptionName>(name: Name): () => OptionValue<Name> {
    const setting = this.#setting(name);
    return () => setting.value as OptionValue<Name>;
  }

  /** The value as CONFIG GET shows it: a byte string. */
  text(name: OptionName): string {
    return this.#setting(name).text;
  }

  origin(name: OptionName): Origin {
    return this.#setting(name).origin;
  }

  /** Calls `listener` after every CONFIG SET that changed the option; all of one CONFIG SET are in place by then. */
  onChange<Name extends OptionName>(name: Name, listener: (value: OptionValue<Name>) => void): void {
    const setting = this.#setting(name);
    setting.listeners.push(() => listener(setting.value as OptionValue<Name>));
  }

  /** From now on the options that may change only before INIT and JOIN stay as they are. */
  markPartOfCluster(): void {
    this.#partOfCluster = true;
  }

  /** Sets an option while the process starts, whatever `when` says. Gives what is wrong with the value, or null. */
  load(name: OptionName, text: string, origin: Origin): string | null {
    const setting = this.#setting(name);
    const parsed = parseValue(setting.row, text, setting.text);
    if ("error" in parsed) return parsed.error;
    Object.assign(setting, parsed);
    setting.origin = origin;
    return null;
  }

  /**
   * CONFIG SET: `args` are names and values in turn, names in any case, with or without `raft.`. All of them change or
   * none does. Gives the error reply, Redis' to the byte, or null when done.
   */
  set(args: readonly string[]): string | null {
    if (args.length === 0 || args.length % 2 !== 0) return "ERR syntax error";
    const given = new Map<Setting | Inapplicable, Given>();
    for (let at = 0; at < args.length; at += 2) {
      const name = args[at] ?? "";
      const target = this.#target(name);
      if (target === undefined) {
        return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
      }
      const refusal = this.#refusal(target, given.has(target));
      if (refusal !== null) return failure(name, refusal);
      given.set(target, { name, text: args[at + 1] ?? "" });
    }
    return this.#setAll(given);
  }

  /**
   * CONFIG GET: names and texts of all options that match one of the glob patterns, each name once. An exact name is
   * answered under the name that was asked for; hidden options are shown for their exact name only. In style `raft`,
   * patterns find RedisRaft's options only.
   */
  getMatching(patterns: readonly string[], style: NameStyle = "redis"): [name: string, text: string][] {
    const found: Listing = new Map();
    for (const pattern of patterns) {
      if (/[*?[]/.test(pattern)) this.#findGlob(pattern, style, found);
      else this.#findExact(pattern, found);
    }
    return [...found.values()];
  }

  #setting(name: OptionName): Setting {
    const setting = this.#settings.get(name);
    assert(setting !== undefined, `${name} is in the option table`);
    return setting;
  }

  #target(name: string): Setting | Inapplicable | undefined {
    const row = findOption(name);
    return row === undefined ? findInapplicable(name) : this.#setting(row.name);
  }

  #refusal(target: Setting | Inapplicable, seen: boolean): string | null {
    if (target instanceof Setting) {
      if (target.row.when === "start") return "can't set immutable config";
      if (target.row.when === "init" && this.#partOfCluster) {
        return "Configuration change is not allowed after init/join for this parameter";
      }
    }
    return seen ? "duplicate parameter" : null;
  }

  #setAll(given: ReadonlyMap<Setting | Inapplicable, Given>): string | null {
    const changes: Change[] = [];
    const ignored: [string, string][] = [];
    for (const [target, { name, text }] of given) {
      if (target instanceof Setting) {
        const parsed = parseValue(target.row, text, target.text);
        if ("error" in parsed) return failure(nameInErrors(target.row, name), parsed.error);
        changes.push({ setting: target, ...parsed });
      } else {
        if (target.kind !== "ignored" && text !== target.value) {
          return failure(name, `this setting has no effect in vlot: ${target.why}`);
        }
        ignored.push([target.name, text]);
      }
    }
    for (const [name, text] of ignored) this.#ignored.set(name, text);
    this.#apply(changes);
    return null;
  }

  #apply(changes: readonly Change[]): void {
    const changed = changes.filter(({ setting, text }) => setting.text !== text);
    for (const { setting, text, value } of changed) {
      setting.text = text;
      setting.value = value;
      setting.origin = setAtRuntime;
    }
    for (const { setting } of changed) for (const listener of setting.listeners) listener();
  }

  #findExact(name: string, found: Listing): void {
    const target = this.#target(name);
    if (target === undefined) return;
    const isOurs = target instanceof Setting;
    list(found, name, isOurs ? target.text : (this.#ignored.get(target.name) ?? target.value));
  }

  #findGlob(pattern: string, style: NameStyle, found: Listing): void {
    for (const { row, text } of this.#settings.values()) {
      if (row.hidden === true || (style === "raft" && row.raft === undefined)) continue;
      for (const name of style === "raft" ? [row.name] : listedNamesOf(row)) {
        if (matchesGlob(pattern, name, true)) list(found, name, text);
        // Without the prefix a pattern still finds RedisRaft's options, under the name that it matches.
        else if (name !== row.name && matchesGlob(pattern, row.name, true)) list(found, row.name, text);
      }
    }
    for (const { name, kind, value } of inapplicable.values()) {
      if (kind === "fixed" && style === "redis" && matchesGlob(pattern, name, true)) list(found, name, value);
    }
  }
}

function list(found: Listing, name: string, text: string): void {
  const key = name.toLowerCase();
  if (!found.has(key)) found.set(key, [name, text]);
}

function failure(name: string, clause: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${clause}`;
}

// Redis names the option by its own name here, however it was typed.
function nameInErrors(row: OptionRow, typed: string): string {
  return typed.toLowerCase().startsWith(raftPrefix) ? raftPrefix + row.name : row.name;
}
