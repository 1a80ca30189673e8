// One connected stream of the virtual network: two ends, and a pipe each way. A pipe delays what goes through it, cuts it
// at any place, holds a bounded number of bytes, and stands still while its direction is cut off or its reader does not
// read. An end may be gone with its process: then what arrives is answered with a reset once its machine is up again.

import { FrameWatch } from "./frame-watch.ts";
import type { Station, VirtualNetwork } from "./virtual-network.ts";

/** What an end tells its user. */
export interface EndHandlers {
  data(chunk: Buffer): void;
  drain(): void;
  /** The other side will send no more. */
  ended(): void;
  /** The stream is over in both directions. */
  closed(): void;
}

/** Bytes on their way, and when they can be there at the earliest. */
interface Parcel {
  readonly bytes: Buffer;
  readonly sentMs: number;
  readonly readyMs: number;
}

/** How long a machine that gets no answer waits before it tries again. */
const retransmitMs = 200;

export class VirtualEnd {
  handlers: EndHandlers | null = null;
  /** The process is gone, and nobody answers for this end. */
  abandoned = false;
  readonly #network: VirtualNetwork;
  #other: VirtualEnd | null = null;
  readonly #station: Station;
  /** This end has connected to the other. */
  readonly isDialer: boolean;
  readonly #watch: FrameWatch | null;
  #paused = false;
  #endSent = false;
  #endHeard = false;
  #over = false;
  /** Nothing comes through any more, without a word. */
  #isSilent = false;
  /** What is on its way to this end. */
  #inbox: Parcel[] = [];
  inboxBytes = 0;
  #endInInbox = false;
  #deliveryScheduled = false;
  #writerWaits = false;
  /** A frame that shall arrive once more. */
  #duplicate: Buffer | null = null;

  /** The end of `station`, who `connects`, or has been connected to. */
  constructor(network: VirtualNetwork, station: Station, connects: boolean) {
    this.#network = network;
    this.#station = station;
    this.isDialer = connects;
    const isWatched = network.watchesFrames && station.isClient !== true;
    this.#watch = isWatched ? new FrameWatch(connects, (frame) => this.#frameSent(frame)) : null;
  }

  static connect(a: VirtualEnd, b: VirtualEnd): void {
    a.#other = b;
    b.#other = a;
  }

  /** Name of the machine that this end is on. */
  get host(): string {
    return this.#station.name;
  }

  get other(): VirtualEnd {
    return this.#other as VirtualEnd;
  }

  get #isClient(): boolean {
    return this.#station.isClient === true;
  }

  /** Since when the oldest bytes that have yet to come to this end have been under way; `Infinity` without any. */
  get underWaySinceMs(): number {
    return this.#inbox[0]?.sentMs ?? Infinity;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Its process takes the stream for open. */
  get isOpen(): boolean {
    return !this.#over && !this.#endSent && this.handlers !== null;
  }

  /** The peers on both sides have agreed to speak frames; not known unless frames are watched. */
  get isLink(): boolean {
    return this.#watch?.speaksFrames === true && this.other.#watch?.speaksFrames === true;
  }

  /** It is a link that its process takes for open though nothing would come of what it sends. */
  get isDeadUnnoticed(): boolean {
    return this.isLink && this.isOpen && (this.#isSilent || this.other.abandoned);
  }

  /** Takes as many of `bytes` as fit on the way; -1 when no more can be sent. */
  write(bytes: Uint8Array): number {
    if (this.#over || this.#endSent) return -1;
    const other = this.other;
    const taken = Math.min(bytes.length, this.#network.character.pipeBytes - other.inboxBytes);
    if (taken < bytes.length) other.#writerWaits = true;
    if (taken <= 0) return 0;
    const sent = Buffer.from(bytes.subarray(0, taken));
    if (other.#isClient) this.#network.clientTap?.answered(this, sent);
    this.#send(sent);
    this.#watch?.sent(sent);
    this.#sendDuplicate();
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
    if (this.inboxBytes > 0 || this.#endInInbox) this.scheduleDelivery();
  }

  /** The connection breaks here and now: this end hears so at once, with what was under way lost. */
  reset(): void {
    if (this.#over) return;
    this.#over = true;
    this.#inbox = [];
    this.inboxBytes = 0;
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

  /** Nothing comes to this end any more. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  /** Hands over what comes first of what is under way, at most `bytes`, however the rest fares. */
  deliverPart(bytes: number): void {
    const first = this.#inbox.shift();
    if (first === undefined || this.#over || this.abandoned || this.#isSilent) return;
    this.inboxBytes -= first.bytes.length;
    const part = Buffer.from(first.bytes.subarray(0, bytes));
    this.#run(() => this.#hand(part));
  }

  scheduleDelivery(laterMs = 0): void {
    if (this.#deliveryScheduled || this.#paused) return;
    this.#deliveryScheduled = true;
    this.#network.time.after(this.#network.delayMs() + laterMs, () => this.#deliver());
  }

  #run(callback: () => void): void {
    this.#station.run(callback);
  }

  #send(bytes: Buffer): void {
    const { other } = this;
    const { busyMs } = this.#station;
    const sentMs = this.#network.time.nowMs;
    other.#inbox.push({ bytes, sentMs, readyMs: sentMs + busyMs });
    other.inboxBytes += bytes.length;
    other.scheduleDelivery(busyMs);
  }

  #frameSent(frame: Uint8Array): void {
    if (this.#network.frameSent(this.host, this.other.host, frame)) this.#duplicate = Buffer.from(frame);
  }

  /** Between two frames, where it looks like one more. */
  #sendDuplicate(): void {
    const duplicate = this.#duplicate;
    if (duplicate === null || this.#watch?.isBetweenFrames !== true) return;
    this.#duplicate = null;
    this.#send(duplicate);
  }

  #deliver(): void {
    this.#deliveryScheduled = false;
    if (this.abandoned) return this.#deliverToNobody();
    if (this.#over || this.#paused || this.#isSilent) return;
    if (this.#network.isCut(this.other.host, this.host)) return this.#network.park(this);
    const waitMs = (this.#inbox[0]?.readyMs ?? 0) - this.#network.time.nowMs;
    if (waitMs > 0) return this.scheduleDelivery(waitMs);
    if (this.inboxBytes > 0) {
      const chunk = this.#takeChunk();
      this.#network.trace.delivered(this.other.host, this.host, chunk);
      this.#run(() => this.#hand(chunk));
    }
    if (this.inboxBytes > 0) return this.scheduleDelivery();
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
    if (this.other.#isClient) this.#network.clientTap?.received(this, chunk);
    this.handlers?.data(chunk);
  }

  /** The bytes that arrive together: all that can be there, or up to a place that chance picks. */
  #takeChunk(): Buffer {
    const { nowMs } = this.#network.time;
    const late = this.#inbox.findIndex(({ readyMs }) => readyMs > nowMs);
    const ready = this.#inbox.splice(0, late < 0 ? this.#inbox.length : late);
    const [first] = ready as [Parcel];
    this.#network.linkTap?.delivered(this.other.host, this.host, nowMs - first.sentMs);
    let chunk = ready.length === 1 ? first.bytes : Buffer.concat(ready.map(({ bytes }) => bytes));
    const bytes = this.#network.cutOf(chunk.length);
    if (bytes < chunk.length) {
      this.#inbox.unshift({ bytes: chunk.subarray(bytes), sentMs: first.sentMs, readyMs: 0 });
      // A chunk of its own: whoever gets it may write into it.
      chunk = Buffer.from(chunk.subarray(0, bytes));
    }
    this.inboxBytes -= chunk.length;
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
