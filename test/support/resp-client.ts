// A client of the integration tests: one connection, pipelining, and a time limit on everything.

import { encodeRequest, encodeRequests } from "../../src/resp/request-encoder.ts";
import { ReplyParser, type ReplyValue } from "../../src/resp/reply-parser.ts";
import { plain } from "../server/test-client.ts";

/** The connection ended, or could not be made: what was under way has no reply. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/** No reply in time; the connection is closed, because a late reply would be taken for that of the next command. */
export class NoReply extends Error {
  override readonly name = "NoReply";
}

/** Whether a call failed for want of an answer: then nobody knows what became of it. */
export function isUnanswered(error: unknown): error is ConnectionLost | NoReply {
  return error instanceof ConnectionLost || error instanceof NoReply;
}

interface Waiter {
  readonly resolve: (reply: ReplyValue) => void;
  readonly reject: (error: Error) => void;
}

export interface RespClientOptions {
  /** Milliseconds for the connection, and for each call. */
  readonly timeoutMs?: number;
  /** Sent with AUTH first. */
  readonly password?: string;
}

export class RespClient {
  readonly port: number;
  readonly #timeoutMs: number;
  readonly #parser = new ReplyParser();
  readonly #waiters: Waiter[] = [];
  #socket: Bun.Socket | null = null;
  #unsent: Buffer = Buffer.alloc(0);
  #end: Error | null = null;
  readonly #ended = Promise.withResolvers<void>();

  private constructor(port: number, timeoutMs: number) {
    this.port = port;
    this.#timeoutMs = timeoutMs;
  }

  static async connect(port: number, options: RespClientOptions = {}): Promise<RespClient> {
    const timeoutMs = options.timeoutMs ?? 10_000;
    const client = new RespClient(port, timeoutMs);
    await client.#within(`connecting to ${port}`, client.#open());
    if (options.password !== undefined) await client.call("AUTH", options.password);
    return client;
  }

  get isClosed(): boolean {
    return this.#end !== null;
  }

  /** Resolves when the connection has ended. */
  get ended(): Promise<void> {
    return this.#within(`the end of the connection to ${this.port}`, this.#ended.promise);
  }

  call(...args: string[]): Promise<ReplyValue> {
    const reply = this.#expectReply();
    this.send(encodeRequest(args));
    return this.#within(args.join(" ").slice(0, 60), reply);
  }

  /** The reply as plain values; an error as its text with a dash before it. */
  async ask(...args: string[]): Promise<unknown> {
    return plain(await this.call(...args));
  }

  /** All commands in one write; their replies in order. */
  pipeline(commands: readonly (readonly string[])[]): Promise<ReplyValue[]> {
    const replies = Promise.all(commands.map(() => this.#expectReply()));
    this.send(encodeRequests(commands));
    return this.#within(`a pipeline of ${commands.length}`, replies);
  }

  async askAll(commands: readonly (readonly string[])[]): Promise<unknown[]> {
    return (await this.pipeline(commands)).map(plain);
  }

  /** The next reply, to something that was sent as bytes. */
  next(): Promise<ReplyValue> {
    return this.#within("a reply", this.#expectReply());
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    this.#unsent = this.#unsent.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#unsent, bytes]);
    this.#flush();
  }

  close(): void {
    this.#finish(new ConnectionLost("closed by the test"));
    this.#socket?.terminate();
  }

  /** Sends no more, but still takes replies. */
  halfClose(): void {
    this.#socket?.shutdown();
  }

  async #open(): Promise<void> {
    const lost = (): void => this.#finish(new ConnectionLost(`the connection to ${this.port} was lost`));
    try {
      this.#socket = await Bun.connect({
        hostname: "127.0.0.1",
        port: this.port,
        allowHalfOpen: true,
        socket: {
          data: (_socket, chunk) => this.#take(chunk),
          drain: () => this.#flush(),
          end: (socket) => {
            lost();
            socket.end();
          },
          close: lost,
          error: lost,
        },
      });
    } catch (error) {
      throw new ConnectionLost(`nothing to connect to on ${this.port}`, { cause: error });
    }
    if (this.#end !== null) this.#socket.terminate();
  }

  #expectReply(): Promise<ReplyValue> {
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  #take(chunk: Buffer): void {
    this.#parser.push(chunk);
    for (let reply = this.#parser.next(); reply !== null; reply = this.#parser.next()) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined)
        return this.#finish(new Error(`a reply that nobody asked for: ${JSON.stringify(reply)}`));
      waiter.resolve(reply);
    }
    if (this.#parser.error !== null) this.#finish(new Error(this.#parser.error));
  }

  #flush(): void {
    const taken = this.#socket?.write(this.#unsent) ?? 0;
    this.#unsent = this.#unsent.subarray(Math.max(0, taken));
  }

  #finish(reason: Error): void {
    if (this.#end !== null) return;
    this.#end = reason;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
    this.#ended.resolve();
  }

  async #within<T>(what: string, work: Promise<T>): Promise<T> {
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new NoReply(`no reply to ${what} in ${this.#timeoutMs} ms (port ${this.port})`);
        reject(error);
        this.#finish(error);
        this.#socket?.terminate();
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
