// A server behind a socket: redis-server, or vlot's own binary.

import { createConnection, type Socket } from "node:net";
import { encodeRequests } from "../../src/resp/request-encoder.ts";
import { replyEnd } from "./reply-text.ts";
import type { Args, Target } from "./target.ts";

interface Waiter {
  resolve(reply: string): void;
  reject(error: Error): void;
}

/** A loopback port or a socket file. */
export type ServerAddress = { readonly port: number; readonly host: "127.0.0.1" } | { readonly path: string };

export class SocketTarget implements Target {
  readonly name: string;
  readonly #socket: Socket;
  readonly #waiting: Waiter[] = [];
  #received = "";

  private constructor(name: string, socket: Socket) {
    this.name = name;
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#take(chunk.toString("latin1")));
    socket.on("close", () => this.#fail(new Error(`${name} closed the connection`)));
    socket.on("error", (error: Error) => this.#fail(error));
  }

  static connect(name: string, address: ServerAddress): Promise<SocketTarget> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(address);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new SocketTarget(name, socket));
      });
    });
  }

  exchange(commands: readonly Args[]): Promise<readonly string[]> {
    const replies = commands.map(
      () => new Promise<string>((resolve, reject) => this.#waiting.push({ resolve, reject })),
    );
    this.#socket.write(encodeRequests(commands));
    return Promise.all(replies);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(() => resolve()));
  }

  #take(chunk: string): void {
    this.#received += chunk;
    let at = 0;
    for (;;) {
      const end = replyEnd(this.#received, at);
      if (end < 0) break;
      this.#waiting.shift()?.resolve(this.#received.slice(at, end));
      at = end;
    }
    this.#received = this.#received.slice(at);
  }

  #fail(error: Error): void {
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}
