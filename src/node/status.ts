// The numbers of a node that INFO shows: a picture of the moment, made on demand. The node fills it; who prints it knows
// only these records.

import type { LinkState } from "../peer/outgoing-link.ts";
import type { LogIndex, NodeId, Role, Term } from "../raft/types.ts";

/** The life of a node, in RedisRaft's words, and one of ours: `replacing` a node whose files are damaged. */
export type NodeState = "uninitialized" | "joining" | "replacing" | "loading" | "up";

export interface PeerStatus {
  /** Its place in the list of members, this node included; INFO numbers nodes so. */
  readonly position: number;
  readonly id: NodeId;
  readonly host: string;
  readonly port: number;
  /** Of the link to it. */
  readonly state: LinkState;
  readonly voting: boolean;
  /** Seconds since the link was last made, -1 when it never was. */
  readonly lastConnectedSeconds: number;
  readonly connectErrors: number;
  readonly connects: number;
  /** Last log index known to be on its disk; only the leader knows, others say 0. */
  readonly matchIndex: LogIndex;
  /** Its log takes no commands, for want of space on its disk; only the leader knows. */
  readonly isFull: boolean;
}

export interface RaftStatus {
  /** 32 characters, or "" before INIT and JOIN. */
  readonly clusterId: string;
  /** 0 before INIT and JOIN. */
  readonly nodeId: NodeId;
  readonly state: NodeState;
  /** Null while the node is not part of a cluster. */
  readonly role: Role | null;
  /** Null while the node is not part of a cluster. */
  readonly voting: boolean | null;
  /** 0 for nobody. */
  readonly votedFor: NodeId;
  /** 0 when unknown. */
  readonly leaderId: NodeId;
  readonly currentTerm: Term;
  readonly nodeCount: number;
  readonly votingNodeCount: number;
  /** Every member but this node. */
  readonly peers: readonly PeerStatus[];
  readonly log: LogStatus;
  readonly snapshot: SnapshotStatus;
  readonly proxy: ProxyStatus;
  readonly counts: MessageCounts;
}

export interface LogStatus {
  readonly entryCount: number;
  readonly currentIndex: LogIndex;
  readonly commitIndex: LogIndex;
  readonly lastAppliedIndex: LogIndex;
  readonly fileBytes: number;
  /** This node's log takes no commands, for want of space on its disk. */
  readonly isFull: boolean;
  /** Bytes and count of entries held in memory besides the log's files. */
  readonly cacheBytes: number;
  readonly cacheEntries: number;
  /** Entries under way whose clients are connected here. */
  readonly clientAttachedEntries: number;
  readonly syncCount: number;
  readonly syncMaxMicros: number;
  readonly syncAverageMicros: number;
}

export interface SnapshotStatus {
  /** "" when there is none. */
  readonly fileName: string;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly sizeBytes: number;
  /** How long the last one took to make, -1 when none was made. */
  readonly tookSeconds: number;
  readonly created: number;
  readonly received: number;
  /** The one being made, null when none is. */
  readonly inProgress: { readonly lastIndex: LogIndex; readonly lastTerm: Term } | null;
}

export interface ProxyStatus {
  readonly requests: number;
  readonly failedRequests: number;
  readonly failedResponses: number;
  readonly outstanding: number;
}

export interface MessageCounts {
  readonly appendEntriesReceived: number;
  readonly appendEntriesWithEntriesReceived: number;
  readonly installSnapshotReceived: number;
  /** How often applying was broken off to let other work go on. */
  readonly applyThrottled: number;
}

/** One database of the keyspace. */
export interface DatabaseStatus {
  readonly index: number;
  readonly keys: number;
  /** Keys with a deadline. */
  readonly expires: number;
  /** About the mean of what they have left; 0 without such keys. */
  readonly averageTtlMs: number;
}

export interface KeyspaceStatus {
  /** Those that hold keys. */
  readonly databases: readonly DatabaseStatus[];
  readonly expiredKeys: number;
  /** Lookups by reading commands that found their key, and those that did not. */
  readonly hits: number;
  readonly misses: number;
}

/** Where INFO gets the node's numbers. */
export interface StatusSource {
  raftStatus(): RaftStatus;
  keyspaceStatus(): KeyspaceStatus;
  /** CONFIG RESETSTAT: the keyspace's counters begin at 0 again. */
  resetKeyspaceCounters(): void;
}
