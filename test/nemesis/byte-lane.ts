// One direction of one connection between two nodes: it takes bytes from one socket and brings them to another as the rule
// of the moment allows. The end of the connection travels behind the bytes, for the other side of a cut line does not hear
// of it either.

import type { NetworkRule } from "./network-rule.ts";

export type LaneSocket = Bun.Socket<undefined>;

interface Chunk {
  readonly bytes: Buffer;
  readonly arrivedMs: number;
}

/** Above this many waiting bytes the sender is no longer read from, as with any full line. */
const waitingBytesMax = 4 * 1024 * 1024;

export class ByteLane {
  readonly #rule: () => NetworkRule;
  readonly #waiting: Chunk[] = [];
  #waitingBytes = 0;
  #source: LaneSocket | null = null;
  #target: LaneSocket | null = null;
  #ended = false;
  #isTorn = false;
  #timer: Timer | null = null;
  /** Called when the next chunk was cut in two and its first half is on its way. */
  readonly #onTorn: () => void;

  constructor(rule: () => NetworkRule, onTorn: () => void) {
    this.#rule = rule;
    this.#onTorn = onTorn;
  }

  set source(socket: LaneSocket) {
    this.#source = socket;
  }

  set target(socket: LaneSocket) {
    this.#target = socket;
    this.pump();
  }

  /** Whether the rule lets anything through. */
  get isPassable(): boolean {
    return this.#rule().kind !== "held";
  }

  /** Bytes from the source, which may use their buffer again. */
  push(bytes: Uint8Array): void {
    this.#waiting.push({ bytes: Buffer.from(bytes), arrivedMs: performance.now() });
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > waitingBytesMax) this.#source?.pause();
    this.pump();
  }

  /** The source has ended. */
  end(): void {
    this.#ended = true;
    this.pump();
  }

  /** Of the next chunk only a half arrives. */
  tearNext(): void {
    this.#isTorn = true;
  }

  /** Forgets everything. */
  abandon(): void {
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#target = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Brings over what may go now; to be called when the rule has changed or the target takes bytes again. */
  pump(): void {
    const target = this.#target;
    if (target === null) return;
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      if (!this.#isDue(head)) return;
      if (this.#isTorn && head.bytes.length > 1) {
        target.write(head.bytes.subarray(0, head.bytes.length >> 1));
        return this.#onTorn();
      }
      const written = Math.max(0, target.write(head.bytes));
      this.#waitingBytes -= written;
      if (written < head.bytes.length) {
        this.#waiting[0] = { ...head, bytes: head.bytes.subarray(written) };
        return;
      }
      this.#waiting.shift();
    }
    this.#source?.resume();
    if (this.#ended && this.isPassable) target.end();
  }

  #isDue({ arrivedMs }: Chunk): boolean {
    const rule = this.#rule();
    if (rule.kind === "held") return false;
    const waitMs = rule.kind === "delayed" ? arrivedMs + rule.delayMs - performance.now() : 0;
    if (waitMs <= 0) return true;
    if (this.#timer === null) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.pump();
      }, waitMs);
    }
    return false;
  }
}
