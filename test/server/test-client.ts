// A client of the tests: a real socket, commands out, replies in.

import { encodeRequest } from "../../src/resp/request-encoder.ts";
import { type ReplyValue, ReplyParser } from "../../src/resp/reply-parser.ts";

export class TestClient {
  readonly #socket: Bun.Socket<undefined>;
  readonly #received: Buffer[] = [];
  readonly #parser = new ReplyParser();
  #changed = Promise.withResolvers<void>();
  isClosed = false;

  private constructor(socket: Bun.Socket<undefined>) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<TestClient> {
    let client: TestClient | null = null;
    const socket = await Bun.connect<undefined>({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      data: undefined,
      socket: {
        data: (_socket, chunk) => client?.take(chunk),
        end: (ended) => void ended.end(),
        close: () => client?.closed(),
        error: () => client?.closed(),
      },
    });
    client = new TestClient(socket);
    return client;
  }

  take(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#parser.push(chunk);
    this.#wake();
  }

  closed(): void {
    this.isClosed = true;
    this.#wake();
  }

  /** Sends bytes as they are and returns how many the socket took. */
  write(text: string): number {
    return this.#socket.write(Buffer.from(text, "latin1"));
  }

  send(...args: string[]): void {
    this.#socket.write(encodeRequest(args));
  }

  /** Goes away without a word. */
  abort(): void {
    this.#socket.terminate();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Sends a command and waits for the next reply. */
  async ask(...args: string[]): Promise<ReplyValue> {
    this.send(...args);
    return this.reply();
  }

  /** The next reply; rejects when the connection ends before it. */
  async reply(): Promise<ReplyValue> {
    for (;;) {
      const reply = this.#parser.next();
      if (reply !== null) return reply;
      if (this.isClosed) throw new Error("the connection was closed");
      await this.#changed.promise;
    }
  }

  /** Sends raw bytes and waits until as many bytes as `expected` has have come back; gives them. */
  async exchange(sent: string, expected: string): Promise<string> {
    this.#received.length = 0;
    this.write(sent);
    while (this.receivedBytes < expected.length && !this.isClosed) await this.#changed.promise;
    // `reply` must not find them again.
    while (this.#parser.next() !== null);
    return this.received;
  }

  get received(): string {
    return Buffer.concat(this.#received).toString("latin1");
  }

  get receivedBytes(): number {
    return this.#received.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  async untilClosed(): Promise<void> {
    while (!this.isClosed) await this.#changed.promise;
  }

  close(): void {
    this.#socket.end();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** A reply as plain values: texts, numbers, null, arrays; maps as objects; errors as `-text`. */
export function plain(reply: ReplyValue): unknown {
  switch (reply.kind) {
    case "simple":
    case "bulk":
    case "verbatim":
      return reply.text;
    case "error":
      return `-${reply.text}`;
    case "nil":
      return null;
    case "bigNumber":
      return reply.digits;
    case "array":
    case "set":
    case "push":
      return reply.items.map(plain);
    case "map":
      return Object.fromEntries(reply.entries.map(([key, value]) => [String(plain(key)), plain(value)]));
    default:
      return reply.value;
  }
}
