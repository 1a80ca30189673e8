// Pseudo-random numbers from a seed. Everything that must replay (state machine, simulator, elections under test) draws
// from one of these and never from the process.

/** A source of random numbers; whoever holds one decides whether runs replay. */
export interface Random {
  /** An integer in `[0, bound)`; `bound` in `[1, 2^53]`. */
  below(bound: number): number;
}

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush, a handful of integer operations a step. */
export class SeededRandom implements Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 0;

  /** `seed` is any integer below 2^53 in magnitude; equal seeds give equal sequences on every machine. */
  constructor(seed: number) {
    this.reseed(seed);
  }

  /** Starts the sequence of `seed` anew, without allocating. */
  reseed(seed: number): void {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.#c = 0x9e37_79b9;
    this.#counter = 1;
    for (let round = 0; round < 12; round++) this.uint32();
  }

  /** An integer in `[0, 2^32)`. */
  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result;
    return result >>> 0;
  }

  below(bound: number): number {
    // 53 random bits scaled: the bias is below bound / 2^53, far under what any use here could notice.
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return Math.floor(((high * 0x400_0000 + low) / 0x20_0000_0000_0000) * bound);
  }
}

/** `length` random hexadecimal digits. */
export function randomHex(random: Random, length: number): string {
  let text = "";
  while (text.length < length) text += random.below(16).toString(16);
  return text;
}
