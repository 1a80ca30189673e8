// How long the checker takes: `bun test/checker/throughput.ts`. Histories of real objects, unchanged and with one answer
// changed, in shapes from many keys at a time to ten clients on each key.
//
// 30,000 operations of 30 clients, on the project's machine (2 cores, little else to do), Bun 1.4.5; seconds, unchanged:
//                   300 keys x 100    30 keys x 1000    3 keys at a time x 100    3 at a time x 300
//   register             0.09              0.07                  0.07                  0.07
//   GET and SET          0.05              0.07                  0.05                  0.06
//   5 values             0.04              0.05                  0.10                  0.13
//   counter              0.04              0.04                  0.04                  0.04
//   list-append          0.08              0.10                  0.07                  0.07
//   set of 10            0.10              0.11                  0.18                  0.21
//   expiring key         0.12              0.11                  1.77                  1.53
//   several keys         0.27              0.25                  0.62                  0.56
// With one answer changed 0.01 to 2.2 s; none undecided.

import { SeededRandom } from "../../src/base/random.ts";
import type { Answer } from "./answer.ts";
import { checkLinearizable } from "./linearizability.ts";
import type { Operation } from "./history.ts";
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
} from "./subjects.ts";

const random = new SeededRandom(Number(process.env["SEED"] ?? 1));

const shape: HistoryShape = {
  operations: 30_000,
  clients: 30,
  unknownOneIn: 200,
  durationMax: 1000,
  pauseMax: 100,
};

function measure<State, Input>(
  name: string,
  modelFor: (operations: readonly Operation<Input, Answer>[]) => Model<State, Input, Answer>,
  subject: Subject<Input>,
): void {
  const good = randomHistory(random, subject, shape);
  const figures = [timed(modelFor, good)];
  for (let times = 0; times < 3; times++) {
    const bad = withOneAnswerChanged(random, good);
    if (bad !== null) figures.push(timed(modelFor, bad));
  }
  console.log(name.padEnd(34), ...figures);
}

function timed<State, Input>(
  modelFor: (operations: readonly Operation<Input, Answer>[]) => Model<State, Input, Answer>,
  operations: readonly Operation<Input, Answer>[],
): string {
  const started = Bun.nanoseconds();
  const { kind } = checkLinearizable(modelFor(operations), operations);
  return `${((Bun.nanoseconds() - started) / 1e9).toFixed(2)} s ${kind}`.padEnd(22);
}

console.log(`${shape.operations} operations, ${shape.clients} clients, 1 in ${shape.unknownOneIn} unknown`);
for (const [keys, operationsPerKey] of [
  [300, 100],
  [30, 1000],
  [3, 100],
  [3, 300],
] as const) {
  console.log(`\n${keys} keys at a time, ${operationsPerKey} operations on each`);
  const variety = { keys, operationsPerKey, values: Infinity };
  measure("register", () => registerModel, registerSubject(variety));

  measure("GET and SET", () => registerModel, plainRegisterSubject(variety));

  measure("5 values", () => registerModel, plainRegisterSubject({ ...variety, values: 5 }));
  measure("counter", () => counterModel, counterSubject(variety));

  measure("list-append", () => listAppendModel, listAppendSubject(variety));

  measure("set of 10", () => setModel, setSubject({ ...variety, values: 10 }));
  measure(
    "expiring key",
    () => expiringKeyModel,
    expiringKeySubject(variety, { skewMs: 50, lifeMsMax: 2000 }),
  );
  measure("several keys", multiKeyModel, multiKeySubject(variety));
}
