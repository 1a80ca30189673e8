// A client's socket in the hands of the node's transport, once RAFT.PEER has turned it into a link.

import type { Connection } from "../peer/connection.ts";

/** What is used of an accepted socket. */
export interface ClientSocket {
  /** Missing where there is none, as in a simulated network. */
  readonly fd?: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Takes a part and says how much; -1 when closed. Keeps no reference. */
  write(bytes: Uint8Array): number;
  /** Closes after what was taken. */
  end(): void;
  pause(): void;
  resume(): void;
}

export class PeerConnection implements Connection {
  readonly #socket: ClientSocket;

  constructor(socket: ClientSocket) {
    this.#socket = socket;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress;
  }

  write(bytes: Uint8Array): number {
    return this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.end();
  }
}
