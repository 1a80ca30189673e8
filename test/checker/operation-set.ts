// Which operations have been put in order so far: a set of small numbers with an incremental hash, and the memory of the
// configurations (such a set, and a state) that a search has been in.
//
// Numbers follow the times of the calls, so the set is at any time a full beginning, a few words of a mixture, and nothing
// after: only the mixture is stored, and a configuration takes some 40 bytes however long the history is.

const wordBits = 32;
const fullWord = 0xffff_ffff;

/** Numbers in `[0, size)`. Adding and deleting cost O(1), amortized over the search. */
export class OperationSet {
  readonly words: Uint32Array;
  /** All words before this one are full. */
  from = 0;
  /** All words from this one on are empty. */
  to = 0;
  hash = 0;

  constructor(size: number) {
    this.words = new Uint32Array(Math.ceil(size / wordBits) + 1);
  }

  has(number: number): boolean {
    return (((this.words[number >>> 5] ?? 0) >>> (number & 31)) & 1) === 1;
  }

  add(number: number): void {
    const { words } = this;
    const at = number >>> 5;
    words[at] = (words[at] ?? 0) | (1 << (number & 31));
    this.hash ^= scrambled(number + 1);
    if (at >= this.to) this.to = at + 1;
    while (words[this.from] === fullWord) this.from++;
  }

  delete(number: number): void {
    const { words } = this;
    const at = number >>> 5;
    words[at] = (words[at] ?? 0) & ~(1 << (number & 31));
    this.hash ^= scrambled(number + 1);
    if (at < this.from) this.from = at;
    while (this.to > 0 && words[this.to - 1] === 0) this.to--;
  }
}

const headerWords = 5;

/**
 * The configurations that were seen. Each is a state, the set of certain operations done, and the set of optional ones
 * (of unknown outcome) done. Who has used fewer of the optional ones can do all that another can, so a configuration is
 * nothing new when one with the same state, the same certain ones and a subset of the optional ones was seen.
 */
export class SeenConfigurations {
  /** How often two configurations were compared word by word: the part of the work that grows with what is remembered. */
  comparisons = 0;
  // Open addressing: 0 is free, else 1 + the place of an entry in the arena.
  #slots = new Int32Array(1 << 10);
  #count = 0;
  // Entries one after another: hash, state, first word and count of words of the certain, count of words of the optional, words.
  #arena = new Uint32Array(1 << 13);
  #end = 0;

  /** Whether the configuration is new; it is remembered then. */
  add(state: number, certain: OperationSet, optional: OperationSet): boolean {
    const hash = scrambled(certain.hash ^ Math.imul(state + 1, 0x9e37_79b1)) >>> 0;
    let slot = hash & (this.#slots.length - 1);
    for (let entry = this.#slots[slot] ?? 0; entry !== 0; entry = this.#slots[slot] ?? 0) {
      if (this.#arena[entry - 1] === hash && this.#covers(entry - 1, state, certain, optional)) return false;
      slot = (slot + 1) & (this.#slots.length - 1);
    }
    this.#slots[slot] = this.#store(hash, state, certain, optional) + 1;
    if (++this.#count * 2 > this.#slots.length) this.#growSlots();
    return true;
  }

  #covers(entry: number, state: number, certain: OperationSet, optional: OperationSet): boolean {
    this.comparisons++;
    const arena = this.#arena;
    const from = arena[entry + 2] ?? 0;
    const certainCount = arena[entry + 3] ?? 0;
    if (arena[entry + 1] !== state || from !== certain.from) return false;
    if (certainCount !== Math.max(0, certain.to - from)) return false;
    let at = entry + headerWords;
    for (let word = 0; word < certainCount; word++, at++) {
      if (arena[at] !== certain.words[from + word]) return false;
    }
    const optionalCount = arena[entry + 4] ?? 0;
    for (let word = 0; word < optionalCount; word++, at++) {
      if (((arena[at] ?? 0) & ~(optional.words[word] ?? 0)) !== 0) return false;
    }
    return true;
  }

  #store(hash: number, state: number, certain: OperationSet, optional: OperationSet): number {
    const entry = this.#end;
    const certainCount = Math.max(0, certain.to - certain.from);
    this.#end += headerWords + certainCount + optional.to;
    if (this.#end > this.#arena.length) {
      const grown = new Uint32Array(Math.max(this.#end, this.#arena.length * 2));
      grown.set(this.#arena);
      this.#arena = grown;
    }
    const arena = this.#arena;
    arena[entry] = hash;
    arena[entry + 1] = state;
    arena[entry + 2] = certain.from;
    arena[entry + 3] = certainCount;
    arena[entry + 4] = optional.to;
    let at = entry + headerWords;
    for (let word = certain.from; word < certain.to; word++) arena[at++] = certain.words[word] ?? 0;
    for (let word = 0; word < optional.to; word++) arena[at++] = optional.words[word] ?? 0;
    return entry;
  }

  #growSlots(): void {
    const old = this.#slots;
    const slots = new Int32Array(old.length * 2);
    for (let from = 0; from < old.length; from++) {
      const entry = old[from] ?? 0;
      if (entry === 0) continue;
      let slot = (this.#arena[entry - 1] ?? 0) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = entry;
    }
    this.#slots = slots;
  }
}

/** The finalizer of MurmurHash3: every bit of the result depends on every bit of `number`. */
function scrambled(number: number): number {
  let mixed = number;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}
