import { expect, test } from "bun:test";
import { numberAnswer, ok, textAnswer, type Answer } from "./answer.ts";
import { HistoryRecorder } from "./history.ts";
import { checkLinearizable } from "./linearizability.ts";
import { registerModel, type RegisterInput } from "./models/register.ts";

const set = (value: string): RegisterInput => ({ kind: "set", key: "x", value });
const get: RegisterInput = { kind: "get", key: "x" };

function verdictOf(recorder: HistoryRecorder<RegisterInput, Answer>): string {
  return checkLinearizable(registerModel, recorder.operations()).kind;
}

test("operations() gives what returned, and with an open end what is unknown or still open", () => {
  const recorder = new HistoryRecorder<RegisterInput, Answer>();
  const first = recorder.call(7, set("1"), 10);
  const second = recorder.call(8, get, 11);
  recorder.call(8, get, 12);
  recorder.returned(first, ok, 20);
  recorder.unknown(second);
  expect(recorder.operations()).toEqual([
    { client: 7, input: set("1"), calledAt: 10, returnedAt: 20, output: ok },
    { client: 8, input: get, calledAt: 11, returnedAt: Infinity, output: null },
    { client: 8, input: get, calledAt: 12, returnedAt: Infinity, output: null },
  ]);
});

test("a refused operation is not in the history, and a read of what it wrote a violation", () => {
  const recorder = new HistoryRecorder<RegisterInput, Answer>();
  recorder.refused(recorder.call(1, set("1"), 0));
  expect(recorder.operations()).toEqual([]);
  recorder.returned(recorder.call(2, get, 1), textAnswer("1"), 2);
  expect(verdictOf(recorder)).toBe("violation");
});

test("an unknown operation may be seen at any later time, or never", () => {
  for (const seen of ["1", "2"]) {
    const recorder = new HistoryRecorder<RegisterInput, Answer>();
    recorder.returned(recorder.call(1, set("1"), 0), ok, 1);
    recorder.unknown(recorder.call(2, set("2"), 2));
    recorder.returned(recorder.call(3, get, 1000), textAnswer(seen), 1001);
    expect(verdictOf(recorder)).toBe("linearizable");
  }
});

test("an operation ends once, after its call", () => {
  const recorder = new HistoryRecorder<RegisterInput, Answer>();
  const id = recorder.call(1, get, 10);
  expect(() => recorder.returned(id, numberAnswer(1), 9)).toThrow("after its call at 10");
  const other = recorder.call(1, get, 10);
  recorder.unknown(other);
  expect(() => recorder.refused(other)).toThrow("one end");
  expect(() => recorder.unknown(99)).toThrow("have been called");
  expect(() => recorder.call(1, get, Infinity)).toThrow("finite time");
});

// Read of the old value called when the write returns: concurrent at the same time, a stale read one later.
test.each([
  [9, "linearizable"],
  [10, "linearizable"],
  [11, "violation"],
])("a write returns at 10, a read of the value before is called at %d: %s", (calledAt, verdict) => {
  const recorder = new HistoryRecorder<RegisterInput, Answer>();
  recorder.returned(recorder.call(1, set("1"), 0), ok, 1);
  recorder.returned(recorder.call(1, set("2"), 5), ok, 10);
  recorder.returned(recorder.call(2, get, calledAt), textAnswer("1"), 20);
  expect(verdictOf(recorder)).toBe(verdict);
});

test("operations that take no time are concurrent with those of the same time", () => {
  const recorder = new HistoryRecorder<RegisterInput, Answer>();
  recorder.returned(recorder.call(1, get, 5), textAnswer("1"), 5);
  recorder.returned(recorder.call(2, set("1"), 5), ok, 5);
  expect(verdictOf(recorder)).toBe("linearizable");
});
