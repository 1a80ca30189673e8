import { describe, expect, test } from "bun:test";
import { Heap } from "../../src/base/heap.ts";
import { SeededRandom } from "../../src/base/random.ts";

class Item {
  heapIndex = -1;
  readonly rank: number;
  readonly id: number;

  constructor(rank: number, id: number) {
    this.rank = rank;
    this.id = id;
  }
}

function before(a: Item, b: Item): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id);
}

describe("Heap", () => {
  test("keeps its first item right and every item's place true through random pushes and deletions", () => {
    const random = new SeededRandom(11);
    const heap = new Heap(before);
    const model: Item[] = [];
    for (let step = 0; step < 20_000; step++) {
      // Waves of growth and decline, so that deletions meet full and nearly empty heaps.
      const grows = random.below(100) < (Math.floor(step / 2000) % 2 === 0 ? 70 : 30);
      if (grows || model.length === 0) {
        const item = new Item(random.below(50), step);
        model.push(item);
        heap.push(item);
      } else {
        const [item] = model.splice(random.below(model.length), 1);
        if (item === undefined) throw new Error("a drawn item");
        heap.delete(item);
        expect(item.heapIndex).toBe(-1);
      }
      if (step % 50 === 0) expectConsistent(heap, model);
    }
  });

  test("gives items up in their order whatever way they came in", () => {
    const items = Array.from({ length: 200 }, (_, id) => new Item((id * 7919) % 31, id));
    const heap = new Heap(before);
    for (const item of items) heap.push(item);
    for (const item of items.filter((each) => each.id % 3 === 0)) heap.delete(item);
    const taken: Item[] = [];
    for (let item = heap.first; item !== undefined; item = heap.first) {
      heap.delete(item);
      taken.push(item);
    }
    const expected = items.filter((each) => each.id % 3 !== 0).sort((a, b) => (before(a, b) ? -1 : 1));
    expect(taken).toEqual(expected);
  });
});

function expectConsistent(heap: Heap<Item>, model: readonly Item[]): void {
  expect(heap.size).toBe(model.length);
  const first = model.reduce<Item | undefined>((best, item) => {
    return best === undefined || before(item, best) ? item : best;
  }, undefined);
  expect(heap.first).toBe(first as Item);
  heap.items.forEach((item, place) => expect(item.heapIndex).toBe(place));
}
