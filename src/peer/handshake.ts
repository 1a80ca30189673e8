// One attempt to open a link: connect, say hello, read the answer. It reports exactly one outcome; afterwards it only
// passes the connection's events on to whoever took it over.

import type { Timer } from "../base/clock.ts";
import type { Connection, ConnectionHandlers, Dial, DialHandlers } from "./connection.ts";
import { encodeHello, readHelloAnswer } from "./hello.ts";
import type { Hello } from "./hello.ts";
import { SendQueue } from "./send-queue.ts";
import type { LinkEnvironment } from "./transport-options.ts";

export interface HandshakeOwner {
  /** The other side's address is known; the connection is being made. */
  resolved(): void;
  /** The other side agreed: both speak frames from now on. Answers with who handles the connection's events. */
  succeeded(connection: Connection): ConnectionHandlers;
  /** Nothing came of it, and the connection, if there was one, is closed. */
  failed(reason: string): void;
}

const noBytes = new Uint8Array(0);

export class Handshake implements DialHandlers {
  readonly #environment: LinkEnvironment;
  readonly #owner: HandshakeOwner;
  readonly #hello: Uint8Array;
  readonly #okCount: number;
  readonly #dial: Dial;
  #over = false;
  #connection: Connection | null = null;
  #queue: SendQueue | null = null;
  #timer: Timer | null = null;
  #answer: Uint8Array = noBytes;
  #successor: ConnectionHandlers | null = null;

  constructor(
    environment: LinkEnvironment,
    address: { readonly host: string; readonly port: number },
    hello: Hello,
    owner: HandshakeOwner,
  ) {
    const { credentials, connectionTimeoutMs } = environment.options;
    this.#environment = environment;
    this.#owner = owner;
    this.#hello = encodeHello(hello, credentials);
    this.#okCount = credentials === null ? 1 : 2;
    this.#dial = environment.network.connect(address.host, address.port, connectionTimeoutMs, this);
  }

  /** Gives up without an outcome. Without effect once there is one. */
  abandon(): void {
    if (!this.#over) this.#end();
  }

  resolved(): void {
    if (!this.#over) this.#owner.resolved();
  }

  connected(connection: Connection): void {
    if (this.#over) {
      connection.close();
      return;
    }
    this.#connection = connection;
    const { clock, options } = this.#environment;
    this.#timer = clock.after(options.connectionTimeoutMs, () => this.failed("no answer to the hello"));
    this.#queue = new SendQueue(connection);
    if (!this.#queue.send([this.#hello])) this.failed("connection closed");
  }

  failed(reason: string): void {
    if (this.#over) return;
    this.#end();
    this.#owner.failed(reason);
  }

  data(chunk: Uint8Array): void {
    if (this.#successor !== null) this.#successor.data(chunk);
    if (this.#over) return;
    const answer = Buffer.concat([this.#answer, chunk]);
    const result = readHelloAnswer(answer, this.#okCount);
    if (result.kind === "incomplete") this.#answer = answer;
    else if (result.kind === "refused") this.failed(result.reason);
    else this.#succeed(answer.subarray(result.length));
  }

  #succeed(rest: Uint8Array): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#answer = noBytes;
    this.#successor = this.#owner.succeeded(this.#connection!);
    if (rest.length > 0) this.#successor.data(rest);
  }

  drain(): void {
    if (this.#successor !== null) this.#successor.drain();
    else if (!this.#over && this.#queue?.drain() === false) this.failed("connection closed");
  }

  closed(): void {
    if (this.#successor !== null) this.#successor.closed();
    else this.failed("connection closed during the hello");
  }

  #end(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#answer = noBytes;
    if (this.#connection === null) this.#dial.cancel();
    else this.#connection.close();
  }
}
