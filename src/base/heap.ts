// A binary heap whose items know their place, so that an item can leave from the middle in O(log n) and the heap never
// holds anything stale. With a total order the sequence of pops depends on the contents alone, never on their history.

/** What a heap asks of its items: a slot of their own for their place in it, -1 while they are in none. */
export interface HeapItem {
  heapIndex: number;
}

export class Heap<Item extends HeapItem> {
  readonly #items: Item[] = [];
  readonly #before: (a: Item, b: Item) => boolean;

  /** `before` is a strict total order. An item's rank must not change while it is inside: delete, change, push. */
  constructor(before: (a: Item, b: Item) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The item that is before all others. */
  get first(): Item | undefined {
    return this.#items[0];
  }

  /** The items in no order to rely on; the array is the heap's own and must not be changed. */
  get items(): readonly Item[] {
    return this.#items;
  }

  /** `item` is in no heap. */
  push(item: Item): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** Takes `item` out; it is in this heap. */
  delete(item: Item): void {
    const place = item.heapIndex;
    const last = this.#items.pop();
    item.heapIndex = -1;
    if (last === undefined || last === item) return;
    // The last item fills the hole; it may belong above or below it.
    const parent = this.#items[(place - 1) >> 1];
    if (place > 0 && parent !== undefined && this.#before(last, parent)) this.#rise(last, place);
    else this.#sink(last, place);
  }

  /** Puts `item` at `place` or as far above as it belongs. */
  #rise(item: Item, place: number): void {
    const items = this.#items;
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = items[parentPlace];
      if (parent === undefined || !this.#before(item, parent)) break;
      items[place] = parent;
      parent.heapIndex = place;
      place = parentPlace;
    }
    items[place] = item;
    item.heapIndex = place;
  }

  /** Puts `item` at `place` or as far below as it belongs. */
  #sink(item: Item, place: number): void {
    const items = this.#items;
    for (;;) {
      const leftPlace = place * 2 + 1;
      let childPlace = leftPlace;
      let child = items[leftPlace];
      if (child === undefined) break;
      const right = items[leftPlace + 1];
      if (right !== undefined && this.#before(right, child)) {
        child = right;
        childPlace = leftPlace + 1;
      }
      if (!this.#before(child, item)) break;
      items[place] = child;
      child.heapIndex = place;
      place = childPlace;
    }
    items[place] = item;
    item.heapIndex = place;
  }
}
