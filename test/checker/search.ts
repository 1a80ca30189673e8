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

import { Dependence } from "./dependence.ts";
import { EventList } from "./event-list.ts";
import type { Operation } from "./history.ts";
import { MarkReaders } from "./mark-readers.ts";
import type { Model } from "./model.ts";
import { OperationSet, SeenConfigurations } from "./operation-set.ts";

export type Verdict = "linearizable" | "violation" | "undecided";

/** Where a search got furthest: up to a return that nothing got past. */
export interface Furthest<State> {
  /** Operations in the order found, as places in the list that was searched. */
  readonly order: readonly number[];
  readonly state: State;
  /** The operation of the first return that is left: it must come next, at the latest, and cannot. */
  readonly blocked: number;
}

export class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #operations: readonly Operation<Input, Output>[];
  readonly #workMax: number;
  #work = 0;

  /** Places of the operations that surely happened, by time of call: a place here is a rank. */
  readonly #certain: readonly number[];
  readonly #events: EventList;
  readonly #ordered: OperationSet;

  /** Operations of unknown outcome by time of call. */
  readonly #optional: readonly number[];
  /** For each of them how many events come before its call. */
  readonly #eventsBefore: Int32Array;
  /** For each of them the last one before it that is the same, or -1. */
  readonly #sameBefore: Int32Array;
  readonly #used: OperationSet;

  // A candidate is the event of a call, or `events.last` + 1 + the rank of an optional operation.
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
    const at = (place: number): Operation<Input, Output> => operations[place] as Operation<Input, Output>;
    this.#certain = ranked(operations, (operation) => operation.returnedAt < Infinity);
    this.#optional = ranked(operations, (operation) => operation.returnedAt === Infinity);
    this.#events = new EventList(this.#certain.map(at));
    this.#ordered = new OperationSet(this.#certain.length);
    this.#eventsBefore = Int32Array.from(this.#optional, (place) =>
      this.#events.countBefore(at(place).calledAt),
    );
    this.#sameBefore = sameBefore(this.#optional.map((place) => at(place).input));
    this.#used = new OperationSet(this.#optional.length);
    this.#moves = new Int32Array(operations.length);
    this.#blockAt = new Int32Array(operations.length + 1);
    this.#isForced = new Uint8Array(operations.length + 1);
    this.#isRead = this.#certain.map((place) => isRead(model, at(place)));
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
    const events = this.#events;
    let candidate = events.first;
    while (events.first !== 0) {
      if (this.#takeFrom(candidate)) {
        candidate = events.first;
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

  get #isOverLimit(): boolean {
    return this.work >= this.#workMax;
  }

  /** Puts the first of the candidates from `candidate` on that leads to a new configuration next in order. */
  #takeFrom(candidate: number): boolean {
    const events = this.#events;
    if (candidate === events.first) {
      this.#isForced[this.#depth] = 0;
      if (this.#takeRead()) return true;
      this.#needed[this.#depth] = this.#findNeeded();
    }
    const needed = this.#needed[this.#depth] ?? null;
    let event = candidate;
    for (; event <= events.last && events.isCall(event); event = events.next(event)) {
      if (this.#isOverLimit) return false;
      if (needed !== null && !needed.has(this.#placeOf(event))) continue;
      if (this.#takeCertain(event)) return true;
    }
    const met = event <= events.last;
    if (met) this.#blockAt[this.#depth] = event;
    const block = this.#blockAt[this.#depth] as number;
    for (let rank = met ? 0 : event - events.last - 1; rank < this.#optional.length; rank++) {
      if ((this.#eventsBefore[rank] as number) >= block || this.#isOverLimit) return false;
      if (needed !== null && !needed.has(this.#optional[rank] as number)) continue;
      if (this.#isUsable(rank) && this.#takeOptional(rank)) return true;
    }
    return false;
  }

  /** Puts a read that fits the state next, if one may be; nothing else needs to be tried here. */
  #takeRead(): boolean {
    const events = this.#events;
    for (let event = events.first; events.isCall(event); event = events.next(event)) {
      if (this.#isRead[events.rankOf(event)] !== true) continue;
      if (this.#isOverLimit) return false;
      const next = this.#step(this.#placeOf(event));
      if (next === null) continue;
      const number = this.#numberOf(next);
      if (number !== this.#stateNumberAt[this.#depth]) continue;
      this.#blockAt[this.#depth] = 0;
      this.#isForced[this.#depth] = 1;
      this.#lift(event);
      this.#push(event, next, number);
      return true;
    }
    return false;
  }

  /** Those of the candidates that the first return depends on. */
  #findNeeded(): ReadonlySet<number> | null {
    if (this.#dependence === null) return null;
    const events = this.#events;
    const candidates: number[] = [];
    let event = events.first;
    for (; events.isCall(event); event = events.next(event)) candidates.push(this.#placeOf(event));
    for (let rank = 0; rank < this.#optional.length && (this.#eventsBefore[rank] as number) < event; rank++) {
      if (!this.#used.has(rank)) candidates.push(this.#optional[rank] as number);
    }
    return this.#dependence.connected(this.#placeOf(event), candidates);
  }

  #takeCertain(call: number): boolean {
    const next = this.#step(this.#placeOf(call));
    if (next === null) return false;
    const number = this.#numberOf(next);
    this.#lift(call);
    if (this.#readers.allow(this.#state, next) && this.#seen.add(number, this.#ordered, this.#used)) {
      this.#push(call, next, number);
      return true;
    }
    this.#putBack(call);
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
    if (this.#seen.add(number, this.#ordered, this.#used)) {
      this.#push(this.#events.last + 1 + rank, next, number);
      return true;
    }
    this.#used.delete(rank);
    return false;
  }

  /** Undoes the last move; the next candidate in its place. */
  #takeBack(): number {
    const move = this.#moves[--this.#depth] as number;
    this.#states.pop();
    const { last } = this.#events;
    if (move > last) {
      this.#used.delete(move - last - 1);
      return move + 1;
    }
    this.#putBack(move);
    // Where a read was next nothing else needs to be tried.
    return this.#isForced[this.#depth] === 1 ? last + 1 + this.#optional.length : this.#events.next(move);
  }

  #lift(call: number): void {
    this.#events.lift(call);
    this.#ordered.add(this.#events.rankOf(call));
    this.#readers.taken(this.#placeOf(call));
  }

  #putBack(call: number): void {
    this.#readers.putBack(this.#placeOf(call));
    this.#ordered.delete(this.#events.rankOf(call));
    this.#events.putBack(call);
  }

  /** Where the operation of an event stands in the list that is searched. */
  #placeOf(event: number): number {
    return this.#certain[this.#events.rankOf(event)] as number;
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

  #noteHowFar(): void {
    const block = this.#blockAt[this.#depth] as number;
    if (block < this.#furthestBlock) return;
    if (block === this.#furthestBlock && this.#depth <= this.#furthestDepth) return;
    this.#furthestBlock = block;
    this.#furthestDepth = this.#depth;
    this.#furthestWork = this.work;
  }

  #here(): Furthest<State> {
    const events = this.#events;
    const order = Array.from(this.#moves.subarray(0, this.#depth), (move) =>
      move > events.last ? (this.#optional[move - events.last - 1] as number) : this.#placeOf(move),
    );
    let event = events.first;
    while (events.isCall(event)) event = events.next(event);
    return { order, state: this.#state, blocked: this.#placeOf(event) };
  }
}

function isRead<State, Input, Output>(
  model: Model<State, Input, Output>,
  { input, output }: Operation<Input, Output>,
): boolean {
  return output !== null && model.isRead?.(input, output) === true;
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

/** For each of `inputs` the last before it that is the same, or -1. */
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
