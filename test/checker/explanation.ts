// Says to people why a history is impossible: how far an order was found, and the operations around the point where
// nothing goes on, as a table.
//
//   key "x", register: no order of its 4 operations explains their answers.
//   All that returned before 30 can be put in order. The operation marked ! must come next, by 30, and cannot.
//
//     order  client  called  returned  operation
//         1       0       0        10  SET x 1 -> OK
//         2       1      12        20  GET x -> 1
//         !       2      25        30  GET x -> (nil)
//         -       0      28      open  SET x 2 -> ?
//
//   Longest order found: 2 operations. State after it: 1.

import { assert } from "../../src/base/assert.ts";
import type { Operation } from "./history.ts";
import type { Model } from "./model.ts";
import { Search, type Verdict } from "./search.ts";

/** For each search that explains. */
const explanationWorkMax = 300_000;
/** Rows of operations in order, of those that are not, and of those called later. */
const orderedRowsMax = 16;
const pendingRowsMax = 24;
const laterRowsMax = 4;
const descriptionCharsMax = 160;

/** `part` is not linearizable and holds the operations of one partition. */
export function explanationOf<State, Input, Output>(
  model: Model<State, Input, Output>,
  partition: string,
  part: readonly Operation<Input, Output>[],
): string {
  const { search, verdict } = explainingSearch(model, part);
  const { order, state, blocked } = search.furthest();
  const place = new Map(order.map((operation, at) => [operation, at + 1]));
  const end = part[blocked]?.returnedAt ?? Infinity;
  const rows = rowsAround(part, place, end).map((index) => {
    const operation = part[index] as Operation<Input, Output>;
    return [
      index === blocked ? "!" : String(place.get(index) ?? "-"),
      String(operation.client),
      String(operation.calledAt),
      operation.returnedAt === Infinity ? "open" : String(operation.returnedAt),
      shortened(model.describe(operation.input, operation.output)),
    ];
  });
  return [
    `key ${JSON.stringify(partition)}, ${model.name}: no order of its ${part.length} operations explains their answers.`,
    `All that returned before ${end} can be put in order. The operation marked ! must come next, by ${end}, and cannot${
      verdict === "violation" ? "." : " in the orders tried."
    }`,
    "",
    ...table(["order", "client", "called", "returned", "operation"], rows),
    "",
    `Longest order found: ${order.length} operations. State after it: ${shortened(model.show?.(state) ?? String(model.hashOf(state)))}.`,
  ].join("\n");
}

/**
 * Works on the history as it was, and not with what the answers tell of later operations: the order breaks where a reader
 * sees that it breaks. Where that takes too long, it breaks where nothing good can come of it any more.
 */
function explainingSearch<State, Input, Output>(
  model: Model<State, Input, Output>,
  part: readonly Operation<Input, Output>[],
): { readonly search: Search<State, Input, Output>; readonly verdict: Verdict } {
  const { marks, ...plain } = model;
  const attempt = (one: Model<State, Input, Output>) => {
    const search = new Search(one, part, explanationWorkMax);
    const verdict = search.run();
    assert(verdict !== "linearizable", `${model.name} to be simplified without changing the verdict`);
    return { search, verdict };
  };
  const first = attempt(plain);
  return first.verdict === "violation" || marks === undefined ? first : attempt(model);
}

/** The last operations in order, those that are not in order and were called by `end`, and the next few; by time of call. */
function rowsAround<Input, Output>(
  part: readonly Operation<Input, Output>[],
  place: ReadonlyMap<number, number>,
  end: number,
): number[] {
  const calledAt = (index: number): number => part[index]?.calledAt ?? 0;
  const byCall = [...part.keys()].sort((one, other) => calledAt(one) - calledAt(other) || one - other);
  const ordered = [...place.keys()].slice(-orderedRowsMax);
  const rest = byCall.filter((index) => !place.has(index));
  const pending = rest.filter((index) => calledAt(index) <= end);
  // Of many that are open, the certain ones tell more.
  const certain = pending.filter((index) => (part[index]?.returnedAt ?? 0) < Infinity);
  const open = pending.filter((index) => part[index]?.returnedAt === Infinity);
  const shown = new Set([
    ...ordered,
    ...certain.slice(0, pendingRowsMax),
    ...open.slice(-Math.max(0, pendingRowsMax - certain.length)),
    ...rest.filter((index) => calledAt(index) > end).slice(0, laterRowsMax),
  ]);
  return byCall.filter((index) => shown.has(index));
}

/** Right-aligned columns, but the last. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .replace(/^/, "  "),
  );
}

/** The beginning and the end of a long text: what is appended stands at the end. */
function shortened(text: string): string {
  if (text.length <= descriptionCharsMax) return text;
  const half = descriptionCharsMax / 2;
  return `${text.slice(0, half)} ... ${text.slice(-half)}`;
}
