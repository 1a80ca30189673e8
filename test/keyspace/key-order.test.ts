import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { KeyEntry } from "../../src/keyspace/key-entry.ts";
import { KeyOrder } from "../../src/keyspace/key-order.ts";

function entryAt(sequence: number): KeyEntry {
  return new KeyEntry(`k${sequence}`, "", 0, sequence, 0);
}

function sequencesOf(entries: Iterable<KeyEntry>): number[] {
  return Array.from(entries, (entry) => entry.sequence);
}

describe("KeyOrder", () => {
  test("walks like a sorted array through random insertions and removals", () => {
    const seed = Number(process.env.SEED ?? 5);
    const random = new SeededRandom(seed);
    const order = new KeyOrder();
    let model: KeyEntry[] = [];
    let sequence = 0;
    for (let step = 0; step < 30_000; step++) {
      const grows = random.below(100) < (Math.floor(step / 6000) % 2 === 0 ? 80 : 25);
      if (grows || model.length === 0) {
        // Gaps between sequences, as keys created and removed at once leave them.
        sequence += 1 + random.below(3);
        const entry = entryAt(sequence);
        model.push(entry);
        order.append(entry);
      } else {
        const [entry] = model.splice(random.below(model.length), 1);
        if (entry === undefined) throw new Error("a drawn entry");
        order.delete(entry);
      }
      if (step % 1000 === 0) expectSame(order, model, random.below(sequence + 2));
    }
    for (const entry of model) order.delete(entry);
    model = [];
    expectSame(order, model, 1);
  });

  test("draws every entry about equally often, in full and in thinned chunks", () => {
    const random = new SeededRandom(9);
    const order = new KeyOrder();
    const entries = Array.from({ length: 3000 }, (_, index) => entryAt(index + 1));
    for (const entry of entries) order.append(entry);
    // Thin out the first two thirds: chunks of very different lengths.
    const kept = entries.filter((entry) => entry.sequence > 2000 || entry.sequence % 10 === 0);
    for (const entry of entries) if (!kept.includes(entry)) order.delete(entry);
    const draws = kept.length * 200;
    const counts = new Map<number, number>(kept.map((entry) => [entry.sequence, 0]));
    for (let draw = 0; draw < draws; draw++) {
      const sequence = order.random(random)?.sequence ?? 0;
      counts.set(sequence, (counts.get(sequence) ?? 0) + 1);
    }
    // 200 expected each, standard deviation 14: seven of them.
    expect(Math.min(...counts.values())).toBeGreaterThan(100);
    expect(Math.max(...counts.values())).toBeLessThan(300);
    expect(counts.size).toBe(kept.length);
  });

  test("draws in a few tries however the keys were thinned out", () => {
    const seeded = new SeededRandom(4);
    let tries = 0;
    const counting = { below: (bound: number) => ((tries += 1), seeded.below(bound)) };
    const order = new KeyOrder();
    const entries = Array.from({ length: 20_000 }, (_, index) => entryAt(index + 1));
    for (const entry of entries) order.append(entry);
    // One left in each chunk, then whole chunks emptied between full ones.
    for (const entry of entries) {
      const chunkIndex = Math.floor((entry.sequence - 1) / 512);
      const stays = entry.sequence > 10_240 ? chunkIndex % 4 === 0 : entry.sequence % 512 === 1;
      if (!stays) order.delete(entry);
    }
    for (let draw = 0; draw < 1000; draw++) expect(order.random(counting)).toBeDefined();
    expect(tries).toBeLessThan(5000);
  });

  test("has nothing to draw or walk when empty", () => {
    const order = new KeyOrder();
    expect(order.random(new SeededRandom(1))).toBeUndefined();
    expect(sequencesOf(order.descendingFrom(10))).toEqual([]);
  });

  test("refuses to remove an entry that is not inside", () => {
    const order = new KeyOrder();
    order.append(entryAt(1));
    expect(() => order.delete(entryAt(1))).toThrow("a removed key is in the order");
  });
});

function expectSame(order: KeyOrder, model: readonly KeyEntry[], from: number): void {
  const sequences = sequencesOf(model);
  expect(order.size).toBe(model.length);
  expect(sequencesOf(order.ascending())).toEqual(sequences);
  const below = sequences.filter((sequence) => sequence <= from).reverse();
  expect(sequencesOf(order.descendingFrom(from))).toEqual(below);
}
