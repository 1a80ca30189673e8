// One end of an established link: a connection whose two sides speak frames. It cuts what comes in into frames, queues
// what does not go out at once, and notices a connection that has died without a word. Which frames mean what, who
// connected and what happens after the end is its owner's business.

import type { Clock } from "../base/clock.ts";
import type { Connection, ConnectionHandlers } from "./connection.ts";
import { encodeFrame, FrameParser, frameType } from "./frame.ts";
import type { Frame, FrameType } from "./frame.ts";
import type { HeaderField } from "./header-codec.ts";
import { SendQueue } from "./send-queue.ts";

export interface LinkOwner {
  /** A frame came in; it is valid during the call. An error text closes the link with that reason. */
  frame(frame: Frame): string | null;
  /** The link has ended, not by `discard`. Called once and never from inside `send`. */
  closed(reason: string): void;
}

const noBody: readonly Uint8Array[] = [];

export class Link implements ConnectionHandlers {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #owner: LinkOwner;
  readonly #parser: FrameParser;
  readonly #queue: SendQueue;
  #open = true;
  /** The connection was found closed while sending; the owner hears of it at the end of the turn. */
  #broken = false;
  #lastHeardMs: number;
  #spoke = false;

  constructor(connection: Connection, clock: Clock, frameBytesMax: number, owner: LinkOwner) {
    this.#connection = connection;
    this.#clock = clock;
    this.#owner = owner;
    this.#parser = new FrameParser(frameBytesMax);
    this.#queue = new SendQueue(connection);
    this.#lastHeardMs = clock.monotonicMs();
  }

  /** Whether frames can be sent. */
  get usable(): boolean {
    return this.#open && !this.#broken;
  }

  get queuedBytes(): number {
    return this.#queue.queuedBytes;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  /** Sends a frame or queues it, whatever waits already; the pieces of `body` must stay as they are until it has left. */
  send(type: FrameType, fields: readonly HeaderField[], body: readonly Uint8Array[] = noBody): void {
    if (!this.usable) return;
    this.#spoke = true;
    if (!this.#queue.send(encodeFrame(type, fields, body))) this.breakSoon("connection closed");
  }

  /** Drops the oldest unsent frames until at most `queuedBytesMax` wait. */
  dropOldest(queuedBytesMax: number): void {
    while (this.#queue.queuedBytes > queuedBytesMax && this.#queue.dropOldest());
  }

  /** Drops all frames of which nothing has left; a frame that is half sent costs the link. */
  dropUnsent(reason: string): void {
    if (!this.#queue.dropUnsent()) this.breakSoon(reason);
  }

  /** Ends the link now for this side's sender, and for its owner at the end of the turn. */
  breakSoon(reason: string): void {
    if (!this.usable) return;
    this.#broken = true;
    this.#clock.endOfTurn(() => this.close(reason));
  }

  close(reason: string): void {
    if (!this.#open) return;
    this.discard();
    this.#owner.closed(reason);
  }

  /** Ends the link without a word to its owner. */
  discard(): void {
    this.#open = false;
    this.#connection.close();
  }

  /**
   * Called at intervals much shorter than `silenceMaxMs`: closes the link if nothing was heard for that long, else
   * sends a sign of life if nothing else was sent since the last call. Both ends do so, hence a link between two live
   * nodes is never silent, however long a large frame takes: the one that sends it is heard by its bytes, the one that
   * receives it has the other direction for itself.
   */
  keepAlive(silenceMaxMs: number): void {
    if (!this.usable) return;
    const silenceMs = this.#clock.monotonicMs() - this.#lastHeardMs;
    if (silenceMs >= silenceMaxMs) {
      this.close(`nothing heard for ${Math.round(silenceMs)} ms`);
      return;
    }
    if (!this.#spoke && this.#queue.queuedBytes === 0) this.send(frameType.alive, []);
    this.#spoke = false;
  }

  data(chunk: Uint8Array): void {
    if (!this.#open) return;
    this.#lastHeardMs = this.#clock.monotonicMs();
    const parser = this.#parser;
    parser.push(chunk);
    for (let frame = parser.next(); frame !== null; frame = parser.next()) {
      const error = this.#owner.frame(frame);
      if (error !== null) this.close(error);
      if (!this.#open) return;
    }
    if (parser.error !== null) this.close(parser.error);
  }

  drain(): void {
    if (this.usable && !this.#queue.drain()) this.close("connection closed");
  }

  closed(): void {
    this.close("connection closed");
  }
}
