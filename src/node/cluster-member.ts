// A node that belongs to a cluster, at work: its replica, its links to the others, and the conclusions that are drawn
// when role, leader or membership change. It begins with the node's files and ends when the node leaves or stops.

import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Random } from "../base/random.ts";
import type { CommandTable } from "../commands/table.ts";
import type { Config } from "../config/config.ts";
import type { Network } from "../peer/connection.ts";
import { Transport, type TransportListener } from "../peer/transport.ts";
import { Raft } from "../raft/raft.ts";
import {
  emptyMembership,
  type LogIndex,
  type Member,
  type NodeId,
  noNode,
  type Role,
  type Term,
} from "../raft/types.ts";
import { errors } from "../resp/errors.ts";
import type { NodeFiles } from "../storage/data-directory.ts";
import { Administration } from "./administration.ts";
import { raftTuningOf, transportOptionsOf } from "./configured.ts";
import { formatAddress } from "../config/parse-value.ts";
import { LogRoom } from "./log-room.ts";
import { ProxyOrigin } from "./proxy-origin.ts";
import { ProxyTarget } from "./proxy-target.ts";
import { Replica } from "./replica.ts";
import { StateMachine } from "./state-machine.ts";

export interface ClusterMemberOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly network: Network;
  readonly commands: CommandTable;
  readonly files: NodeFiles;
  /** Notes on disk that the log is safe up to `commitIndex`. Throws DiskError. */
  readonly checkpoint: (commitIndex: LogIndex) => void;
  readonly events: MemberEvents;
}

export interface MemberEvents {
  /** `disposition` or the membership may have changed. */
  changed(): void;
  /** Replies have been written: let them leave. */
  repliesWritten(): void;
  /** This node is a member no longer, and that is committed. */
  removed(): void;
  /** The disk failed in a way that no node may survive. */
  failed(error: Error): void;
}

/** What becomes of a data command that comes to a member now. */
export type Disposition = "serve" | "proxy" | "redirect" | "wait";

/** Enough for the loop to read what has arrived. */
const tickAfterStandstillMs = 1;
/** How long nothing is committed before the node counts as idle. */
const checkpointAfterMs = 1000;
/** While there is no leader every millisecond counts, and there is nothing else to do. */
const tickWithoutLeaderMs = 10;

export class ClusterMember {
  readonly id: NodeId;
  readonly raft: Raft;
  readonly replica: Replica;
  readonly transport: Transport;
  readonly administration: Administration;
  readonly proxyOrigin: ProxyOrigin;
  disposition: Disposition = "wait";
  /** The leader of now, or the last one known. */
  lastLeaderId: NodeId = noNode;
  readonly #options: ClusterMemberOptions;
  readonly #proxyTarget: ProxyTarget;
  readonly #followerProxy: () => boolean;
  #members: readonly Member[] = [];
  #tickTimer: Timer | null = null;
  /** What the log last said of this node's part. */
  #noted: { readonly role: Role | null; readonly leaderId: NodeId; readonly currentTerm: Term } = {
    role: null,
    leaderId: noNode,
    currentTerm: 0,
  };
  /** Last index of the log at the start. */
  readonly #foundIndex: LogIndex;
  #tickPutOff = false;
  /** When the next tick should come. */
  #tickDueMs: number;
  #idleAtIndex: LogIndex = 0;
  #idleSinceMs = 0;
  #checkpointedIndex: LogIndex = 0;
  /** When a leader with a slow disk may ask another node to lead. */
  #giveWayDueMs = 0;
  #stopped = false;

  constructor(options: ClusterMemberOptions) {
    const { config, clock, logger, random, network, commands, files } = options;
    const { identity, log, hardState } = files;
    const { clusterId, nodeId } = identity;
    this.#options = options;
    this.id = nodeId;
    this.#foundIndex = log.lastIndex;
    this.#tickDueMs = clock.monotonicMs();
    const room = new LogRoom(log, clock, logger);
    this.raft = startRaft(options, room);
    const linkOptions = transportOptionsOf(config, formatAddress(identity.address));
    const environment = { clusterId, nodeId, clock, network, random, logger, options: linkOptions };
    this.transport = new Transport(environment, this.#listener(), {
      recordsOf: (from, to) => (from >= log.firstIndex && to <= log.lastIndex ? log.records(from, to) : null),
      isKnown: (id) => this.#standingOf(id),
    });
    this.replica = new Replica({
      config,
      clock,
      logger,
      raft: this.raft,
      log,
      room,
      hardState,
      stateMachine: new StateMachine(commands),
      send: (message) => void this.transport.send(message),
      events: {
        changed: () => this.#changed(),
        repliesWritten: () => options.events.repliesWritten(),
        truncating: () => this.transport.dropQueuedEntries(),
        applied: (index) => {
          this.administration.applied(index);
          if (this.disposition === "wait") this.#changed();
        },
        failed: (error) => options.events.failed(error),
      },
    });
    this.administration = new Administration({ member: this, config, clock, random, log, clusterId });
    this.proxyOrigin = new ProxyOrigin({
      send: (to, request) => this.transport.sendProxyRequest(to, request),
      closeClient: (to, clientId) => this.transport.sendProxyClientClosed(to, clientId),
      monotonicMs: () => clock.monotonicMs(),
    });
    this.#proxyTarget = new ProxyTarget({
      commands,
      standing: () => this.#proxyStanding,
      waitRefusal: () => this.waitRefusal,
      monotonicMs: () => clock.monotonicMs(),
      submitRead: (request) => this.replica.submitRead(request),
      submitWrite: (request) => this.replica.submitWrite(request),
      send: (session, response) => this.transport.sendProxyResponse(session, response),
    });
    this.#followerProxy = config.watch("follower-proxy");
    config.onChange("follower-proxy", () => this.#changed());
    for (const name of tuningOptions) config.onChange(name, () => this.raft.configure(raftTuningOf(config)));
    for (const name of linkOptionNames) {
      config.onChange(name, () =>
        Object.assign(linkOptions, transportOptionsOf(config, formatAddress(identity.address))),
      );
    }
  }

  /** Takes up work. A cluster of one serves as soon as this returns. */
  begin(): void {
    this.replica.begin();
    this.#changed();
    this.#tick();
  }

  /** Ends all work; nothing is sent, written or answered any more. */
  stop(): void {
    this.#stopped = true;
    this.#tickTimer?.cancel();
    this.replica.stop();
    this.transport.stop();
  }

  /** The configuration in effect. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** What this node found on disk at its start, as far as it is known to be committed, is still being applied. */
  get isReplaying(): boolean {
    const { appliedIndex } = this.replica.stateMachine;
    return appliedIndex < this.#foundIndex && appliedIndex < this.raft.commitIndex;
  }

  /** The error reply to a command that has waited for a leader as long as it may. */
  get waitRefusal(): string {
    if (this.replica.isThrottled) return errors.throttled;
    return this.isReplaying ? errors.loading : errors.clusterDown;
  }

  memberOf(id: NodeId): Member | undefined {
    return this.#members.find((member) => member.id === id);
  }

  /** The leader of now; undefined while there is none, or none that is known as a member. */
  get leader(): Member | undefined {
    return this.memberOf(this.raft.leaderId);
  }

  /** Something was done to the core from outside: go on from there. */
  settle(): void {
    this.replica.settle();
    this.#changed();
  }

  #listener(): TransportListener {
    return {
      message: (message, records) => this.replica.receive(message, records),
      peerConnected: (id, channel) => {
        if (channel === "bulk") this.raft.peerReachable(id);
        this.replica.settle();
        // Commands that could not be passed on are held for this.
        if (channel === "proxy") this.#options.events.changed();
      },
      peerDisconnected: (id, channel, direction) => this.#linkLost(id, channel, direction),
      proxyRequests: (session, items) => this.#proxyTarget.receive(session, items),
      proxySessionClosed: (session) => this.#proxyTarget.sessionClosed(session),
      proxyResponses: (from, responses) => {
        this.proxyOrigin.receive(from, responses);
        this.#options.events.repliesWritten();
      },
      proxyLinkDown: (id) => {
        this.proxyOrigin.linkLost(id);
        this.#options.events.repliesWritten();
      },
      removedFromCluster: (by, index) => {
        this.#options.logger.notice(
          `Node ${by} says that this node was removed from the cluster (entry ${index})`,
        );
        this.#options.events.removed();
      },
    };
  }

  #linkLost(id: NodeId, channel: string, direction: string): void {
    if (this.#stopped) return;
    if (direction === "outgoing") {
      this.raft.peerUnreachable(id);
    } else if (channel === "control" && id === this.raft.leaderId) {
      this.#options.logger.notice(`The connection from the leader, node ${id}, is lost`);
      this.raft.leaderUnreachable(this.#options.clock.monotonicMs());
      this.#tickWithin(tickWithoutLeaderMs);
    }
    this.replica.settle();
  }

  #standingOf(id: NodeId): "member" | "unknown" | "removed" {
    if (this.raft.membership.members.some((member) => member.id === id)) return "member";
    const committed = this.raft.committedMembership;
    const gone = committed.usedIds.includes(id) && !committed.members.some((member) => member.id === id);
    return gone ? "removed" : "unknown";
  }

  // ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #tick(): void {
    this.#tickTimer = null;
    if (this.#stopped) return;
    const { config } = this.#options;
    // Once only: time must go on for Raft on a machine that is late all the time.
    this.#tickPutOff = !this.#tickPutOff && this.#stoodStill();
    if (this.#tickPutOff) return this.#tickWithin(tickAfterStandstillMs);
    this.replica.tick();
    this.#giveWayWhenSlow();
    this.proxyOrigin.checkTimeouts(config.get("proxy-response-timeout"));
    this.#proxyTarget.checkHeld(config.get("leader-wait-timeout"));
    this.administration.tick();
    this.#checkpointWhenIdle();
    const periodMs = config.get("periodic-interval");
    this.#tickWithin(this.raft.leaderId === noNode ? Math.min(tickWithoutLeaderMs, periodMs) : periodMs);
  }

  /**
   * Whether this tick comes so late that the process, or the machine, must have stood still: then what the others said
   * meanwhile has yet to be read, and nobody is to be judged by silence before that.
   */
  #stoodStill(): boolean {
    const { clock, config, logger } = this.#options;
    const lateMs = clock.monotonicMs() - this.#tickDueMs;
    if (lateMs < config.get("election-timeout") / 4) return false;
    logger.warning(
      `This process stood still for ${Math.round(lateMs)} ms: is the machine overloaded, or was it paused?`,
    );
    return true;
  }

  /**
   * A leader whose disk keeps a sync waiting lets another node lead: it takes no further writes meanwhile, and its
   * heartbeats, which need no disk, would keep it in office for as long as that lasts.
   */
  #giveWayWhenSlow(): void {
    const { clock, config, logger } = this.#options;
    const patienceMs = config.get("election-timeout");
    const { syncingForMs } = this.replica;
    const nowMs = clock.monotonicMs();
    if (this.raft.role !== "leader" || syncingForMs < patienceMs || nowMs < this.#giveWayDueMs) return;
    // Should nobody take over, this leader serves on for a while before it asks again.
    this.#giveWayDueMs = nowMs + 2 * patienceMs;
    if (this.raft.transferLeadership(noNode, nowMs) !== null) return;
    logger.warning(
      `The disk has kept a sync waiting for ${Math.round(syncingForMs)} ms: another node is asked to lead`,
    );
    this.settle();
  }

  /**
   * Once nothing has been committed for a while, notes on disk how far the log is safe: recovery then knows the end of
   * an idle node's log for certain.
   */
  #checkpointWhenIdle(): void {
    const { commitIndex } = this.raft;
    const nowMs = this.#options.clock.monotonicMs();
    if (commitIndex !== this.#idleAtIndex) {
      this.#idleAtIndex = commitIndex;
      this.#idleSinceMs = nowMs;
    } else if (commitIndex !== this.#checkpointedIndex && nowMs - this.#idleSinceMs >= checkpointAfterMs) {
      this.#checkpointedIndex = commitIndex;
      this.#options.checkpoint(commitIndex);
    }
  }

  /** The next tick comes in `delayMs`, or sooner if the core asks for that. */
  #tickWithin(delayMs: number): void {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const pauseMs = Math.min(delayMs, Math.max(1, this.raft.wakeAtMs - nowMs));
    this.#tickDueMs = nowMs + pauseMs;
    this.#tickTimer?.cancel();
    this.#tickTimer = clock.after(pauseMs, () => this.#tick());
  }

  // ── Conclusions ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Role, leader, membership or settings may have changed. */
  #changed(): void {
    if (this.#stopped) return;
    this.#noticeRole();
    this.#noticeMembers();
    this.administration.leaderMayHaveChanged();
    const before = this.disposition;
    this.disposition = this.#currentDisposition();
    if (before === this.disposition) return;
    this.#proxyTarget.standingChanged();
    this.#options.events.changed();
  }

  get #canServe(): boolean {
    return this.raft.canServe && !this.raft.isTransferring && !this.isReplaying && !this.replica.isThrottled;
  }

  get #proxyStanding(): "serve" | "wait" | "refuse" {
    if (this.disposition === "serve") return "serve";
    return this.raft.role === "leader" ? "wait" : "refuse";
  }

  #currentDisposition(): Disposition {
    if (this.raft.role === "leader") return this.#canServe ? "serve" : "wait";
    // Whoever was removed hears of no other leader: its clients have nothing to wait for.
    if (this.leader === undefined) return this.raft.isRemoved ? "redirect" : "wait";
    return this.#followerProxy() ? "proxy" : "redirect";
  }

  #noticeRole(): void {
    const { role, leaderId, currentTerm } = this.raft;
    const noted = this.#noted;
    if (role === noted.role && leaderId === noted.leaderId && currentTerm === noted.currentTerm) return;
    this.#noted = { role, leaderId, currentTerm };
    if (leaderId !== noNode) this.lastLeaderId = leaderId;
    const leader = leaderId === noNode ? "no leader" : `leader is node ${leaderId}`;
    this.#options.logger.notice(`Raft: ${role} in term ${currentTerm}, ${leader}`);
  }

  #noticeMembers(): void {
    const { members } = this.raft.membership;
    if (members !== this.#members) {
      this.#members = members;
      this.transport.setMembers(members);
      if (members.length > 0)
        this.#options.logger.notice(`Raft: members are ${members.map(describe).join(", ")}`);
      this.#options.events.changed();
    }
    if (this.raft.isRemoved) this.#options.events.removed();
  }
}

/** The core, as it goes on from what is on disk, where `room` is made sure of. */
function startRaft({ config, clock, random, files }: ClusterMemberOptions, room: LogRoom): Raft {
  const { identity, log, hardState } = files;
  const { nodeId, founder } = identity;
  const founding =
    founder === null ? [] : [{ index: 0, membership: { members: [founder], usedIds: [founder.id] } }];
  const memberships = [...founding, ...log.memberships()];
  room.begin(memberships.at(-1)?.membership ?? emptyMembership);
  return new Raft({
    ...raftTuningOf(config),
    id: nodeId,
    log,
    hardState: { currentTerm: hardState.currentTerm, votedFor: hardState.votedFor },
    memberships,
    committedIndex: 0,
    room: room.room,
    random,
    nowMs: clock.monotonicMs(),
  });
}

function describe({ id, host, port, voting }: Member): string {
  return `${id} at ${formatAddress({ host, port })}${voting ? "" : " (not voting)"}`;
}

const tuningOptions = [
  "election-timeout",
  "request-timeout",
  "append-req-max-count",
  "append-req-max-size",
  "max-uncommitted-size",
] as const;

const linkOptionNames = [
  "connection-timeout",
  "response-timeout",
  "reconnect-interval",
  "cluster-user",
  "cluster-password",
] as const;
