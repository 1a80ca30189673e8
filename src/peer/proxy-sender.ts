// Collects the clients' traffic of one turn for one proxy link and sends it as one frame, within the link's limits.

import type { Clock } from "../base/clock.ts";
import { framePrefixBytes, frameType } from "./frame.ts";
import { headerBytesMax } from "./header-codec.ts";
import type { Link } from "./link.ts";
import { ProxyBatch, requestSizeBytes, responseHeadBytes } from "./proxy-codec.ts";
import type { ProxyRequest, ProxyResponse } from "./proxy-codec.ts";
import type { TransportOptions } from "./transport-options.ts";

/** A batch of this size does not wait for the end of the turn. */
const flushBytes = 256 * 1024;
const frameOverheadBytes = framePrefixBytes + headerBytesMax;

export class ProxySender {
  readonly #link: Link;
  readonly #type: typeof frameType.proxyRequests | typeof frameType.proxyResponses;
  readonly #clock: Clock;
  readonly #options: TransportOptions;
  readonly #batch = new ProxyBatch();
  #scheduled = false;
  /** Requests accepted of which nothing has left. */
  #unsentRequestIds: number[] = [];

  constructor(
    link: Link,
    type: typeof frameType.proxyRequests | typeof frameType.proxyResponses,
    clock: Clock,
    options: TransportOptions,
  ) {
    this.#link = link;
    this.#type = type;
    this.#clock = clock;
    this.#options = options;
  }

  /** False when there is no room: the request surely has not been sent. */
  request(request: ProxyRequest): boolean {
    if (!this.#hasRoom(requestSizeBytes(request))) return false;
    this.#batch.request(request);
    this.#unsentRequestIds.push(request.requestId);
    this.#schedule();
    return true;
  }

  clientClosed(clientId: number): void {
    if (!this.#link.usable) return;
    this.#batch.clientClosed(clientId);
    this.#schedule();
  }

  /**
   * False when the response cannot be sent. A link that cannot hold it is dropped: its other end waits for an answer
   * that would never come, and learns so that the outcome is unknown. It is told the same about a reply too large for
   * any frame.
   */
  response(response: ProxyResponse): boolean {
    const sizeBytes = responseHeadBytes + (response.kind === "reply" ? response.bytes.length : 0);
    if (response.kind === "reply" && frameOverheadBytes + sizeBytes > this.#options.frameBytesMax) {
      return this.response({ kind: "unknownOutcome", requestId: response.requestId });
    }
    if (!this.#hasRoom(sizeBytes)) {
      this.#link.breakSoon("the other node does not read its replies");
      return false;
    }
    this.#batch.response(response);
    this.#schedule();
    return true;
  }

  /** The requests that were accepted and never will be sent, once the link has ended. */
  takeUnsentRequestIds(): readonly number[] {
    const ids = this.#unsentRequestIds;
    this.#unsentRequestIds = [];
    return ids;
  }

  #hasRoom(sizeBytes: number): boolean {
    if (!this.#link.usable) return false;
    const frameBytes = frameOverheadBytes + sizeBytes;
    if (frameBytes > this.#options.frameBytesMax) return false;
    if (frameBytes + this.#batch.sizeBytes > this.#options.frameBytesMax) this.#flush();
    const waiting = this.#link.queuedBytes + this.#batch.sizeBytes;
    return waiting === 0 || waiting + sizeBytes <= this.#options.proxyQueueBytesMax;
  }

  #schedule(): void {
    if (this.#batch.sizeBytes >= flushBytes) this.#flush();
    if (this.#scheduled || this.#batch.count === 0) return;
    this.#scheduled = true;
    this.#clock.endOfTurn(this.#endOfTurn);
  }

  readonly #endOfTurn = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#batch.count === 0 || !this.#link.usable) return;
    const count = this.#batch.count;
    this.#unsentRequestIds = [];
    this.#link.send(this.#type, [count], [this.#batch.take()]);
  }
}
