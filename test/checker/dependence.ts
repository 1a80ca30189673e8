// Which operations can tell in what order they were done: two that touch a piece of the state in common, unless both only
// read. The others may change places in any order.

import type { Operation } from "./history.ts";
import type { Model } from "./model.ts";

export class Dependence {
  readonly #touched: readonly ReadonlySet<string>[];
  readonly #isRead: readonly boolean[];

  private constructor(touched: readonly ReadonlySet<string>[], isRead: readonly boolean[]) {
    this.#touched = touched;
    this.#isRead = isRead;
  }

  /** Null when the model does not say what is touched. */
  static of<State, Input, Output>(
    model: Model<State, Input, Output>,
    operations: readonly Operation<Input, Output>[],
  ): Dependence | null {
    if (model.touched === undefined) return null;
    return new Dependence(
      operations.map(({ input }) => new Set(model.touched?.(input))),
      operations.map(({ input, output }) => output !== null && model.isRead?.(input, output) === true),
    );
  }

  /** Those of `places` that depend on `from`, directly or through others of them, with itself. */
  connected(from: number, places: readonly number[]): ReadonlySet<number> {
    const found = new Set([from]);
    let rest = places;
    // A set takes what is added to it into the same round.
    for (const one of found) {
      const others: number[] = [];
      for (const other of rest) {
        if (this.#dependOnEachOther(one, other)) found.add(other);
        else others.push(other);
      }
      rest = others;
    }
    return found;
  }

  #dependOnEachOther(one: number, other: number): boolean {
    if (this.#isRead[one] === true && this.#isRead[other] === true) return false;
    const touched = this.#touched[other] as ReadonlySet<string>;
    for (const piece of this.#touched[one] as ReadonlySet<string>) if (touched.has(piece)) return true;
    return false;
  }
}
