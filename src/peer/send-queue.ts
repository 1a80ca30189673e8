// What a connection has not taken yet. It keeps whole frames as lists of pieces, never copying one, and remembers how
// much of the first has left, so that a frame is always sent whole or not at all. It sets no limit; its user does.

import type { Connection } from "./connection.ts";

export class SendQueue {
  readonly #connection: Connection;
  /** Frames not wholly sent, oldest first, from `#head` on. */
  #frames: (readonly Uint8Array[])[] = [];
  #head = 0;
  /** How far the oldest has got: its piece, and the offset there. */
  #piece = 0;
  #offset = 0;
  #waitsForDrain = false;
  #queuedBytes = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Bytes that wait. 0 means that everything has been taken. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Sends a frame, after those that wait. The pieces must not change until they have left. False when the connection
   * turned out to be closed.
   */
  send(frame: readonly Uint8Array[]): boolean {
    this.#frames.push(frame);
    this.#queuedBytes += sizeBytesOf(frame);
    return this.#waitsForDrain || this.#pump();
  }

  /** The connection has room again. False when it turned out to be closed. */
  drain(): boolean {
    this.#waitsForDrain = false;
    return this.#pump();
  }

  /** Drops the oldest frame of which nothing has left; false when there is none. */
  dropOldest(): boolean {
    const victim = this.#head + (this.#begun ? 1 : 0);
    const frame = this.#frames[victim];
    if (frame === undefined) return false;
    this.#frames.splice(victim, 1);
    this.#queuedBytes -= sizeBytesOf(frame);
    return true;
  }

  /** Drops every frame of which nothing has left; false when one that has begun remains. */
  dropUnsent(): boolean {
    while (this.dropOldest());
    return this.#queuedBytes === 0;
  }

  get #begun(): boolean {
    return this.#piece > 0 || this.#offset > 0;
  }

  #pump(): boolean {
    while (this.#head < this.#frames.length) {
      const frame = this.#frames[this.#head]!;
      while (this.#piece < frame.length) {
        const piece = frame[this.#piece]!;
        const rest = this.#offset === 0 ? piece : piece.subarray(this.#offset);
        const taken = rest.length === 0 ? 0 : this.#connection.write(rest);
        if (taken < 0) return false;
        this.#queuedBytes -= taken;
        if (taken < rest.length) {
          this.#offset += taken;
          this.#waitsForDrain = true;
          return true;
        }
        this.#piece++;
        this.#offset = 0;
      }
      this.#shift();
    }
    return true;
  }

  /** Removes the oldest frame; the array is moved up only when half of it is spent, so that this costs O(1). */
  #shift(): void {
    this.#piece = 0;
    this.#frames[this.#head] = sent;
    this.#head++;
    if (this.#head === this.#frames.length) {
      this.#frames.length = 0;
      this.#head = 0;
    } else if (this.#head > 64 && this.#head * 2 > this.#frames.length) {
      this.#frames.splice(0, this.#head);
      this.#head = 0;
    }
  }
}

const sent: readonly Uint8Array[] = [];

function sizeBytesOf(frame: readonly Uint8Array[]): number {
  let size = 0;
  for (let i = 0; i < frame.length; i++) size += frame[i]!.length;
  return size;
}
