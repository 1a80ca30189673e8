// The listening sockets: one per address of `bind`, all on one port. What happens to a connection is its user's business.

import type { SocketHandler, TCPSocketListener } from "bun";
import type { Logger } from "../base/logger.ts";
import { messageOf } from "../base/message-of.ts";

/** An address cannot be listened on. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code: string;

  constructor(address: string, port: number, cause: unknown) {
    const code = codeOf(cause);
    super(`Could not create server TCP listening socket ${address}:${port}: ${code}`, { cause });
    this.code = code;
  }
}

/** What a machine answers that does not have the address, or does not speak its protocol. */
const notAvailable: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "EPROTONOSUPPORT"]);
/** With port 0 the kernel picks one for the first address; it may be taken on another. */
const pickAttemptsMax = 10;

export interface ListenOptions<Data> {
  /** Redis' notation: `*` and `::*` are all addresses of a protocol, a leading `-` means "if there is such a one". */
  readonly bind: readonly string[];
  /** 0 lets the kernel pick one. */
  readonly port: number;
  readonly handlers: SocketHandler<Data>;
  readonly logger: Logger;
}

/** Listens from its construction until `stop`. */
export class Listener<Data> {
  /** The port of all addresses. */
  readonly port: number;
  readonly #sockets: readonly TCPSocketListener<Data>[];

  /** Listens on all addresses, or throws ListenError and listens on none. */
  constructor(options: ListenOptions<Data>) {
    this.#sockets = listenAll(options);
    const first = this.#sockets[0];
    if (first === undefined) throw new ListenError("-", options.port, "no address of bind is available");
    this.port = first.port;
  }

  /** Accepts no more; what is connected stays. */
  stop(): void {
    for (const socket of this.#sockets) socket.stop(false);
  }
}

function listenAll<Data>(options: ListenOptions<Data>): TCPSocketListener<Data>[] {
  for (let attempt = 1; ; attempt++) {
    const opened: TCPSocketListener<Data>[] = [];
    try {
      for (const word of options.bind) {
        const socket = listenOn(word, opened[0]?.port ?? options.port, options);
        if (socket !== null) opened.push(socket);
      }
      return opened;
    } catch (error) {
      for (const socket of opened) socket.stop(true);
      const unlucky = options.port === 0 && error instanceof ListenError && error.code === "EADDRINUSE";
      if (!unlucky || attempt === pickAttemptsMax) throw error;
    }
  }
}

/** Null when the address may be missing and is. */
function listenOn<Data>(
  word: string,
  port: number,
  options: ListenOptions<Data>,
): TCPSocketListener<Data> | null {
  const optional = word.startsWith("-");
  const hostname = hostnameOf(optional ? word.slice(1) : word);
  const settings = {
    hostname,
    port,
    socket: options.handlers,
    // What a client sent before it closed its side is still answered.
    allowHalfOpen: true,
    // Each protocol has its own socket; the published types leave this setting out.
    ipv6Only: true,
  };
  try {
    return Bun.listen<Data>(settings);
  } catch (cause) {
    const error = new ListenError(hostname, port, cause);
    if (!optional || !notAvailable.has(error.code)) throw error;
    options.logger.verbose(`Not listening on ${hostname}: ${error.code}`);
    return null;
  }
}

function hostnameOf(word: string): string {
  if (word === "*") return "0.0.0.0";
  if (word === "::*") return "::";
  return word;
}

function codeOf(cause: unknown): string {
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return messageOf(cause);
}
