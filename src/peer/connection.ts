// The seam between the peers' links and a network: a connected stream of bytes, and how one is opened. `bun-network.ts`
// opens real sockets, the server wraps the ones it accepted, the simulator brings a network that delays, cuts and loses.
// Nothing here knows frames, nodes or Raft.

/** One connected stream. It buffers nothing: what `write` does not take stays with the caller until `drain`. */
export interface Connection {
  /** The other end's address without its port, for the log. */
  readonly remoteAddress: string;
  /**
   * Hands over as many of `bytes` as fit and answers how many; 0 when the buffer below is full, -1 when closed. The
   * caller may reuse `bytes` at once. After less than all was taken, `drain` says when to go on.
   */
  write(bytes: Uint8Array): number;
  /** Ends the stream: what was taken is still delivered if possible. Calling it twice does no harm. */
  close(): void;
}

/** What a connection tells its user. A user must bear any of these after it called `close`, and ignore them. */
export interface ConnectionHandlers {
  /** Bytes came in. `chunk` is valid during the call only. */
  data(chunk: Uint8Array): void;
  /** There is room again after a `write` that did not take everything. */
  drain(): void;
  /** The stream has ended, from either side. Nothing follows. */
  closed(): void;
}

/** The handlers of a connection that is opened from here. Exactly one of `connected` and `failed` is called. */
export interface DialHandlers extends ConnectionHandlers {
  /** The host's name is now an address; called before `connected` if the host is a name, otherwise not at all. */
  resolved(): void;
  connected(connection: Connection): void;
  /** No connection came about; `reason` says why, for the log. */
  failed(reason: string): void;
}

/** An attempt to connect. */
export interface Dial {
  /** Gives up the attempt: none of its handlers is called from now on. Without effect once `connected` was called. */
  cancel(): void;
}

export interface Network {
  /**
   * Opens a connection to `host` (a name, or an IPv4 or IPv6 address without brackets) within `timeoutMs`. No handler
   * is called before this returns.
   */
  connect(host: string, port: number, timeoutMs: number, handlers: DialHandlers): Dial;
}
