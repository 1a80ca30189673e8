import { nil, numberAnswer, textAnswer } from "../answer.ts";
import { testHistories } from "../written-histories.ts";
import { listAppendModel, type ListAppendInput } from "./list-append.ts";

const key = "l";
const get: ListAppendInput = { kind: "get", key };
const append = (token: string): ListAppendInput => ({ kind: "append", key, token });
const number = numberAnswer;
const text = textAnswer;

testHistories(
  () => listAppendModel,
  [
    [
      "appended one after the other",
      "linearizable",
      [
        [1, [0, 1], get, nil],
        [1, [2, 3], append("a,"), number(2)],
        [2, [4, 5], append("bb,"), number(5)],
        [1, [6, 7], get, text("a,bb,")],
      ],
    ],
    [
      "a lost append",
      "violation",
      [
        [1, [0, 1], append("a,"), number(2)],
        [1, [2, 3], append("b,"), number(4)],
        [2, [4, 5], get, text("a,")],
      ],
    ],
    [
      "a lost append that only the length tells",
      "violation",
      [
        [1, [0, 9], append("a,"), number(2)],
        [2, [0, 9], append("b,"), number(2)],
      ],
    ],
    [
      "an append done twice",
      "violation",
      [
        [1, [0, 1], append("a,"), number(2)],
        [2, [2, 3], get, text("a,a,")],
      ],
    ],
    [
      "an unknown append done twice",
      "violation",
      [
        [1, [0], append("a,")],
        [2, [2, 3], append("b,"), number(4)],
        [2, [4, 5], get, text("a,b,")],
        [2, [6, 7], get, text("a,b,a,")],
      ],
    ],
    [
      "an aborted read: a token that was refused, and so is in nobody's history",
      "violation",
      [
        [1, [0, 1], append("a,"), number(2)],
        [2, [2, 3], get, text("a,r,")],
      ],
    ],
    [
      "two readings of two histories",
      "violation",
      [
        [1, [0, 9], append("a,"), number(4)],
        [2, [0, 9], append("b,"), number(4)],
        [3, [10, 11], get, text("a,b,")],
        [3, [12, 13], get, text("b,a,")],
      ],
    ],
    [
      "readings that go back",
      "violation",
      [
        [1, [0, 20], append("a,"), number(2)],
        [2, [0, 20], append("b,"), number(4)],
        [3, [1, 2], get, text("a,b,")],
        [4, [3, 4], get, text("a,")],
      ],
    ],
    [
      "an empty reading of a list that has something",
      "violation",
      [
        [1, [0, 1], append("a,"), number(2)],
        [2, [2, 3], get, nil],
        [2, [4, 5], get, text("a,")],
      ],
    ],
    [
      "acknowledged in one order and read in the other",
      "violation",
      [
        [1, [0, 1], append("a,"), number(2)],
        [1, [2, 3], append("b,"), number(4)],
        [2, [4, 5], get, text("b,a,")],
      ],
    ],
    [
      "an intermediate reading: half a token",
      "violation",
      [
        [1, [0, 9], append("abc,"), number(4)],
        [2, [1, 2], get, text("ab")],
      ],
    ],
    [
      "a token in the reading before it is appended",
      "violation",
      [
        [1, [0, 1], get, text("a,")],
        [2, [2, 3], append("a,"), number(2)],
      ],
    ],
    [
      "an unknown append that is seen late",
      "linearizable",
      [
        [1, [0], append("a,")],
        [2, [1, 2], append("b,"), number(2)],
        [2, [3, 4], get, text("b,")],
        [2, [100, 101], get, text("b,a,")],
      ],
    ],
    [
      "an unknown append that is seen, and then not",
      "violation",
      [
        [1, [0], append("a,")],
        [2, [3, 4], get, text("a,")],
        [2, [5, 6], get, nil],
      ],
    ],
    [
      "an unknown append that nobody sees but in a length",
      "linearizable",
      [
        [1, [0], append("a,")],
        [1, [0], append("ccc,")],
        [2, [1, 2], append("b,"), number(2)],
        [2, [3, 4], get, text("b,")],
        [2, [5, 6], append("d,"), number(8)],
      ],
    ],
    [
      "a length that no choice of the unknown appends gives",
      "violation",
      [
        [1, [0], append("a,")],
        [1, [0], append("ccc,")],
        [2, [1, 2], append("b,"), number(2)],
        [2, [5, 6], append("d,"), number(7)],
      ],
    ],
    [
      "a token that two clients append",
      "linearizable",
      [
        [1, [0, 9], append("a,"), number(4)],
        [2, [0, 9], append("a,"), number(2)],
        [3, [10, 11], get, text("a,a,")],
      ],
    ],
    [
      "tokens that cannot be told apart in a reading",
      "linearizable",
      [
        [1, [0, 9], append("a"), number(3)],
        [2, [0, 9], append("ab"), number(2)],
        [3, [10, 11], get, text("aba")],
      ],
    ],
  ],
);
