// The network of a virtual world. It delays, loses (which TCP answers with sending again, so that all behind it waits),
// cuts machines off from each other in one direction or both, breaks connections or forgets them without a word, refuses
// them and lets them hang, all by the world's chance. What one stream does is in virtual-stream.ts.
//
// What TCP promises is kept: the bytes of one connection come in their order and once. What comes late, twice or out of
// order does so across connections: bytes that a cut held back arrive long after it healed, when the node that sent them
// has opened another connection and gone on. To see more of that than chance would bring, a frame between peers may also
// be handed over twice, as if its first copy had come by an older connection.

import type { Random } from "../../src/base/random.ts";
import type { Connection, Dial, DialHandlers, Network } from "../../src/peer/connection.ts";
import { frameType } from "../../src/peer/frame.ts";
import { Trace } from "./trace.ts";
import { type EndHandlers, VirtualEnd } from "./virtual-stream.ts";
import type { Timed, VirtualTime } from "./virtual-time.ts";

/** A process on a machine, as the network sees it. */
export interface Station extends Timed {
  /** Of its machine. */
  readonly name: string;
  readonly isClient?: boolean;
}

/** One without a process that could be busy or end: of a client, or of a test. */
export function plainStation(name: string, isClient = false): Station {
  return { name, run: (callback) => callback(), busyMs: 0, isClient };
}

/** Takes over the server's end of a new connection. */
export type Accept = (end: VirtualEnd) => EndHandlers;

/** Sees every frame that one node sends another; `frame` is valid during the call. */
export type FrameTap = (from: string, to: string, frame: Uint8Array) => void;

/** Sees what passes between clients and the servers' ends of their connections; `bytes` are valid during the call. */
export interface ClientTap {
  /** A client's bytes reach the process on `end`. */
  received(end: VirtualEnd, bytes: Uint8Array): void;
  /** An answer leaves it. */
  answered(end: VirtualEnd, bytes: Uint8Array): void;
}

/** Is told how the ways between machines do. */
export interface LinkTap {
  delivered(from: string, to: string, tookMs: number): void;
  /** A connection between the two is over. */
  broken(one: string, other: string): void;
}

/** One process that listens; all of a machine's ports are its. */
interface Listening {
  readonly station: Station;
  readonly accept: Accept;
  readonly isForPeersOnly: boolean;
}

/** How a network is when nothing is wrong with it. Of "one in so many", 0 is none. */
export interface NetworkCharacter {
  readonly delayMsMax: number;
  /** One delivery in so many takes long. */
  readonly slowEvery: number;
  readonly slowMsMax: number;
  /** One delivery in so many is lost and sent again, after 200 ms at first, then after twice as long each time. */
  readonly lossEvery: number;
  /** One delivery in so many is cut at any place. */
  readonly cutEvery: number;
  /** Bytes that one direction of a stream holds. */
  readonly pipeBytes: number;
  /** What a cut has held back arrives within this after it healed. */
  readonly lateMsMax: number;
  /** One Raft message in so many arrives twice. */
  readonly duplicateEvery: number;
}

export const usualNetwork: NetworkCharacter = {
  delayMsMax: 0.5,
  slowEvery: 200,
  slowMsMax: 40,
  lossEvery: 0,
  cutEvery: 4,
  pipeBytes: 64 * 1024,
  lateMsMax: 0.5,
  duplicateEvery: 0,
};

const retransmitMs = 200;
const retransmitsMax = 4;
const redialMs = 200;
/** Messages between peers that Raft expects to come twice; commands of clients do not. */
const raftFrames: readonly number[] = [
  frameType.appendEntries,
  frameType.appendEntriesResponse,
  frameType.requestVote,
  frameType.requestVoteResponse,
  frameType.timeoutNow,
];

export class VirtualNetwork {
  readonly time: VirtualTime;
  readonly trace: Trace;
  character = usualNetwork;
  /** Set before the first connection: those that are open already are not watched. */
  frameTap: FrameTap | null = null;
  clientTap: ClientTap | null = null;
  linkTap: LinkTap | null = null;
  duplicates = 0;
  readonly #random: Random;
  readonly #listening = new Map<string, Listening>();
  /** Machines that are on, whether or not anything listens there. */
  readonly #up = new Set<string>();
  /** Directions that let nothing through, as `from>to`, and how often each is cut. */
  readonly #cuts = new Map<string, number>();
  readonly #ends = new Set<VirtualEnd>();
  #parked: VirtualEnd[] = [];

  constructor(time: VirtualTime, random: Random, trace?: Trace) {
    this.time = time;
    this.trace = trace ?? new Trace(() => time.nowMs, 0);
    this.#random = random;
  }

  // ── What the world may do to it ─────────────────────────────────────────────────────────────────────────────────

  /** Nothing gets from `from` to `to` any more; what is on its way waits. The returned function takes that back. */
  cut(from: string, to: string): () => void {
    const key = `${from}>${to}`;
    let isCut = true;
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + 1);
    return () => {
      const count = this.#cuts.get(key) ?? 0;
      if (!isCut || count === 0) return;
      isCut = false;
      if (count === 1) this.#cuts.delete(key);
      else this.#cuts.set(key, count - 1);
      this.#resume();
    };
  }

  /** Every direction is open again. */
  heal(): void {
    this.#cuts.clear();
    this.#resume();
  }

  /** Breaks one connection between machines of `hosts`, both ends hearing of it at once; false when there is none. */
  breakOne(hosts: ReadonlySet<string>): boolean {
    const end = this.#pick(hosts);
    if (end === undefined) return false;
    const { other } = end;
    end.reset();
    other.reset();
    return true;
  }

  /** Delivers a part of what is under way on one connection that carries something, and breaks it there. */
  tearOne(hosts: ReadonlySet<string>): boolean {
    const end = this.#pick(hosts, (candidate) => candidate.inboxBytes > 1);
    if (end === undefined) return false;
    const { other } = end;
    end.deliverPart(1 + this.#random.below(end.inboxBytes - 1));
    end.reset();
    other.reset();
    return true;
  }

  /** Forgets one connection, as a firewall does that restarts: nothing gets through any more, and nobody is told. */
  forgetOne(hosts: ReadonlySet<string>): boolean {
    const end = this.#pick(hosts);
    if (end === undefined) return false;
    end.fallSilent();
    end.other.fallSilent();
    return true;
  }

  /** Whether somebody on one of `hosts` has yet to notice that a connection to another of them is dead. */
  hasDeadUnnoticed(hosts: ReadonlySet<string>): boolean {
    for (const end of this.#ends) {
      if (end.isDeadUnnoticed && hosts.has(end.host) && hosts.has(end.other.host)) return true;
    }
    return false;
  }

  /** How many links that `from` has opened to `to` are open on both sides; to be asked only where frames are watched. */
  openLinks(from: string, to: string): number {
    let count = 0;
    for (const end of this.#ends) {
      const isFitting = end.isDialer && end.host === from && end.other.host === to;
      if (isFitting && end.isLink && end.isOpen && end.other.isOpen) count++;
    }
    return count;
  }

  // ── Machines and processes ──────────────────────────────────────────────────────────────────────────────────────

  switchOn(host: string): void {
    this.#up.add(host);
  }

  switchOff(host: string): void {
    this.#up.delete(host);
  }

  listen(station: Station, accept: Accept, isForPeersOnly = false): void {
    this.#listening.set(station.name, { station, accept, isForPeersOnly });
  }

  /** The process on `host` is gone, with all its connections; `silently` when its machine is. */
  abandon(host: string, silently: boolean): void {
    this.#listening.delete(host);
    for (const end of [...this.#ends]) if (end.host === host) end.abandon(silently);
  }

  /** The network as the process `station` sees it. */
  of(station: Station): Network {
    return {
      connect: (target, _port, timeoutMs, handlers) => this.#dial(station, target, timeoutMs, handlers),
    };
  }

  // ── What streams ask ────────────────────────────────────────────────────────────────────────────────────────────

  get watchesFrames(): boolean {
    return this.frameTap !== null || this.character.duplicateEvery > 0;
  }

  /** A frame is under way; true if it shall arrive twice. */
  frameSent(from: string, to: string, frame: Uint8Array): boolean {
    this.frameTap?.(from, to, frame);
    const isDuplicated =
      raftFrames.includes(frame[8] as number) && this.#oneIn(this.character.duplicateEvery);
    if (isDuplicated) this.duplicates++;
    return isDuplicated;
  }

  /** Since when the oldest bytes have been under way from `from` to `to`; `Infinity` when there are none. */
  underWaySinceMs(from: string, to: string): number {
    let sinceMs = Infinity;
    for (const end of this.#ends) {
      if (end.host === to && end.other.host === from) sinceMs = Math.min(sinceMs, end.underWaySinceMs);
    }
    return sinceMs;
  }

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
    this.linkTap?.broken(end.host, end.other.host);
  }

  delayMs(): number {
    const { slowEvery, slowMsMax, delayMsMax } = this.character;
    const delayMs = this.#upTo(this.#oneIn(slowEvery) ? slowMsMax : delayMsMax);
    return delayMs + this.#lostForMs();
  }

  /** How many of `length` bytes arrive first. */
  cutOf(length: number): number {
    return length > 1 && this.#oneIn(this.character.cutEvery) ? 1 + this.#random.below(length - 1) : length;
  }

  /** Runs `callback` when word from `from` has come to `to`: after a delay, and not before the way is free. */
  afterDelay(from: string, to: string, callback: () => void): void {
    this.time.after(this.delayMs(), () => {
      if (this.isCut(from, to)) this.time.after(redialMs, () => this.afterDelay(from, to, callback));
      else callback();
    });
  }

  // ── Chance ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #oneIn(count: number): boolean {
    return count > 0 && this.#random.below(count) === 0;
  }

  #upTo(ms: number): number {
    return this.#random.below(Math.ceil(ms * 1000)) / 1000;
  }

  #lostForMs(): number {
    const { lossEvery } = this.character;
    let forMs = 0;
    for (let times = 0; times < retransmitsMax && this.#oneIn(lossEvery); times++)
      forMs += retransmitMs * 2 ** times;
    return forMs;
  }

  #pick(
    hosts: ReadonlySet<string>,
    suits: (end: VirtualEnd) => boolean = () => true,
  ): VirtualEnd | undefined {
    const candidates = [...this.#ends].filter(
      (end) => hosts.has(end.host) && hosts.has(end.other.host) && suits(end),
    );
    return candidates[this.#random.below(Math.max(1, candidates.length))];
  }

  #resume(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const end of parked) end.scheduleDelivery(this.#upTo(this.character.lateMsMax));
  }

  // ── Connecting ──────────────────────────────────────────────────────────────────────────────────────────────────

  #dial(dialer: Station, target: string, timeoutMs: number, handlers: DialHandlers): Dial {
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
      const lost = this.isCut(dialer.name, target) || this.isCut(target, dialer.name) || !this.isUp(target);
      if (lost) {
        this.time.after(redialMs, attempt);
        return;
      }
      const end = this.#connect(dialer, target);
      this.afterDelay(target, dialer.name, () => {
        if (end === null) settle(() => handlers.failed("ECONNREFUSED"));
        else if (open) settle(() => handlers.connected(this.#connectionOf(end, handlers)));
        else end.end();
      });
    };
    this.time.after(this.delayMs() + dialer.busyMs, attempt);
    return {
      cancel: () => {
        open = false;
        timer.cancel();
      },
    };
  }

  /** The dialer's end of a new connection to whoever listens on `target`; null when nobody does. */
  #connect(dialer: Station, target: string): VirtualEnd | null {
    const listening = this.#listening.get(target);
    if (listening === undefined || (listening.isForPeersOnly && dialer.isClient === true)) return null;
    const end = new VirtualEnd(this, dialer, true);
    const served = new VirtualEnd(this, listening.station, false);
    VirtualEnd.connect(end, served);
    // The machine accepts by itself, also while the process stands still.
    listening.station.run(() => (served.handlers = listening.accept(served)));
    this.#ends.add(end).add(served);
    return end;
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
