// The links that other nodes opened to this one, and which of them an answer goes to.

import { assert } from "../base/assert.ts";
import type { NodeId } from "../raft/types.ts";
import type { Connection } from "./connection.ts";
import { frameType } from "./frame.ts";
import type { Frame } from "./frame.ts";
import type { Channel, Hello } from "./hello.ts";
import { Link } from "./link.ts";
import type { LinkOwner } from "./link.ts";
import { ProxySender } from "./proxy-sender.ts";
import type { LinkEnvironment } from "./transport-options.ts";

/**
 * The way back for the answers to proxied requests: the link they came in on. It ends with that link, so an answer
 * never reaches a later life of the node, whose request ids may be the same.
 */
export interface ProxySession {
  readonly from: NodeId;
  readonly open: boolean;
}

export interface IncomingOwner {
  frame(incoming: IncomingLink, frame: Frame): string | null;
  /** The link has ended; `replaced` when the same node has opened a newer one for the channel. */
  lost(incoming: IncomingLink, replaced: boolean): void;
}

/** One link that another node opened. */
export class IncomingLink implements LinkOwner, ProxySession {
  readonly from: NodeId;
  readonly channel: Channel;
  readonly link: Link;
  /** Sends answers on the proxy channel. */
  readonly sender: ProxySender;
  readonly #environment: LinkEnvironment;
  readonly #links: IncomingLinks;

  constructor(environment: LinkEnvironment, connection: Connection, hello: Hello, links: IncomingLinks) {
    const { clock, options } = environment;
    this.from = hello.from;
    this.channel = hello.channel;
    this.#environment = environment;
    this.#links = links;
    this.link = new Link(connection, clock, options.frameBytesMax, this);
    this.sender = new ProxySender(this.link, frameType.proxyResponses, clock, options);
  }

  get open(): boolean {
    return this.link.usable;
  }

  frame(frame: Frame): string | null {
    return this.#links.frame(this, frame);
  }

  closed(reason: string): void {
    const name = `Link from node ${this.from} (${this.link.remoteAddress}, ${this.channel})`;
    this.#environment.logger.notice(`${name} lost: ${reason}`);
    this.#links.lost(this);
  }
}

/** All of them, one for each node and channel. */
export class IncomingLinks {
  readonly #environment: LinkEnvironment;
  readonly #owner: IncomingOwner;
  readonly #nodes = new Map<NodeId, Map<Channel, IncomingLink>>();
  /** The channel of each node's latest Raft request, which is where the responses go. */
  readonly #requestChannels = new Map<NodeId, Channel>();

  constructor(environment: LinkEnvironment, owner: IncomingOwner) {
    this.#environment = environment;
    this.#owner = owner;
  }

  /** Takes over a connection whose hello has been checked. It replaces an older link of the same node and channel. */
  add(connection: Connection, hello: Hello): IncomingLink {
    const incoming = new IncomingLink(this.#environment, connection, hello, this);
    let channelLinks = this.#nodes.get(hello.from);
    if (channelLinks === undefined) {
      channelLinks = new Map();
      this.#nodes.set(hello.from, channelLinks);
    }
    const older = channelLinks.get(hello.channel);
    channelLinks.set(hello.channel, incoming);
    if (older !== undefined) {
      older.link.discard();
      this.#owner.lost(older, true);
    }
    return incoming;
  }

  get(from: NodeId, channel: Channel): IncomingLink | undefined {
    return this.#nodes.get(from)?.get(channel);
  }

  /** The link for a response to `to`: of the channel where its latest request came in, or else of another that is open. */
  responseLink(to: NodeId): Link | null {
    const latest = this.#usable(to, this.#requestChannels.get(to) ?? "control");
    return latest ?? this.#usable(to, "control") ?? this.#usable(to, "bulk");
  }

  noteRequest(incoming: IncomingLink): void {
    this.#requestChannels.set(incoming.from, incoming.channel);
  }

  all(): IncomingLink[] {
    return [...this.#nodes.values()].flatMap((channelLinks) => [...channelLinks.values()]);
  }

  /** Closes all, without a word to the owner. */
  discardAll(): void {
    for (const incoming of this.all()) incoming.link.discard();
    this.#nodes.clear();
    this.#requestChannels.clear();
  }

  frame(incoming: IncomingLink, frame: Frame): string | null {
    return this.#owner.frame(incoming, frame);
  }

  lost(incoming: IncomingLink): void {
    const channelLinks = this.#nodes.get(incoming.from);
    assert(channelLinks?.get(incoming.channel) === incoming, "a replaced link to have been discarded");
    channelLinks.delete(incoming.channel);
    if (channelLinks.size === 0) {
      this.#nodes.delete(incoming.from);
      this.#requestChannels.delete(incoming.from);
    }
    this.#owner.lost(incoming, false);
  }

  #usable(from: NodeId, channel: Channel): Link | null {
    const link = this.get(from, channel)?.link;
    return link !== undefined && link.usable ? link : null;
  }
}
