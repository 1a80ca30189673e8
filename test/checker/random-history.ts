// Histories of an object that does one thing at a time, so that a correct checker must find them linearizable; and ways to
// spoil them. Each operation has its effect at some moment between its call and its return; one of unknown outcome at any
// moment from its call on, or never.

import type { Random } from "../../src/base/random.ts";
import type { Answer } from "./answer.ts";
import type { Operation } from "./history.ts";

/** What clients may do to an object, and the object. Inputs are made without the knowledge of what comes of them. */
export interface Subject<Input> {
  /** A random command, the `number`th of the history, which is called and returns at these times. */
  nextInput(random: Random, number: number, times: { readonly from: number; readonly to: number }): Input;
  /** A new object; `execute` is called in the order of the effects and told the time of each. */
  create(random: Random): { execute(input: Input, at: number): Answer };
}

export interface HistoryShape {
  readonly operations: number;
  readonly clients: number;
  /** One in so many operations has no known outcome; 0 for none. */
  readonly unknownOneIn: number;
  /** The longest that an operation takes; times are integers. */
  readonly durationMax: number;
  /** The longest that a client waits between two operations. */
  readonly pauseMax: number;
}

interface Planned<Input> {
  readonly client: number;
  readonly input: Input;
  readonly calledAt: number;
  readonly returnedAt: number;
  /** Infinity: it never happens. */
  readonly happensAt: number;
}

/** A linearizable history, in no particular order. */
export function randomHistory<Input>(
  random: Random,
  subject: Subject<Input>,
  shape: HistoryShape,
): Operation<Input, Answer>[] {
  const planned = plan(random, subject, shape);
  const object = subject.create(random);
  const answers = new Map<Planned<Input>, Answer>();
  for (const operation of [...planned].sort((one, other) => one.happensAt - other.happensAt)) {
    if (operation.happensAt === Infinity) break;
    answers.set(operation, object.execute(operation.input, operation.happensAt));
  }
  return planned.map((operation) => {
    const { client, input, calledAt, returnedAt } = operation;
    const output = returnedAt === Infinity ? null : (answers.get(operation) ?? null);
    return { client, input, calledAt, returnedAt, output };
  });
}

function plan<Input>(random: Random, subject: Subject<Input>, shape: HistoryShape): Planned<Input>[] {
  const { operations, clients, unknownOneIn, durationMax, pauseMax } = shape;
  const freeAt = Array.from({ length: clients }, () => random.below(pauseMax + 1));
  return Array.from({ length: operations }, (_, number) => {
    // Whoever is free first goes on, so that all are busy all the time.
    const client = freeAt.indexOf(Math.min(...freeAt));
    const from = freeAt[client] as number;
    const to = from + random.below(durationMax + 1);
    freeAt[client] = to + random.below(pauseMax + 1);
    if (unknownOneIn === 0 || random.below(unknownOneIn) > 0) {
      const input = subject.nextInput(random, number, { from, to });
      return { client, input, calledAt: from, returnedAt: to, happensAt: between(random, from, to) };
    }
    const input = subject.nextInput(random, number, { from, to: Infinity });
    const late = between(random, from, from + 3 * durationMax);
    const happensAt = random.below(2) === 0 ? Infinity : late;
    return { client, input, calledAt: from, returnedAt: Infinity, happensAt };
  });
}

function between(random: Random, from: number, to: number): number {
  const grain = 1 << 20;
  return from + ((to - from) * random.below(grain)) / grain;
}

/** The same history but for one answer; null when no operation has one. */
export function withOneAnswerChanged<Input>(
  random: Random,
  operations: readonly Operation<Input, Answer>[],
): Operation<Input, Answer>[] | null {
  const answered = [...operations.keys()].filter((at) => operations[at]?.output !== null);
  if (answered.length === 0) return null;
  const at = answered[random.below(answered.length)] as number;
  const others = operations.flatMap(({ output }) => (output === null ? [] : [output]));
  const output = changed(random, operations[at]?.output as Answer, others);
  return operations.map((operation, place) => (place === at ? { ...operation, output } : operation));
}

function changed(random: Random, answer: Answer, others: readonly Answer[]): Answer {
  // What somebody else got is the likeliest mistake; else something near.
  const same = others.filter((other) => other.kind === answer.kind && !Bun.deepEquals(other, answer));
  if (same.length > 0 && random.below(2) === 0) return same[random.below(same.length)] as Answer;
  switch (answer.kind) {
    case "ok":
      return { kind: "nil" };
    case "nil":
      return { kind: "text", text: "1" };
    case "text":
      return random.below(2) === 0 ? { kind: "nil" } : { kind: "text", text: `${answer.text}1` };
    case "number":
      return { kind: "number", number: answer.number + (random.below(2) === 0 ? 1 : -1) };
    case "list":
      return answer.items.length === 0
        ? { kind: "list", items: [{ kind: "text", text: "1" }] }
        : { kind: "list", items: answer.items.slice(1) };
  }
}
