// The real network: TCP sockets of Bun. A name is looked up anew for every attempt, for a node may have moved, and its
// addresses are tried one after the other within the time given.

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Socket } from "bun";
import type { Clock, Timer } from "../base/clock.ts";
import type { Connection, Dial, DialHandlers, Network } from "./connection.ts";

const keepAliveMs = 30_000;

/** A socket of Bun as a connection; also for those that a listener accepted. */
export class SocketConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: Socket<unknown>;

  constructor(socket: Socket<unknown>) {
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
  }

  write(bytes: Uint8Array): number {
    return this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.end();
  }
}

/** Opens TCP connections; its timeouts run on the clock it is given. */
export class BunNetwork implements Network {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  connect(host: string, port: number, timeoutMs: number, handlers: DialHandlers): Dial {
    return new BunDial(this.#clock, { host, port, timeoutMs }, handlers);
  }
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

class BunDial implements Dial {
  readonly #clock: Clock;
  readonly #target: Target;
  readonly #handlers: DialHandlers;
  readonly #deadlineMs: number;
  readonly #timer: Timer;
  #over = false;
  /** Addresses not tried yet. */
  #addresses: string[] = [];
  #attempt = 0;
  #attemptTimer: Timer | null = null;
  #lastError = "";

  constructor(clock: Clock, target: Target, handlers: DialHandlers) {
    this.#clock = clock;
    this.#target = target;
    this.#handlers = handlers;
    this.#deadlineMs = clock.monotonicMs() + target.timeoutMs;
    this.#timer = clock.after(target.timeoutMs, () => this.#fail("connection timed out"));
    if (isIP(target.host) !== 0) {
      this.#addresses = [target.host];
      this.#tryNext();
    } else {
      this.#resolve();
    }
  }

  cancel(): void {
    this.#over = true;
    this.#timer.cancel();
    this.#attemptTimer?.cancel();
  }

  #resolve(): void {
    lookup(this.#target.host, { all: true }).then(
      (addresses) => {
        if (this.#over) return;
        this.#addresses = addresses.map(({ address }) => address);
        this.#handlers.resolved();
        this.#tryNext();
      },
      (error: unknown) => this.#fail(`cannot resolve ${this.#target.host}: ${codeOf(error)}`),
    );
  }

  /** Tries the next address; each gets its share of the time that is left. */
  #tryNext(): void {
    if (this.#over) return;
    const address = this.#addresses.shift();
    if (address === undefined) {
      this.#fail(this.#lastError === "" ? "no address" : this.#lastError);
      return;
    }
    const attempt = ++this.#attempt;
    if (this.#addresses.length > 0) {
      const shareMs = (this.#deadlineMs - this.#clock.monotonicMs()) / (this.#addresses.length + 1);
      this.#attemptTimer = this.#clock.after(shareMs, () =>
        this.#attemptFailed(attempt, "connection timed out"),
      );
    }
    this.#open(address, attempt);
  }

  /** Opens a socket; an impossible port, too, is a failure of the attempt, told after this returns. */
  #open(address: string, attempt: number): void {
    const handlers = this.#handlers;
    // A socket that opens after its time is closed at once, and what it says is nobody's.
    let ours = false;
    const opening = Promise.try(() =>
      Bun.connect({
        hostname: address,
        port: this.#target.port,
        socket: {
          open: (socket) => {
            ours = !this.#over && attempt === this.#attempt;
            if (!ours) {
              socket.end();
              return;
            }
            this.cancel();
            handlers.connected(new SocketConnection(socket));
          },
          data: (_socket, chunk) => {
            if (ours) handlers.data(chunk);
          },
          drain: () => {
            if (ours) handlers.drain();
          },
          close: () => {
            if (ours) handlers.closed();
          },
          error: (_socket, error) => rethrow(error),
          connectError: (_socket, error) => this.#attemptFailed(attempt, codeOf(error)),
        },
      }),
    );
    opening.catch((error: unknown) => this.#attemptFailed(attempt, codeOf(error)));
  }

  #attemptFailed(attempt: number, reason: string): void {
    if (this.#over || attempt !== this.#attempt) return;
    this.#lastError = reason;
    this.#attemptTimer?.cancel();
    this.#tryNext();
  }

  #fail(reason: string): void {
    if (this.#over) return;
    this.cancel();
    this.#handlers.failed(reason);
  }
}

/** Bun hands an exception out of a handler to `error`; it is one of ours, and must end the process like any other. */
function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function codeOf(error: unknown): string {
  if (error instanceof Error)
    return "code" in error && typeof error.code === "string" ? error.code : error.message;
  return String(error);
}
