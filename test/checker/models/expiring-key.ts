// A string under a key with a deadline: SET with PX and PXAT, GET, PTTL, PERSIST, PEXPIRE, DEL.
//
// The cluster has one clock, the newest stamp of its log. It moves only forward, and only with entries: a write happens at
// its own stamp, a read finds the clock where the last entry left it. A key is gone when its deadline is at or before that
// clock. A stamp comes from the wall clock of whoever leads, or is that of the entry before if that is later. A read that
// arrives when the wall clock of the node that answers has passed the deadline waits until the clock has passed it too.
//
// No client sees the clock. So the state is what is known of it: the clock c, the deadline d and their difference d - c each
// lie in an interval (a zone, as in the theory of timed automata; exact for constraints of this form). An answer narrows
// the zone, and is impossible when it leaves nothing. Where the answer is unknown there may be several zones.

import { type Answer, describeAnswer } from "../answer.ts";
import type { Model } from "../model.ts";

/** Wall clocks of the nodes while an operation was under way, milliseconds since 1970; clocks may differ and jump. */
export interface WallClocks {
  /** The earliest time that any of them showed from its call on. */
  readonly fromMs: number;
  /** The latest time that any of them had shown, ever, when it returned; Infinity when it did not return. */
  readonly toMs: number;
}

export type ExpiringKeyInput = { readonly key: string; readonly clocks: WallClocks } &
  /** Answers ok. */
  (
    | { readonly kind: "set"; readonly value: string; readonly deadline?: Deadline }
    /** `get` answers the text or nil; `pttl` the milliseconds left, -1 for a key without deadline and -2 for none. */
    | { readonly kind: "get" | "pttl" }
    /** Answer 1 when there was a key and it had a deadline (`persist`), or just a key (`pexpire`, `delete`); else 0. */
    | { readonly kind: "persist" | "delete" }
    | { readonly kind: "pexpire"; readonly deadline: Deadline }
  );

/** `px` counts from the stamp of the write (also PEXPIRE), `pxat` since 1970 (also PEXPIREAT). Integers. */
export interface Deadline {
  readonly kind: "px" | "pxat";
  readonly ms: number;
}

/** What is possible: one of these holds. */
export type ExpiringKeyState = readonly Zone[];

/** With a value of null there is no key; with `life` of null the key has no deadline. */
interface Zone {
  readonly value: string | null;
  /** The clock is at least this. It may have moved on, as nobody has looked since. */
  readonly clockMs: number;
  readonly life: Life | null;
}

/** The deadline, and what it was at most from the clock. */
interface Life {
  readonly fromMs: number;
  readonly toMs: number;
  readonly leftMsMax: number;
}

/** Both ends inclusive, in milliseconds. */
type Interval = readonly [from: number, to: number];

interface Bounds {
  readonly clock: Interval;
  readonly deadline: Interval;
  /** From the clock to the deadline. */
  readonly left: Interval;
}

const anything: Interval = [-Infinity, Infinity];
const present: Interval = [1, Infinity];
const gone: Interval = [-Infinity, 0];

export const expiringKeyModel: Model<ExpiringKeyState, ExpiringKeyInput, Answer> = {
  name: "expiring key",
  initial: () => [{ value: null, clockMs: -Infinity, life: null }],
  step(state, input, output) {
    const isRead = input.kind === "get" || input.kind === "pttl";
    if (output === null && isRead) return state;
    const next = state.flatMap((zone) =>
      isRead ? afterRead(zone, input, output as Answer) : afterWrite(zone, input, output),
    );
    return next.length === 0 ? null : withoutRepeats(next);
  },
  keyOf: ({ key }) => key,
  hashOf: (state) => state.map(nameOf).join(" or "),
  describe: (input, output) => `${describeInput(input)} -> ${describeAnswer(output)}`,
  // What a read tells of the clock narrows the state; where it tells nothing new it has no other effect.
  isRead: ({ kind }) => kind === "get" || kind === "pttl",
  // A mark is a value.
  marks: {
    left: (input) => (input.kind === "set" ? [input.value] : []),
    noticed: (_, output) => (output.kind === "text" ? [output.text] : []),
    lost: (before, after) =>
      before.flatMap(({ value }) =>
        value === null || after.some((zone) => zone.value === value) ? [] : [value],
      ),
  },
};

function afterRead(zone: Zone, input: ExpiringKeyInput, output: Answer): Zone[] {
  const { fromMs, toMs } = input.clocks;
  if (zone.clockMs > toMs) return [];
  if (input.kind === "pttl") {
    if (output.kind !== "number") return [];
    if (output.number === -2) return foundGone(zone, toMs);
    if (output.number === -1) return zone.value !== null && zone.life === null ? [zone] : [];
    return foundLeft(zone, input.clocks, output.number);
  }
  if (output.kind === "nil") return foundGone(zone, toMs);
  if (output.kind !== "text" || output.text !== zone.value) return [];
  if (zone.life === null) return [zone];
  return elapsed(
    zone,
    bounded(zone, zone.life, { clock: [-Infinity, toMs], deadline: [fromMs + 1, Infinity], left: present }),
  );
}

/** A read found no key: if there was one, the clock has reached its deadline, and never goes back. */
function foundGone(zone: Zone, toMs: number): Zone[] {
  if (zone.value === null) return [zone];
  if (zone.life === null) return [];
  return without(
    bounded(zone, zone.life, { clock: [-Infinity, toMs], deadline: anything, left: gone })?.clock,
  );
}

/** A read found `leftMs` left: by the wall clock of the node that answered, which is never behind the cluster's. */
function foundLeft(zone: Zone, { fromMs, toMs }: WallClocks, leftMs: number): Zone[] {
  if (zone.life === null || leftMs < 0) return [];
  const deadline: Interval = leftMs === 0 ? [fromMs + 1, toMs] : [fromMs + leftMs, toMs + leftMs];
  return elapsed(
    zone,
    bounded(zone, zone.life, { clock: [-Infinity, toMs], deadline, left: [Math.max(1, leftMs), Infinity] }),
  );
}

function afterWrite(zone: Zone, input: ExpiringKeyInput, output: Answer | null): Zone[] {
  const stamps: Interval = [input.clocks.fromMs, input.clocks.toMs];
  const { value } = zone;
  if (input.kind === "set") {
    const stamp = stampsOf(zone, stamps, anything);
    return output === null || output.kind === "ok" ? set(input.value, stamp, input.deadline) : [];
  }
  const next: Zone[] = [];
  const answers = (number: number): boolean =>
    output === null || (output.kind === "number" && output.number === number);
  const stampIfThere = value === null ? undefined : stampsOf(zone, stamps, present);
  const stampIfGone = value !== null && zone.life === null ? undefined : stampsOf(zone, stamps, gone);
  if (answers(0)) next.push(...without(stampIfGone));
  if (input.kind === "persist") {
    if (answers(zone.life === null ? 0 : 1) && value !== null)
      next.push(...set(value, stampIfThere, undefined));
  } else if (answers(1)) {
    if (input.kind === "delete") next.push(...without(stampIfThere));
    else if (input.kind === "pexpire" && value !== null)
      next.push(...set(value, stampIfThere, input.deadline));
  }
  return next;
}

/** The stamps that a write may have on a key with so much left; undefined for none. */
function stampsOf(zone: Zone, stamps: Interval, left: Interval): Interval | undefined {
  if (zone.life !== null) return bounded(zone, zone.life, { clock: stamps, deadline: anything, left })?.clock;
  const clock: Interval = [Math.max(zone.clockMs, stamps[0]), stamps[1]];
  return clock[0] <= clock[1] ? clock : undefined;
}

function set(value: string, stamp: Interval | undefined, deadline: Deadline | undefined): Zone[] {
  if (stamp === undefined) return [];
  const [fromMs, toMs] = stamp;
  if (deadline === undefined) return [{ value, clockMs: fromMs, life: null }];
  const { kind, ms } = deadline;
  const life =
    kind === "px"
      ? { fromMs: fromMs + ms, toMs: toMs + ms, leftMsMax: ms }
      : { fromMs: ms, toMs: ms, leftMsMax: ms - fromMs };
  return [{ value, clockMs: fromMs, life }];
}

function without(stamp: Interval | undefined): Zone[] {
  return stamp === undefined ? [] : [{ value: null, clockMs: stamp[0], life: null }];
}

/** The zone after an answer that narrowed it: from now on the clock may move on. */
function elapsed({ value }: Zone, bounds: Bounds | null): Zone[] {
  if (bounds === null) return [];
  const { clock, deadline, left } = bounds;
  const life = { fromMs: deadline[0], toMs: deadline[1], leftMsMax: left[1] };
  return [{ value, clockMs: clock[0], life }];
}

/** What holds in the zone and within `bounds`, as tight as can be: each interval by the two others. Null: nothing. */
function bounded({ clockMs }: Zone, { fromMs, toMs, leftMsMax }: Life, bounds: Bounds): Bounds | null {
  const clock = [Math.max(clockMs, bounds.clock[0]), bounds.clock[1]] as const;
  const deadline = [Math.max(fromMs, bounds.deadline[0]), Math.min(toMs, bounds.deadline[1])] as const;
  const left = [bounds.left[0], Math.min(leftMsMax, bounds.left[1])] as const;
  const tight: Bounds = {
    clock: [Math.max(clock[0], deadline[0] - left[1]), Math.min(clock[1], deadline[1] - left[0])],
    deadline: [Math.max(deadline[0], clock[0] + left[0]), Math.min(deadline[1], clock[1] + left[1])],
    left: [Math.max(left[0], deadline[0] - clock[1]), Math.min(left[1], deadline[1] - clock[0])],
  };
  const isEmpty = [clock, deadline, left, tight.clock, tight.deadline, tight.left].some(
    ([from, to]) => from > to,
  );
  return isEmpty ? null : tight;
}

function withoutRepeats(zones: readonly Zone[]): Zone[] {
  const byName = new Map(zones.map((zone) => [nameOf(zone), zone]));
  return [...byName.keys()].sort().map((name) => byName.get(name) as Zone);
}

function nameOf({ value, clockMs, life }: Zone): string {
  const clock = `clock >= ${clockMs}`;
  if (value === null) return `gone, ${clock}`;
  const deadline =
    life === null
      ? "no deadline"
      : `deadline ${life.fromMs} to ${life.toMs}, at most ${life.leftMsMax} ms from the clock`;
  return `${JSON.stringify(value)}, ${deadline}, ${clock}`;
}

function describeInput(input: ExpiringKeyInput): string {
  const { key, clocks } = input;
  const words: string[] = [input.kind === "delete" ? "DEL" : input.kind.toUpperCase(), key];
  if (input.kind === "set") words.push(JSON.stringify(input.value));
  if (input.kind === "set" || input.kind === "pexpire") {
    const { deadline } = input;
    if (deadline !== undefined) words.push(deadline.kind.toUpperCase(), String(deadline.ms));
  }
  return `${words.join(" ")} (clocks ${clocks.fromMs} to ${clocks.toMs})`;
}
