import { expect, test } from "bun:test";
import { SeededRandom } from "../../../src/base/random.ts";
import { type Answer, nil, numberAnswer, ok, textAnswer } from "../answer.ts";
import { checkLinearizable } from "../linearizability.ts";
import type { Model } from "../model.ts";
import { randomHistory, withOneAnswerChanged } from "../random-history.ts";
import { expiringKeySubject } from "../subjects.ts";
import { type Row, testHistories, type WrittenHistory } from "../written-histories.ts";
import { type Deadline, expiringKeyModel, type ExpiringKeyInput, type WallClocks } from "./expiring-key.ts";

const key = "t";
const text = textAnswer;
const number = numberAnswer;

type Asked = (clocks: WallClocks) => ExpiringKeyInput;
const get: Asked = (clocks) => ({ key, clocks, kind: "get" });
const pttl: Asked = (clocks) => ({ key, clocks, kind: "pttl" });
const persist: Asked = (clocks) => ({ key, clocks, kind: "persist" });
const del: Asked = (clocks) => ({ key, clocks, kind: "delete" });
const px = (ms: number): Deadline => ({ kind: "px", ms });
const pxat = (ms: number): Deadline => ({ kind: "pxat", ms });
const pexpire =
  (deadline: Deadline): Asked =>
  (clocks) => ({ key, clocks, kind: "pexpire", deadline });
const set =
  (value: string, deadline?: Deadline): Asked =>
  (clocks) => ({ key, clocks, kind: "set", value, ...(deadline === undefined ? {} : { deadline }) });

/** Wall clocks are right to within 10 ms, and the history's times are theirs. */
const skewMs = 10;

type AskedRow = readonly [times: readonly [number, number?], asked: Asked, output?: Answer];

function history(
  name: string,
  verdict: "linearizable" | "violation",
  rows: readonly AskedRow[],
): WrittenHistory<ExpiringKeyInput> {
  const written = rows.map(([times, asked, output], client): Row<ExpiringKeyInput> => {
    const [from, to = Infinity] = times;
    const input = asked({ fromMs: from - skewMs, toMs: to + skewMs });
    return output === undefined ? [client, times, input] : [client, times, input, output];
  });
  return [name, verdict, written];
}

testHistories(
  () => expiringKeyModel,
  [
    history("there until its deadline, then gone", "linearizable", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1050, 1051], get, text("1")],
      [[1200, 1201], get, nil],
      [[1300, 1301], get, nil],
    ]),
    history("gone before the deadline could have come", "violation", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1050, 1051], get, nil],
    ]),
    history("gone early, but within what clocks may differ", "linearizable", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1085, 1086], get, nil],
    ]),
    history("there long after the deadline", "violation", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1200, 1201], get, text("1")],
    ]),
    history("there late, but within what clocks may differ", "linearizable", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1115, 1116], get, text("1")],
    ]),
    history(
      "a resurrected key: there, after it was seen gone, though the clocks would allow either",
      "violation",
      [
        [[1000, 1001], set("1", px(100)), ok],
        [[1095, 1096], get, nil],
        [[1097, 1098], get, text("1")],
      ],
    ),
    history("the same readings the other way round", "linearizable", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1095, 1096], get, text("1")],
      [[1097, 1098], get, nil],
    ]),
    history("gone, then set again", "linearizable", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1200, 1201], get, nil],
      [[1202, 1203], set("2"), ok],
      [[9000, 9001], get, text("2")],
    ]),
    history("a set without deadline drops the one before", "violation", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1050, 1051], set("1"), ok],
      [[1200, 1201], get, nil],
    ]),
    history("an absolute deadline is the same whenever the write was done", "violation", [
      [[1000, 2000], set("1", pxat(1500)), ok],
      [[1400, 1401], get, text("1")],
      [[1520, 1521], get, text("1")],
    ]),
    history("a relative deadline counts from when the write was done", "linearizable", [
      [[1000, 2000], set("1", px(500)), ok],
      [[2400, 2401], get, text("1")],
      [[2600, 2601], get, nil],
    ]),
    history("a reading that fixes when the write was done fixes the deadline", "violation", [
      [[1000, 2000], set("1", px(500)), ok],
      [[1100, 1101], get, text("1")],
      [[1700, 1701], get, text("1")],
    ]),
    history("persisted in time", "linearizable", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1050, 1051], persist, number(1)],
      [[9000, 9001], get, text("1")],
      [[9002, 9003], persist, number(0)],
      [[9004, 9005], pttl, number(-1)],
    ]),
    history("persisted, and gone all the same", "violation", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1050, 1051], persist, number(1)],
      [[1200, 1201], get, nil],
    ]),
    history("persisted after its deadline", "violation", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1200, 1201], persist, number(1)],
    ]),
    history("a write that finds no key has seen it gone", "violation", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1100, 1101], persist, number(0)],
      [[1102, 1103], get, text("1")],
    ]),
    history("whether an unknown PERSIST came in time shows later", "linearizable", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1002], persist],
      [[9000, 9001], get, text("1")],
    ]),
    history("an unknown PERSIST is no excuse for going early", "violation", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1002], persist],
      [[1050, 1051], get, nil],
    ]),
    history("PEXPIRE prolongs", "linearizable", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1050, 1051], pexpire(px(1000)), number(1)],
      [[1500, 1501], get, text("1")],
      [[2100, 2101], get, nil],
      [[2102, 2103], pexpire(px(1000)), number(0)],
    ]),
    history("PEXPIRE with a deadline that has come deletes", "linearizable", [
      [[1000, 1001], set("1"), ok],
      [[1050, 1051], pexpire(pxat(900)), number(1)],
      [[1052, 1053], get, nil],
    ]),
    history("deleted, and deleted again", "violation", [
      [[1000, 1001], set("1", px(100)), ok],
      [[1002, 1003], del, number(1)],
      [[1004, 1005], del, number(1)],
    ]),
    history("the time left", "linearizable", [
      [[1000, 1001], pttl, number(-2)],
      [[1000, 1001], set("1", px(500)), ok],
      [[1100, 1101], pttl, number(400)],
    ]),
    history("more time left than it ever had", "violation", [
      [[1000, 1001], set("1", px(500)), ok],
      [[1002, 1003], pttl, number(501)],
    ]),
    history("the time left fixes the deadline closer than clocks do", "violation", [
      [[1000, 1001], set("1", pxat(1500)), ok],
      [[1100, 1101], pttl, number(420)],
    ]),
    history("a slow clock of the next leader does not turn the cluster's clock back", "violation", [
      // The first write's stamp is at least 1190, so the deadline of the second, though its own wall clock may be slow, is too.
      [[1200, 1201], set("1", pxat(1195)), ok],
      [[1205, 1206], get, text("1")],
    ]),
    history("an unknown SET with a deadline: seen or not, early or late", "linearizable", [
      [[1000], set("1", px(100))],
      [[1500, 1501], get, nil],
      [[5000, 5001], get, text("1")],
      [[5200, 5201], get, nil],
    ]),
  ],
);

test("the zones are exact: the verdicts are those of a model that tries every clock and deadline", () => {
  const seeds = Number(process.env["SEEDS"] ?? 600);
  const shape = { operations: 6, clients: 2, unknownOneIn: 6, durationMax: 4, pauseMax: 2 };
  const verdicts = { linearizable: 0, violation: 0, undecided: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    const random = new SeededRandom(seed);
    const subject = expiringKeySubject({ keys: 1, values: 2 }, { skewMs: random.below(4), lifeMsMax: 8 });
    const original = randomHistory(random, subject, shape);
    for (const operations of [original, withOneAnswerChanged(random, original) ?? original]) {
      const { kind } = checkLinearizable(expiringKeyModel, operations);
      expect([seed, kind]).toEqual([seed, checkLinearizable(everyClockModel, operations).kind]);
      verdicts[kind]++;
    }
  }
  expect(verdicts.violation).toBeGreaterThan(seeds / 4);
  expect(verdicts.linearizable).toBeGreaterThan(seeds);
}, 60_000);

/** One possibility; the clock and the deadline are plain numbers. */
type Guess = readonly [value: string | null, clockMs: number, deadlineMs: number];

/** No time in the histories above comes near. */
const endMs = 50;

const everyClockModel: Model<readonly Guess[], ExpiringKeyInput, Answer> = {
  name: "expiring key, every clock",
  initial: () => [[null, 0, Infinity]],
  step(guesses, input, output) {
    const next = guesses.flatMap((guess) => guessesAfter(guess, input, output));
    return next.length === 0 ? null : [...new Map(next.map((guess) => [guess.join(), guess])).values()];
  },
  keyOf: () => "",
  hashOf: (guesses) =>
    guesses
      .map((guess) => guess.join())
      .sort()
      .join(" "),
  describe: ({ kind }) => kind,
};

function guessesAfter(guess: Guess, input: ExpiringKeyInput, output: Answer | null): Guess[] {
  const { fromMs, toMs } = input.clocks;
  const isRead = input.kind === "get" || input.kind === "pttl";
  const found: Guess[] = [];
  for (let clockMs = guess[1]; clockMs <= Math.min(toMs, endMs); clockMs++) {
    if (!isRead && clockMs < fromMs) continue;
    const [value, , deadlineMs] = guess[2] <= clockMs ? ([null, 0, Infinity] as const) : guess;
    const accept = (fits: boolean, ...next: Guess): void => {
      if (fits || output === null) found.push(next);
    };
    const isNumber = (expected: number): boolean => output?.kind === "number" && output.number === expected;
    const until = (deadline: Deadline | undefined): number =>
      deadline === undefined ? Infinity : deadline.kind === "px" ? clockMs + deadline.ms : deadline.ms;
    switch (input.kind) {
      case "get":
        if (value === null) accept(output?.kind === "nil", null, clockMs, Infinity);
        else
          accept(
            deadlineMs > fromMs && output?.kind === "text" && output.text === value,
            value,
            clockMs,
            deadlineMs,
          );
        break;
      case "pttl":
        if (value === null) accept(isNumber(-2), null, clockMs, Infinity);
        else if (deadlineMs === Infinity) accept(isNumber(-1), value, clockMs, deadlineMs);
        else {
          let fits = false;
          for (let nowMs = Math.max(fromMs, clockMs); nowMs <= Math.min(toMs, endMs); nowMs++) {
            fits ||= isNumber(Math.max(0, deadlineMs - nowMs));
          }
          accept(fits && deadlineMs > fromMs, value, clockMs, deadlineMs);
        }
        break;
      case "set":
        accept(output?.kind === "ok", input.value, clockMs, until(input.deadline));
        break;
      case "persist":
        accept(isNumber(value !== null && deadlineMs !== Infinity ? 1 : 0), value, clockMs, Infinity);
        break;
      case "pexpire":
        accept(
          isNumber(value === null ? 0 : 1),
          value,
          clockMs,
          value === null ? Infinity : until(input.deadline),
        );
        break;
      case "delete":
        accept(isNumber(value === null ? 0 : 1), null, clockMs, Infinity);
        break;
    }
  }
  return found;
}
