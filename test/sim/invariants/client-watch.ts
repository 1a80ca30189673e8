// What clients ask a node and what it answers, seen on the wire: that a write is acknowledged only when it is in a
// committed entry (7), and that a read is answered from a state that is new enough, by a leader that could know so (11).
//
// A command that a follower passes on is seen twice: its write is judged where the client is told, its read where the
// leader answers the follower.

import type { CommandTable } from "../../../src/commands/table.ts";
import type { LogIndex, Membership, Term } from "../../../src/raft/types.ts";
import { ReplyParser, type ReplyValue } from "../../../src/resp/reply-parser.ts";
import { RequestParser } from "../../../src/resp/request-parser.ts";
import type { ClientTap } from "../virtual-network.ts";
import type { VirtualEnd } from "../virtual-stream.ts";
import { Violation } from "./violation.ts";
import type { WatchedNode } from "./watched-node.ts";

/** A command under way, and how things stood when it came. */
interface Asked {
  readonly args: readonly string[];
  readonly kind: "read" | "write" | "other";
  /** The node that it came to; null when there was none. */
  readonly node: WatchedNode | null;
  readonly committedIndex: LogIndex;
  /** The term that the node led, 0 when none. */
  readonly ledTerm: Term;
  readonly lastIndex: LogIndex;
  readonly roundSent: number;
  readonly membership: Membership | null;
}

interface Conversation {
  readonly requests: RequestParser;
  readonly replies: ReplyParser;
  readonly open: Asked[];
  isFollowed: boolean;
}

const limits = { maxBulkBytes: 1 << 30 };

export interface ClientWatchOptions {
  readonly commands: CommandTable;
  /** Looks at the node on a machine, and gives it; null when there is none. */
  readonly nodeOn: (host: string) => WatchedNode | null;
}

export class ClientWatch implements ClientTap {
  readonly #options: ClientWatchOptions;
  readonly #conversations = new WeakMap<VirtualEnd, Conversation>();
  /** Commands that one machine has passed on to another, by both and the id of the request. */
  readonly #passedOn = new Map<string, Map<number, Asked>>();
  /** Answers that were judged. */
  reads = 0;
  writes = 0;

  constructor(options: ClientWatchOptions) {
    this.#options = options;
  }

  received(end: VirtualEnd, bytes: Uint8Array): void {
    let conversation = this.#conversations.get(end);
    if (conversation === undefined) this.#conversations.set(end, (conversation = newConversation()));
    if (!conversation.isFollowed) return;
    conversation.requests.push(bytes);
    for (let args = conversation.requests.next(); args !== null; args = conversation.requests.next()) {
      // From here on replies may be left out.
      if (/^client$/i.test(args[0] ?? "") && /^reply$/i.test(args[1] ?? "")) conversation.isFollowed = false;
      conversation.open.push(this.#ask(end.host, args));
    }
    if (conversation.requests.error !== null) conversation.isFollowed = false;
  }

  answered(end: VirtualEnd, bytes: Uint8Array): void {
    const conversation = this.#conversations.get(end);
    if (conversation === undefined || !conversation.isFollowed) return;
    const { replies, open } = conversation;
    replies.push(bytes);
    for (let reply = replies.next(); reply !== null; reply = replies.next()) {
      if (reply.kind === "push") continue;
      const asked = open.shift();
      if (asked !== undefined && isResult(reply)) this.#judge(asked, end.host);
    }
  }

  /** The process on `host` is gone, and who had asked it anything. */
  stopped(host: string): void {
    for (const key of this.#passedOn.keys())
      if (key.startsWith(`${host} `) || key.endsWith(` ${host}`)) this.#passedOn.delete(key);
  }

  /** The follower on `from` passes a command on to the leader on `to`. */
  passedOn(from: string, to: string, requestId: number, args: readonly string[]): void {
    const key = `${from} ${to}`;
    let open = this.#passedOn.get(key);
    if (open === undefined) this.#passedOn.set(key, (open = new Map()));
    open.set(requestId, this.#ask(to, args));
  }

  /** The node on `from` answers a command that `to` had passed on; `isError`: not with a result. */
  passedBack(from: string, to: string, requestId: number, isError: boolean): void {
    const open = this.#passedOn.get(`${to} ${from}`);
    const asked = open?.get(requestId);
    open?.delete(requestId);
    if (asked === undefined || isError || asked.kind !== "read") return;
    const node = this.#options.nodeOn(from);
    if (node !== null && node === asked.node) this.#judgeRead(asked, node);
  }

  #ask(host: string, args: readonly string[]): Asked {
    const found = this.#options.commands.lookup(args);
    const isData = found.kind === "command" && found.command.scope === "data";
    const kind = !isData ? "other" : found.isWrite ? "write" : "read";
    const node = kind === "other" ? null : this.#options.nodeOn(host);
    const raft = node?.member.raft ?? null;
    return {
      args,
      kind,
      node,
      committedIndex: node?.cluster.invariants.committedIndex ?? 0,
      ledTerm: raft?.role === "leader" ? raft.currentTerm : 0,
      lastIndex: raft?.lastIndex ?? 0,
      roundSent: node?.cluster.confirmations.roundSent(node.id) ?? 0,
      membership: raft?.membership ?? null,
    };
  }

  #judge(asked: Asked, host: string): void {
    const { kind, args } = asked;
    if (kind === "other") return;
    const node = this.#options.nodeOn(host);
    if (node === null) return;
    if (kind === "write") {
      this.writes++;
      node.cluster.reference.claim(args, host);
    } else if (node === asked.node && (!node.isProxying || node.member.raft.currentTerm === asked.ledTerm)) {
      this.#judgeRead(asked, node);
    }
  }

  /** The node itself has answered a read. */
  #judgeRead(asked: Asked, node: WatchedNode): void {
    if (!node.confirmsReads) return;
    const { appliedIndex, cluster, id, name, member } = node;
    const { invariants, confirmations } = cluster;
    const text = asked.args.join(" ");
    this.reads++;
    if (appliedIndex < asked.committedIndex) {
      throw new Violation(
        11,
        `${name} answers ${text} from entry ${appliedIndex}; committed was ${asked.committedIndex} when it came`,
      );
    }
    const appliedTerm = invariants.committedTermAt(appliedIndex);
    const memberships = [asked.membership, member.raft.membership];
    const isConfirmed = memberships.some(
      (membership) => membership !== null && confirmations.isConfirmed(id, asked.roundSent, membership),
    );
    if (!isConfirmed && !hasCommittedSince(asked, node))
      throw new Violation(
        11,
        `${name} answers ${text} without having made sure, since it came, that it leads`,
      );
    if (appliedTerm < asked.ledTerm)
      throw new Violation(
        11,
        `${name} answers ${text} in term ${asked.ledTerm} without having committed in it`,
      );
  }
}

/**
 * Whether an entry that the node proposed after the command came is committed and applied. It proves the leadership as a
 * confirmed round does, and a read behind a write of the same client is executed at its place in such an entry.
 */
function hasCommittedSince({ lastIndex }: Asked, { id, appliedIndex, cluster }: WatchedNode): boolean {
  const { invariants } = cluster;
  for (let index = lastIndex + 1; index <= appliedIndex; index++)
    if (invariants.leaderOf(invariants.committedTermAt(index)) === id) return true;
  return false;
}

function newConversation(): Conversation {
  return {
    requests: new RequestParser(limits, true),
    replies: new ReplyParser(),
    open: [],
    isFollowed: true,
  };
}

/** Whether the reply says that the command was executed. */
function isResult(reply: ReplyValue): boolean {
  return reply.kind !== "error" && !(reply.kind === "simple" && reply.text === "QUEUED");
}
