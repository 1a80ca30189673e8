// Who has still to notice the marks that only one operation can leave. When such a mark is wiped out while somebody who
// noticed it is not in the order yet, the order leads nowhere.

import type { Operation } from "./history.ts";
import type { Model } from "./model.ts";

export class MarkReaders<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #numbers: ReadonlyMap<string, number>;
  /** For each operation the numbers of the marks that it noticed. */
  readonly #noticed: readonly (readonly number[])[];
  /** For each mark how many of those who noticed it are not in the order. */
  readonly #waiting: number[] = [];

  constructor(model: Model<State, Input, Output>, operations: readonly Operation<Input, Output>[]) {
    this.#model = model;
    const { marks } = model;
    const numbers = new Map<string, number>();
    const leavers = new Map<string, number>();
    for (const { input } of operations) {
      for (const mark of new Set(marks?.left(input))) leavers.set(mark, (leavers.get(mark) ?? 0) + 1);
    }
    for (const [mark, count] of leavers) if (count === 1) numbers.set(mark, this.#waiting.push(0) - 1);
    this.#numbers = numbers;
    this.#noticed = operations.map(({ input, output }) =>
      output === null || marks === undefined
        ? []
        : [...new Set(marks.noticed(input, output))].flatMap((mark) => numbers.get(mark) ?? []),
    );
    for (let place = 0; place < operations.length; place++) this.putBack(place);
  }

  /** An operation takes its place in the order. */
  taken(place: number): void {
    for (const number of this.#noticed[place] ?? []) this.#waiting[number] = (this.#waiting[number] ?? 0) - 1;
  }

  /** It leaves the order again. */
  putBack(place: number): void {
    for (const number of this.#noticed[place] ?? []) this.#waiting[number] = (this.#waiting[number] ?? 0) + 1;
  }

  /** Whether nobody waits for what is lost on the way from `before` to `after`. */
  allow(before: State, after: State): boolean {
    const lost = this.#model.marks?.lost(before, after) ?? [];
    return lost.every((mark) => (this.#waiting[this.#numbers.get(mark) ?? -1] ?? 0) === 0);
  }
}
