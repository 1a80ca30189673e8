import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { type Answer, numberAnswer, ok, textAnswer } from "./answer.ts";
import type { Operation } from "./history.ts";
import { checkLinearizable } from "./linearizability.ts";
import { counterModel } from "./models/counter.ts";
import { registerModel, type RegisterInput } from "./models/register.ts";
import { setModel, type SetInput } from "./models/set.ts";
import { randomHistory } from "./random-history.ts";
import { plainRegisterSubject } from "./subjects.ts";
import { operationsOf } from "./written-histories.ts";

const get = (key: string): RegisterInput => ({ kind: "get", key });
const set = (key: string, value: string): RegisterInput => ({ kind: "set", key, value });

test("a violation is explained: what could be put in order, and what could not", () => {
  const operations = operationsOf<RegisterInput>([
    [1, [0, 10], set("x", "1"), ok],
    [2, [12, 20], get("x"), textAnswer("1")],
    [1, [22, 1040], set("x", "2"), ok],
    [12, [1050, 1060], get("x"), textAnswer("1")],
    [3, [1055], set("x", "3")],
    [2, [1070, 1080], get("x"), textAnswer("2")],
    [9, [0, 1], set("y", "1"), ok],
  ]);
  expect(checkLinearizable(registerModel, operations)).toEqual({
    kind: "violation",
    partition: "x",
    explanation: `\
key "x", register: no order of its 6 operations explains their answers.
All that returned before 1060 can be put in order. The operation marked ! must come next, by 1060, and cannot.

  order  client  called  returned  operation
      1       1       0        10  SET x "1" -> OK
      2       2      12        20  GET x -> "1"
      3       1      22      1040  SET x "2" -> OK
      !      12    1050      1060  GET x -> "1"
      4       3    1055      open  SET x "3" -> ?
      -       2    1070      1080  GET x -> "2"

Longest order found: 4 operations. State after it: "3".`,
  });
});

test("a long history is explained in a screenful, and shows the point where it breaks", () => {
  const random = new SeededRandom(1);
  const shape = { operations: 3000, clients: 10, unknownOneIn: 50, durationMax: 50, pauseMax: 10 };
  const good = randomHistory(random, plainRegisterSubject({ keys: 1, values: Infinity }), shape);
  const reads = good.filter(({ output }) => output?.kind === "text");
  const broken = reads[Math.floor(reads.length / 2)] as Operation<RegisterInput, Answer>;
  const operations = good.map((operation) =>
    operation === broken ? { ...operation, output: textAnswer("nobody wrote this") } : operation,
  );
  const result = checkLinearizable(registerModel, operations);
  if (result.kind !== "violation") throw new Error(`a violation is expected, not ${result.kind}`);
  const lines = result.explanation.split("\n");
  expect(lines.length).toBeLessThan(60);
  expect(lines.find((line) => /^ +! /.test(line))).toEndWith('GET k0 -> "nobody wrote this"');
});

test("what the search leaves out is in the explanation", () => {
  // Nobody saw the unknown write, so it is not searched; but it is there to be looked at.
  const operations = operationsOf<RegisterInput>([
    [1, [0], set("x", "3")],
    [2, [1, 2], get("x"), textAnswer("4")],
  ]);
  const result = checkLinearizable(registerModel, operations);
  expect(result.kind === "violation" && result.explanation).toContain('SET x "3" -> ?');
});

test("the search gives up at its limits, and says where", () => {
  const random = new SeededRandom(1);
  const shape = { operations: 200, clients: 5, unknownOneIn: 0, durationMax: 50, pauseMax: 10 };
  const subject = plainRegisterSubject({ keys: 1, values: Infinity });
  const operations = randomHistory(random, subject, shape);
  expect(checkLinearizable(registerModel, operations)).toEqual({ kind: "linearizable" });
  const undecided = { kind: "undecided", partition: "k0" } as const;
  expect(checkLinearizable(registerModel, operations, { partitionWorkMax: 100 })).toEqual(undecided);
  expect(checkLinearizable(registerModel, operations, { totalWorkMax: 100 })).toEqual(undecided);
});

test("a part that cannot be decided hides no violation of another", () => {
  // Any of 40 removals may have happened or not, in a set of 40 that is read with an element that nobody added.
  const names = Array.from({ length: 40 }, (_, at) => `e${at}`);
  const hard = names.flatMap((element): Operation<SetInput, Answer>[] => [
    { client: 1, input: { kind: "add", set: "hard", element }, calledAt: 0, returnedAt: 1, output: ok },
    {
      client: 1,
      input: { kind: "remove", set: "hard", element },
      calledAt: 2,
      returnedAt: Infinity,
      output: null,
    },
  ]);
  const impossible = operationsOf<SetInput>([
    [1, [3, 4], { kind: "contains", set: "hard", element: "never" }, numberAnswer(1)],
    [1, [3, 4], { kind: "contains", set: "bad", element: "never" }, numberAnswer(1)],
  ]);
  const options = { partitionWorkMax: 20_000 };
  expect(checkLinearizable(setModel, [...hard, ...impossible.slice(0, 1)], options)).toEqual({
    kind: "undecided",
    partition: "hard",
  });
  expect(checkLinearizable(setModel, [...hard, ...impossible], options)).toMatchObject({
    kind: "violation",
    partition: "bad",
  });
});

test("many unknown operations that are all the same are no trouble", () => {
  const unknown = Array.from({ length: 200 }, (_, at) => ({
    client: at,
    input: { kind: "add", key: "n", amount: 1 } as const,
    calledAt: at,
    returnedAt: Infinity,
    output: null,
  }));
  const answered = (calledAt: number, number: number) => ({
    client: 0,
    input: { kind: "add", key: "n", amount: 1 } as const,
    calledAt,
    returnedAt: calledAt + 1,
    output: numberAnswer(number),
  });
  const history = (last: number): Operation<{ kind: "add"; key: string; amount: number }, Answer>[] => [
    ...unknown,
    answered(300, 50),
    answered(302, last),
  ];
  expect(checkLinearizable(counterModel, history(202)).kind).toBe("linearizable");
  expect(checkLinearizable(counterModel, history(203)).kind).toBe("violation");
});

test("an answer without a return, and a return before the call, are mistakes of the test", () => {
  const operation = {
    client: 1,
    input: get("x"),
    calledAt: 5,
    returnedAt: Infinity,
    output: textAnswer("1"),
  };
  expect(() => checkLinearizable(registerModel, [operation])).toThrow("no answer");
  expect(() => checkLinearizable(registerModel, [{ ...operation, returnedAt: 4 }])).toThrow("after the call");
});
