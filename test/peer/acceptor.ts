// The listening side of a link, in miniature: what the server does between a new connection and `Transport.accept`.

import { SocketConnection } from "../../src/peer/bun-network.ts";
import type { Connection, ConnectionHandlers } from "../../src/peer/connection.ts";
import { channels } from "../../src/peer/hello.ts";
import type { Hello } from "../../src/peer/hello.ts";
import type { Transport } from "../../src/peer/transport.ts";

/** Listens on a port of the kernel's choice. */
export function listen(accept: (connection: Connection) => ConnectionHandlers, hostname = "127.0.0.1") {
  return Bun.listen<ConnectionHandlers>({
    hostname,
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = accept(new SocketConnection(socket));
      },
      data: (socket, chunk) => socket.data.data(chunk),
      drain: (socket) => socket.data.drain(),
      close: (socket) => socket.data.closed(),
    },
  });
}

/** Reads AUTH and RAFT.PEER, answers them, and passes the connection on. */
export class Acceptor implements ConnectionHandlers {
  readonly #connection: Connection;
  readonly #transport: () => Transport;
  readonly #password: string | null;
  #text = "";
  #authenticated: boolean;
  #successor: ConnectionHandlers | null = null;

  constructor(connection: Connection, transport: () => Transport, password: string | null = null) {
    this.#connection = connection;
    this.#transport = transport;
    this.#password = password;
    this.#authenticated = password === null;
  }

  data(chunk: Uint8Array): void {
    if (this.#successor !== null) {
      this.#successor.data(chunk);
      return;
    }
    this.#text += Buffer.from(chunk).latin1Slice();
    for (let args = this.#takeCommand(); args !== null; args = this.#takeCommand()) {
      if (args[0] === "AUTH") this.#auth(args);
      else this.#peer(args);
      if (this.#successor === null) continue;
      if (this.#text !== "") (this.#successor as ConnectionHandlers).data(Buffer.from(this.#text, "latin1"));
      return;
    }
  }

  drain(): void {
    this.#successor?.drain();
  }

  closed(): void {
    this.#successor?.closed();
  }

  #auth(args: readonly string[]): void {
    this.#authenticated = args[1] === "default" && args[2] === this.#password;
    this.#answer(
      this.#authenticated ? "+OK" : "-WRONGPASS invalid username-password pair or user is disabled.",
    );
  }

  #peer(args: readonly string[]): void {
    if (!this.#authenticated) return this.#answer("-NOAUTH Authentication required.");
    const [, version, clusterId, from, to, channelName, address] = args;
    const channel = channels.find((name) => name === channelName);
    if (clusterId === undefined || channel === undefined) return this.#answer("-ERR syntax error");
    const hello: Hello = {
      version: Number(version),
      clusterId,
      from: Number(from),
      to: Number(to),
      channel,
      ...(address === undefined ? {} : { address }),
    };
    const refusal = this.#transport().refusal(hello);
    if (refusal !== null) return this.#answer(`-${refusal}`);
    this.#answer("+OK");
    this.#successor = this.#transport().accept(this.#connection, hello);
  }

  #answer(line: string): void {
    this.#connection.write(Buffer.from(`${line}\r\n`));
  }

  #takeCommand(): string[] | null {
    const count = /^\*(\d+)\r\n/.exec(this.#text);
    if (count === null) return null;
    let offset = count[0].length;
    const args: string[] = [];
    while (args.length < Number(count[1])) {
      const length = /^\$(\d+)\r\n/.exec(this.#text.slice(offset));
      if (length === null) return null;
      offset += length[0].length;
      const end = offset + Number(length[1]);
      if (this.#text.length < end + 2) return null;
      args.push(this.#text.slice(offset, end));
      offset = end + 2;
    }
    this.#text = this.#text.slice(offset);
    return args;
  }
}
