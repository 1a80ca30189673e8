// The network of a virtual world. It delays, cuts connections and machines off from each other (in one direction or
// both), refuses connections and lets them hang, all by the world's chance. What one stream does is in virtual-stream.ts.

import type { Random } from "../../src/base/random.ts";
import type { Connection, Dial, DialHandlers, Network } from "../../src/peer/connection.ts";
import { type EndHandlers, VirtualEnd } from "./virtual-stream.ts";
import type { VirtualTime } from "./virtual-time.ts";

type Run = (callback: () => void) => void;

/** Takes over the server's end of a new connection; null when nobody listens. */
export type Accept = (end: VirtualEnd) => EndHandlers | null;

/** One process that listens; all of a machine's ports are its. */
interface Listening {
  readonly run: Run;
  readonly accept: Accept;
}

const usualDelayMsMax = 0.5;
/** One packet in so many takes long. */
const slowPacketEvery = 200;
const slowDelayMsMax = 40;
/** One delivery in so many is cut at any place. */
const cutEvery = 4;
const redialMs = 200;

export class VirtualNetwork {
  readonly time: VirtualTime;
  /** Bytes that one direction of a stream holds. */
  pipeBytes = 64 * 1024;
  readonly #random: Random;
  readonly #listening = new Map<string, Listening>();
  /** Machines that are on, whether or not anything listens there. */
  readonly #up = new Set<string>();
  /** Directions that let nothing through, as `from>to`. */
  readonly #cuts = new Set<string>();
  readonly #ends = new Set<VirtualEnd>();
  #parked: VirtualEnd[] = [];

  constructor(time: VirtualTime, random: Random) {
    this.time = time;
    this.#random = random;
  }

  // ── What the world may do to it ─────────────────────────────────────────────────────────────────────────────────

  /** Nothing gets from `from` to `to` any more; what is on its way waits. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  /** Every direction is open again. */
  heal(): void {
    this.#cuts.clear();
    const parked = this.#parked;
    this.#parked = [];
    for (const end of parked) end.scheduleDelivery();
  }

  /** Breaks one connection between machines of `hosts`, both ends hearing of it at once; false when there is none. */
  breakOne(hosts: ReadonlySet<string>): boolean {
    const candidates = [...this.#ends].filter((end) => hosts.has(end.host) && hosts.has(end.other.host));
    const end = candidates[this.#random.below(Math.max(1, candidates.length))];
    if (end === undefined) return false;
    const { other } = end;
    end.reset();
    other.reset();
    return true;
  }

  // ── Machines and processes ──────────────────────────────────────────────────────────────────────────────────────

  switchOn(host: string): void {
    this.#up.add(host);
  }

  switchOff(host: string): void {
    this.#up.delete(host);
  }

  listen(host: string, run: Run, accept: Accept): void {
    this.#listening.set(host, { run, accept });
  }

  /** The process on `host` is gone, with all its connections; `silently` when its machine is. */
  abandon(host: string, silently: boolean): void {
    this.#listening.delete(host);
    for (const end of [...this.#ends]) if (end.host === host) end.abandon(silently);
  }

  /** The network as the process on `host` sees it. */
  of(host: string, run: Run): Network {
    return {
      connect: (target, _port, timeoutMs, handlers) => this.#dial({ host, run }, target, timeoutMs, handlers),
    };
  }

  // ── What streams ask ────────────────────────────────────────────────────────────────────────────────────────────

  isUp(host: string): boolean {
    return this.#up.has(host);
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`);
  }

  /** `end` can be delivered nothing before the cuts are healed. */
  park(end: VirtualEnd): void {
    this.#parked.push(end);
  }

  forget(end: VirtualEnd): void {
    this.#ends.delete(end);
  }

  delayMs(): number {
    const random = this.#random;
    if (random.below(slowPacketEvery) === 0) return random.below(slowDelayMsMax * 1000) / 1000;
    return random.below(usualDelayMsMax * 1000) / 1000;
  }

  /** How many of `length` bytes arrive first. */
  cutOf(length: number): number {
    return length > 1 && this.#random.below(cutEvery) === 0 ? 1 + this.#random.below(length - 1) : length;
  }

  /** Runs `callback` when word from `from` has come to `to`: after a delay, and not before the way is free. */
  afterDelay(from: string, to: string, callback: () => void): void {
    this.time.after(this.delayMs(), () => {
      if (this.isCut(from, to)) this.time.after(redialMs, () => this.afterDelay(from, to, callback));
      else callback();
    });
  }

  // ── Connecting ──────────────────────────────────────────────────────────────────────────────────────────────────

  #dial(dialer: { host: string; run: Run }, target: string, timeoutMs: number, handlers: DialHandlers): Dial {
    let open = true;
    const settle = (outcome: () => void): void => {
      if (!open) return;
      open = false;
      timer.cancel();
      dialer.run(outcome);
    };
    const timer = this.time.after(timeoutMs, () => settle(() => handlers.failed("connection timed out")));
    const attempt = (): void => {
      if (!open) return;
      const lost = this.isCut(dialer.host, target) || this.isCut(target, dialer.host) || !this.isUp(target);
      if (lost) {
        this.time.after(redialMs, attempt);
        return;
      }
      const listening = this.#listening.get(target);
      const end = new VirtualEnd(this, dialer.host, dialer.run);
      const refuse = (): void => {
        this.afterDelay(target, dialer.host, () => settle(() => handlers.failed("ECONNREFUSED")));
      };
      if (listening === undefined) return refuse();
      const served = new VirtualEnd(this, target, listening.run);
      VirtualEnd.connect(end, served);
      // The machine accepts by itself, also while the process stands still.
      listening.run(() => (served.handlers = listening.accept(served)));
      this.#ends.add(end).add(served);
      this.afterDelay(target, dialer.host, () => {
        if (open) settle(() => handlers.connected(this.#connectionOf(end, handlers)));
        else end.end();
      });
    };
    this.time.after(this.delayMs(), attempt);
    return {
      cancel: () => {
        open = false;
        timer.cancel();
      },
    };
  }

  #connectionOf(end: VirtualEnd, handlers: DialHandlers): Connection {
    end.handlers = {
      data: (chunk) => {
        handlers.data(chunk);
        // Valid during the call only: whoever kept it finds out.
        chunk.fill(0xee);
      },
      drain: () => handlers.drain(),
      // As Bun's sockets that are not half open: the end of the one direction is that of the other.
      ended: () => end.end(),
      closed: () => handlers.closed(),
    };
    return { remoteAddress: end.other.host, write: (bytes) => end.write(bytes), close: () => end.end() };
  }
}
