// What the links of one node are made of: who the node is, what it runs on, and the limits it keeps.

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Random } from "../base/random.ts";
import type { NodeId } from "../raft/types.ts";
import type { Network } from "./connection.ts";
import type { Credentials } from "./hello.ts";

/** Read at every use, so that whoever owns the object may change it while links are open. */
export interface TransportOptions {
  /** Longest wait for a connection, and then for the answer to the hello. */
  connectionTimeoutMs: number;
  /** A link on which nothing was heard for twice this long is dropped. */
  responseTimeoutMs: number;
  /** Pause before the first new attempt to connect; later ones wait longer, up to a second. */
  reconnectIntervalMs: number;
  /** Null sends no AUTH. Byte strings. */
  credentials: Credentials | null;
  /** Where this node serves, `host:port`, told to the others; null for nothing. */
  advertisedAddress: string | null;
  /** Unsent bytes of votes, heartbeats and responses on one link; over it, the oldest are dropped. */
  controlQueueBytesMax: number;
  /** Unsent bytes of entries on one link; over it, more are refused. One message always fits. */
  bulkQueueBytesMax: number;
  /** Unsent bytes of clients' traffic on one link; over it, requests are refused and a link full of answers is dropped. */
  proxyQueueBytesMax: number;
  /** The largest frame taken in or sent. It must hold the largest entry. Applies to links opened later. */
  frameBytesMax: number;
}

export const defaultTransportOptions: Readonly<TransportOptions> = {
  connectionTimeoutMs: 3000,
  responseTimeoutMs: 1000,
  reconnectIntervalMs: 100,
  credentials: null,
  advertisedAddress: null,
  controlQueueBytesMax: 1024 * 1024,
  bulkQueueBytesMax: 64 * 1024 * 1024,
  proxyQueueBytesMax: 256 * 1024 * 1024,
  // The longest record body (storage/record.ts), and room for what a frame says besides.
  frameBytesMax: (1024 + 129) * 1024 * 1024,
};

/** Everything a link needs from outside. */
export interface LinkEnvironment {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly clock: Clock;
  readonly network: Network;
  readonly random: Random;
  readonly logger: Logger;
  readonly options: TransportOptions;
}
