// The calls and returns of the operations that surely happened, by time, in a doubly linked list out of which an operation
// can be lifted, with both its events, and put back: each O(1), the last one lifted first ("dancing links").
//
// Events are numbered from 1 by time; 0 stands for both ends of the list. At equal times calls come before returns, which
// makes the operations concurrent.

import type { Operation } from "./history.ts";

interface Event {
  readonly at: number;
  readonly isReturn: boolean;
  /** Of the operation, among the listed ones. */
  readonly rank: number;
}

export class EventList {
  /** The highest number of an event. */
  readonly last: number;
  readonly #events: readonly Event[];
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** For a call the event of its return, for a return 0. */
  readonly #returnOf: Int32Array;
  readonly #rankOf: Int32Array;

  /** `operations` have ends, and are ranked by their calls. */
  constructor(operations: readonly Operation<unknown, unknown>[]) {
    this.#events = eventsOf(operations);
    this.last = this.#events.length;
    const size = this.last + 1;
    this.#next = Int32Array.from({ length: size }, (_, event) => (event + 1) % size);
    this.#previous = Int32Array.from({ length: size }, (_, event) => (event + this.last) % size);
    this.#returnOf = new Int32Array(size);
    this.#rankOf = new Int32Array(size);
    const callOf = new Int32Array(operations.length);
    this.#events.forEach(({ rank, isReturn }, at) => {
      this.#rankOf[at + 1] = rank;
      if (isReturn) this.#returnOf[callOf[rank] as number] = at + 1;
      else callOf[rank] = at + 1;
    });
  }

  /** 0 when the list is empty; else a call. */
  get first(): number {
    return this.#next[0] as number;
  }

  next(event: number): number {
    return this.#next[event] as number;
  }

  isCall(event: number): boolean {
    return this.#returnOf[event] !== 0;
  }

  /** The rank of the operation whose event it is. */
  rankOf(event: number): number {
    return this.#rankOf[event] as number;
  }

  /** Takes the operation with this call out of the list. */
  lift(call: number): void {
    this.#unlink(call);
    this.#unlink(this.#returnOf[call] as number);
  }

  /** Undoes {@link lift}; operations are put back in the opposite order of their being lifted. */
  putBack(call: number): void {
    this.#relink(this.#returnOf[call] as number);
    this.#relink(call);
  }

  /** How many events, lifted or not, come before `time`: the number of the last event before a call at that time. */
  countBefore(time: number): number {
    let low = 0;
    let high = this.last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as Event).at < time) low = middle + 1;
      else high = middle;
    }
    return low;
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
}

function eventsOf(operations: readonly Operation<unknown, unknown>[]): Event[] {
  const events = operations.flatMap(({ calledAt, returnedAt }, rank): Event[] => [
    { at: calledAt, isReturn: false, rank },
    { at: returnedAt, isReturn: true, rank },
  ]);
  return events.sort(
    (one, other) =>
      one.at - other.at || Number(one.isReturn) - Number(other.isReturn) || one.rank - other.rank,
  );
}
