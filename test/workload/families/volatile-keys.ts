// Keys with a time to live. What the nodes' wall clocks showed during an operation is asked when it has ended.

import type { Random } from "../../../src/base/random.ts";
import type { Answer } from "../../checker/answer.ts";
import type { Operation } from "../../checker/history.ts";
import {
  type ExpiringKeyInput,
  type ExpiringKeyState,
  expiringKeyModel,
  type WallClocks,
} from "../../checker/models/expiring-key.ts";
import { Family, type Planned } from "../family.ts";
import type { WallTimes } from "../wall-times.ts";
import { reading, writing } from "./plan.ts";

const lifeMsMax = 400;
/** Until the operation has ended. */
const unknownClocks: WallClocks = { fromMs: 0, toMs: Number.POSITIVE_INFINITY };

type Volatile = Planned<ExpiringKeyInput>;

/** `keyOf` names an object. */
export function volatileKeys(
  objects: number,
  keyOf: (object: number) => string,
  source: { readonly random: Random; readonly wallTimes: WallTimes },
): Family<ExpiringKeyState, ExpiringKeyInput> {
  const { random, wallTimes } = source;
  const complete = ({
    input,
    calledAt,
    returnedAt,
  }: Operation<ExpiringKeyInput, Answer>): ExpiringKeyInput => ({
    ...input,
    clocks: wallTimes.during(calledAt, returnedAt),
  });
  return new Family({
    name: "volatile",
    model: () => expiringKeyModel,
    objects,
    complete,
    read: (object) => get({ key: keyOf(object), clocks: unknownClocks }),
    plan(object, value) {
      const key = keyOf(object);
      const at = { key, clocks: unknownClocks };
      const ms = 1 + random.below(lifeMsMax);
      const deadline = { kind: "px", ms } as const;
      switch (random.below(10)) {
        case 0:
          return writing(["SET", key, value], { ...at, kind: "set", value }, "ok");
        case 1:
        case 2:
          return writing(
            ["SET", key, value, "PX", String(ms)],
            { ...at, kind: "set", value, deadline },
            "ok",
          );
        case 3:
          return setUntil(at, value, wallTimes.nowMs() + ms);
        case 4:
          return writing(["PERSIST", key], { ...at, kind: "persist" }, "number");
        case 5:
          return writing(["PEXPIRE", key, String(ms)], { ...at, kind: "pexpire", deadline }, "number");
        case 6:
          return writing(["DEL", key], { ...at, kind: "delete" }, "number");
        case 7:
          return reading(["PTTL", key], { ...at, kind: "pttl" }, "number");
        default:
          return get(at);
      }
    },
  });
}

interface Place {
  readonly key: string;
  readonly clocks: WallClocks;
}

function get(at: Place): Volatile {
  return reading(["GET", at.key], { ...at, kind: "get" }, "text", "nil");
}

function setUntil(at: Place, value: string, ms: number): Volatile {
  const deadline = { kind: "pxat", ms } as const;
  return writing(["SET", at.key, value, "PXAT", String(ms)], { ...at, kind: "set", value, deadline }, "ok");
}
