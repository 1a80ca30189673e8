// What an object does when nobody disturbs it: the sequential specification that a history is held against.

import type { Operation } from "./history.ts";

export interface Model<State, Input, Output> {
  readonly name: string;
  initial(): State;
  /**
   * The state after `input` was executed in `state` and answered `output`, or null when it cannot have answered that.
   * An `output` of null stands for any; then it is never impossible for what the model knows. Changes nothing.
   */
  step(state: State, input: Input, output: Output | null): State | null;
  /** The part of the object that `input` is about. Parts must be independent: each is checked alone, from `initial()`. */
  keyOf(input: Input): string;
  /** A name of the state, not a digest: different states have different names, and the search is faster when equal ones share theirs. */
  hashOf(state: State): string | number;
  /** The state for people, where its name does not say it. */
  show?(state: State): string;
  /** One line, such as `SET x 1 -> OK`. */
  describe(input: Input, output: Output | null): string;
  /** Whether an operation that answered so has changed nothing, in whatever state it was. Makes the search much shorter. */
  isRead?(input: Input, output: Output): boolean;
  readonly marks?: Marks<State, Input, Output>;
  /**
   * The pieces of the state, by name, that `input` may look at or change; whatever it does depends on these alone. Operations
   * that touch no piece in common may change places. Without it all touch the same.
   */
  touched?(input: Input): readonly string[];
  /**
   * Rewrites the operations of one part, in place by place, into a history that has the same verdict and is easier to
   * search; null leaves one out.
   */
  simplify?(operations: readonly Operation<Input, Output>[]): readonly (Operation<Input, Output> | null)[];
}

/**
 * What operations leave in the state for others to notice: a mark names one effect, such as a value in a key. Where only one
 * operation can have left a mark that was noticed, the search knows much: that it happened, by when, and that nothing may
 * wipe the mark out until all who noticed it have had their turn.
 */
export interface Marks<State, Input, Output> {
  /** The marks that `input` may leave. */
  left(input: Input): readonly string[];
  /** Marks that were in the state when `input` was executed, or it would not have answered so. */
  noticed(input: Input, output: Output): readonly string[];
  /** The marks that are in `before` and not in `after`. */
  lost(before: State, after: State): readonly string[];
}
