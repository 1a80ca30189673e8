// The records that cross the border of the Raft core: what a node stores, sends and hears. Names are those of the
// dissertation's Figure 3.1. Nothing here, nor anything in this room, knows bytes, sockets, files, clocks or Redis.

/** A term number, from 1; 0 before the first election. */
export type Term = number & { readonly _kind?: "term" };
/** A position in the log, from 1; 0 stands before the first entry. */
export type LogIndex = number & { readonly _kind?: "index" };
/** Identifies one life of one node in one cluster, in `[1, 2^31)`; never reused. 0 means none. */
export type NodeId = number & { readonly _kind?: "node" };

export const noNode: NodeId = 0;
export const nodeIdMax: NodeId = 2 ** 31 - 1;

/** Whether `value` names a node: an integer in `[1, 2^31)`. */
export function isNodeId(value: unknown): value is NodeId {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= nodeIdMax;
}

/** Longest host of a member, in UTF-16 units; no DNS name is longer. */
export const hostLengthMax = 255;

/** One node of the cluster. A member that does not vote is a learner. */
export interface Member {
  readonly id: NodeId;
  readonly host: string;
  readonly port: number;
  readonly voting: boolean;
}

/** The whole configuration of the cluster, as one log entry carries it (dissertation §4.1). */
export interface Membership {
  readonly members: readonly Member[];
  /** Every id that ever was a member, so that none is given out twice. Holds the members' ids too. */
  readonly usedIds: readonly NodeId[];
}

export const emptyMembership: Membership = { members: [], usedIds: [] };

/** A configuration and the log entry (or snapshot) that brought it; index 0 for a founder's, which is in no entry. */
export interface MembershipRecord {
  readonly index: LogIndex;
  readonly membership: Membership;
}

/**
 * What an entry is for. `empty` opens a leader's term, `command` carries clients' commands, `clock` only moves the
 * replicated time, `membership` replaces the configuration.
 */
export type EntryKind = "empty" | "command" | "clock" | "membership";

/** One log entry. The core reads everything but `record`, which is storage's business. */
export class Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  /** The leader's wall clock when it proposed, in milliseconds; never goes back along the log. */
  readonly stampMs: number;
  /** Present exactly when `kind` is `membership`. */
  readonly membership: Membership | null;
  /**
   * The entry's bytes, opaque to the core: header room and body for an entry proposed here, a complete record for one
   * that came from a peer, null for one that has no body or only a membership. Owned by whoever made it; valid until
   * the `Ready` that carries the entry has been handled.
   */
  readonly record: Uint8Array | null;

  constructor(
    index: LogIndex,
    term: Term,
    kind: EntryKind,
    stampMs: number,
    membership: Membership | null,
    record: Uint8Array | null,
  ) {
    this.index = index;
    this.term = term;
    this.kind = kind;
    this.stampMs = stampMs;
    this.membership = membership;
    this.record = record;
  }
}

/** What must be on disk before any message that depends on it leaves the node (Figure 3.1, persistent state). */
export interface HardState {
  readonly currentTerm: Term;
  readonly votedFor: NodeId;
}

/** The stored log as the core may see it. Entries handed out in a `Ready` appear here once the node has appended them. */
export interface LogView {
  /** Index of the oldest entry kept; `lastIndex + 1` when none is. */
  readonly firstIndex: LogIndex;
  /** 0 when there never was an entry. */
  readonly lastIndex: LogIndex;
  /** Stamp of the newest entry, also of one that only a snapshot still covers; 0 when there never was an entry. */
  readonly lastStampMs: number;
  /** Term of the entry at `index`, for `index` in `[firstIndex - 1, lastIndex]`; 0 for index 0. */
  termAt(index: LogIndex): Term;
  /**
   * The greatest index such that the entries `[from, result]` hold at most `sizeBytesMax` bytes together; at least
   * `from`, so that one huge entry still travels. `from` is in `[firstIndex, lastIndex]`.
   */
  lastIndexWithin(from: LogIndex, sizeBytesMax: number): LogIndex;
}

/**
 * What a node's log has room for: everything; only `control` entries, which are the empty entry of a term and
 * configurations; or nothing at all. A node without room for everything is *full*.
 */
export type Room = "all" | "control" | "none";

interface MessageBase {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

export interface AppendEntries extends MessageBase {
  readonly kind: "AppendEntries";
  readonly prevLogIndex: LogIndex;
  readonly prevLogTerm: Term;
  /**
   * The entries are `(prevLogIndex, lastEntryIndex]`; equal to `prevLogIndex` in a heartbeat. An outgoing message names
   * the range only and the transport reads the bytes from the log; an incoming one holds `entries`.
   */
  readonly lastEntryIndex: LogIndex;
  readonly entries: readonly Entry[];
  readonly leaderCommit: LogIndex;
  /** Leadership round, echoed in the response: proof that the sender led when the round began (dissertation §6.4). */
  readonly round: number;
}

export interface AppendEntriesResponse extends MessageBase {
  readonly kind: "AppendEntriesResponse";
  readonly success: boolean;
  /** On success: all entries up to here match the leader's and are on the follower's disk. */
  readonly matchIndex: LogIndex;
  /** On failure: the `prevLogIndex` that did not match. */
  readonly rejectedIndex: LogIndex;
  /** On failure: where to go on looking, and the term there (fast backtracking, dissertation §3.5 end). */
  readonly hintIndex: LogIndex;
  readonly hintTerm: Term;
  readonly round: number;
  /** The follower's log has no room for commands: they are not to be sent before it says otherwise. */
  readonly full: boolean;
}

export interface RequestVote extends MessageBase {
  readonly kind: "RequestVote";
  /** PreVote asks whether an election could be won; `term` is then the one that would be campaigned in. */
  readonly preVote: boolean;
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
  /** Set when the old leader asked for this election: voters do not wait for its timeout (dissertation §3.10). */
  readonly leadershipTransfer: boolean;
}

export interface RequestVoteResponse extends MessageBase {
  readonly kind: "RequestVoteResponse";
  readonly preVote: boolean;
  readonly voteGranted: boolean;
}

/** Tells the most caught-up follower to start an election at once (dissertation §3.10). */
export interface TimeoutNow extends MessageBase {
  readonly kind: "TimeoutNow";
}

export type Message = AppendEntries | AppendEntriesResponse | RequestVote | RequestVoteResponse | TimeoutNow;

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/**
 * What the node must do next, in this order: store `hardState` durably if there is one; append `entries` to the log
 * (dropping what they overwrite) and start their sync; send `messages`; apply up to `commitIndex`; answer the reads of
 * rounds up to `confirmedRound`. One object is reused: it is valid until the next call into the core.
 */
export interface Ready {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  /** Every message may leave as soon as `hardState` is durable and `entries` are readable in the log. */
  readonly messages: readonly Message[];
  readonly commitIndex: LogIndex;
  /** Highest read round that a majority has confirmed in this term; 0 when none. A node that stops leading forgets its reads. */
  readonly confirmedRound: number;
}
