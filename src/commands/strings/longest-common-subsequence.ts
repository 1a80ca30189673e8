// The longest common subsequence of two byte strings by the classic table of prefix lengths, walked back from its end.
// Where several are equally long, and in how the ranges are cut, the choice is Redis', step by step.

/** Bytes `[aFrom, aTo]` of the one string equal bytes `[bFrom, bTo]` of the other, both ends included. */
export interface CommonRange {
  readonly aFrom: number;
  readonly aTo: number;
  readonly bFrom: number;
  readonly bTo: number;
}

/** Bytes that the table of two strings of these lengths takes. */
export function tableBytes(aLength: number, bLength: number): number {
  return (aLength + 1) * (bLength + 1) * Uint32Array.BYTES_PER_ELEMENT;
}

/** What two strings have in common, found when it is made. Time and memory are O(length of a × length of b). */
export class CommonSubsequence {
  readonly length: number;
  readonly #a: string;
  readonly #b: string;
  /** Row `i`, column `j`: the length of the longest common subsequence of the first `i` bytes of a and `j` of b. */
  readonly #table: Uint32Array;

  /** Throws RangeError if there is no memory for {@link tableBytes}. */
  constructor(a: string, b: string) {
    this.#a = a;
    this.#b = b;
    this.#table = prefixLengths(a, b);
    this.length = this.#table[this.#table.length - 1] ?? 0;
  }

  text(): string {
    const parts: string[] = [];
    for (const range of this.ranges()) parts.push(this.#a.slice(range.aFrom, range.aTo + 1));
    return parts.reverse().join("");
  }

  /** Stretches of equal bytes, from the last to the first; together they are the subsequence. */
  ranges(): CommonRange[] {
    const a = this.#a;
    const b = this.#b;
    const table = this.#table;
    const columns = b.length + 1;
    const ranges: CommonRange[] = [];
    /** Equal bytes just passed and not yet part of a range. */
    let run = 0;
    let i = a.length;
    let j = b.length;
    while (i > 0 && j > 0) {
      if (a.charCodeAt(i - 1) === b.charCodeAt(j - 1)) {
        run++;
        i--;
        j--;
        continue;
      }
      if (run > 0) ranges.push({ aFrom: i, aTo: i + run - 1, bFrom: j, bTo: j + run - 1 });
      run = 0;
      const withoutA = table[(i - 1) * columns + j] ?? 0;
      const withoutB = table[i * columns + j - 1] ?? 0;
      if (withoutA > withoutB) i--;
      else j--;
    }
    if (run > 0) ranges.push({ aFrom: i, aTo: i + run - 1, bFrom: j, bTo: j + run - 1 });
    return ranges;
  }
}

function prefixLengths(a: string, b: string): Uint32Array {
  const columns = b.length + 1;
  const table = new Uint32Array((a.length + 1) * columns);
  for (let i = 1; i <= a.length; i++) {
    const row = i * columns;
    const above = row - columns;
    const code = a.charCodeAt(i - 1);
    for (let j = 1; j <= b.length; j++) {
      if (code === b.charCodeAt(j - 1)) table[row + j] = (table[above + j - 1] ?? 0) + 1;
      else table[row + j] = Math.max(table[above + j] ?? 0, table[row + j - 1] ?? 0);
    }
  }
  return table;
}
