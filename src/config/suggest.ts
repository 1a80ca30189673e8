// "Did you mean …": the known word nearest to what was typed.

/** Further away than this nobody meant it. */
const distanceMax = 3;
const typedLengthMax = 64;

/** The candidate fewest edits away from `typed`, or undefined when none is near. O(candidates × length²). */
export function nearestWord(typed: string, candidates: Iterable<string>): string | undefined {
  if (typed.length > typedLengthMax) return undefined;
  let best: string | undefined;
  let bestDistance = Math.min(distanceMax, Math.floor(typed.length / 2)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - typed.length) >= bestDistance) continue;
    const distance = editDistance(typed, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** ` (did you mean 'x'?)`, or nothing. */
export function didYouMean(typed: string, candidates: Iterable<string>, prefix = ""): string {
  const nearest = nearestWord(typed.toLowerCase(), candidates);
  return nearest === undefined ? "" : ` (did you mean '${prefix}${nearest}'?)`;
}

// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
