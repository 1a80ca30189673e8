import { listAnswer, nil, numberAnswer, ok, textAnswer } from "../answer.ts";
import { testHistories } from "../written-histories.ts";
import { setModel, type SetInput } from "./set.ts";

const set = "s";
const add = (element: string): SetInput => ({ kind: "add", set, element });
const remove = (element: string): SetInput => ({ kind: "remove", set, element });
const contains = (element: string): SetInput => ({ kind: "contains", set, element });
const readAll: SetInput = { kind: "readAll", set };
const number = numberAnswer;
const elements = (...texts: string[]) => listAnswer(texts.map(textAnswer));

testHistories(
  () => setModel,
  [
    [
      "added, removed and read, in any order of the reading",
      "linearizable",
      [
        [1, [0, 1], readAll, nil],
        [1, [2, 3], add("a"), number(1)],
        [1, [4, 5], add("b"), ok],
        [2, [6, 7], readAll, elements("b", "a")],
        [2, [8, 9], remove("a"), number(1)],
        [2, [10, 11], contains("a"), number(0)],
        [2, [12, 13], readAll, elements("b")],
        [2, [14, 15], remove("b"), number(1)],
        [2, [16, 17], readAll, elements()],
      ],
    ],
    [
      "an acknowledged element is missing",
      "violation",
      [
        [1, [0, 1], add("a"), ok],
        [1, [2, 3], add("b"), ok],
        [2, [4, 5], readAll, elements("b")],
      ],
    ],
    [
      "an element that nobody added, or only one who was refused",
      "violation",
      [
        [1, [0, 1], add("a"), ok],
        [2, [4, 5], readAll, elements("a", "r")],
      ],
    ],
    [
      "an element twice",
      "violation",
      [
        [1, [0, 1], add("a"), ok],
        [1, [0, 1], add("b"), ok],
        [2, [4, 5], readAll, elements("a", "a")],
      ],
    ],
    [
      "two that both added the same",
      "violation",
      [
        [1, [0, 9], add("a"), number(1)],
        [2, [0, 9], add("a"), number(1)],
      ],
    ],
    [
      "a removed element that is there again",
      "violation",
      [
        [1, [0, 1], add("a"), number(1)],
        [1, [2, 3], remove("a"), number(1)],
        [2, [4, 5], contains("a"), number(1)],
      ],
    ],
    [
      "two readings that saw two elements come in different orders",
      "violation",
      [
        [1, [0, 9], add("a"), ok],
        [2, [0, 9], add("b"), ok],
        [3, [1, 8], readAll, elements("a")],
        [4, [1, 8], readAll, elements("b")],
      ],
    ],
    [
      "an unknown addition that is seen late, and an unknown removal after it",
      "linearizable",
      [
        [1, [0], add("a")],
        [2, [0], remove("a")],
        [3, [1, 2], readAll, elements()],
        [3, [3, 4], readAll, elements("a")],
        [3, [5, 6], readAll, elements()],
      ],
    ],
    [
      "an unknown addition that is seen, gone without a removal",
      "violation",
      [
        [1, [0], add("a")],
        [3, [3, 4], readAll, elements("a")],
        [3, [5, 6], readAll, elements()],
      ],
    ],
    [
      "of two unknown additions the one that was called later is seen first",
      "linearizable",
      [
        [1, [0], add("a")],
        [2, [1], add("b")],
        [3, [2, 3], contains("b"), number(1)],
        [3, [4, 5], readAll, elements("b")],
      ],
    ],
  ],
);
