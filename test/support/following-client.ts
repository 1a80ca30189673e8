// A client that follows the leader as cluster clients do, and is exact about what it knows of each command: it was
// answered, or its outcome is unknown. What was surely not done is tried again.

import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import { isUnanswered, RespClient } from "./resp-client.ts";

export type Outcome =
  | { readonly kind: "answered"; readonly reply: ReplyValue }
  | { readonly kind: "unknown"; readonly why: string };

export interface FollowingClientOptions {
  /** Of the nodes to try, in order. */
  readonly ports: readonly number[];
  /** How long to go on with a command that was refused. */
  readonly patienceMs?: number;
  /** How long to wait for one reply. */
  readonly replyTimeoutMs?: number;
  /** The port to use for the one in a redirection, when the nodes know each other under others than clients use. */
  readonly route?: (port: number) => number;
}

const pauseMs = 10;

export class FollowingClient {
  readonly #options: FollowingClientOptions;
  #connection: RespClient | null = null;
  #nextPort = 0;
  #closed = false;

  constructor(options: FollowingClientOptions) {
    this.#options = options;
  }

  /** Throws when it was refused everywhere for too long. */
  async call(...args: string[]): Promise<Outcome> {
    const deadlineMs = performance.now() + (this.#options.patienceMs ?? 20_000);
    let refusal = "";
    while (performance.now() < deadlineMs && !this.#closed) {
      const connection = await this.#connected();
      if (connection === null) {
        await Bun.sleep(pauseMs);
        continue;
      }
      const outcome = await attempt(connection, args);
      if (outcome.kind === "unknown") {
        this.#leave();
        return outcome;
      }
      refusal = refusalOf(outcome.reply);
      if (refusal === "") return outcome;
      await this.#redirect(refusal);
    }
    throw new Error(`${args.join(" ")} got nowhere: ${refusal === "" ? "no node to connect to" : refusal}`);
  }

  close(): void {
    this.#closed = true;
    this.#leave();
  }

  async #connected(): Promise<RespClient | null> {
    if (this.#connection !== null && !this.#connection.isClosed) return this.#connection;
    const { ports, replyTimeoutMs = 10_000 } = this.#options;
    const port = ports[this.#nextPort++ % ports.length] ?? 0;
    this.#connection = await connectOrNull(port, replyTimeoutMs);
    return this.#connection;
  }

  async #redirect(refusal: string): Promise<void> {
    const named = Number(/^MOVED \d+ .*:(\d+)$/.exec(refusal)?.[1] ?? 0);
    this.#leave();
    if (named === 0) return Bun.sleep(pauseMs);
    const port = this.#options.route?.(named) ?? named;
    this.#connection = await connectOrNull(port, this.#options.replyTimeoutMs ?? 10_000);
    // The leader that was named may have just died: the others learn of it soon.
    if (this.#connection === null) await Bun.sleep(pauseMs);
  }

  #leave(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}

/** The text of an error that says that nothing was done and another try may help; "" for any other reply. */
function refusalOf(reply: ReplyValue): string {
  const isRefusal =
    reply.kind === "error" &&
    (/^(MOVED|CLUSTERDOWN|LOADING|NOCLUSTER|NOTLEADER) /.test(reply.text) ||
      reply.text === "ERR leader transfer is in progress");
  return isRefusal ? reply.text : "";
}

async function attempt(connection: RespClient, args: string[]): Promise<Outcome> {
  try {
    const reply = await connection.call(...args);
    if (reply.kind === "error" && reply.text.startsWith("TIMEOUT "))
      return { kind: "unknown", why: reply.text };
    return { kind: "answered", reply };
  } catch (error) {
    if (isUnanswered(error)) return { kind: "unknown", why: error.message };
    throw error;
  }
}

async function connectOrNull(port: number, timeoutMs: number): Promise<RespClient | null> {
  try {
    return await RespClient.connect(port, { timeoutMs });
  } catch (error) {
    if (isUnanswered(error)) return null;
    throw error;
  }
}
