// The three links that this node keeps open to one other member.

import type { Member, NodeId } from "../raft/types.ts";
import { frameType } from "./frame.ts";
import type { Frame } from "./frame.ts";
import type { Channel } from "./hello.ts";
import { OutgoingLink } from "./outgoing-link.ts";
import type { LinkState, OutgoingOwner } from "./outgoing-link.ts";
import { ProxySender } from "./proxy-sender.ts";
import type { LinkEnvironment } from "./transport-options.ts";

/** How the control link to a member fares, for INFO. */
export interface PeerStatistics {
  readonly state: LinkState;
  /** When it was last opened, on the monotonic clock; null for never. */
  readonly lastConnectedMs: number | null;
  /** Attempts to open it that failed, and that succeeded. */
  readonly connectErrors: number;
  readonly connectOks: number;
  /** Bytes that wait on all three links. */
  readonly queuedBytes: number;
}

export interface PeerOwner {
  opened(id: NodeId, channel: Channel): void;
  lost(id: NodeId, channel: Channel): void;
  frame(id: NodeId, channel: Channel, frame: Frame): string | null;
  /** Requests that were accepted and, the link having ended, never were sent. */
  unsent(id: NodeId, requestIds: readonly number[]): void;
  proxyLinkDown(id: NodeId): void;
  refusedAsRemoved(id: NodeId): void;
}

export class OutgoingPeer implements OutgoingOwner {
  readonly member: Member;
  readonly control: OutgoingLink;
  readonly bulk: OutgoingLink;
  readonly #proxy: OutgoingLink;
  readonly #environment: LinkEnvironment;
  readonly #owner: PeerOwner;
  #proxySender: ProxySender | null = null;

  constructor(environment: LinkEnvironment, member: Member, owner: PeerOwner) {
    this.member = member;
    this.#environment = environment;
    this.#owner = owner;
    this.control = new OutgoingLink(environment, member, "control", this);
    this.bulk = new OutgoingLink(environment, member, "bulk", this);
    this.#proxy = new OutgoingLink(environment, member, "proxy", this);
  }

  /** Sends clients' commands; null while the proxy link is not open. */
  get proxySender(): ProxySender | null {
    return this.#proxySender;
  }

  statistics(): PeerStatistics {
    const { state, lastConnectedMs, connectErrors, connectOks } = this.control;
    let queuedBytes = 0;
    for (const { link } of [this.control, this.bulk, this.#proxy]) queuedBytes += link?.queuedBytes ?? 0;
    return { state, lastConnectedMs, connectErrors, connectOks, queuedBytes };
  }

  keepAlive(silenceMaxMs: number): void {
    this.control.link?.keepAlive(silenceMaxMs);
    this.bulk.link?.keepAlive(silenceMaxMs);
    this.#proxy.link?.keepAlive(silenceMaxMs);
  }

  /** Keeps the control link alone. The owner hears at the end of the turn what becomes of requests under way. */
  leave(): void {
    this.bulk.stop();
    this.#proxy.stop();
    const sender = this.#proxySender;
    this.#proxySender = null;
    if (sender !== null) this.#environment.clock.endOfTurn(() => this.#endRequests(sender));
  }

  /** Closes all links; as `leave` for the rest. */
  drop(): void {
    this.leave();
    this.control.stop();
  }

  /** Closes all links without a word. */
  stop(): void {
    this.control.stop();
    this.bulk.stop();
    this.#proxy.stop();
    this.#proxySender = null;
  }

  opened(link: OutgoingLink): void {
    const { clock, options } = this.#environment;
    if (link.channel === "proxy" && link.link !== null) {
      this.#proxySender = new ProxySender(link.link, frameType.proxyRequests, clock, options);
    }
    this.#owner.opened(this.member.id, link.channel);
  }

  lost(link: OutgoingLink): void {
    const sender = this.#proxySender;
    if (link.channel === "proxy" && sender !== null) {
      this.#proxySender = null;
      this.#endRequests(sender);
    }
    this.#owner.lost(this.member.id, link.channel);
  }

  frame(link: OutgoingLink, frame: Frame): string | null {
    return this.#owner.frame(this.member.id, link.channel, frame);
  }

  refusedAsRemoved(): void {
    this.#owner.refusedAsRemoved(this.member.id);
  }

  #endRequests(sender: ProxySender): void {
    const unsent = sender.takeUnsentRequestIds();
    if (unsent.length > 0) this.#owner.unsent(this.member.id, unsent);
    this.#owner.proxyLinkDown(this.member.id);
  }
}
