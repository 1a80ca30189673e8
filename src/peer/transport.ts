// All links of one node: to every other member three of its own (`hello.ts` says why), and those that others opened. It
// routes messages to links and frames to the listener, and knows nothing of Raft's rules.
//
// A request goes out on our own link, its response comes back on the same one:
//
//   our control link   RequestVote, TimeoutNow, AppendEntries without entries (heartbeats)    ◄── their responses
//   our bulk link      AppendEntries with entries                                              ◄── their responses
//   our proxy link     clients' commands                                                       ◄── replies
//
// So a node that has just joined, and knows no member yet, can answer a leader that knows it. Whatever cannot be sent
// now is dropped, which Raft expects and `send` reports; only the clients' traffic is never dropped without a word.
//
// Everything that comes in is checked before anything is done with it; a frame that is not what belongs on its link
// closes that link, and the node that sent it has to start again with a hello.
//
// Between two processes over loopback (2 cores, busy): 30,000-134,000 heartbeats with their answers a second, entries at
// 350-1,200 MB/s in messages of 16 kB to 2 MB, 250,000-640,000 proxied SETs a second (`test/peer/throughput.ts`).

import { assert } from "../base/assert.ts";
import type { Timer } from "../base/clock.ts";
import type { LogIndex, Member, Message, NodeId } from "../raft/types.ts";
import { isNodeId } from "../raft/types.ts";
import type { Connection, ConnectionHandlers } from "./connection.ts";
import { framePrefixBytes, frameType } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { FieldReader, headerBytesMax } from "./header-codec.ts";
import { peerVersion, refusals } from "./hello.ts";
import type { Channel, Hello } from "./hello.ts";
import { IncomingLinks } from "./incoming-link.ts";
import type { IncomingLink, ProxySession } from "./incoming-link.ts";
import type { Link } from "./link.ts";
import { decodeMessage, encodeMessage, frameTypeOf } from "./message-codec.ts";
import { OutgoingPeer } from "./outgoing-peer.ts";
import type { PeerOwner, PeerStatistics } from "./outgoing-peer.ts";
import { decodeRequests, decodeResponses } from "./proxy-codec.ts";
import type { ProxyRequest, ProxyRequestItem, ProxyResponse } from "./proxy-codec.ts";
import type { LinkEnvironment } from "./transport-options.ts";

export type Direction = "outgoing" | "incoming";

/** What the node hears from its transport. Nothing is called from inside a call into the transport, save `accept`. */
export interface TransportListener {
  /** An AppendEntries has empty `entries`: `records` holds their bytes, in a buffer of the listener's; else it is null. */
  message(message: Message, records: Uint8Array | null): void;
  /** Our own link of `channel` to `id` is open: what was lost before may be sent again. */
  peerConnected(id: NodeId, channel: Channel): void;
  /** A link has ended: our own to `id`, or the one that `id` had opened to us. Not called for links closed from here. */
  peerDisconnected(id: NodeId, channel: Channel, direction: Direction): void;
  /** Commands of clients of `session.from`, in the order in which it sent them. */
  proxyRequests(session: ProxySession, items: readonly ProxyRequestItem[]): void;
  /** Nobody waits for answers to this session's requests any more. */
  proxySessionClosed(session: ProxySession): void;
  /** Answers to our own requests; the bytes of a reply are valid during the call. */
  proxyResponses(from: NodeId, responses: readonly ProxyResponse[]): void;
  /** Our own proxy link to `id` has ended: no answer will come to the requests outstanding there. */
  proxyLinkDown(id: NodeId): void;
  /** `by` says that this node was removed from the cluster, by the entry at `index` (0: it did not say which). May come again. */
  removedFromCluster(by: NodeId, index: LogIndex): void;
}

/** What the transport asks the node. */
export interface TransportSource {
  /**
   * The bytes of the entries `[from, to]`, views that stay as they are until `dropQueuedEntries` is called; null when
   * the log no longer holds them.
   */
  recordsOf(from: LogIndex, to: LogIndex): readonly Uint8Array[] | null;
  /**
   * `removed` only if the removal is committed: a membership that may yet be rolled back must not make a node give up.
   * A node that is merely unknown is let in, for it may belong to a membership that this node has yet to hear of: who
   * knows the cluster's id and password and this node's id was told them by the cluster.
   */
  isKnown(id: NodeId): "member" | "unknown" | "removed";
}

/** How long a former member is still connected to, so that it can be told. */
const lingerMs = 5000;
/** A link is dropped after this many response timeouts of silence, and looked at four times as often as one passes. */
const silenceFactor = 2;
const looksPerTimeout = 4;

/** Which frames may come in on which link. */
const allowedFrames: Readonly<Record<Direction, Readonly<Record<Channel, readonly number[]>>>> = {
  incoming: {
    control: [frameType.appendEntries, frameType.requestVote, frameType.timeoutNow, frameType.removed],
    bulk: [frameType.appendEntries],
    proxy: [frameType.proxyRequests],
  },
  outgoing: {
    control: [frameType.appendEntriesResponse, frameType.requestVoteResponse],
    bulk: [frameType.appendEntriesResponse, frameType.requestVoteResponse],
    proxy: [frameType.proxyResponses],
  },
};

export class Transport {
  readonly #environment: LinkEnvironment;
  readonly #listener: TransportListener;
  readonly #source: TransportSource;
  readonly #members = new Map<NodeId, OutgoingPeer>();
  /** Former members, until `lingerMs` after they ceased to be. */
  readonly #leaving = new Map<NodeId, { readonly peer: OutgoingPeer; readonly timer: Timer }>();
  readonly #incoming: IncomingLinks;
  readonly #peerOwner: PeerOwner;
  #lookTimer: Timer | null = null;
  #nextLookMs = 0;

  constructor(environment: LinkEnvironment, listener: TransportListener, source: TransportSource) {
    this.#environment = environment;
    this.#listener = listener;
    this.#source = source;
    this.#incoming = new IncomingLinks(environment, {
      frame: (incoming, frame) => this.#incomingFrame(incoming, frame),
      lost: (incoming, replaced) => this.#incomingLost(incoming, replaced),
    });
    this.#peerOwner = {
      opened: (id, channel) => listener.peerConnected(id, channel),
      lost: (id, channel) => listener.peerDisconnected(id, channel, "outgoing"),
      frame: (id, channel, frame) => this.#outgoingFrame(id, channel, frame),
      unsent: (id, requestIds) =>
        listener.proxyResponses(
          id,
          requestIds.map((requestId) => ({ kind: "notExecuted", requestId })),
        ),
      proxyLinkDown: (id) => listener.proxyLinkDown(id),
      refusedAsRemoved: (id) => listener.removedFromCluster(id, 0),
    };
    this.#scheduleLook();
  }

  /** Closes every link and stops all timers; nothing is called any more. */
  stop(): void {
    this.#lookTimer?.cancel();
    for (const peer of this.#members.values()) peer.stop();
    for (const { peer, timer } of this.#leaving.values()) {
      timer.cancel();
      peer.stop();
    }
    this.#members.clear();
    this.#leaving.clear();
    this.#incoming.discardAll();
  }

  // ── Members ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Opens links to the members that are new or have moved, and closes those to former ones. This node's own entry is
   * passed over. Links that others opened stay: a leader that is on its way out still commits its own removal.
   */
  setMembers(members: readonly Member[]): void {
    const wanted = new Map<NodeId, Member>();
    for (const member of members) if (member.id !== this.#environment.nodeId) wanted.set(member.id, member);
    for (const [id, peer] of this.#members) {
      const member = wanted.get(id);
      if (member === undefined) this.#letGo(id, peer);
      else if (member.host !== peer.member.host || member.port !== peer.member.port) this.#drop(id, peer);
    }
    for (const [id, member] of wanted) {
      if (this.#members.has(id)) continue;
      this.#endLeaving(id);
      this.#members.set(id, new OutgoingPeer(this.#environment, member, this.#peerOwner));
    }
  }

  /** Tells a former member, if it can be reached, that the entry at `index` removed it. False when it cannot. */
  sendRemovedNotice(id: NodeId, index: LogIndex): boolean {
    const link = this.#peer(id)?.control.link ?? null;
    if (link === null) return false;
    link.send(frameType.removed, [index]);
    return true;
  }

  /** How the links to `id` fare; null when it is not a member, or this node itself. */
  statistics(id: NodeId): PeerStatistics | null {
    return this.#members.get(id)?.statistics() ?? null;
  }

  #letGo(id: NodeId, peer: OutgoingPeer): void {
    this.#members.delete(id);
    peer.leave();
    const timer = this.#environment.clock.after(lingerMs, () => this.#endLeaving(id));
    this.#leaving.set(id, { peer, timer });
  }

  #endLeaving(id: NodeId): void {
    const leaving = this.#leaving.get(id);
    if (leaving === undefined) return;
    this.#leaving.delete(id);
    leaving.timer.cancel();
    leaving.peer.stop();
  }

  #drop(id: NodeId, peer: OutgoingPeer): void {
    this.#members.delete(id);
    peer.drop();
  }

  #peer(id: NodeId): OutgoingPeer | undefined {
    return this.#members.get(id) ?? this.#leaving.get(id)?.peer;
  }

  // ── Sending ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends a message, or drops it and answers false. Heartbeats and votes push out older ones when they pile up. */
  send(message: Message): boolean {
    assert(
      message.from === this.#environment.nodeId && message.to !== message.from,
      "a message to another node",
    );
    switch (message.kind) {
      case "AppendEntriesResponse":
      case "RequestVoteResponse":
        return this.#sendSmall(this.#incoming.responseLink(message.to), message);
      case "AppendEntries":
        if (message.lastEntryIndex > message.prevLogIndex) {
          const link = this.#peer(message.to)?.bulk.link ?? null;
          return link !== null && this.#sendEntries(link, message);
        }
    }
    return this.#sendSmall(this.#peer(message.to)?.control.link ?? null, message);
  }

  /**
   * Forgets entries that wait to be sent. To be called before the log drops entries that it has handed out, for the
   * queues hold views of them.
   */
  dropQueuedEntries(): void {
    for (const peer of this.#members.values())
      peer.bulk.link?.dropUnsent("the log changed under a half-sent message");
  }

  /** False means surely not sent. True means that an answer or `proxyLinkDown` will follow. */
  sendProxyRequest(to: NodeId, request: ProxyRequest): boolean {
    return this.#members.get(to)?.proxySender?.request(request) ?? false;
  }

  /** Tells the node to which a client's requests were passed that nobody waits for their answers. */
  sendProxyClientClosed(to: NodeId, clientId: number): void {
    this.#members.get(to)?.proxySender?.clientClosed(clientId);
  }

  /** The reply's bytes are copied. False when the session has ended, or ends now because too much waits in it. */
  sendProxyResponse(session: ProxySession, response: ProxyResponse): boolean {
    const incoming = this.#incoming.get(session.from, "proxy");
    return incoming === session && incoming.sender.response(response);
  }

  #sendSmall(link: Link | null, message: Message): boolean {
    if (link === null) return false;
    link.dropOldest(this.#environment.options.controlQueueBytesMax);
    link.send(frameTypeOf(message), encodeMessage(message));
    return true;
  }

  #sendEntries(link: Link, message: Message & { kind: "AppendEntries" }): boolean {
    const { bulkQueueBytesMax, frameBytesMax } = this.#environment.options;
    const records = this.#source.recordsOf(message.prevLogIndex + 1, message.lastEntryIndex);
    if (records === null) return false;
    let sizeBytes = framePrefixBytes + headerBytesMax;
    for (const piece of records) sizeBytes += piece.length;
    if (sizeBytes > frameBytesMax) {
      this.#environment.logger.warning(
        `Entries of ${sizeBytes} bytes are too large to send to node ${message.to}`,
      );
      return false;
    }
    if (link.queuedBytes > 0 && link.queuedBytes + sizeBytes > bulkQueueBytesMax) return false;
    link.send(frameType.appendEntries, encodeMessage(message), records);
    return true;
  }

  // ── Links that others open ──────────────────────────────────────────────────────────────────────────────────────

  /** Why a node that says `hello` is not let in, as an error reply without its dash; null when it is. */
  refusal(hello: Hello): string | null {
    const { clusterId, nodeId } = this.#environment;
    if (hello.version !== peerVersion) return refusals.version;
    if (hello.clusterId !== clusterId) return refusals.cluster;
    if (hello.to !== nodeId) return refusals.target;
    const { from } = hello;
    if (!isNodeId(from) || from === nodeId) return refusals.source;
    if (this.#source.isKnown(from) === "removed") return refusals.removed;
    return null;
  }

  /**
   * Takes over a connection whose hello was answered with `+OK`; that answer must have left. Gives the handlers for
   * everything that happens on the connection from then on, bytes behind the hello included; null when the hello is
   * refused after all, and the connection is to be closed.
   */
  accept(connection: Connection, hello: Hello): ConnectionHandlers | null {
    if (this.refusal(hello) !== null) return null;
    const where = hello.address ?? connection.remoteAddress;
    this.#environment.logger.verbose(`Link from node ${hello.from} (${where}, ${hello.channel}) accepted`);
    return this.#incoming.add(connection, hello).link;
  }

  #incomingLost(incoming: IncomingLink, replaced: boolean): void {
    if (incoming.channel === "proxy") this.#listener.proxySessionClosed(incoming);
    if (!replaced) this.#listener.peerDisconnected(incoming.from, incoming.channel, "incoming");
  }

  // ── Frames that come in ─────────────────────────────────────────────────────────────────────────────────────────

  #incomingFrame(incoming: IncomingLink, frame: Frame): string | null {
    if (frame.type === frameType.alive) return checkAlive(frame);
    const { from, channel } = incoming;
    if (!allowedFrames.incoming[channel].includes(frame.type)) return misplaced(frame, channel);
    if (frame.type === frameType.proxyRequests) return this.#proxyRequests(incoming, frame);
    if (frame.type === frameType.removed) return this.#removed(from, frame);
    return this.#message(from, frame, incoming);
  }

  #outgoingFrame(id: NodeId, channel: Channel, frame: Frame): string | null {
    if (frame.type === frameType.alive) return checkAlive(frame);
    if (!allowedFrames.outgoing[channel].includes(frame.type)) return misplaced(frame, channel);
    if (frame.type === frameType.proxyResponses) return this.#proxyResponses(id, frame);
    return this.#message(id, frame, null);
  }

  #message(from: NodeId, frame: Frame, incoming: IncomingLink | null): string | null {
    const message = decodeMessage(frame.type, frame.fields, frame.body.length);
    if (typeof message === "string") return `malformed message: ${message}`;
    if (message.from !== from) return `a message from node ${message.from} on a link of node ${from}`;
    if (message.to !== this.#environment.nodeId) return `a message to node ${message.to}`;
    if (incoming !== null) this.#incoming.noteRequest(incoming);
    this.#listener.message(message, frame.body.length > 0 ? frame.takeBody() : null);
    return null;
  }

  #removed(from: NodeId, frame: Frame): string | null {
    const reader = new FieldReader(frame.fields);
    const index = reader.integer("index", 0, Number.MAX_SAFE_INTEGER);
    reader.end();
    if (reader.error !== null || frame.body.length > 0) return "malformed notice of removal";
    this.#listener.removedFromCluster(from, index);
    return null;
  }

  #proxyRequests(incoming: IncomingLink, frame: Frame): string | null {
    const items = decodeRequests(frame.fields, frame.body);
    if (typeof items === "string") return `malformed proxy requests: ${items}`;
    this.#listener.proxyRequests(incoming, items);
    return null;
  }

  #proxyResponses(from: NodeId, frame: Frame): string | null {
    const responses = decodeResponses(frame.fields, frame.body);
    if (typeof responses === "string") return `malformed proxy responses: ${responses}`;
    this.#listener.proxyResponses(from, responses);
    return null;
  }

  // ── Signs of life ───────────────────────────────────────────────────────────────────────────────────────────────

  #scheduleLook(): void {
    const { clock, options } = this.#environment;
    const pauseMs = Math.max(1, options.responseTimeoutMs / looksPerTimeout);
    this.#nextLookMs = clock.monotonicMs() + pauseMs;
    this.#lookTimer = clock.after(pauseMs, () => this.#look());
  }

  #look(): void {
    const { clock, options } = this.#environment;
    // If this process itself stood still, what the others said meanwhile has yet to be read: judge nobody this time.
    const lateMs = clock.monotonicMs() - this.#nextLookMs;
    const judge = lateMs < options.responseTimeoutMs / 2;
    const silenceMaxMs = judge ? options.responseTimeoutMs * silenceFactor : Number.POSITIVE_INFINITY;
    this.#scheduleLook();
    for (const peer of [...this.#members.values()]) peer.keepAlive(silenceMaxMs);
    for (const { peer } of [...this.#leaving.values()]) peer.keepAlive(silenceMaxMs);
    for (const incoming of this.#incoming.all()) {
      // It will connect again, and be told why it must not.
      if (this.#source.isKnown(incoming.from) === "removed") incoming.link.close("the node was removed");
      else incoming.link.keepAlive(silenceMaxMs);
    }
  }
}

function checkAlive(frame: Frame): string | null {
  return frame.fields.length === 0 && frame.body.length === 0 ? null : "malformed sign of life";
}

function misplaced(frame: Frame, channel: Channel): string {
  return `frame type ${frame.type} does not belong on a ${channel} link`;
}
