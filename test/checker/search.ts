// The search for an order of operations that explains all their answers: Wing and Gong's algorithm ("Testing and Verifying
// Concurrent Objects", 1993) with Lowe's improvements ("Testing for Linearizability", 2017). Knows one part of an object.
//
// Calls and returns stand in a doubly linked list, by time. The next operation of the order may be any whose call comes
// before the first return in the list, since one that is called later must not overtake it. An operation that the model
// lets happen is lifted out of the list with both its events; when none can be lifted, the last one is put back and the
// next candidate tried. A configuration that was seen before (the set of lifted operations, and the state) is not tried
// again: it failed.
//
//   list       (1  (2  1)  (3  2)  3)        (1 = call of operation 1, 1) = its return
//   candidates  1, 2: the first return is that of 1
//   2 lifted   (1  1)  (3  3)                candidates: 1
//
// Three things cut most of the branches:
//   · a read that may be next, and leaves the state as it is, is next: whatever comes later can come after it as well;
//   · a mark (`Marks`) that only one operation leaves is not wiped out before all who noticed it have had their turn;
//   · the operation of the first return must come before all that is called later, so only it and what it depends on, directly
//     or through others, needs to be tried (`Dependence`; a persistent set in the terms of partial-order reduction).
//
// Operations of unknown outcome have a call and no return, and need not be lifted at all. That makes them expensive, as
// each may happen at any later time, so:
//   · they stand in a list of their own and are tried only when no certain operation can go on;
//   · one that would change nothing is not tried, nor one that is the same as one that was called earlier and is not used yet;
//   · a configuration is known to fail when one like it failed that had used fewer of them (`SeenConfigurations`).

import type { Operation } from "./history.ts";
import { Dependence } from "./dependence.ts";
import { MarkReaders } from "./mark-readers.ts";
import type { Model } from "./model.ts";
import { OperationSet, SeenConfigurations } from "./operation-set.ts";

export type Verdict = "linearizable" | "violation" | "undecided";

/** Where a search got furthest: up to a return that nothing got past. */
export interface Furthest<State> {
  /** Operations in the order found, as places in the list that was searched. */
  readonly order: readonly number[];
  readonly state: State;
  /** The operation that must come next, at the latest, and cannot; -1 when all certain ones are in order. */
  readonly blocked: number;
}

export class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #operations: readonly Operation<Input, Output>[];
  readonly #workMax: number;
  #work = 0;

  // Events are numbered from 1 by time; 0 is both ends of the list.
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #operationAt: Int32Array;
  /** For a call the event of its return, for a return 0. */
  readonly #returnOf: Int32Array;
  readonly #eventCount: number;
  /** The place of a call's operation among the certain ones, by time of call. */
  readonly #rankOf: Int32Array;
  #certainLeft: number;
  readonly #certain: OperationSet;

  /** Operations of unknown outcome by time of call. */
  readonly #optional: readonly number[];
  /** For each of them how many events come before its call. */
  readonly #eventsBefore: Int32Array;
  /** For each of them the last one before it that is the same, or -1. */
  readonly #sameBefore: Int32Array;
  readonly #used: OperationSet;

  // A candidate is the event of a call, or `eventCount` + 1 + the rank of an optional operation.
  readonly #moves: Int32Array;
  readonly #states: State[];
  #depth = 0;
  /** For each depth the first return in the list, once it was met. */
  readonly #blockAt: Int32Array;
  /** For each depth 1 when the move from there is the only one that needs to be tried. */
  readonly #isForced: Uint8Array;

  readonly #dependence: Dependence | null;
  /** For each depth the places of the operations that need to be tried; null: all. */
  readonly #needed: (ReadonlySet<number> | null)[] = [];
  /** For each rank whether the certain operation is a read. */
  readonly #isRead: readonly boolean[];
  readonly #readers: MarkReaders<State, Input, Output>;
  /** The numbers of the states at each depth; equal numbers are equal states. */
  readonly #stateNumberAt: Int32Array;
  readonly #stateNumbers = new Map<string | number, number>();
  readonly #seen = new SeenConfigurations();
  #furthestBlock = 0;
  #furthestDepth = -1;
  #furthestWork = 0;

  /** `workMax` bounds the steps of the model and the comparisons of configurations together. */
  constructor(
    model: Model<State, Input, Output>,
    operations: readonly Operation<Input, Output>[],
    workMax: number,
  ) {
    this.#model = model;
    this.#operations = operations;
    this.#workMax = workMax;
    const certain = ranked(operations, (operation) => operation.returnedAt < Infinity);
    this.#optional = ranked(operations, (operation) => operation.returnedAt === Infinity);
    const events = eventsOf(operations, certain);
    this.#eventCount = events.length;
    this.#next = Int32Array.from({ length: events.length + 1 }, (_, at) => (at + 1) % (events.length + 1));
    this.#previous = Int32Array.from({ length: events.length + 1 }, (_, at) =>
      at === 0 ? events.length : at - 1,
    );
    this.#operationAt = new Int32Array(events.length + 1);
    this.#returnOf = new Int32Array(events.length + 1);
    this.#rankOf = new Int32Array(events.length + 1);
    const callOf = new Int32Array(certain.length);
    events.forEach(({ rank, isReturn }, at) => {
      this.#operationAt[at + 1] = certain[rank] as number;
      this.#rankOf[at + 1] = rank;
      if (isReturn) this.#returnOf[callOf[rank] as number] = at + 1;
      else callOf[rank] = at + 1;
    });
    this.#certainLeft = certain.length;
    this.#certain = new OperationSet(certain.length);
    this.#eventsBefore = Int32Array.from(this.#optional, (place) => {
      const { calledAt } = operations[place] as Operation<Input, Output>;
      return countBefore(events, calledAt);
    });
    this.#sameBefore = sameBefore(this.#optional.map((place) => operations[place]?.input));
    this.#used = new OperationSet(this.#optional.length);
    this.#moves = new Int32Array(operations.length);
    this.#blockAt = new Int32Array(operations.length + 1);
    this.#isForced = new Uint8Array(operations.length + 1);
    this.#isRead = certain.map((place) => isRead(model, operations[place] as Operation<Input, Output>));
    this.#readers = new MarkReaders(model, operations);
    this.#dependence = Dependence.of(model, operations);
    this.#states = [model.initial()];
    this.#stateNumberAt = new Int32Array(operations.length + 1);
    this.#numberOf(this.#states[0] as State);
  }

  get work(): number {
    return this.#work + this.#seen.comparisons;
  }

  run(): Verdict {
    let candidate = this.#firstEvent;
    while (this.#certainLeft > 0) {
      if (this.#takeFrom(candidate)) {
        candidate = this.#firstEvent;
        continue;
      }
      if (this.#isOverLimit) return "undecided";
      this.#noteHowFar();
      if (this.#depth === 0) return "violation";
      candidate = this.#takeBack();
    }
    return "linearizable";
  }

  /** After a {@link run} that found no order. */
  furthest(): Furthest<State> {
    // The search does the same again, so it stands there when it has worked as much.
    const again = new Search(this.#model, this.#operations, this.#furthestWork);
    again.run();
    return again.#here();
  }

  get #firstEvent(): number {
    return this.#next[0] as number;
  }

  get #isOverLimit(): boolean {
    return this.work >= this.#workMax;
  }

  /** Puts the first of the candidates from `candidate` on that leads to a new configuration next in order. */
  #takeFrom(candidate: number): boolean {
    if (candidate === this.#firstEvent) {
      if (this.#takeRead()) return true;
      this.#needed[this.#depth] = this.#findNeeded();
    }
    const needed = this.#needed[this.#depth] ?? null;
    let event = candidate;
    for (; event <= this.#eventCount; event = this.#next[event] as number) {
      if (this.#returnOf[event] === 0) break;
      if (this.#isOverLimit) return false;
      if (needed !== null && !needed.has(this.#operationAt[event] as number)) continue;
      if (this.#takeCertain(event)) return true;
    }
    const met = event <= this.#eventCount;
    if (met) this.#blockAt[this.#depth] = event;
    const block = this.#blockAt[this.#depth] as number;
    for (let rank = met ? 0 : event - this.#eventCount - 1; rank < this.#optional.length; rank++) {
      if ((this.#eventsBefore[rank] as number) >= block || this.#isOverLimit) return false;
      if (needed !== null && !needed.has(this.#optional[rank] as number)) continue;
      if (this.#isUsable(rank) && this.#takeOptional(rank)) return true;
    }
    return false;
  }

  /** Puts a read that fits the state next, if one may be; nothing else needs to be tried here. */
  #takeRead(): boolean {
    for (let event = this.#firstEvent; this.#returnOf[event] !== 0; event = this.#next[event] as number) {
      if (this.#isRead[this.#rankOf[event] as number] !== true) continue;
      if (this.#isOverLimit) return false;
      const place = this.#operationAt[event] as number;
      const next = this.#step(place);
      if (next === null) continue;
      const number = this.#numberOf(next);
      if (number !== this.#stateNumberAt[this.#depth]) continue;
      this.#blockAt[this.#depth] = 0;
      this.#isForced[this.#depth] = 1;
      this.#lift(event, place);
      this.#push(event, next, number);
      return true;
    }
    return false;
  }

  /** Those of the candidates that the first return depends on. */
  #findNeeded(): ReadonlySet<number> | null {
    if (this.#dependence === null) return null;
    const candidates: number[] = [];
    let event = this.#firstEvent;
    for (; this.#returnOf[event] !== 0; event = this.#next[event] as number) {
      candidates.push(this.#operationAt[event] as number);
    }
    for (let rank = 0; rank < this.#optional.length && (this.#eventsBefore[rank] as number) < event; rank++) {
      if (!this.#used.has(rank)) candidates.push(this.#optional[rank] as number);
    }
    return this.#dependence.connected(this.#operationAt[event] as number, candidates);
  }

  #takeCertain(call: number): boolean {
    this.#isForced[this.#depth] = 0;
    const place = this.#operationAt[call] as number;
    const next = this.#step(place);
    if (next === null) return false;
    const number = this.#numberOf(next);
    this.#lift(call, place);
    if (this.#readers.allow(this.#state, next) && this.#seen.add(number, this.#certain, this.#used)) {
      this.#push(call, next, number);
      return true;
    }
    this.#putBack(call, place);
    return false;
  }

  #isUsable(rank: number): boolean {
    const same = this.#sameBefore[rank] as number;
    return !this.#used.has(rank) && (same === -1 || this.#used.has(same));
  }

  #takeOptional(rank: number): boolean {
    const next = this.#step(this.#optional[rank] as number);
    if (next === null) return false;
    const number = this.#numberOf(next);
    if (number === this.#stateNumberAt[this.#depth] || !this.#readers.allow(this.#state, next)) return false;
    this.#used.add(rank);
    if (this.#seen.add(number, this.#certain, this.#used)) {
      this.#push(this.#eventCount + 1 + rank, next, number);
      return true;
    }
    this.#used.delete(rank);
    return false;
  }

  /** Undoes the last move; the next candidate in its place. */
  #takeBack(): number {
    const move = this.#moves[--this.#depth] as number;
    this.#states.pop();
    if (move > this.#eventCount) {
      this.#used.delete(move - this.#eventCount - 1);
      return move + 1;
    }
    this.#putBack(move, this.#operationAt[move] as number);
    // Where a read was next nothing else needs to be tried.
    return this.#isForced[this.#depth] === 1 ? this.#noCandidate : (this.#next[move] as number);
  }

  get #noCandidate(): number {
    return this.#eventCount + 1 + this.#optional.length;
  }

  #lift(call: number, place: number): void {
    this.#unlink(call);
    this.#unlink(this.#returnOf[call] as number);
    this.#certain.add(this.#rankOf[call] as number);
    this.#certainLeft--;
    this.#readers.taken(place);
  }

  #putBack(call: number, place: number): void {
    this.#readers.putBack(place);
    this.#certainLeft++;
    this.#certain.delete(this.#rankOf[call] as number);
    this.#relink(this.#returnOf[call] as number);
    this.#relink(call);
  }

  get #state(): State {
    return this.#states[this.#depth] as State;
  }

  #step(place: number): State | null {
    this.#work++;
    const { input, output } = this.#operations[place] as Operation<Input, Output>;
    return this.#model.step(this.#state, input, output);
  }

  #numberOf(state: State): number {
    const name = this.#model.hashOf(state);
    let number = this.#stateNumbers.get(name);
    if (number === undefined) {
      number = this.#stateNumbers.size;
      this.#stateNumbers.set(name, number);
    }
    return number;
  }

  #push(move: number, state: State, number: number): void {
    this.#moves[this.#depth++] = move;
    this.#states.push(state);
    this.#stateNumberAt[this.#depth] = number;
  }

  #unlink(event: number): void {
    const next = this.#next[event] as number;
    const previous = this.#previous[event] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #relink(event: number): void {
    this.#next[this.#previous[event] as number] = event;
    this.#previous[this.#next[event] as number] = event;
  }

  #noteHowFar(): void {
    const block = this.#blockAt[this.#depth] as number;
    if (block < this.#furthestBlock) return;
    if (block === this.#furthestBlock && this.#depth <= this.#furthestDepth) return;
    this.#furthestBlock = block;
    this.#furthestDepth = this.#depth;
    this.#furthestWork = this.work;
  }

  #here(): Furthest<State> {
    const order = Array.from(this.#moves.subarray(0, this.#depth), (move) =>
      move > this.#eventCount
        ? (this.#optional[move - this.#eventCount - 1] as number)
        : (this.#operationAt[move] as number),
    );
    let event = this.#firstEvent;
    while (event !== 0 && this.#returnOf[event] !== 0) event = this.#next[event] as number;
    return { order, state: this.#state, blocked: event === 0 ? -1 : (this.#operationAt[event] as number) };
  }
}

function isRead<State, Input, Output>(
  model: Model<State, Input, Output>,
  { input, output }: Operation<Input, Output>,
): boolean {
  return output !== null && model.isRead?.(input, output) === true;
}

interface Event {
  readonly at: number;
  readonly isReturn: boolean;
  readonly rank: number;
}

/** The places of the operations that `belongs`, by time of call. */
function ranked<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  belongs: (operation: Operation<Input, Output>) => boolean,
): number[] {
  const calledAt = (place: number): number => operations[place]?.calledAt ?? 0;
  return [...operations.keys()]
    .filter((place) => belongs(operations[place] as Operation<Input, Output>))
    .sort((one, other) => calledAt(one) - calledAt(other) || one - other);
}

/** By time; at equal times calls come first, which makes the operations concurrent. */
function eventsOf<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  certain: readonly number[],
): Event[] {
  const events = certain.flatMap((place, rank): Event[] => {
    const { calledAt, returnedAt } = operations[place] as Operation<Input, Output>;
    return [
      { at: calledAt, isReturn: false, rank },
      { at: returnedAt, isReturn: true, rank },
    ];
  });
  return events.sort(
    (one, other) =>
      one.at - other.at || Number(one.isReturn) - Number(other.isReturn) || one.rank - other.rank,
  );
}

/** How many of `events` come before `time`, and so the number of the last event before a call at that time. */
function countBefore(events: readonly Event[], time: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle] as Event).at < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sameBefore(inputs: readonly unknown[]): Int32Array {
  const last = new Map<string, number>();
  return Int32Array.from(inputs, (input, rank) => {
    const text = JSON.stringify(input);
    const before = last.get(text) ?? -1;
    last.set(text, rank);
    // JSON knows no Infinity, so equal texts are a hint only.
    return before !== -1 && Bun.deepEquals(inputs[before], input, true) ? before : -1;
  });
}
