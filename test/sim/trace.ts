// What happens in a virtual world, as one number and as text. The number is always kept: equal histories give equal
// numbers, and the least difference in when anything happened, on which machine, or in a byte sent or written gives
// another. The text is kept only when somebody will read it: run the seed again, and it is the same history.

/** Two 32-bit halves, mixed as in MurmurHash3; far cheaper than a cryptographic hash and no adversary is about. */
export class Trace {
  #high = 0x2545_f491;
  #low = 0x4f6c_dd1d;
  readonly #nowMs: () => number;
  readonly #linesMax: number;
  #lines: string[] = [];
  readonly #names = new Map<string, number>();

  /** Keeps the last `linesMax` lines of text; with 0 it keeps none, and whoever makes lines should ask `isRead` first. */
  constructor(nowMs: () => number, linesMax: number) {
    this.#nowMs = nowMs;
    this.#linesMax = linesMax;
  }

  get isRead(): boolean {
    return this.#linesMax > 0;
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    const digits = (half: number): string => (half >>> 0).toString(16).padStart(8, "0");
    return digits(this.#high) + digits(this.#low);
  }

  get lines(): readonly string[] {
    return this.#lines.slice(-this.#linesMax);
  }

  /** Something happened to `name`: a machine, mostly. */
  event(name: string, what: string): void {
    this.#mix(this.#numberOf(name), this.#numberOf(what));
    if (this.isRead) this.line(name, what);
  }

  /** Bytes came to `host` from `from`. */
  delivered(from: string, host: string, bytes: Uint8Array): void {
    this.#mix(this.#numberOf(from), this.#numberOf(host));
    this.#mix(bytes.length, Bun.hash.crc32(bytes));
  }

  disk(name: string, operation: "write" | "sync", path: string, bytes: Uint8Array | null): void {
    this.#mix(this.#numberOf(name), this.#numberOf(operation));
    this.#mix(this.#numberOf(path), bytes === null ? 0 : Bun.hash.crc32(bytes));
    if (this.isRead && operation === "sync") this.line(name, `disk: ${operation} ${path}`);
  }

  /** Text only: what is made of what the number knows already. */
  line(name: string, text: string): void {
    if (!this.isRead) return;
    const short = text.length > lineMax ? `${text.slice(0, lineMax)}…` : text;
    this.#lines.push(`${this.#nowMs().toFixed(3).padStart(10)} ${name.padEnd(4)} ${short}`);
    if (this.#lines.length > 4 * this.#linesMax) this.#lines = this.#lines.slice(-this.#linesMax);
  }

  #numberOf(name: string): number {
    let number = this.#names.get(name);
    if (number === undefined) this.#names.set(name, (number = Bun.hash.crc32(name)));
    return number;
  }

  #mix(one: number, other: number): void {
    // Times go in steps of a sixteenth.
    this.#high = mixed(this.#high, one ^ Math.floor(this.#nowMs() * 16));
    this.#low = mixed(this.#low ^ this.#high, other);
  }
}

const lineMax = 240;

function mixed(state: number, value: number): number {
  let word = Math.imul(value, 0xcc9e2d51);
  word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
  const next = state ^ word;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}
