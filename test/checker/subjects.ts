// For each model the object that it describes, written a second time and in another way, with commands that clients send it.

import { SeededRandom, type Random } from "../../src/base/random.ts";
import { type Answer, listAnswer, nil, numberAnswer, ok, textAnswer, valueAnswer } from "./answer.ts";
import type { CounterInput } from "./models/counter.ts";
import type { ExpiringKeyInput } from "./models/expiring-key.ts";
import type { ListAppendInput } from "./models/list-append.ts";
import type { KeysCommand, MultiKeyInput } from "./models/multi-key.ts";
import type { RegisterInput } from "./models/register.ts";
import type { SetInput } from "./models/set.ts";
import type { Subject } from "./random-history.ts";

/** How many keys, and how many different values: few of them make accidents. */
export interface Variety {
  /** In use at a time. */
  readonly keys: number;
  /** After so many operations a key new ones are taken; undefined: never. */
  readonly operationsPerKey?: number;
  /** Infinity: every written value is new. */
  readonly values: number;
}

/** All commands of the register model. */
export function registerSubject(variety: Variety): Subject<RegisterInput> {
  return {
    nextInput: (random, number) =>
      registerInput(random, keyOf(random, number, variety), valueOf(random, number, variety)),
    create: () => {
      const stored = new Map<string, string>();
      return { execute: (input) => executeRegister(stored, input) };
    },
  };
}

/** Only GET and SET, as most histories of databases are recorded. */
export function plainRegisterSubject(variety: Variety): Subject<RegisterInput> {
  return {
    ...registerSubject(variety),
    nextInput(random, number) {
      const key = keyOf(random, number, variety);
      return random.below(2) === 0
        ? { kind: "get", key }
        : { kind: "set", key, value: valueOf(random, number, variety) };
    },
  };
}

export function counterSubject(variety: Variety): Subject<CounterInput> {
  return {
    nextInput(random, number) {
      const key = keyOf(random, number, variety);
      const amount = [1, 1, -1, 5][random.below(8)];
      return amount === undefined ? { kind: "get", key } : { kind: "add", key, amount };
    },
    create: () => {
      const stored = new Map<string, number>();
      return {
        execute({ key, ...input }) {
          const number = stored.get(key);
          if (input.kind === "get") return number === undefined ? nil : textAnswer(`${number}`);
          stored.set(key, (number ?? 0) + input.amount);
          return numberAnswer(stored.get(key) ?? 0);
        },
      };
    },
  };
}

export function listAppendSubject(variety: Variety): Subject<ListAppendInput> {
  return {
    nextInput(random, number) {
      const key = keyOf(random, number, variety);
      return random.below(2) === 0 ? { kind: "get", key } : { kind: "append", key, token: `${number},` };
    },
    create: () => {
      const stored = new Map<string, string[]>();
      return {
        execute(input) {
          const tokens = stored.get(input.key) ?? [];
          stored.set(input.key, tokens);
          if (input.kind === "get") return tokens.length === 0 ? nil : textAnswer(tokens.join(""));
          tokens.push(input.token);
          return numberAnswer(tokens.join("").length);
        },
      };
    },
  };
}

export function setSubject(variety: Variety): Subject<SetInput> {
  return {
    nextInput(random, number) {
      const set = keyOf(random, number, variety);
      const element = valueOf(random, number, variety);
      const kinds = ["add", "add", "remove", "contains"] as const;
      const kind = kinds[random.below(5)];
      return kind === undefined ? { kind: "readAll", set } : { kind, set, element };
    },
    create: () => {
      const stored = new Map<string, string[]>();
      return {
        execute(input) {
          const elements = stored.get(input.set) ?? [];
          if (input.kind === "readAll") return listAnswer([...elements].reverse().map(textAnswer));
          const others = elements.filter((element) => element !== input.element);
          const was = others.length < elements.length;
          if (input.kind === "contains") return numberAnswer(was ? 1 : 0);
          stored.set(input.set, input.kind === "add" ? [...others, input.element] : others);
          return numberAnswer(was === (input.kind === "remove") ? 1 : 0);
        },
      };
    },
  };
}

/** Each key stands for a group of three, and each operation keeps to one group. */
export function multiKeySubject(variety: Variety): Subject<MultiKeyInput> {
  const command = (random: Random, number: number, group: string): KeysCommand => {
    const key = (): string => group + "abc".charAt(random.below(3));
    const value = valueOf(random, number, variety);
    switch (random.below(6)) {
      case 0:
      case 1:
        return {
          kind: "mset",
          pairs: [
            [key(), value],
            [key(), value],
          ],
        };
      case 2:
      case 3:
        return { kind: "mget", keys: [key(), key()] };
      case 4:
        return {
          kind: random.below(4) === 0 ? "msetnx" : "mset",
          pairs: [
            [key(), value],
            [key(), value],
          ],
        };
      default:
        return registerInput(random, key(), value);
    }
  };
  return {
    nextInput(random, number) {
      const group = keyOf(random, number, variety);
      return random.below(5) === 0
        ? { kind: "exec", commands: [command(random, number, group), command(random, number, group)] }
        : command(random, number, group);
    },
    create: () => {
      const stored = new Map<string, string>();
      return { execute: (input) => executeMultiKey(stored, input) };
    },
  };
}

export interface ClockVariety {
  /** No two wall clocks differ by more, milliseconds. */
  readonly skewMs: number;
  readonly lifeMsMax: number;
}

/** Keys with deadlines, in a cluster of three nodes whose wall clocks differ; who leads changes at any time. */
export function expiringKeySubject(variety: Variety, clocks: ClockVariety): Subject<ExpiringKeyInput> {
  const { skewMs, lifeMsMax } = clocks;
  return {
    nextInput(random, number, times) {
      const about = {
        key: keyOf(random, number, variety),
        clocks: { fromMs: times.from, toMs: times.to + skewMs },
      };
      const deadline =
        random.below(2) === 0
          ? ({ kind: "px", ms: 1 + random.below(lifeMsMax) } as const)
          : ({ kind: "pxat", ms: times.from + random.below(lifeMsMax) } as const);
      switch (random.below(10)) {
        case 0:
        case 1:
          return { ...about, kind: "set", value: valueOf(random, number, variety), deadline };
        case 2:
          return { ...about, kind: "set", value: valueOf(random, number, variety) };
        case 3:
          return { ...about, kind: "persist" };
        case 4:
          return { ...about, kind: "pexpire", deadline };
        case 5:
          return { ...about, kind: "delete" };
        case 6:
          return { ...about, kind: "pttl" };
        default:
          return { ...about, kind: "get" };
      }
    },
    create: (random) => new ExpiringKeys(random, skewMs),
  };
}

/** Each deadline is kept as it is; the clock is the newest stamp. */
class ExpiringKeys {
  readonly #random: SeededRandom;
  readonly #skewMs: number;
  readonly #stored = new Map<string, { value: string; deadlineMs: number }>();
  #clockMs = -Infinity;

  constructor(random: Random, skewMs: number) {
    this.#random = new SeededRandom(random.below(2 ** 32));
    this.#skewMs = skewMs;
  }

  execute(input: ExpiringKeyInput, at: number): Answer {
    const wallMs = Math.floor(at) + this.#random.below(this.#skewMs + 1);
    const isRead = input.kind === "get" || input.kind === "pttl";
    const due = (this.#stored.get(input.key)?.deadlineMs ?? Infinity) <= wallMs;
    // A write has a stamp; a read finds the clock where it is, unless it must wait for it.
    if (!isRead || due) this.#clockMs = Math.max(this.#clockMs, wallMs);
    const found = this.#stored.get(input.key);
    if (found !== undefined && found.deadlineMs <= this.#clockMs) this.#stored.delete(input.key);
    return this.#run(input, Math.max(wallMs, this.#clockMs));
  }

  #run(input: ExpiringKeyInput, nowMs: number): Answer {
    const found = this.#stored.get(input.key);
    const deadlineMs = (deadline: { kind: "px" | "pxat"; ms: number } | undefined): number =>
      deadline === undefined ? Infinity : deadline.kind === "px" ? nowMs + deadline.ms : deadline.ms;
    switch (input.kind) {
      case "set":
        this.#stored.set(input.key, { value: input.value, deadlineMs: deadlineMs(input.deadline) });
        return ok;
      case "get":
        return valueAnswer(found?.value ?? null);
      case "pttl":
        if (found === undefined) return numberAnswer(-2);
        return numberAnswer(found.deadlineMs === Infinity ? -1 : found.deadlineMs - nowMs);
      case "delete":
        return numberAnswer(this.#stored.delete(input.key) ? 1 : 0);
      case "persist": {
        const isVolatile = found !== undefined && found.deadlineMs !== Infinity;
        if (isVolatile) found.deadlineMs = Infinity;
        return numberAnswer(isVolatile ? 1 : 0);
      }
      case "pexpire":
        if (found !== undefined) found.deadlineMs = deadlineMs(input.deadline);
        return numberAnswer(found === undefined ? 0 : 1);
    }
  }
}

function keyOf(random: Random, number: number, { keys, operationsPerKey = Infinity }: Variety): string {
  return `k${keys * Math.floor(number / (keys * operationsPerKey)) + random.below(keys)}`;
}

function valueOf(random: Random, number: number, { values }: Variety): string {
  return String(values === Infinity ? number : random.below(values));
}

function registerInput(random: Random, key: string, value: string): RegisterInput {
  switch (random.below(8)) {
    case 0:
    case 1:
      return { kind: "set", key, value };
    case 2:
      return { kind: "set", key, value, condition: random.below(2) === 0 ? "nx" : "xx" };
    case 3:
      return { kind: "set", key, value, get: true };
    case 4:
      return { kind: random.below(2) === 0 ? "delete" : "exists", key };
    default:
      return { kind: "get", key };
  }
}

function executeRegister(stored: Map<string, string>, input: RegisterInput): Answer {
  const before = stored.get(input.key);
  if (input.kind === "get") return valueAnswer(before ?? null);
  if (input.kind === "exists") return numberAnswer(Number(stored.has(input.key)));
  if (input.kind === "delete") return numberAnswer(Number(stored.delete(input.key)));
  const refused =
    (input.condition === "nx" && before !== undefined) || (input.condition === "xx" && before === undefined);
  if (!refused) stored.set(input.key, input.value);
  if (input.get === true) return valueAnswer(before ?? null);
  return refused ? nil : ok;
}

function executeMultiKey(stored: Map<string, string>, input: MultiKeyInput): Answer {
  switch (input.kind) {
    case "exec":
      return listAnswer(input.commands.map((command) => executeMultiKey(stored, command)));
    case "mget":
      return listAnswer(input.keys.map((key) => valueAnswer(stored.get(key) ?? null)));
    case "mset":
      for (const [key, value] of input.pairs) stored.set(key, value);
      return ok;
    case "msetnx":
      if (input.pairs.some(([key]) => stored.has(key))) return numberAnswer(0);
      for (const [key, value] of input.pairs) stored.set(key, value);
      return numberAnswer(1);
    default:
      return executeRegister(stored, input);
  }
}
