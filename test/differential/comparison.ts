// Runs one sequence of commands on two targets and compares every reply, then all that is left in the databases.

import { quoted } from "../commands/reply-recorder.ts";
import type { CommandGenerator, Sample } from "./generator.ts";
import { explanationOf } from "./expected-differences.ts";
import { bulkOf, elementsOf, isError } from "./reply-text.ts";
import type { Args, Target } from "./target.ts";

export interface ComparisonOptions {
  readonly ours: Target;
  readonly theirs: Target;
  readonly generator: CommandGenerator;
  readonly count: number;
  /** Stop after so many differences. */
  readonly differencesMax: number;
}

export interface Coverage {
  succeeded: number;
  failed: number;
}

export interface ComparisonResult {
  /** Each a text to show; empty when the targets agree. */
  readonly differences: readonly string[];
  /** By full name of the command. */
  readonly coverage: ReadonlyMap<string, Coverage>;
  /** How often each expected difference was seen, by reason. */
  readonly explained: ReadonlyMap<string, number>;
}

const batchMax = 50;
/** Longer than the shortest expiries that the generator makes. */
const expiryPauseMs = 15;
const selectOneIn = 60;
/** Earlier commands shown with a difference. */
const historyShown = 12;

const selectableDatabases = ["0", "0", "0", "1"];

export class Comparison {
  readonly #options: ComparisonOptions;
  readonly #differences: string[] = [];
  readonly #coverage = new Map<string, Coverage>();
  readonly #explained = new Map<string, number>();
  readonly #history: Args[] = [];

  constructor(options: ComparisonOptions) {
    this.#options = options;
    for (const name of options.generator.commandNames) this.#coverage.set(name, { succeeded: 0, failed: 0 });
  }

  async run(): Promise<ComparisonResult> {
    for (let done = 0; done < this.#options.count && !this.#isEnough;) {
      const batch = this.#nextBatch();
      await this.#compareBatch(batch);
      if (batch.at(-1)?.expiresSoon === true) await Bun.sleep(expiryPauseMs);
      done += batch.length;
    }
    if (!this.#isEnough) await this.#compareState();
    return { differences: this.#differences, coverage: this.#coverage, explained: this.#explained };
  }

  get #isEnough(): boolean {
    return this.#differences.length >= this.#options.differencesMax;
  }

  /** Up to a command whose effect comes with time. */
  #nextBatch(): Sample[] {
    const batch: Sample[] = [];
    while (batch.length < batchMax) {
      const sample = this.#options.generator.next();
      batch.push(sample);
      if (sample.expiresSoon) break;
      if (batch.length % selectOneIn === selectOneIn - 1) break;
    }
    return batch;
  }

  async #compareBatch(batch: readonly Sample[]): Promise<void> {
    const { ours, theirs } = this.#options;
    const database = selectableDatabases[this.#history.length % selectableDatabases.length] ?? "0";
    const commands = [["SELECT", database], ...batch.map((sample) => sample.args)];
    const [ourReplies, theirReplies] = await Promise.all([
      ours.exchange(commands),
      theirs.exchange(commands),
    ]);
    this.#history.push(["SELECT", database]);
    for (const [at, sample] of batch.entries()) {
      this.#history.push(sample.args);
      this.#compareReply(sample, ourReplies[at + 1] ?? "", theirReplies[at + 1] ?? "");
    }
  }

  #compareReply(sample: Sample, ours: string, theirs: string): void {
    const coverage = this.#coverage.get(sample.commandName);
    if (coverage !== undefined) {
      if (isError(theirs)) coverage.failed++;
      else coverage.succeeded++;
    }
    if (ours === theirs) return;
    const rule = explanationOf(sample.commandName, { ours, theirs }, sample.args);
    if (rule === null) return this.#report(`reply to ${shown(sample.args)}`, ours, theirs);
    this.#explained.set(rule.reason, (this.#explained.get(rule.reason) ?? 0) + 1);
  }

  #report(what: string, ours: string, theirs: string): void {
    if (this.#isEnough) return;
    const history = this.#history.slice(-historyShown).map((args) => `    ${shown(args)}`);
    this.#differences.push(
      [
        what,
        `  ${this.#options.ours.name}: ${JSON.stringify(ours)}`,
        `  ${this.#options.theirs.name}: ${JSON.stringify(theirs)}`,
        "  after",
        ...history,
      ].join("\n"),
    );
  }

  /** The keys of every database, and of each its type, value, encoding and time to live. */
  async #compareState(): Promise<void> {
    for (let dbIndex = 0; dbIndex < 16; dbIndex++) {
      const [ours, theirs] = await Promise.all([
        stateOf(this.#options.ours, dbIndex),
        stateOf(this.#options.theirs, dbIndex),
      ]);
      for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
        this.#compareKey(`database ${dbIndex}, key ${JSON.stringify(key)}`, ours.get(key), theirs.get(key));
      }
    }
  }

  #compareKey(where: string, ours: KeyState | undefined, theirs: KeyState | undefined): void {
    if (ours === undefined || theirs === undefined) {
      return this.#report(`${where}: existence`, JSON.stringify(ours), JSON.stringify(theirs));
    }
    for (const [at, question] of questions.entries()) {
      const left = ours[at] ?? "";
      const right = theirs[at] ?? "";
      if (left === right) continue;
      const replies = { ours: left, theirs: right };
      if (explanationOf(question.commandName, replies, []) === null) {
        this.#report(`${where}: ${question.commandName}`, left, right);
      }
    }
  }
}

/** Replies to {@link questions}, in their order. */
type KeyState = readonly string[];

const questions: readonly { readonly commandName: string; args(key: string): Args }[] = [
  { commandName: "type", args: (key) => ["TYPE", key] },
  { commandName: "get", args: (key) => ["GET", key] },
  { commandName: "object|encoding", args: (key) => ["OBJECT", "ENCODING", key] },
  { commandName: "pexpiretime", args: (key) => ["PEXPIRETIME", key] },
];

/** All keys, found by a walk in small steps. */
async function stateOf(target: Target, dbIndex: number): Promise<Map<string, KeyState>> {
  await target.exchange([["SELECT", String(dbIndex)]]);
  const state = new Map<string, KeyState>();
  let cursor = "0";
  do {
    const [reply = ""] = await target.exchange([["SCAN", cursor, "COUNT", "3"]]);
    const [next = "", keys = ""] = elementsOf(reply) ?? [];
    for (const element of elementsOf(keys) ?? []) {
      const key = bulkOf(element) ?? "";
      state.set(key, await target.exchange(questions.map((question) => question.args(key))));
    }
    cursor = bulkOf(next) ?? "0";
  } while (cursor !== "0");
  return state;
}

/** The arguments as a line to paste into redis-cli. */
export function shown(args: Args): string {
  return args.map((arg) => (/^[!-~]+$/.test(arg) && !/["'\\]/.test(arg) ? arg : quoted(arg))).join(" ");
}
