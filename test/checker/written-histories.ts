// Histories written down by hand: one row an operation, `client called returned`, what was asked and what was answered.

import { expect, test } from "bun:test";
import { isLinearizableByForce } from "./brute-force.ts";
import type { Answer } from "./answer.ts";
import type { Operation } from "./history.ts";
import { checkLinearizable } from "./linearizability.ts";
import type { Model } from "./model.ts";

/** Times are call and return; without a return, and so without an answer, the outcome is unknown. */
export type Row<Input> = readonly [
  client: number,
  times: readonly [calledAt: number, returnedAt?: number],
  input: Input,
  output?: Answer,
];

/** Name, what it is, and the operations. */
export type WrittenHistory<Input> = readonly [
  name: string,
  verdict: "linearizable" | "violation",
  rows: readonly Row<Input>[],
];

export function operationsOf<Input>(rows: readonly Row<Input>[]): Operation<Input, Answer>[] {
  return rows.map(([client, [calledAt, returnedAt = Infinity], input, output = null]) => ({
    client,
    input,
    calledAt,
    returnedAt,
    output,
  }));
}

/** Defines a test for each history; the definition of linearizability has its say too. */
export function testHistories<State, Input>(
  modelFor: (operations: readonly Operation<Input, Answer>[]) => Model<State, Input, Answer>,
  histories: readonly WrittenHistory<Input>[],
): void {
  test.each(histories.map(([name, verdict, rows]) => [name, verdict, rows] as const))(
    "%s: %s",
    (_, verdict, rows) => {
      const operations = operationsOf(rows);
      const model = modelFor(operations);
      expect(isLinearizableByForce(model, operations)).toBe(verdict === "linearizable");
      expect(checkLinearizable(model, operations).kind).toBe(verdict);
      // The order of the rows says nothing.
      expect(checkLinearizable(model, operations.toReversed()).kind).toBe(verdict);
    },
  );
}
