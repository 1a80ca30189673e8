// How a node without files becomes a member: it asks any node of the cluster for a place under an id of its own choosing,
// following redirections to the leader. Asking again with the same id is harmless, so a lost answer is asked for again.
// Whether it asks for a new place or for that of a damaged node (replacement.ts) is said by the command that it sends.

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Address } from "../config/option.ts";
import { formatAddress } from "../config/parse-value.ts";
import type { Network } from "../peer/connection.ts";
import type { NodeId } from "../raft/types.ts";
import { errors } from "../resp/errors.ts";
import type { ReplyValue } from "../resp/reply-parser.ts";
import { type RemoteAnswer, callRemote } from "./remote-call.ts";
import type { Credentials } from "../peer/hello.ts";

export interface JoinOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly credentials: Credentials | null;
  /** Asks for a place for `nodeId`; answered with the id and the cluster's id. */
  readonly request: readonly string[];
  readonly nodeId: NodeId;
  /** Nodes to ask, in order; none may be this one. */
  readonly addresses: readonly Address[];
  /** How long to go on asking. */
  readonly timeoutMs: number;
  /** Hears of each redirection. */
  readonly redirected?: (leader: Address) => void;
}

export type JoinResult =
  | { readonly kind: "added"; readonly clusterId: string }
  | {
      readonly kind: "failed";
      /** What each node said when they were last asked. */
      readonly reason: string;
      /** The error replies among that. */
      readonly refusals: readonly string[];
    };

const callTimeoutMs = 5000;
const retryMs = 100;
const redirectsMax = 5;

/** Asks until it is added or must give up; `done` is called once. `cancel` ends it without a call. */
export class Joiner {
  readonly #options: JoinOptions;
  readonly #done: (result: JoinResult) => void;
  readonly #deadlineMs: number;
  #cancelled = false;
  #next = 0;
  #redirects = 0;
  /** Whether some node of this pass answered in a way that makes another pass worthwhile. */
  #promising = false;
  /** Of this pass. */
  #reasons: string[] = [];
  #refusals: string[] = [];

  constructor(options: JoinOptions, done: (result: JoinResult) => void) {
    this.#options = options;
    this.#done = done;
    this.#deadlineMs = options.clock.monotonicMs() + options.timeoutMs;
    this.#askNext();
  }

  cancel(): void {
    this.#cancelled = true;
  }

  #askNext(): void {
    if (this.#cancelled) return;
    const { addresses, clock } = this.#options;
    const address = addresses[this.#next];
    if (address !== undefined) {
      this.#next++;
      this.#redirects = 0;
      this.#ask(address);
      return;
    }
    if (!this.#promising || clock.monotonicMs() >= this.#deadlineMs) {
      const reason = this.#reasons.length === 0 ? "no address given" : this.#reasons.join("; ");
      return this.#done({ kind: "failed", reason, refusals: this.#refusals });
    }
    this.#next = 0;
    this.#promising = false;
    this.#reasons = [];
    this.#refusals = [];
    clock.after(retryMs, () => this.#askNext());
  }

  #ask(address: Address): void {
    const { network, clock, credentials, request: args } = this.#options;
    const { host, port } = address;
    callRemote({ network, clock, credentials, args, host, port, timeoutMs: callTimeoutMs }, (answer) =>
      this.#answered(address, answer),
    );
  }

  #answered(address: Address, answer: RemoteAnswer): void {
    if (this.#cancelled) return;
    if (answer.kind !== "reply") {
      this.#note(address, answer.reason);
      // After a lost answer this node may have been added: asking again under the same id tells.
      if (answer.kind === "lost") this.#promising = true;
      return this.#askNext();
    }
    const value = answer.value;
    const clusterId = clusterIdOf(value, this.#options.nodeId);
    if (clusterId !== null) return this.#done({ kind: "added", clusterId });
    const text = value.kind === "error" ? value.text : "an unexpected reply";
    const leader = redirectionOf(text);
    if (leader !== null && this.#redirects < redirectsMax) {
      this.#redirects++;
      this.#options.redirected?.(leader);
      return this.#ask(leader);
    }
    this.#note(address, text);
    this.#refusals.push(text);
    if (isPassing(text)) this.#promising = true;
    this.#askNext();
  }

  #note(address: Address, reason: string): void {
    this.#reasons.push(`${formatAddress(address)}: ${reason}`);
  }
}

/** The cluster's id out of the answer `[id, cluster id]`; null when it is none. */
function clusterIdOf(value: ReplyValue, nodeId: NodeId): string | null {
  if (value.kind !== "array") return null;
  const [id, clusterId] = value.items;
  if (id?.kind !== "integer" || Number(id.value) !== nodeId) return null;
  if (clusterId?.kind !== "simple" && clusterId?.kind !== "bulk") return null;
  return clusterIdForm.test(clusterId.text) ? clusterId.text : null;
}

/** As INIT takes it: what breaks no line of INFO. */
const clusterIdForm = /^[!-~]{32}$/;

/** The address in `MOVED <slot> <host>:<port>`. */
function redirectionOf(error: string): Address | null {
  const match = /^MOVED \d+ (.+):(\d+)$/.exec(error);
  if (match === null) return null;
  const host = (match[1] as string).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(match[2]) };
}

/** Errors that go away by themselves: an election, another change under way, a node that starts. */
function isPassing(error: string): boolean {
  if (error === errors.votingChangeInProgress || error === errors.transferInProgress) return true;
  return /^(CLUSTERDOWN|LOADING|TIMEOUT|NOCLUSTER)/.test(error);
}
