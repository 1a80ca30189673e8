import { nil, numberAnswer, ok, textAnswer } from "../answer.ts";
import { testHistories } from "../written-histories.ts";
import { registerModel, type RegisterInput } from "./register.ts";

type Options = Pick<Extract<RegisterInput, { kind: "set" }>, "condition" | "get">;

const key = "x";
const get: RegisterInput = { kind: "get", key };
const exists: RegisterInput = { kind: "exists", key };
const del: RegisterInput = { kind: "delete", key };
const set = (value: string, options: Options = {}): RegisterInput => ({
  kind: "set",
  key,
  value,
  ...options,
});
const text = textAnswer;
const number = numberAnswer;

testHistories(
  () => registerModel,
  [
    ["nothing happened", "linearizable", []],
    [
      "one after the other",
      "linearizable",
      [
        [1, [0, 1], get, nil],
        [1, [2, 3], set("1"), ok],
        [2, [4, 5], get, text("1")],
      ],
    ],
    [
      "a stale read: an acknowledged write is not seen",
      "violation",
      [
        [1, [0, 1], set("1"), ok],
        [1, [2, 3], set("2"), ok],
        [2, [4, 5], get, text("1")],
      ],
    ],
    [
      "a lost write: nil after it was acknowledged",
      "violation",
      [
        [1, [0, 1], set("1"), ok],
        [2, [2, 3], get, nil],
      ],
    ],
    [
      "a read of the future: before the write is called",
      "violation",
      [
        [1, [0, 1], get, text("1")],
        [2, [2, 3], set("1"), ok],
      ],
    ],
    [
      "a read of what nobody wrote",
      "violation",
      [
        [1, [0, 9], set("1"), ok],
        [2, [0, 9], get, text("2")],
      ],
    ],
    [
      "a write under way is seen or not",
      "linearizable",
      [
        [1, [0, 1], set("1"), ok],
        [1, [2, 20], set("2"), ok],
        [2, [3, 4], get, text("1")],
        [2, [5, 6], get, text("2")],
      ],
    ],
    [
      "new, then old, while a write is under way",
      "violation",
      [
        [1, [0, 1], set("1"), ok],
        [1, [2, 20], set("2"), ok],
        [2, [3, 4], get, text("2")],
        [3, [5, 6], get, text("1")],
      ],
    ],
    // Only reads tell in what order two writes at a time took effect.
    [
      "two writes at a time, of which the one that returned first took effect last",
      "linearizable",
      [
        [1, [0, 10], set("1"), ok],
        [2, [0, 9], set("2"), ok],
        [3, [11, 12], get, text("2")],
      ],
    ],
    [
      "two readers see two writes in different orders",
      "violation",
      [
        [1, [0, 10], set("1"), ok],
        [2, [0, 10], set("2"), ok],
        [3, [0, 2], get, text("1")],
        [3, [3, 5], get, text("2")],
        [4, [0, 2], get, text("2")],
        [4, [3, 5], get, text("1")],
      ],
    ],
    [
      "a lost update: two replace the same value",
      "violation",
      [
        [1, [0, 1], set("1"), ok],
        [2, [2, 9], set("2", { get: true }), text("1")],
        [3, [2, 9], set("3", { get: true }), text("1")],
      ],
    ],
    [
      "two that replace, one after the other",
      "linearizable",
      [
        [1, [0, 1], set("1"), ok],
        [2, [2, 9], set("2", { get: true }), text("3")],
        [3, [2, 9], set("3", { get: true }), text("1")],
      ],
    ],
    [
      "two locks at a time with NX",
      "violation",
      [
        [1, [0, 9], set("1", { condition: "nx" }), ok],
        [2, [0, 9], set("2", { condition: "nx" }), ok],
      ],
    ],
    [
      "a lock, its release and another lock, all at a time",
      "linearizable",
      [
        [1, [0, 9], set("1", { condition: "nx" }), ok],
        [2, [0, 9], set("2", { condition: "nx" }), ok],
        [3, [0, 9], del, number(1)],
      ],
    ],
    [
      "NX is refused where nothing is",
      "violation",
      [
        [1, [0, 1], set("1", { condition: "nx" }), nil],
        [2, [2, 3], set("1"), ok],
      ],
    ],
    [
      "XX replaces only what is there",
      "linearizable",
      [
        [1, [0, 1], set("1", { condition: "xx" }), nil],
        [1, [2, 3], set("1"), ok],
        [1, [4, 5], set("2", { condition: "xx" }), ok],
        [1, [6, 7], get, text("2")],
      ],
    ],
    [
      "XX with GET tells what it did not find",
      "violation",
      [
        [1, [0, 1], set("1", { condition: "xx", get: true }), nil],
        [1, [2, 3], get, text("1")],
      ],
    ],
    [
      "NX with GET tells what it left in place",
      "linearizable",
      [
        [1, [0, 1], set("1"), ok],
        [1, [2, 3], set("2", { condition: "nx", get: true }), text("1")],
        [1, [4, 5], get, text("1")],
      ],
    ],
    [
      "deleted twice",
      "violation",
      [
        [1, [0, 1], set("1"), ok],
        [2, [2, 9], del, number(1)],
        [3, [2, 9], del, number(1)],
      ],
    ],
    [
      "a deleted key that comes back",
      "violation",
      [
        [1, [0, 1], set("1"), ok],
        [2, [2, 3], del, number(1)],
        [2, [4, 5], exists, number(1)],
      ],
    ],
    [
      "an unknown write that happens much later, between two reads",
      "linearizable",
      [
        [1, [0, 1], set("1"), ok],
        [2, [2], set("2")],
        [1, [3, 4], set("3"), ok],
        [1, [100, 101], get, text("3")],
        [1, [102, 103], get, text("2")],
      ],
    ],
    [
      "an unknown write that happens, and happens again",
      "violation",
      [
        [1, [0, 1], set("1"), ok],
        [2, [2], set("2")],
        [1, [100, 101], get, text("2")],
        [1, [102, 103], set("3"), ok],
        [1, [104, 105], get, text("2")],
      ],
    ],
    [
      "an unknown write that is seen before it is called",
      "violation",
      [
        [1, [0, 1], get, text("2")],
        [2, [2], set("2")],
      ],
    ],
    [
      "an unknown write whose value nobody reads, but whose presence somebody notices",
      "linearizable",
      [
        [1, [0], set("1")],
        [2, [5, 6], exists, number(0)],
        [2, [7, 8], exists, number(1)],
        [2, [9, 10], set("2", { condition: "nx" }), nil],
      ],
    ],
    [
      "one unknown write cannot make two presences",
      "violation",
      [
        [1, [0], set("1")],
        [2, [5, 6], del, number(1)],
        [2, [7, 8], del, number(1)],
      ],
    ],
    [
      "two unknown writes of the same can, one after the other",
      "linearizable",
      [
        [1, [0], set("1")],
        [3, [0], set("1")],
        [2, [5, 6], del, number(1)],
        [2, [7, 8], get, nil],
        [2, [9, 10], get, text("1")],
        [2, [11, 12], del, number(1)],
      ],
    ],
    [
      "an answer that belongs to another command",
      "violation",
      [
        [1, [0, 1], set("1"), ok],
        [1, [2, 3], get, number(1)],
      ],
    ],
    [
      "what surely happened but answered something unreadable is seen from its return on",
      "violation",
      [
        [1, [0, 1], set("1")],
        [2, [2, 3], get, nil],
        [2, [4, 5], get, text("1")],
        [2, [6, 7], get, nil],
      ],
    ],
  ],
);

// Keys are checked apart.
testHistories(
  () => registerModel,
  [
    [
      "two keys, each well by itself",
      "linearizable",
      [
        [1, [0, 9], { kind: "set", key: "x", value: "1" }, ok],
        [1, [0, 9], { kind: "set", key: "y", value: "1" }, ok],
        [2, [1, 2], { kind: "get", key: "x" }, text("1")],
        [2, [3, 4], { kind: "get", key: "y" }, nil],
      ],
    ],
    [
      "two keys, one of them stale",
      "violation",
      [
        [1, [0, 1], { kind: "set", key: "x", value: "1" }, ok],
        [1, [0, 1], { kind: "set", key: "y", value: "1" }, ok],
        [2, [2, 3], { kind: "get", key: "x" }, text("1")],
        [2, [4, 5], { kind: "get", key: "y" }, nil],
      ],
    ],
  ],
);
