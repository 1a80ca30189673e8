// A node that writes down what its transport tells it.

import type { LogIndex, Message, NodeId } from "../../src/raft/types.ts";
import type { Channel } from "../../src/peer/hello.ts";
import type { ProxySession } from "../../src/peer/incoming-link.ts";
import type { ProxyRequestItem, ProxyResponse } from "../../src/peer/proxy-codec.ts";
import type { Direction, TransportListener } from "../../src/peer/transport.ts";

export class RecordingListener implements TransportListener {
  /** One line for each event, in order. */
  readonly events: string[] = [];
  readonly messages: { readonly message: Message; readonly records: Uint8Array | null }[] = [];
  readonly requests: { readonly session: ProxySession; readonly item: ProxyRequestItem }[] = [];
  readonly responses: ProxyResponse[] = [];
  onMessage: (message: Message) => void = () => undefined;

  message(message: Message, records: Uint8Array | null): void {
    this.messages.push({ message, records });
    this.onMessage(message);
  }

  peerConnected(id: NodeId, channel: Channel): void {
    this.events.push(`connected ${id} ${channel}`);
  }

  peerDisconnected(id: NodeId, channel: Channel, direction: Direction): void {
    this.events.push(`disconnected ${id} ${channel} ${direction}`);
  }

  proxyRequests(session: ProxySession, items: readonly ProxyRequestItem[]): void {
    for (const item of items) this.requests.push({ session, item });
  }

  proxySessionClosed(session: ProxySession): void {
    this.events.push(`session of ${session.from} closed`);
  }

  proxyResponses(_from: NodeId, responses: readonly ProxyResponse[]): void {
    for (const response of responses) {
      this.responses.push(
        response.kind === "reply" ? { ...response, bytes: new Uint8Array(response.bytes) } : response,
      );
    }
  }

  proxyLinkDown(id: NodeId): void {
    this.events.push(`proxy link to ${id} down`);
  }

  removedFromCluster(by: NodeId, index: LogIndex): void {
    this.events.push(`removed says ${by} at ${index}`);
  }

  /** Forgets everything so far. */
  clear(): void {
    for (const list of [this.events, this.messages, this.requests, this.responses]) list.length = 0;
  }
}
