import { expect, test } from "bun:test";
import { listAnswer, nil, numberAnswer, ok, textAnswer } from "../answer.ts";
import { operationsOf, testHistories } from "../written-histories.ts";
import { multiKeyModel, type KeysCommand, type MultiKeyInput } from "./multi-key.ts";

const get = (key: string): KeysCommand => ({ kind: "get", key });
const set = (key: string, value: string): KeysCommand => ({ kind: "set", key, value });
const mget = (...keys: string[]): KeysCommand => ({ kind: "mget", keys });
const mset = (...pairs: [string, string][]): KeysCommand => ({ kind: "mset", pairs });
const msetnx = (...pairs: [string, string][]): KeysCommand => ({ kind: "msetnx", pairs });
const exec = (...commands: KeysCommand[]): MultiKeyInput => ({ kind: "exec", commands });
const text = textAnswer;
const number = numberAnswer;
const list = listAnswer;

testHistories(multiKeyModel, [
  [
    "both keys change at once",
    "linearizable",
    [
      [1, [0, 9], mset(["x", "1"], ["y", "1"]), ok],
      [2, [1, 2], mget("x", "y"), list([nil, nil])],
      [2, [3, 4], mget("y", "x"), list([text("1"), text("1")])],
    ],
  ],
  [
    "an intermediate reading: one key changed and the other not",
    "violation",
    [
      [1, [0, 9], mset(["x", "1"], ["y", "1"]), ok],
      [2, [1, 2], mget("x", "y"), list([text("1"), nil])],
    ],
  ],
  [
    "each key by itself is linearizable, both together are not",
    "violation",
    [
      [1, [0, 20], mset(["x", "1"], ["y", "1"]), ok],
      [2, [1, 2], get("x"), text("1")],
      [2, [3, 4], get("y"), nil],
    ],
  ],
  [
    "two readers see two transactions in different orders: a long fork",
    "violation",
    [
      [1, [0, 20], mset(["x", "1"], ["z", "1"]), ok],
      [2, [0, 20], mset(["y", "2"], ["z", "2"]), ok],
      [3, [1, 9], mget("x", "y"), list([text("1"), nil])],
      [4, [1, 9], mget("x", "y"), list([nil, text("2")])],
    ],
  ],
  [
    "write skew: each reads what the other writes, and both see nothing",
    "violation",
    [
      [1, [0, 9], exec(get("x"), set("y", "1")), list([nil, ok])],
      [2, [0, 9], exec(get("y"), set("x", "1")), list([nil, ok])],
    ],
  ],
  [
    "a transaction sees its own writes",
    "linearizable",
    [
      [
        1,
        [0, 1],
        exec(set("x", "1"), get("x"), { kind: "delete", key: "x" }),
        list([ok, text("1"), number(1)]),
      ],
      [2, [2, 3], mget("x", "y"), list([nil, nil])],
    ],
  ],
  [
    "what a transaction wrote in between is seen by others",
    "violation",
    [
      [1, [0, 9], exec(set("x", "1"), set("x", "2")), list([ok, ok])],
      [2, [1, 2], mget("x", "y"), list([text("1"), nil])],
    ],
  ],
  [
    "in the order of real time: strict, not only serializable",
    "violation",
    [
      [1, [0, 1], mset(["x", "1"], ["y", "1"]), ok],
      [2, [2, 3], mget("x", "y"), list([nil, nil])],
    ],
  ],
  [
    "MSETNX sets all or nothing",
    "violation",
    [
      [1, [0, 1], set("x", "1"), ok],
      [1, [2, 3], msetnx(["x", "2"], ["y", "2"]), number(0)],
      [2, [4, 5], mget("x", "y"), list([text("1"), text("2")])],
    ],
  ],
  [
    "of two pairs with one key the last counts",
    "linearizable",
    [
      [1, [0, 1], mset(["x", "1"], ["x", "2"]), ok],
      [2, [2, 3], mget("x"), list([text("2")])],
    ],
  ],
  [
    "an unknown transaction is seen whole, and late",
    "linearizable",
    [
      [1, [0], mset(["x", "1"], ["y", "1"])],
      [2, [1, 2], mget("x", "y"), list([nil, nil])],
      [2, [100, 101], get("y"), text("1")],
      [2, [102, 103], get("x"), text("1")],
    ],
  ],
  [
    "an unknown transaction is seen in part",
    "violation",
    [
      [1, [0], mset(["x", "1"], ["y", "1"])],
      [2, [100, 101], get("y"), text("1")],
      [2, [102, 103], get("x"), nil],
    ],
  ],
  [
    "an unknown transaction of which only the presence of one key is noticed takes the other with it",
    "violation",
    [
      [1, [0, 1], set("x", "1"), ok],
      [2, [2], mset(["x", "2"], ["y", "2"])],
      [3, [3, 4], { kind: "exists", key: "y" }, number(1)],
      [3, [5, 6], get("x"), text("1")],
    ],
  ],
  [
    "a transaction that answers less than it was asked",
    "violation",
    [[1, [0, 1], exec(set("x", "1"), get("x")), list([ok])]],
  ],
]);

test("keyOf() names the group of all keys that are connected by some operation", () => {
  const operations = operationsOf<MultiKeyInput>([
    [1, [0, 1], mset(["x", "1"], ["y", "1"]), ok],
    [1, [0, 1], get("z"), nil],
    [1, [0, 1], mget("v", "w"), list([nil, nil])],
    [1, [0, 1], exec(get("w"), get("y")), list([nil, nil])],
  ]);
  const { keyOf } = multiKeyModel(operations);
  expect(operations.map(({ input }) => keyOf(input))).toEqual(["x", "z", "x", "x"]);
  expect(() => keyOf(get("other"))).toThrow("of the history");
});
