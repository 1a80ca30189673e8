// The leader's side of the proxy: a stand-in for each client of each proxying follower. It hands the client's commands to
// the node in their order and sends back each answer under its request's number. A command that this node surely did
// not execute is sent back as such, and all that the client has sent after it: the follower then starts it anew.

import type { CommandTable } from "../commands/table.ts";
import type { ProxyRequest, ProxyRequestItem, ProxyResponse } from "../peer/proxy-codec.ts";
import type { ProxySession } from "../peer/incoming-link.ts";
import { ReplyBuffer } from "../resp/reply-buffer.ts";
import { Request, type Requester } from "./request.ts";

/** What the stand-ins need of the node. */
export interface ProxyTargetOptions {
  readonly commands: CommandTable;
  /** Whether this node leads and can serve at this moment. */
  readonly serves: () => boolean;
  readonly submitRead: (request: Request) => void;
  readonly submitWrite: (request: Request) => boolean;
  /** Queues an answer for the end of the turn; one that cannot be sent breaks the link, which tells the other side. */
  readonly send: (session: ProxySession, response: ProxyResponse) => boolean;
}

export class ProxyTarget {
  readonly #options: ProxyTargetOptions;
  readonly #sessions = new Map<ProxySession, SessionClients>();

  constructor(options: ProxyTargetOptions) {
    this.#options = options;
  }

  receive(session: ProxySession, items: readonly ProxyRequestItem[]): void {
    const clients = this.#clientsOf(session);
    for (const item of items) {
      if (item.kind === "request") clients.clientOf(item.clientId).take(item);
      else clients.close(item.clientId);
    }
  }

  /** The link is lost: its clients' answers go nowhere. */
  sessionClosed(session: ProxySession): void {
    this.#sessions.get(session)?.closeAll();
    this.#sessions.delete(session);
  }

  /** This node can serve no more: what waits here is sent back. */
  stoppedServing(): void {
    for (const clients of this.#sessions.values()) clients.pumpAll();
  }

  #clientsOf(session: ProxySession): SessionClients {
    let clients = this.#sessions.get(session);
    if (clients === undefined) {
      clients = new SessionClients(session, this.#options);
      this.#sessions.set(session, clients);
    }
    return clients;
  }
}

/** The clients of one follower. */
class SessionClients {
  readonly #session: ProxySession;
  readonly #options: ProxyTargetOptions;
  readonly #clients = new Map<number, ProxiedClient>();

  constructor(session: ProxySession, options: ProxyTargetOptions) {
    this.#session = session;
    this.#options = options;
  }

  clientOf(clientId: number): ProxiedClient {
    let client = this.#clients.get(clientId);
    if (client === undefined) {
      client = new ProxiedClient(this.#options, (response) => this.#options.send(this.#session, response));
      this.#clients.set(clientId, client);
    }
    return client;
  }

  close(clientId: number): void {
    this.#clients.get(clientId)?.close();
    this.#clients.delete(clientId);
  }

  closeAll(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  pumpAll(): void {
    for (const client of this.#clients.values()) client.pump();
  }
}

class ProxiedClient implements Requester {
  readonly reply = new ReplyBuffer();
  pendingReads = 0;
  pendingWrites = 0;
  pendingProxied = 0;
  readonly #options: ProxyTargetOptions;
  readonly #respond: (response: ProxyResponse) => boolean;
  readonly #requestIds = new Map<Request, number>();
  #waiting: ProxyRequest[] = [];
  #refusing = false;
  #closed = false;

  constructor(options: ProxyTargetOptions, respond: (response: ProxyResponse) => boolean) {
    this.#options = options;
    this.#respond = respond;
  }

  take(item: ProxyRequest): void {
    this.#waiting.push(item);
    this.pump();
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  answered(request: Request): void {
    const requestId = this.#requestIds.get(request);
    this.#requestIds.delete(request);
    const bytes = this.reply.takeAll();
    if (requestId !== undefined && !this.#closed) this.#respond({ kind: "reply", requestId, bytes });
    if (this.#waiting.length > 0) this.pump();
  }

  takeBack(request: Request): void {
    this.#refusing = true;
    const requestId = this.#requestIds.get(request);
    this.#requestIds.delete(request);
    if (requestId !== undefined && !this.#closed) this.#respond({ kind: "notExecuted", requestId });
  }

  /** Never called: a stand-in's requests are executed here or not at all. */
  answeredByLeader(request: Request): void {
    this.takeBack(request);
  }

  /** Hands on what may go now. */
  pump(): void {
    let done = 0;
    while (done < this.#waiting.length && this.#submit(this.#waiting[done] as ProxyRequest)) done++;
    if (done > 0) this.#waiting.splice(0, done);
  }

  /** False when the item must wait for answers that are still open. */
  #submit(item: ProxyRequest): boolean {
    if (this.#refusing || !this.#options.serves()) {
      // In order: answers to what went before leave first.
      if (this.pendingReads + this.pendingWrites > 0) return false;
      this.#refusing = true;
      this.#respond({ kind: "notExecuted", requestId: item.requestId });
      return true;
    }
    const found = this.#options.commands.lookup(item.args);
    if (found.kind === "error" || found.command.scope !== "data") {
      // The follower knows a command that this node does not: another version. Refused like an unknown one.
      if (this.pendingReads + this.pendingWrites > 0) return false;
      this.reply.error(found.kind === "error" ? found.text : `ERR unknown command '${item.args[0]}'`);
      this.#respond({ kind: "reply", requestId: item.requestId, bytes: this.reply.takeAll() });
      return true;
    }
    this.reply.protocol = item.protocol;
    const request = new Request(this, found.command, item.args, item.dbIndex, found.isWrite);
    if (!found.isWrite) this.#options.submitRead(request);
    else if (!this.#options.submitWrite(request)) return false;
    this.#requestIds.set(request, item.requestId);
    return true;
  }
}
