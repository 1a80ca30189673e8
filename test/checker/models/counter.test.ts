import { nil, numberAnswer, textAnswer } from "../answer.ts";
import { testHistories } from "../written-histories.ts";
import { counterModel, type CounterInput } from "./counter.ts";

const key = "n";
const get: CounterInput = { kind: "get", key };
const add = (amount: number): CounterInput => ({ kind: "add", key, amount });
const number = numberAnswer;
const text = textAnswer;

testHistories(
  () => counterModel,
  [
    [
      "counted one after the other",
      "linearizable",
      [
        [1, [0, 1], get, nil],
        [1, [2, 3], add(1), number(1)],
        [2, [4, 5], add(5), number(6)],
        [1, [6, 7], add(-1), number(5)],
        [2, [8, 9], get, text("5")],
      ],
    ],
    [
      "at the same time, in the order of their answers",
      "linearizable",
      [
        [1, [0, 9], add(1), number(3)],
        [2, [0, 9], add(1), number(1)],
        [3, [0, 9], add(1), number(2)],
      ],
    ],
    [
      "a number given twice: a lost update",
      "violation",
      [
        [1, [0, 9], add(1), number(1)],
        [2, [0, 9], add(1), number(1)],
      ],
    ],
    [
      "a number left out: something was counted twice",
      "violation",
      [
        [1, [0, 1], add(1), number(1)],
        [2, [2, 3], add(1), number(3)],
      ],
    ],
    [
      "the smaller number after the greater",
      "violation",
      [
        [1, [0, 1], add(1), number(2)],
        [2, [2, 3], add(1), number(1)],
      ],
    ],
    [
      "a read behind what was acknowledged",
      "violation",
      [
        [1, [0, 1], add(1), number(1)],
        [1, [2, 3], add(1), number(2)],
        [2, [4, 5], get, text("1")],
      ],
    ],
    [
      "a read of nothing after a count to nothing",
      "violation",
      [
        [1, [0, 1], add(1), number(1)],
        [1, [2, 3], add(-1), number(0)],
        [2, [4, 5], get, nil],
      ],
    ],
    [
      "one unknown count fills one gap, late",
      "linearizable",
      [
        [1, [0], add(1)],
        [2, [1, 2], add(1), number(1)],
        [2, [3, 4], get, text("1")],
        [2, [100, 101], add(1), number(3)],
      ],
    ],
    [
      "one unknown count fills no two gaps",
      "violation",
      [
        [1, [0], add(1)],
        [2, [1, 2], add(1), number(2)],
        [2, [3, 4], add(1), number(4)],
      ],
    ],
    [
      "two unknown counts of the same fill one gap of two",
      "linearizable",
      [
        [1, [0], add(1)],
        [1, [0], add(1)],
        [2, [1, 2], add(1), number(1)],
        [2, [3, 4], add(1), number(4)],
      ],
    ],
    [
      "unknown counts that JSON cannot tell apart are not the same",
      "linearizable",
      [
        [1, [0], add(Infinity)],
        [1, [1], add(-Infinity)],
        [2, [2, 3], get, text("-Infinity")],
      ],
    ],
    [
      "a gap is not filled by a count that is called after it",
      "violation",
      [
        [2, [1, 2], add(1), number(2)],
        [1, [3], add(1)],
      ],
    ],
    [
      "what surely happened must be counted",
      "violation",
      [
        [1, [0, 1], add(1)],
        [2, [2, 3], add(1), number(1)],
      ],
    ],
  ],
);
