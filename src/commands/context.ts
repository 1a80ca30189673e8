// What a handler gets to work with. A data command sees the keyspace, the entry's time and the entry's randomness and
// nothing else; a local command sees its client, its server and the cluster through the ports below, which the server
// and the node implement. One context is reused for all commands: a handler keeps no reference to it.

import type { Random } from "../base/random.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Reply } from "../resp/reply.ts";
import type { CommandTable } from "./table.ts";

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
  // No configuration: nodes may be configured differently, and must not do different things with the same entry.
}

export interface LocalContext {
  readonly reply: Reply;
  readonly client: ClientPort;
  readonly server: ServerPort;
  readonly cluster: ClusterPort;
  readonly config: Config;
  readonly commands: CommandTable;
}

/** An answer that comes later. The client's following commands wait for it. */
export interface LaterReply {
  /** Writes the answer and lets the client go on; only the first call counts. */
  answer(write: (reply: Reply) => void): void;
}

/** What CLIENT LIST and CLIENT KILL select by. */
export type ClientType = "normal" | "master" | "replica" | "pubsub";

/**
 * Which replies a client wants (CLIENT REPLY): `skip-next` drops those of the next command, `skip` those of the one
 * that runs now.
 */
export type ReplyMode = "on" | "off" | "skip-next" | "skip";

/** A client's connection as a command may see and change it. */
export interface ClientPort {
  readonly id: number;
  readonly type: ClientType;
  /** Where its answers go now; drops them while `replyMode` says so. */
  readonly reply: Reply;
  /** `ip:port`, IPv6 in brackets, as Redis prints it. */
  readonly address: string;
  readonly localAddress: string;
  /** Empty when the client has set none; so are the library's. */
  name: string;
  libraryName: string;
  libraryVersion: string;
  dbIndex: number;
  user: string;
  authenticated: boolean;
  noEvict: boolean;
  noTouch: boolean;
  /** READONLY was sent: the client accepts reads from a replica. */
  readOnly: boolean;
  protocol: 2 | 3;
  replyMode: ReplyMode;
  /** The line of CLIENT INFO and CLIENT LIST, without line end. */
  describe(): string;
  /** Back to the state of a new connection (RESET); the library's name stays, as in Redis. */
  reset(): void;
  /** Closes the connection once all replies have been written; what the client sent after this command is dropped. */
  closeAfterReplies(): void;
  /** The command's answer comes later; call at most once a command, and write nothing to `reply` then. */
  answerLater(): LaterReply;
  /**
   * Turns the connection over to the peer protocol (RAFT.PEER) when the replies written so far have left; no RESP is
   * parsed any more.
   */
  upgradeToPeer(hello: PeerHello): void;
}

export interface PeerHello {
  readonly clusterId: string;
  readonly from: number;
  readonly to: number;
  readonly channel: "control" | "bulk" | "proxy";
  readonly version: number;
  /** Where the sender serves, `host:port`; for the log. */
  readonly address?: string;
}

/** This process as a command may see and steer it. */
export interface ServerPort {
  /** Oldest first. */
  readonly clients: Iterable<ClientPort>;
  clientById(id: number): ClientPort | undefined;
  /** Closes the connection at once, dropping what was not sent yet. */
  killClient(client: ClientPort): void;
  /** Text of INFO for the named sections, in any case; none means the default set. */
  info(sections: readonly string[]): string;
  /** Text of RAFT.INFO: the same numbers under the short names of 2020 (`node_id`, not `raft_node_id`). */
  raftInfo(): string;
  resetStatistics(): void;
  wallMs(): number;
  /** Microseconds since 1970. */
  wallMicros(): number;
  /** A password is set for the user `default`. */
  readonly passwordRequired: boolean;
  /** Takes the same time whatever the password. True for any password when none is set. */
  passwordMatches(password: string): boolean;
  /** Writes the configuration file anew; an error text, or null when done. */
  rewriteConfig(): string | null;
  /** Starts an orderly shutdown: hand over leadership, drain, exit 0. */
  shutdown(request: ShutdownRequest): void;
  /** Takes back a shutdown that has not ended; false when none is under way. */
  abortShutdown(): boolean;
}

export interface ShutdownRequest {
  /** Do not wait for clients to leave. */
  readonly now: boolean;
  /** Called when the shutdown has been taken back. */
  readonly aborted: () => void;
}

/** The cluster as a command may see and steer it; implemented by the node. Error texts come without a dash. */
export interface ClusterPort {
  /** 32 characters, or "" before INIT and JOIN. */
  readonly clusterId: string;
  /** 0 before INIT and JOIN. */
  readonly nodeId: number;
  readonly currentTerm: number;
  readonly leading: boolean;
  /** `NOCLUSTER …` or `LOADING …` while this node can take no part in the cluster's work, else null. */
  stateError(): string | null;
  /** `CLUSTERDOWN …` or `MOVED 0 host:port` unless this node leads, else null. */
  leaderError(): string | null;
  /** `clusterId` is undefined for a random one. Answers with the cluster's id or an error text. */
  init(clusterId: string | undefined): { readonly clusterId: string } | { readonly error: string };
  join(addresses: readonly { host: string; port: number }[], done: (error: string | null) => void): void;
  /** `id` 0 picks a random one. */
  addNode(
    id: number,
    host: string,
    port: number,
    done: (result: { readonly id: number; readonly clusterId: string } | { readonly error: string }) => void,
  ): void;
  removeNode(id: number, done: (error: string | null) => void): void;
  /** Node `id` goes and node `by` comes in its place, as a learner; `by` 0 picks a random id. */
  replaceNode(
    id: number,
    by: { readonly id: number; readonly host: string; readonly port: number },
    done: (result: { readonly id: number; readonly clusterId: string } | { readonly error: string }) => void,
  ): void;
  /** `target` 0 picks the most caught-up voter. */
  transferLeadership(target: number, done: (error: string | null) => void): void;
  timeoutNow(): string | null;
  usedNodeIds(): readonly number[];
  /** What this node is, for nodes that look for a cluster or want to found one (RAFT.BOOTSTRAP STATE). */
  bootstrapFields(): readonly string[];
  /**
   * Whether this node, still without cluster, will join the one that the node at `address` founds, and no other;
   * `gaveWay` are the addresses of nodes that have promised to join one with a lower address than their own.
   */
  promiseFounder(address: string, gaveWay: readonly string[]): boolean;
  /** Why this connection must not become a peer link (wrong cluster, wrong node, version), or null to let it in. */
  peerError(hello: PeerHello): string | null;
  /** Runs a data command on this node's own keyspace, past the log; for diagnosis only. */
  executeLocally(args: readonly string[], reply: Reply): void;
  /** [index of the last applied entry, digest of the keyspace there]; equal indexes must give equal digests. */
  digest(): { readonly appliedIndex: number; readonly digest: string };
  /**
   * All members. The leader comes first; while none is known, the one that led last, or else this node: a cluster
   * client that is shown no node at all gives up.
   */
  slots(): readonly ClusterNodeView[];
}

/** One node of the cluster as CLUSTER SLOTS and its kin show it. */
export interface ClusterNodeView {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly leader: boolean;
  readonly myself: boolean;
  readonly connected: boolean;
  /** Last log index that this node knows to be on that node's disk; 0 when it cannot tell. */
  readonly matchIndex: number;
}
