// Random histories: tiny ones are judged as trying all orders judges them; those of a real object are linearizable, however
// long; with one answer changed most are not. `SEED=42 bun test test/checker` replays one seed, `SEEDS=20000` tries more.

import { expect, test } from "bun:test";
import { messageOf } from "../../src/base/message-of.ts";
import { SeededRandom } from "../../src/base/random.ts";
import type { Answer } from "./answer.ts";
import { isLinearizableByForce } from "./brute-force.ts";
import type { Operation } from "./history.ts";
import { checkLinearizable } from "./linearizability.ts";
import type { Model } from "./model.ts";
import { counterModel } from "./models/counter.ts";
import { expiringKeyModel } from "./models/expiring-key.ts";
import { listAppendModel } from "./models/list-append.ts";
import { multiKeyModel } from "./models/multi-key.ts";
import { registerModel } from "./models/register.ts";
import { setModel } from "./models/set.ts";
import { type HistoryShape, randomHistory, type Subject, withOneAnswerChanged } from "./random-history.ts";
import {
  counterSubject,
  expiringKeySubject,
  listAppendSubject,
  multiKeySubject,
  plainRegisterSubject,
  registerSubject,
  setSubject,
  type Variety,
} from "./subjects.ts";

const only = process.env["SEED"];
const seedCount = Number(process.env["SEEDS"] ?? 1500);

const tiny: HistoryShape = { operations: 7, clients: 3, unknownOneIn: 5, durationMax: 6, pauseMax: 3 };
const long: HistoryShape = { operations: 400, clients: 8, unknownOneIn: 40, durationMax: 40, pauseMax: 10 };

interface Tried {
  /** A tiny history, or a long one; a changed one may be the same when it has no answers. */
  history(random: SeededRandom, shape: HistoryShape, variety: Variety): History;
}

/** A history with its model, whose types nobody outside needs. */
interface History {
  isLinearizable(): boolean;
  isLinearizableByForce(): boolean;
  changed(): History | null;
  text(): string;
}

function tried<State, Input>(
  modelFor: (operations: readonly Operation<Input, Answer>[]) => Model<State, Input, Answer>,
  subjectFor: (variety: Variety) => Subject<Input>,
): Tried {
  const historyOf = (random: SeededRandom, operations: readonly Operation<Input, Answer>[]): History => ({
    isLinearizable() {
      const result = checkLinearizable(modelFor(operations), operations);
      expect(result.kind).not.toBe("undecided");
      return result.kind === "linearizable";
    },
    isLinearizableByForce: () => isLinearizableByForce(modelFor(operations), operations),
    changed() {
      const other = withOneAnswerChanged(random, operations);
      return other === null ? null : historyOf(random, other);
    },
    text: () =>
      operations
        .map(({ client, input, calledAt, returnedAt, output }) =>
          [client, calledAt, returnedAt, modelFor(operations).describe(input, output)].join(" "),
        )
        .join("\n"),
  });
  return {
    history: (random, shape, variety) => historyOf(random, randomHistory(random, subjectFor(variety), shape)),
  };
}

const models: readonly (readonly [string, Tried])[] = [
  ["register", tried(() => registerModel, registerSubject)],
  ["plain register", tried(() => registerModel, plainRegisterSubject)],
  ["counter", tried(() => counterModel, counterSubject)],
  ["list-append", tried(() => listAppendModel, listAppendSubject)],
  ["set", tried(() => setModel, setSubject)],
  ["strings under several keys", tried(multiKeyModel, multiKeySubject)],
  [
    "expiring key",
    tried(
      () => expiringKeyModel,
      (variety) => expiringKeySubject(variety, { skewMs: 2, lifeMsMax: 12 }),
    ),
  ],
];

/** Runs `body` for each seed and says which one failed. */
function forSeeds(count: number, body: (random: SeededRandom) => void): void {
  const seeds = only === undefined ? Array.from({ length: count }, (_, at) => at + 1) : [Number(only)];
  for (const seed of seeds) {
    try {
      body(new SeededRandom(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${messageOf(error)}`, { cause: error });
    }
  }
}

test.each(models)(
  "%s: tiny histories are judged as by trying all orders",
  (_, { history }) => {
    let good = 0;
    let bad = 0;
    forSeeds(seedCount, (random) => {
      const values = [2, 3, Infinity][random.below(3)] as number;
      const original = history(random, tiny, { keys: 1 + random.below(2), values });
      expect(original.isLinearizableByForce(), original.text()).toBe(true);
      expect(original.isLinearizable(), original.text()).toBe(true);
      let other = original.changed();
      if (other !== null && random.below(3) === 0) other = other.changed();
      if (other === null) return;
      const expected = other.isLinearizableByForce();
      expect(other.isLinearizable(), other.text()).toBe(expected);
      if (expected) good++;
      else bad++;
    });
    if (only !== undefined) return;
    // Of both kinds, or the agreement proves nothing.
    expect(good).toBeGreaterThan(seedCount / 100);
    expect(bad).toBeGreaterThan(seedCount / 4);
  },
  60_000,
);

test.each(models)(
  "%s: long histories are linearizable, and with one answer changed mostly not",
  (name, { history }) => {
    let changed = 0;
    let found = 0;
    forSeeds(seedCount / 50, (random) => {
      const original = history(random, long, { keys: 4, operationsPerKey: 100, values: Infinity });
      expect(original.isLinearizable(), original.text()).toBe(true);
      for (let times = 0; times < 5; times++) {
        const other = original.changed();
        if (other === null) continue;
        changed++;
        if (!other.isLinearizable()) found++;
      }
    });
    if (process.env["TRACE"] !== undefined) console.log(name, `${found} of ${changed} changes found`);
    if (only === undefined) expect(found / changed).toBeGreaterThan(0.8);
  },
  60_000,
);
