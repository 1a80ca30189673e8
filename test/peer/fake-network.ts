// A network in memory, on a virtual clock: streams with a bounded buffer that arrive in arbitrary chunks, and that a
// test can cut, silence or clog.

import type { Clock } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";
import type {
  Connection,
  ConnectionHandlers,
  Dial,
  DialHandlers,
  Network,
} from "../../src/peer/connection.ts";

export type Listen = (connection: FakeEnd) => ConnectionHandlers;

/** One end of a stream. */
export class FakeEnd implements Connection {
  readonly remoteAddress: string;
  readonly #network: FakeNetwork;
  other: FakeEnd | null = null;
  handlers: ConnectionHandlers | null = null;
  /** Bytes on their way to this end. */
  #inbox: Buffer = Buffer.alloc(0);
  #open = true;
  #writerWaits = false;
  #deliveryScheduled = false;
  /** Bytes that `write` took from this end's user. */
  written = 0;

  constructor(network: FakeNetwork, remoteAddress: string) {
    this.#network = network;
    this.remoteAddress = remoteAddress;
  }

  get open(): boolean {
    return this.#open;
  }

  write(bytes: Uint8Array): number {
    if (!this.#open) return -1;
    const other = this.other!;
    const taken = Math.min(bytes.length, this.#network.bufferBytes - other.#inbox.length);
    if (taken < bytes.length) other.#writerWaits = true;
    if (taken === 0) return 0;
    this.written += taken;
    other.#inbox = Buffer.concat([other.#inbox, bytes.subarray(0, taken)]);
    other.scheduleDelivery();
    return taken;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const other = this.other!;
    this.#network.clock.after(this.#network.latencyMs, () => {
      if (this.#network.silent) return;
      other.#deliver(true);
      other.#ended();
    });
  }

  /** The connection is reset: both ends hear so at once, and what was under way is lost. */
  cut(): void {
    for (const end of [this, this.other!]) {
      end.#inbox = Buffer.alloc(0);
      end.#ended();
    }
  }

  scheduleDelivery(): void {
    if (this.#deliveryScheduled) return;
    this.#deliveryScheduled = true;
    this.#network.clock.after(this.#network.latencyMs, () => {
      this.#deliveryScheduled = false;
      this.#deliver(false);
    });
  }

  #deliver(all: boolean): void {
    if (!this.#open || this.#network.silent || this.#network.clogged.has(this)) return;
    const chunkBytes = this.#network.chunkBytes();
    const chunk = all ? this.#inbox : this.#inbox.subarray(0, chunkBytes);
    this.#inbox = this.#inbox.subarray(chunk.length);
    if (this.#inbox.length > 0) this.scheduleDelivery();
    if (chunk.length > 0) {
      // What the network hands out may be reused after the call: spoil it, to catch whoever keeps it.
      const lent = Buffer.from(chunk);
      this.handlers!.data(lent);
      lent.fill(0xee);
    }
    if (this.#writerWaits && this.other!.open) {
      this.#writerWaits = false;
      this.other!.handlers!.drain();
    }
  }

  #ended(): void {
    if (!this.#open) return;
    this.#open = false;
    this.handlers!.closed();
  }
}

export class FakeNetwork implements Network {
  readonly clock: Clock;
  readonly #random: Random;
  readonly #listeners = new Map<string, Listen>();
  /** Every connection made, as the end that connected. */
  readonly connections: FakeEnd[] = [];
  /** Ends that do not read. */
  readonly clogged = new Set<FakeEnd>();
  bufferBytes = 64 * 1024;
  latencyMs = 1;
  /** Longest chunk delivered at once. */
  chunkBytesMax = 64 * 1024;
  /** Nothing arrives any more, and nobody is told. */
  silent = false;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.#random = random;
  }

  listen(host: string, port: number, listen: Listen): void {
    this.#listeners.set(`${host}:${port}`, listen);
  }

  refuse(host: string, port: number): void {
    this.#listeners.delete(`${host}:${port}`);
  }

  chunkBytes(): number {
    return 1 + this.#random.below(this.chunkBytesMax);
  }

  connect(host: string, port: number, timeoutMs: number, handlers: DialHandlers): Dial {
    let cancelled = false;
    const timer = this.clock.after(this.silent ? timeoutMs : this.latencyMs, () => {
      if (cancelled) return;
      const listen = this.#listeners.get(`${host}:${port}`);
      if (this.silent) handlers.failed("connection timed out");
      else if (listen === undefined) handlers.failed("ECONNREFUSED");
      else this.#join(`${host}:${port}`, listen, handlers);
    });
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  #join(address: string, listen: Listen, handlers: DialHandlers): void {
    const near = new FakeEnd(this, address);
    const far = new FakeEnd(this, "fake");
    near.other = far;
    far.other = near;
    near.handlers = handlers;
    this.connections.push(near);
    far.handlers = listen(far);
    handlers.connected(near);
  }

  /** Connections that are open, oldest first, as the ends that connected. */
  get openConnections(): FakeEnd[] {
    return this.connections.filter((end) => end.open);
  }
}
