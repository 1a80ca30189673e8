// What a handler gets to work with. A data command sees the keyspace, the entry's time and the entry's randomness and
// nothing else; a local command sees its client, its server and the cluster through the ports below, which the server
// and the node implement. One context is reused for all commands: a handler keeps no reference to it.

import type { Random } from "../base/random.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Reply } from "../resp/reply.ts";

export interface DataContext {
  readonly reply: Reply;
  readonly keyspace: Keyspace;
  /** The client's selected database. */
  readonly db: Database;
  readonly dbIndex: number;
  /**
   * Milliseconds since 1970, the same on every replica for a write: the entry's stamp. For a read the answering node's
   * clock, never before the keyspace's. Whether a key is expired is decided by the keyspace's clock, not by this.
   */
  readonly nowMs: number;
  /** Seeded from the entry's position for a write. */
  readonly random: Random;
  readonly config: Config;
}

export interface LocalContext {
  readonly reply: Reply;
  readonly client: ClientPort;
  readonly server: ServerPort;
  readonly cluster: ClusterPort;
  readonly config: Config;
}

/** An answer that comes later. The client's following commands wait for it. */
export interface LaterReply {
  /** Writes the answer and lets the client go on; only the first call counts. */
  answer(write: (reply: Reply) => void): void;
}

/** A client's connection as a command may see and change it. */
export interface ClientPort {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  name: string;
  libraryName: string;
  libraryVersion: string;
  dbIndex: number;
  user: string;
  authenticated: boolean;
  noEvict: boolean;
  noTouch: boolean;
  protocol: 2 | 3;
  replyMode: "on" | "off" | "skip-next" | "skip";
  /** The line of CLIENT INFO and CLIENT LIST, without line end. */
  describe(): string;
  /** Back to the state of a new connection (RESET). */
  reset(): void;
  /** Closes the connection once all replies have been written. */
  closeAfterReplies(): void;
  /** The command's answer comes later; call at most once a command, and write nothing to `reply` then. */
  answerLater(): LaterReply;
  /** Turns the connection over to the peer protocol (RAFT.PEER); no RESP is parsed any more. */
  upgradeToPeer(hello: PeerHello): void;
}

export interface PeerHello {
  readonly clusterId: string;
  readonly from: number;
  readonly to: number;
  readonly channel: "control" | "bulk" | "proxy";
  readonly version: number;
}

/** This process as a command may see and steer it. */
export interface ServerPort {
  readonly clients: Iterable<ClientPort>;
  clientById(id: number): ClientPort | undefined;
  /** Closes the connection; `after` lets replies already written leave first. */
  killClient(client: ClientPort): void;
  /** Text of INFO for the named sections, each in lower case; none means the default set. */
  info(sections: readonly string[]): string;
  resetStatistics(): void;
  wallMs(): number;
  /** Microseconds since 1970. */
  wallMicros(): number;
  passwordMatches(password: string): boolean;
  /** Starts an orderly shutdown: hand over leadership, drain, exit 0. */
  shutdown(options: { readonly now: boolean; readonly force: boolean }): void;
  /** Takes back a shutdown that has not ended; false when none is under way. */
  abortShutdown(): boolean;
  /** Writes the configuration file anew; an error text, or null when done. */
  rewriteConfig(): string | null;
}

/** The cluster as a command may see and steer it; implemented by the node. Error texts come without a dash. */
export interface ClusterPort {
  /** 32 characters, or "" before INIT and JOIN. */
  readonly clusterId: string;
  /** `clusterId` is undefined for a random one. Answers with the cluster's id or an error text. */
  init(clusterId: string | undefined): { readonly clusterId: string } | { readonly error: string };
  join(addresses: readonly { host: string; port: number }[], done: (error: string | null) => void): void;
  addNode(
    id: number,
    host: string,
    port: number,
    done: (result: { readonly id: number; readonly clusterId: string } | { readonly error: string }) => void,
  ): void;
  removeNode(id: number, done: (error: string | null) => void): void;
  /** `target` 0 picks the most caught-up voter. */
  transferLeadership(target: number, done: (error: string | null) => void): void;
  timeoutNow(): string | null;
  usedNodeIds(): readonly number[];
  /** Runs a data command on this node's own keyspace, past the log; for diagnosis only. */
  executeLocally(args: readonly string[], reply: Reply): void;
  /** [index of the last applied entry, digest of the keyspace there]; equal indexes must give equal digests. */
  digest(): { readonly appliedIndex: number; readonly digest: string };
  slots(): readonly ClusterNodeView[];
}

/** One node of the cluster as CLUSTER SLOTS and its kin show it; the leader, when known, comes first. */
export interface ClusterNodeView {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly leader: boolean;
  readonly myself: boolean;
  readonly connected: boolean;
}
