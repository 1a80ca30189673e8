// A link that this node opens to another and keeps open: after a failure it tries again, with pauses that grow.
//
//   disconnected ──► resolving ──► connecting ──► connected
//        ▲    ▲ pause    │             │               │
//        │    └──── connect_error ◄────┘               │
//        └─────────────── pause ◄──────────────────────┘

import { isIP } from "node:net";
import type { Timer } from "../base/clock.ts";
import type { Member } from "../raft/types.ts";
import type { Connection, ConnectionHandlers } from "./connection.ts";
import type { Frame } from "./frame.ts";
import { Handshake } from "./handshake.ts";
import type { HandshakeOwner } from "./handshake.ts";
import { peerVersion, refusals } from "./hello.ts";
import type { Channel, Hello } from "./hello.ts";
import { Link } from "./link.ts";
import type { LinkOwner } from "./link.ts";
import type { LinkEnvironment } from "./transport-options.ts";

/** The words of RedisRaft's INFO. */
export type LinkState = "disconnected" | "resolving" | "connecting" | "connected" | "connect_error";

export interface OutgoingOwner {
  opened(link: OutgoingLink): void;
  /** The link was open and is not any more; a new attempt follows by itself. */
  lost(link: OutgoingLink): void;
  /** A frame came in; it is valid during the call. An error text closes the link. */
  frame(link: OutgoingLink, frame: Frame): string | null;
  /** The other node says that this one is no longer a member of the cluster. */
  refusedAsRemoved(link: OutgoingLink): void;
}

const pauseMsMax = 1000;
/** How a node answers that does not belong to a cluster (yet). */
const notYetPrefix = "NOCLUSTER";

export class OutgoingLink implements HandshakeOwner, LinkOwner {
  readonly target: Member;
  readonly channel: Channel;
  readonly #environment: LinkEnvironment;
  readonly #owner: OutgoingOwner;
  #state: LinkState = "disconnected";
  #handshake: Handshake | null = null;
  #link: Link | null = null;
  #retry: Timer | null = null;
  #stopped = false;
  /** Attempts since the last frame was heard. */
  #failures = 0;
  #lastFailure = "";
  /** Attempts that failed, and that succeeded. */
  connectErrors = 0;
  connectOks = 0;
  /** When the link was last opened, on the monotonic clock; null for never. */
  lastConnectedMs: number | null = null;

  constructor(environment: LinkEnvironment, target: Member, channel: Channel, owner: OutgoingOwner) {
    this.#environment = environment;
    this.target = target;
    this.channel = channel;
    this.#owner = owner;
    this.#attempt();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The open link, or null while there is none. */
  get link(): Link | null {
    return this.#link !== null && this.#link.usable ? this.#link : null;
  }

  /** Closes the link for good, without a word to its owner. */
  stop(): void {
    this.#stopped = true;
    this.#state = "disconnected";
    this.#retry?.cancel();
    this.#handshake?.abandon();
    this.#link?.discard();
    this.#link = null;
  }

  resolved(): void {
    this.#state = "connecting";
  }

  succeeded(connection: Connection): ConnectionHandlers {
    const { clock, options, logger } = this.#environment;
    this.#handshake = null;
    this.#state = "connected";
    this.#lastFailure = "";
    this.connectOks++;
    this.lastConnectedMs = clock.monotonicMs();
    const link = new Link(connection, clock, options.frameBytesMax, this);
    this.#link = link;
    logger.verbose(`${this.#name} connected`);
    this.#owner.opened(this);
    return link;
  }

  failed(reason: string): void {
    this.#handshake = null;
    if (reason.startsWith(notYetPrefix)) return this.#notYet(reason);
    this.#state = "connect_error";
    this.connectErrors++;
    // One line for each new reason, not one for every attempt of a long outage.
    const { logger } = this.#environment;
    if (reason === this.#lastFailure) logger.debug(`${this.#name} cannot connect: ${reason}`);
    else logger.notice(`${this.#name} cannot connect: ${reason}`);
    this.#lastFailure = reason;
    this.#pause();
    if (reason === refusals.removed) this.#owner.refusedAsRemoved(this);
  }

  /** The other node has been added and is about to take up its place: nothing is wrong. */
  #notYet(reason: string): void {
    this.#state = "disconnected";
    this.#environment.logger.verbose(`${this.#name} waits: ${reason}`);
    this.#pause();
  }

  frame(frame: Frame): string | null {
    this.#failures = 0;
    return this.#owner.frame(this, frame);
  }

  closed(reason: string): void {
    this.#link = null;
    this.#state = "disconnected";
    this.#environment.logger.notice(`${this.#name} lost: ${reason}`);
    this.#pause();
    this.#owner.lost(this);
  }

  get #name(): string {
    const { id, host, port } = this.target;
    return `Link to node ${id} (${host}:${port}, ${this.channel})`;
  }

  #attempt(): void {
    const { clusterId, nodeId, options } = this.#environment;
    const { id, host, port } = this.target;
    const address = options.advertisedAddress;
    const hello: Hello = {
      version: peerVersion,
      clusterId,
      from: nodeId,
      to: id,
      channel: this.channel,
      ...(address === null ? {} : { address }),
    };
    this.#retry = null;
    this.#state = isIP(host) === 0 ? "resolving" : "connecting";
    this.#handshake = new Handshake(this.#environment, { host, port }, hello, this);
  }

  /**
   * Tries again after a pause: between the reconnect interval and a limit that doubles up to a second, at random, so
   * that nodes that lost each other together do not come back in step.
   */
  #pause(): void {
    if (this.#stopped) return;
    const { clock, random, options } = this.#environment;
    const first = options.reconnectIntervalMs;
    const longest = Math.min(first * 2 ** Math.min(this.#failures, 20), Math.max(first, pauseMsMax));
    this.#failures++;
    this.#retry = clock.after(first + random.below(longest - first + 1), () => this.#attempt());
  }
}
