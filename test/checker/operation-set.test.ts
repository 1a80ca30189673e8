import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { OperationSet, SeenConfigurations } from "./operation-set.ts";

const seed = Number(process.env["SEED"] ?? 20240607);

test(`OperationSet holds what a set holds, with its full and empty ends (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  const size = 200;
  const operations = new OperationSet(size);
  const expected = new Set<number>();
  const fronts = new Set<number>();
  for (let step = 0; step < 20_000; step++) {
    // Mostly at a front that moves, as in a search.
    const front = Math.floor((step % 5000) / 25);
    const number = Math.min(size - 1, Math.max(0, front + random.below(60) - 30));
    if (!expected.has(number)) {
      expected.add(number);
      operations.add(number);
    } else if (random.below(20) === 0) {
      expected.delete(number);
      operations.delete(number);
    }
    expect(operations.has(number)).toBe(expected.has(number));
    const { words, from, to } = operations;
    fronts.add(from);
    expect(words.subarray(0, from).every((word) => word === 0xffff_ffff)).toBe(true);
    expect(words[from]).not.toBe(0xffff_ffff);
    expect(to === 0 || words[to - 1] !== 0).toBe(true);
    expect(words.subarray(to).every((word) => word === 0)).toBe(true);
  }
  expect(fronts.size).toBeGreaterThan(1);
  for (const number of [...expected]) operations.delete(number);
  expect([operations.hash, operations.from, operations.to]).toEqual([0, 0, 0]);
});

test(`SeenConfigurations knows what it has seen, and what uses more of the optional (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  const seen = new SeenConfigurations();
  const known: { state: number; certain: string; optional: Set<number> }[] = [];
  let repeats = 0;
  for (let step = 0; step < 4000; step++) {
    const state = random.below(3);
    const certain = setOf([...Array(64 + random.below(2)).keys()].filter(() => random.below(60) > 0));
    const optional = new Set([...Array(4).keys()].filter(() => random.below(3) === 0));
    const name = certain.words.join();
    const covered = known.some(
      (other) => other.state === state && other.certain === name && other.optional.isSubsetOf(optional),
    );
    expect(seen.add(state, certain, setOf([...optional]))).toBe(!covered);
    if (covered) repeats++;
    else known.push({ state, certain: name, optional });
  }
  expect(repeats).toBeGreaterThan(400);
});

test(`SeenConfigurations takes no two sets for one, though hashes of 32 bits repeat among so many (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  const seen = new SeenConfigurations();
  const certain = new OperationSet(48);
  const none = new OperationSet(0);
  const names = new Set<number>();
  const hashes = new Set<number>();
  let name = 0;
  while (names.size < 2 ** 18) {
    const number = random.below(48);
    const isIn = certain.has(number);
    if (isIn) certain.delete(number);
    else certain.add(number);
    name += isIn ? -(2 ** number) : 2 ** number;
    if (seen.add(0, certain, none) === names.has(name)) throw new Error(`the set ${name.toString(2)}`);
    names.add(name);
    hashes.add(certain.hash);
  }
  expect(hashes.size).toBeLessThan(names.size);
});

function setOf(numbers: readonly number[]): OperationSet {
  const set = new OperationSet(100);
  for (const number of numbers) set.add(number);
  return set;
}
