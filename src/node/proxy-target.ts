// The leader's side of the proxy: a stand-in for each client of each proxying follower. It hands the client's commands to
// the node in their order and sends back each answer under its request's number. A command that this node surely did
// not execute is sent back as such, and all that the client has sent after it: the follower then starts it anew. While
// this node leads but cannot serve for the moment, commands are held here as those of its own clients are: sent back, they
// would return at once.

import type { CommandTable } from "../commands/table.ts";
import type { ProxyRequest, ProxyRequestItem, ProxyResponse } from "../peer/proxy-codec.ts";
import type { ProxySession } from "../peer/incoming-link.ts";
import { databaseCount } from "../keyspace/keyspace.ts";
import { errorFor, errors } from "../resp/errors.ts";
import { ReplyBuffer } from "../resp/reply-buffer.ts";
import { Request, type Requester } from "./request.ts";

/** What the stand-ins need of the node. */
export interface ProxyTargetOptions {
  readonly commands: CommandTable;
  /** What becomes of commands now: `wait` while this node leads but cannot serve, `refuse` while it does not lead. */
  readonly standing: () => "serve" | "wait" | "refuse";
  /** The error reply to a command that was held too long. */
  readonly waitRefusal: () => string;
  readonly monotonicMs: () => number;
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

  /** What waits here may go on, or must be sent back. */
  standingChanged(): void {
    for (const clients of this.#sessions.values()) clients.pumpAll();
  }

  /** Answers what was held for longer than `limitMs`. */
  checkHeld(limitMs: number): void {
    for (const clients of this.#sessions.values()) clients.checkHeld(limitMs);
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

  checkHeld(limitMs: number): void {
    for (const client of this.#clients.values()) client.checkHeld(limitMs);
  }
}

class ProxiedClient implements Requester {
  noTouch = false;
  readonly reply = new ReplyBuffer();
  pendingReads = 0;
  pendingWrites = 0;
  pendingProxied = 0;
  readonly #options: ProxyTargetOptions;
  readonly #respond: (response: ProxyResponse) => boolean;
  readonly #requestIds = new Map<Request, number>();
  #waiting: ProxyRequest[] = [];
  /** Since when the oldest of them has been that; Infinity while nothing waits. */
  #waitingSinceMs = Infinity;
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
    if (this.#waiting.length === 0) this.#waitingSinceMs = Infinity;
    else if (done > 0 || this.#waitingSinceMs === Infinity)
      this.#waitingSinceMs = this.#options.monotonicMs();
  }

  /** What has come meanwhile fails too: it would wait as long again. */
  checkHeld(limitMs: number): void {
    if (this.#waiting.length === 0) return;
    this.pump();
    const { standing, waitRefusal, monotonicMs } = this.#options;
    if (standing() !== "wait" || monotonicMs() - this.#waitingSinceMs < limitMs) return;
    while (this.#waiting.length > 0 && this.#answerError(this.#waiting[0] as ProxyRequest, waitRefusal()))
      this.#waiting.shift();
  }

  /** False when the item must wait for answers that are still open. */
  #submit(item: ProxyRequest): boolean {
    const standing = this.#options.standing();
    if (this.#refusing || standing === "refuse") {
      // In order: answers to what went before leave first.
      if (this.pendingReads + this.pendingWrites > 0) return false;
      this.#refusing = true;
      this.#respond({ kind: "notExecuted", requestId: item.requestId });
      return true;
    }
    if (standing === "wait") return false;
    const found = this.#options.commands.lookup(item.args);
    // A follower of another version may know what this node does not; what it does not know must not get into the log.
    if (found.kind === "error") return this.#answerError(item, found.text);
    if (found.command.scope !== "data") return this.#answerError(item, errorFor.unknownCommand(item.args));
    if (item.dbIndex >= databaseCount) return this.#answerError(item, errors.databaseOutOfRange);
    this.reply.protocol = item.protocol;
    this.noTouch = item.noTouch;
    const request = new Request(this, found.command, item.args, item.dbIndex, found.isWrite);
    if (!found.isWrite) this.#options.submitRead(request);
    else if (!this.#options.submitWrite(request)) return false;
    this.#requestIds.set(request, item.requestId);
    return true;
  }

  /** False when answers to what went before are still open. */
  #answerError(item: ProxyRequest, error: string): boolean {
    if (this.pendingReads + this.pendingWrites > 0) return false;
    this.reply.error(error);
    this.#respond({ kind: "reply", requestId: item.requestId, bytes: this.reply.takeAll() });
    return true;
  }
}
