// A client's connection in a virtual world: it sends commands and gets the replies in their order, or learns that the
// connection was lost with some of them open.

import type { Connection } from "../../src/peer/connection.ts";
import { ReplyParser, type ReplyValue } from "../../src/resp/reply-parser.ts";
import { encodeRequest } from "../../src/resp/request-encoder.ts";
import { plainStation, type VirtualNetwork } from "./virtual-network.ts";
import { virtualPort } from "./virtual-process.ts";

/** The reply, or null when the connection was lost before it came. */
export type Answer = (reply: ReplyValue | null) => void;

const connectTimeoutMs = 1000;

export class VirtualClient {
  /** The machine it is connected to. */
  readonly target: string;
  readonly #parser = new ReplyParser();
  #connection: Connection | null = null;
  #unsent: Buffer = Buffer.alloc(0);
  #waiting: Answer[] = [];
  #isOver = false;

  constructor(network: VirtualNetwork, host: string, target: string) {
    this.target = target;
    network.of(plainStation(host, true)).connect(target, virtualPort, connectTimeoutMs, {
      resolved: () => undefined,
      connected: (connection) => {
        this.#connection = connection;
        if (this.#isOver) connection.close();
        else this.#send();
      },
      failed: () => this.#end(),
      drain: () => this.#send(),
      closed: () => this.#end(),
      data: (chunk) => this.#received(chunk),
    });
  }

  /** Nothing can be sent any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get openCount(): number {
    return this.#waiting.length;
  }

  send(args: readonly string[], answer: Answer): void {
    if (this.#isOver) {
      answer(null);
      return;
    }
    this.#waiting.push(answer);
    this.#unsent = Buffer.concat([this.#unsent, encodeRequest(args)]);
    this.#send();
  }

  close(): void {
    this.#connection?.close();
    this.#end();
  }

  #send(): void {
    const taken = this.#unsent.length > 0 ? (this.#connection?.write(this.#unsent) ?? 0) : 0;
    if (taken > 0) this.#unsent = this.#unsent.subarray(taken);
  }

  #received(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#parser.push(Uint8Array.from(chunk));
    for (let reply = this.#parser.next(); reply !== null && !this.#isOver; reply = this.#parser.next()) {
      const answer = this.#waiting.shift();
      if (answer === undefined) throw new Error(`a reply that nobody asked for: ${JSON.stringify(reply)}`);
      answer(reply);
    }
    if (this.#parser.error !== null) throw new Error(`a malformed reply: ${this.#parser.error}`);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const answer of waiting) answer(null);
  }
}

/** A reply as text, errors with their dash, nil as "(nil)". */
export function textOf(reply: ReplyValue): string {
  switch (reply.kind) {
    case "simple":
    case "bulk":
    case "verbatim":
      return reply.text;
    case "error":
      return `-${reply.text}`;
    case "nil":
      return "(nil)";
    case "integer":
    case "double":
    case "boolean":
      return String(reply.value);
    case "bigNumber":
      return reply.digits;
    case "map":
      return `{${reply.entries.map((entry) => entry.map(textOf).join(": ")).join(", ")}}`;
    default:
      return `[${reply.items.map(textOf).join(", ")}]`;
  }
}
