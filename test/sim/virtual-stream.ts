// One connected stream of the virtual network: two ends, and a pipe each way. A pipe delays what goes through it, cuts it
// at any place, holds a bounded number of bytes, and stands still while its direction is cut off or its reader does not
// read. An end may be gone with its process: then what arrives is answered with a reset once its machine is up again.

import type { VirtualNetwork } from "./virtual-network.ts";

/** What an end tells its user. */
export interface EndHandlers {
  data(chunk: Buffer): void;
  drain(): void;
  /** The other side will send no more. */
  ended(): void;
  /** The stream is over in both directions. */
  closed(): void;
}

/** How long a machine that gets no answer waits before it tries again. */
const retransmitMs = 200;

export class VirtualEnd {
  /** Name of the machine that this end is on. */
  readonly host: string;
  handlers: EndHandlers | null = null;
  /** The process is gone, and nobody answers for this end. */
  abandoned = false;
  readonly #network: VirtualNetwork;
  #other: VirtualEnd | null = null;
  /** Runs what this end's process does; not at all when that is dead, later when it stands still. */
  readonly #run: (callback: () => void) => void;
  #paused = false;
  #endSent = false;
  #endHeard = false;
  #over = false;
  /** What is on its way to this end. */
  #inbox: Buffer[] = [];
  #inboxBytes = 0;
  #endInInbox = false;
  #deliveryScheduled = false;
  #writerWaits = false;

  constructor(network: VirtualNetwork, host: string, run: (callback: () => void) => void) {
    this.#network = network;
    this.host = host;
    this.#run = run;
  }

  static connect(a: VirtualEnd, b: VirtualEnd): void {
    a.#other = b;
    b.#other = a;
  }

  get other(): VirtualEnd {
    return this.#other as VirtualEnd;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Takes as many of `bytes` as fit on the way; -1 when no more can be sent. */
  write(bytes: Uint8Array): number {
    if (this.#over || this.#endSent) return -1;
    const other = this.other;
    const taken = Math.min(bytes.length, this.#network.pipeBytes - other.#inboxBytes);
    if (taken < bytes.length) other.#writerWaits = true;
    if (taken <= 0) return 0;
    other.#inbox.push(Buffer.from(bytes.subarray(0, taken)));
    other.#inboxBytes += taken;
    other.scheduleDelivery();
    return taken;
  }

  /** Sends no more; what was taken is still delivered. */
  end(): void {
    if (this.#over || this.#endSent) return;
    this.#endSent = true;
    this.other.#endInInbox = true;
    this.other.scheduleDelivery();
    this.#finishIfOver();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#inboxBytes > 0 || this.#endInInbox) this.scheduleDelivery();
  }

  /** The connection breaks here and now: this end hears so at once, with what was under way lost. */
  reset(): void {
    if (this.#over) return;
    this.#over = true;
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.#network.forget(this);
    this.#run(() => this.handlers?.closed());
  }

  /** The process is gone. `silently`: so is its machine, and the other side is told nothing. */
  abandon(silently: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.abandoned = true;
    this.#network.forget(this);
    if (!silently) this.#network.afterDelay(this.host, this.other.host, () => this.other.reset());
  }

  scheduleDelivery(): void {
    if (this.#deliveryScheduled || this.#paused) return;
    this.#deliveryScheduled = true;
    this.#network.time.after(this.#network.delayMs(), () => this.#deliver());
  }

  #deliver(): void {
    this.#deliveryScheduled = false;
    if (this.abandoned) return this.#deliverToNobody();
    if (this.#over || this.#paused) return;
    if (this.#network.isCut(this.other.host, this.host)) return this.#network.park(this);
    if (this.#inboxBytes > 0) {
      const chunk = this.#takeChunk();
      this.#run(() => this.#hand(chunk));
    }
    if (this.#inboxBytes > 0) return this.scheduleDelivery();
    if (this.#endInInbox && !this.#endHeard) {
      this.#endHeard = true;
      this.#run(() => this.handlers?.ended());
      this.#finishIfOver();
    }
  }

  #deliverToNobody(): void {
    if (this.other.isOver) return;
    const reaches = this.#network.isUp(this.host) && !this.#network.isCut(this.other.host, this.host);
    if (reaches) this.#network.afterDelay(this.host, this.other.host, () => this.other.reset());
    else this.#network.time.after(retransmitMs, () => this.#deliverToNobody());
  }

  #hand(chunk: Buffer): void {
    if (this.#over) return;
    this.handlers?.data(chunk);
  }

  /** The bytes that arrive together: all there are, or up to a place that chance picks. */
  #takeChunk(): Buffer {
    let chunk = this.#inbox.length === 1 ? (this.#inbox[0] as Buffer) : Buffer.concat(this.#inbox);
    this.#inbox = [];
    const bytes = this.#network.cutOf(chunk.length);
    if (bytes < chunk.length) {
      this.#inbox.push(chunk.subarray(bytes));
      // A chunk of its own: whoever gets it may write into it.
      chunk = Buffer.from(chunk.subarray(0, bytes));
    }
    this.#inboxBytes -= chunk.length;
    if (this.#writerWaits) {
      this.#writerWaits = false;
      const writer = this.other;
      this.#network.afterDelay(this.host, writer.host, () => writer.#room());
    }
    return chunk;
  }

  #room(): void {
    if (this.#over || this.#endSent) return;
    this.#run(() => this.handlers?.drain());
  }

  #finishIfOver(): void {
    if (this.#over || !this.#endSent || !this.#endHeard) return;
    this.#over = true;
    this.#network.forget(this);
    this.#run(() => this.handlers?.closed());
  }
}
