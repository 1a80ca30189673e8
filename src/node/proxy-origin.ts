// The follower's side of the proxy: clients' commands go to the leader, and its answers back to whoever asked. What the
// rules are for:
//   · a client's answers leave in the order of its requests, so what comes back unexecuted waits for those before it;
//   · once one came back, all that followed come back too (the leader refuses the rest of that client number), and the
//     client goes on under a new number, in its old order;
//   · a write is never sent twice: only what the leader surely did not execute is dispatched anew;
//   · when the link is lost, the writes on it have an outcome that nobody here knows, and the answer says so.

import { assert } from "../base/assert.ts";
import type { ProxyRequest, ProxyResponse } from "../peer/proxy-codec.ts";
import { noNode, type NodeId } from "../raft/types.ts";
import { errors } from "../resp/errors.ts";
import type { Request, Requester } from "./request.ts";

export interface ProxyOriginOptions {
  /** False when the request surely was not and will not be sent. */
  readonly send: (to: NodeId, request: ProxyRequest) => boolean;
  /** Tells the leader that a client number is used no more. */
  readonly closeClient: (to: NodeId, clientId: number) => void;
  readonly monotonicMs: () => number;
}

interface Outstanding {
  readonly requestId: number;
  readonly request: Request;
  readonly sentAtMs: number;
  /** Came back unexecuted. */
  returned: boolean;
}

class OriginClient {
  readonly requester: Requester;
  clientId: number;
  /** The leader to which its outstanding requests went. */
  leader: NodeId = noNode;
  /** A request came back unexecuted: wait until all are back, then go on under a new number. */
  broken = false;
  /** In the order of sending. */
  outstanding: Outstanding[] = [];
  /** How many of them came back unexecuted. */
  returnedCount = 0;

  constructor(requester: Requester, clientId: number) {
    this.requester = requester;
    this.clientId = clientId;
  }
}

export class ProxyOrigin {
  readonly #options: ProxyOriginOptions;
  readonly #clients = new Map<Requester, OriginClient>();
  /** Whose each outstanding request is; in the order of sending, since ids ascend. */
  readonly #clientByRequest = new Map<number, OriginClient>();
  #nextRequestId = 1;
  #nextClientId = 1;
  /** For INFO raft. */
  requests = 0;
  failedRequests = 0;
  failedResponses = 0;

  constructor(options: ProxyOriginOptions) {
    this.#options = options;
  }

  get outstandingCount(): number {
    return this.#clientByRequest.size;
  }

  /** Takes a request for `leader`; false when it may not go yet. */
  submit(request: Request, leader: NodeId): boolean {
    const requester = request.requester;
    const client = this.#clientOf(requester);
    if (client.outstanding.length > 0 && (client.broken || client.leader !== leader)) return false;
    if (client.leader !== leader && client.leader !== noNode) this.#renumber(client);
    const requestId = this.#nextRequestId++;
    const sent = this.#options.send(leader, {
      kind: "request",
      requestId,
      clientId: client.clientId,
      dbIndex: request.dbIndex,
      protocol: requester.reply.protocol,
      noTouch: requester.noTouch,
      user: "default",
      args: request.args,
    });
    if (!sent) {
      this.failedRequests++;
      return false;
    }
    client.leader = leader;
    client.outstanding.push({ requestId, request, sentAtMs: this.#options.monotonicMs(), returned: false });
    this.#clientByRequest.set(requestId, client);
    requester.pendingProxied++;
    this.requests++;
    return true;
  }

  /** Answers from node `from`; replies' bytes are used during the call only. */
  receive(from: NodeId, responses: readonly ProxyResponse[]): void {
    for (const response of responses) {
      const client = this.#clientByRequest.get(response.requestId);
      // Given up already: its client has been told that the outcome is unknown. Or never asked of that node.
      if (client === undefined || client.leader !== from) continue;
      if (response.kind === "notExecuted") this.#returned(client, response.requestId);
      else this.#answer(client, response);
    }
  }

  /** The link to `leader` is lost with all that was on its way. */
  linkLost(leader: NodeId): void {
    for (const client of [...this.#clients.values()]) {
      if (client.leader === leader && client.outstanding.length > 0) this.#giveUp(client);
    }
  }

  /** Gives up what has waited for longer than `timeoutMs`, and with it all else that its client has under way. */
  checkTimeouts(timeoutMs: number): void {
    const dueMs = this.#options.monotonicMs() - timeoutMs;
    for (const client of this.#clientByRequest.values()) {
      const oldest = client.outstanding[0];
      if (oldest === undefined || oldest.sentAtMs > dueMs) return;
      this.#giveUp(client);
    }
  }

  /** The client has gone: nobody waits for its answers. */
  forget(requester: Requester): void {
    const client = this.#clients.get(requester);
    if (client === undefined) return;
    this.#clients.delete(requester);
    for (const { requestId } of client.outstanding) this.#clientByRequest.delete(requestId);
    this.#announceClosed(client);
  }

  #clientOf(requester: Requester): OriginClient {
    let client = this.#clients.get(requester);
    if (client === undefined) {
      client = new OriginClient(requester, this.#nextClientId++);
      this.#clients.set(requester, client);
    }
    return client;
  }

  #answer(client: OriginClient, response: ProxyResponse): void {
    const { requester } = client;
    const oldest = client.outstanding[0];
    assert(oldest !== undefined, "a client with a request under way");
    if (oldest.requestId !== response.requestId) {
      // A leader answers in order; one that does not is not to be trusted with the order of the rest.
      return this.#giveUp(client);
    }
    this.#takeOldest(client);
    if (response.kind === "reply") requester.answeredByLeader(oldest.request, response.bytes);
    else this.#answerUnknown(client, oldest.request);
    this.#settle(client);
  }

  #returned(client: OriginClient, requestId: number): void {
    this.failedRequests++;
    client.broken = true;
    const returned = client.outstanding.find((outstanding) => outstanding.requestId === requestId);
    if (returned !== undefined) this.#markReturned(client, returned);
    this.#settle(client);
  }

  #markReturned(client: OriginClient, outstanding: Outstanding): void {
    if (outstanding.returned) return;
    outstanding.returned = true;
    client.returnedCount++;
  }

  /** Writes that may have left get the honest answer, and so does what stands before them; the rest is asked again. */
  #giveUp(client: OriginClient): void {
    client.broken = true;
    const unknown = client.outstanding.findLastIndex(({ request, returned }) => request.isWrite && !returned);
    for (let i = 0; i <= unknown; i++) this.#answerUnknown(client, this.#takeOldest(client).request);
    for (const outstanding of client.outstanding) this.#markReturned(client, outstanding);
    this.#settle(client);
  }

  #answerUnknown(client: OriginClient, request: Request): void {
    this.failedResponses++;
    client.requester.reply.error(errors.timeoutNoReply);
    client.requester.answered(request);
  }

  #takeOldest(client: OriginClient): Outstanding {
    const oldest = client.outstanding.shift();
    assert(oldest !== undefined, "a client with a request under way");
    this.#clientByRequest.delete(oldest.requestId);
    if (oldest.returned) client.returnedCount--;
    client.requester.pendingProxied--;
    return oldest;
  }

  /**
   * Hands back what came back, once all of it is here: what is handed back goes before anything newer, so a request
   * that came later would pass those before it. Then the client gets its new number.
   */
  #settle(client: OriginClient): void {
    if (!client.broken || client.outstanding.length > client.returnedCount) return;
    const { outstanding } = client;
    client.outstanding = [];
    client.returnedCount = 0;
    client.broken = false;
    this.#renumber(client);
    for (const { requestId, request } of outstanding) {
      this.#clientByRequest.delete(requestId);
      client.requester.pendingProxied--;
      client.requester.takeBack(request);
    }
  }

  /** The client goes on under a new number: whoever knows the old one may forget it. */
  #renumber(client: OriginClient): void {
    this.#announceClosed(client);
    client.clientId = this.#nextClientId++;
    client.leader = noNode;
  }

  #announceClosed(client: OriginClient): void {
    if (client.leader !== noNode) this.#options.closeClient(client.leader, client.clientId);
  }
}
