// One node's life: empty, joining, a member, gone. What the rest of the server sees of the cluster is here; the work of a
// member is in `cluster-member.ts`, Raft's rules are in `raft/`.
//
//    uninitialized ──INIT──► up            (the first node)
//         │  ▲
//        JOIN └──failed──┐
//         ▼              │
//      joining ──────────┴──added──► up ──removed──► files archived, process ends
//                                    ▲                          ▲
//      replacing ────replaced by a new node                     │
//   (damaged files) ──────removed meanwhile─────────────────────┘

import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { keySlot } from "../base/key-slot.ts";
import type { Logger } from "../base/logger.ts";
import { type Random, randomHex } from "../base/random.ts";
import type { DataCommand } from "../commands/command.ts";
import type { ClusterNodeView, ClusterPort, PeerHello } from "../commands/context.ts";
import { keysOf } from "../commands/keys-of.ts";
import type { CommandTable } from "../commands/table.ts";
import type { Config } from "../config/config.ts";
import type { Address } from "../config/option.ts";
import type { Connection, ConnectionHandlers, Network } from "../peer/connection.ts";
import { type LogIndex, type Member, type NodeId, noNode } from "../raft/types.ts";
import { errorFor, errors } from "../resp/errors.ts";
import type { Reply } from "../resp/reply.ts";
import { DataDirectory } from "../storage/data-directory.ts";
import { type Disk, DiskError } from "../storage/disk.ts";
import { isDamage, StorageError } from "../storage/errors.ts";
import type { Identity } from "../storage/identity.ts";
import { type AddResult, type Done, drawNodeId } from "./administration.ts";
import { Bootstrap, bootstrapFields, type BootstrapState } from "./bootstrap.ts";
import { clusterNodeViews } from "./cluster-view.ts";
import { ClusterMember, type Disposition as MemberDisposition } from "./cluster-member.ts";
import { credentialsOf } from "./configured.ts";
import { formatAddress } from "../config/parse-value.ts";
import { Joiner } from "./join.ts";
import type { Request, Requester } from "./request.ts";
import { noteDamageAtWork, Replacement } from "./replacement.ts";
import type { KeyspaceStatus, NodeState, RaftStatus, StatusSource } from "./status.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { keyspaceStatusOf, raftStatusOf } from "./status-of.ts";

export interface ClusterNodeOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly network: Network;
  readonly disk: Disk;
  readonly directory: string;
  readonly commands: CommandTable;
  /** Where clients and nodes reach this one; asked when it founds or joins a cluster. */
  readonly advertised: () => Address;
  readonly events: NodeEvents;
}

export interface NodeEvents {
  /** What `disposition` says may have changed: commands that waited may try again. */
  changed(): void;
  /** Replies have been written: let them leave. */
  repliesWritten(): void;
  /** The node has left the cluster, its files are archived: end the process with status 0 once replies are out. */
  left(): void;
  /** The node must not go on: end the process at once, with a status other than 0. */
  failed(error: Error): void;
}

/** What becomes of a data command that comes in now; `refuse` while the node is no member. */
export type Disposition = MemberDisposition | "refuse";

export class ClusterNode implements ClusterPort, StatusSource {
  readonly #options: ClusterNodeOptions;
  /** Drawn at start: tells this process that it is talking to itself. */
  readonly #nonce: string;
  #directory: DataDirectory | null = null;
  #member: ClusterMember | null = null;
  #state: NodeState = "uninitialized";
  #joiner: Joiner | null = null;
  #bootstrap: Bootstrap | null = null;
  #replacement: Replacement | null = null;
  /** Who waits for JOIN's answer. */
  #joined: Done | null = null;
  #lastJoinFailure = "";
  #leaving = false;

  constructor(options: ClusterNodeOptions) {
    this.#options = options;
    this.#nonce = randomHex(options.random, 32);
  }

  // ── Start and stop ──────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Opens the directory and takes up the node's place in its cluster, has it replaced if its files are damaged, or
   * follows the flags if it has none. Throws StorageError or DiskError when the directory cannot be used.
   */
  start(): void {
    const { disk, directory: path, config, logger } = this.#options;
    this.#directory = DataDirectory.open({
      disk,
      path,
      segmentSizeBytes: config.get("log-segment-size") & ~7,
      replacesDamaged: config.get("repair"),
    });
    const { files, damage, replacement } = this.#directory;
    if (damage !== null || replacement !== null) return this.#startReplacement(this.#directory);
    if (files !== null) {
      for (const { path: file, offset, reason } of files.recovery.cuts) {
        logger.warning(`Cut the unacknowledged end off ${file} at offset ${offset}: ${reason}`);
      }
      this.#openMember();
      return;
    }
    const addresses = config.get("join");
    if (config.get("init")) this.init(undefined);
    else if (addresses.length > 0 || config.get("bootstrap-expect") > 0) this.#startBootstrap(addresses);
    else
      logger.notice(
        "No cluster yet: start one with RAFT.CLUSTER INIT, or join one with RAFT.CLUSTER JOIN host:port",
      );
  }

  /** Hands leadership to another voter if this node leads and there is one; `done` is called in any case. */
  prepareShutdown(done: () => void): void {
    const member = this.#member;
    if (member === null || member.raft.role !== "leader" || member.members.length < 2) return done();
    member.administration.transferLeadership(noNode, (error) => {
      if (error !== null)
        this.#options.logger.warning(
          `Leadership could not be handed over (${error}): the others will elect a leader`,
        );
      done();
    });
  }

  /** Stops all work and closes all files; the process may end. */
  stop(): void {
    this.#bootstrap?.stop();
    this.#joiner?.cancel();
    this.#replacement?.stop();
    const member = this.#member;
    member?.stop();
    if (member !== null) this.#checkpoint(member.raft.commitIndex);
    this.#member = null;
    this.#directory?.close();
    this.#directory = null;
  }

  #openMember(): void {
    const files = this.#directory?.files;
    assert(files !== null && files !== undefined, "a directory that belongs to a node");
    this.#bootstrap?.stop();
    this.#options.config.markPartOfCluster();
    const { events } = this.#options;
    const member = new ClusterMember({
      ...this.#options,
      files,
      checkpoint: (commitIndex) => this.#checkpoint(commitIndex),
      events: {
        changed: () => this.#memberChanged(),
        repliesWritten: () => events.repliesWritten(),
        removed: () => this.#leave(),
        failed: (error) => {
          if (isDamage(error)) this.#noteDamage(error);
          events.failed(error);
        },
      },
    });
    this.#member = member;
    this.#state = "up";
    member.begin();
    events.changed();
  }

  #checkpoint(commitIndex: LogIndex): void {
    this.#useDisk(() => this.#directory?.checkpoint(commitIndex));
  }

  #memberChanged(): void {
    const member = this.#member;
    const own = member?.memberOf(member.id);
    if (this.#joined !== null && own?.voting === true && member?.raft.leaderId !== noNode) this.#answerJoin();
    this.#options.events.changed();
  }

  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    const { clock, logger, events } = this.#options;
    logger.warning("This node is no longer a member of its cluster: its files are archived, then it ends");
    // Replies to the command that removed it, and the commit index for the others, leave first.
    clock.after(leaveDelayMs, () => {
      this.#member?.stop();
      this.#member = null;
      this.#useDisk(() => {
        const path = this.#directory?.archive();
        logger.notice(`Files of the former member are in ${path}`);
        events.left();
      });
    });
  }

  // ── Making way for a new node ───────────────────────────────────────────────────────────────────────────────────

  #startReplacement(directory: DataDirectory): void {
    this.#options.config.markPartOfCluster();
    this.#replacement = new Replacement({
      ...this.#options,
      directory,
      events: {
        useDisk: (work) => this.#useDisk(work),
        replaced: () => {
          this.#replacement = null;
          this.#openMember();
        },
        removed: () => this.#options.events.left(),
      },
    });
    this.#state = "replacing";
  }

  #noteDamage(error: StorageError): void {
    const directory = this.#directory;
    const raft = this.#member?.raft;
    if (directory === null || raft === undefined) return;
    this.#useDisk(() => noteDamageAtWork({ ...this.#options, directory }, error, raft));
  }

  // ── Becoming a member ───────────────────────────────────────────────────────────────────────────────────────────

  init(clusterId: string | undefined): { readonly clusterId: string } | { readonly error: string } {
    if (this.#state !== "uninitialized") return { error: errors.clusterAlreadyMember };
    const id = clusterId ?? randomHex(this.#options.random, 32);
    const nodeId = this.#ownNodeId();
    const address = this.#options.advertised();
    const founder = { id: nodeId, ...address, voting: true };
    this.#becomeMember({ clusterId: id, nodeId, founder, address });
    this.#options.logger.notice(`Founded cluster ${id} as node ${nodeId} at ${formatAddress(address)}`);
    return { clusterId: id };
  }

  join(addresses: readonly Address[], done: Done): void {
    this.#join(addresses, (reason) => this.#options.logger.warning(`Joining failed: ${reason}`), done);
  }

  #join(addresses: readonly Address[], failed: (reason: string) => void, done: Done): void {
    if (this.#state !== "uninitialized") return done(errors.clusterAlreadyMember);
    const { config, clock, logger, network } = this.#options;
    const nodeId = this.#ownNodeId();
    const self = this.#options.advertised();
    const credentials = credentialsOf(config);
    const timeoutMs = config.get("join-timeout");
    this.#state = "joining";
    const request = ["RAFT.NODE", "ADD", String(nodeId), formatAddress(self), config.get("cluster-name")];
    const joining = { network, clock, logger, credentials, request, nodeId, addresses, timeoutMs };
    this.#joiner = new Joiner(joining, (result) => {
      this.#joiner = null;
      this.#state = "uninitialized";
      if (result.kind === "failed") {
        failed(result.reason);
        return done(errors.joinFailed);
      }
      logger.notice(`Joined cluster ${result.clusterId} as node ${nodeId} at ${formatAddress(self)}`);
      this.#joined = done;
      this.#becomeMember({ clusterId: result.clusterId, nodeId, founder: null, address: self });
      clock.after(joinSettleMs, () => this.#answerJoin());
    });
  }

  #ownNodeId(): NodeId {
    const configured = this.#options.config.get("id");
    return configured === 0 ? drawNodeId(this.#options.random) : configured;
  }

  #becomeMember(identity: Identity): void {
    this.#useDisk(() => {
      this.#directory?.create(identity);
      this.#openMember();
    });
  }

  /** A disk that refuses ends the node: what it has promised, or belongs to, would be in doubt. */
  #useDisk(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof StorageError)) throw error;
      this.#options.events.failed(error);
    }
  }

  /** JOIN is answered when this node votes, or after a while: a large log takes its time. */
  #answerJoin(): void {
    const done = this.#joined;
    this.#joined = null;
    done?.(null);
  }

  #startBootstrap(addresses: readonly Address[]): void {
    const { network, clock, logger, config } = this.#options;
    this.#bootstrap = new Bootstrap({
      network,
      clock,
      logger,
      credentials: credentialsOf(config),
      addresses,
      expect: config.get("bootstrap-expect"),
      self: () => this.#bootstrapState(),
      storePromise: (founder) => this.#useDisk(() => this.#directory?.promiseFounder(founder)),
      found: () => void this.init(undefined),
      join: (members) => this.#joinFromBootstrap(members),
    });
  }

  /** Tried again every round, so each reason for failing is told once. */
  #joinFromBootstrap(members: readonly Address[]): void {
    if (this.#state !== "uninitialized") return;
    const failed = (reason: string): void => {
      if (reason !== this.#lastJoinFailure) this.#options.logger.warning(`Not joined yet: ${reason}`);
      this.#lastJoinFailure = reason;
    };
    this.#join(members, failed, () => undefined);
  }

  bootstrapFields(): readonly string[] {
    return bootstrapFields(this.#bootstrapState());
  }

  #bootstrapState(): BootstrapState {
    return {
      // A node that waits to be replaced belongs to a cluster: nobody is to found another with it.
      member: this.#member !== null || this.#state === "replacing",
      address: formatAddress(this.#options.advertised()),
      nonce: this.#nonce,
      clusterName: this.#options.config.get("cluster-name"),
      promisedTo: this.#directory?.founderPromise ?? "",
    };
  }

  promiseFounder(address: string, gaveWay: readonly string[]): boolean {
    return this.#state === "uninitialized" && this.#bootstrap?.promise(address, gaveWay) === true;
  }

  // ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────────

  get disposition(): Disposition {
    return this.#member === null ? "refuse" : this.#member.disposition;
  }

  /** Only when `disposition` is `serve`. */
  submitRead(request: Request): void {
    this.#present().replica.submitRead(request);
  }

  /** Only when `disposition` is `serve`. False: an older read of the same client is still open, try again after it. */
  submitWrite(request: Request): boolean {
    return this.#present().replica.submitWrite(request);
  }

  /** Only when `disposition` is `proxy`. False: it cannot go now, try again. */
  submitProxied(request: Request): boolean {
    const member = this.#present();
    return member.proxyOrigin.submit(request, member.raft.leaderId);
  }

  /** Entries and proxied requests of this node whose answers are open. */
  get openRequests(): number {
    const member = this.#member;
    return member === null ? 0 : member.replica.pendingProposals + member.proxyOrigin.outstandingCount;
  }

  /** The requester is gone for good. */
  forget(requester: Requester): void {
    this.#member?.proxyOrigin.forget(requester);
  }

  /** The error reply to a data command while `disposition` is `redirect` or `refuse`. */
  refusal(command: DataCommand, args: readonly string[]): string {
    const leader = this.#member?.leader ?? this.#replacement?.leader ?? null;
    if (leader === null) return this.#noClusterError() ?? errors.clusterDown;
    const key = keysOf(command, args)[0];
    return errorFor.moved(key === undefined ? 0 : keySlot(args[key] ?? ""), leader.host, leader.port);
  }

  /** The error reply to a command that has waited for a leader as long as it may. */
  waitRefusal(): string {
    return this.#member?.waitRefusal ?? this.stateError() ?? errors.clusterDown;
  }

  // ── What commands see and ask ───────────────────────────────────────────────────────────────────────────────────

  get state(): NodeState {
    return this.#member?.isReplaying === true ? "loading" : this.#state;
  }

  get clusterId(): string {
    return this.#directory?.files?.identity.clusterId ?? "";
  }

  get nodeId(): NodeId {
    return this.#member?.id ?? noNode;
  }

  /** The member at work, for those who check it from outside; null before this node is one and after. */
  get member(): ClusterMember | null {
    return this.#member;
  }

  get currentTerm(): number {
    return this.#member?.raft.currentTerm ?? 0;
  }

  get leading(): boolean {
    return this.#member?.raft.role === "leader";
  }

  stateError(): string | null {
    return this.#noClusterError() ?? (this.state === "loading" ? errors.loading : null);
  }

  #noClusterError(): string | null {
    if (this.#state === "uninitialized") return errors.noCluster;
    if (this.#state === "replacing") return errors.replacing;
    return this.#state === "joining" ? errors.noClusterJoining : null;
  }

  leaderError(): string | null {
    const member = this.#member;
    const leader = member?.leader;
    if (member === null || leader === undefined) return errors.clusterDown;
    if (leader.id !== member.id) return errorFor.moved(0, leader.host, leader.port);
    return member.raft.canServe ? null : errors.clusterDown;
  }

  slots(): readonly ClusterNodeView[] {
    return clusterNodeViews(this.#member, this.#options.advertised);
  }

  addNode(id: number, host: string, port: number, done: (result: AddResult) => void): void {
    this.#present().administration.addNode(id, host, port, done);
  }

  replaceNode(id: number, by: Omit<Member, "voting">, done: (result: AddResult) => void): void {
    this.#present().administration.replaceNode(id, by, done);
  }

  removeNode(id: number, done: Done): void {
    this.#present().administration.removeNode(id, done);
  }

  transferLeadership(target: number, done: Done): void {
    this.#present().administration.transferLeadership(target, done);
  }

  timeoutNow(): string | null {
    return this.#present().administration.timeoutNow();
  }

  usedNodeIds(): readonly number[] {
    return this.#member?.raft.membership.usedIds ?? [];
  }

  executeLocally(args: readonly string[], reply: Reply): void {
    const found = this.#options.commands.lookup(args);
    const machine = this.#member?.replica.stateMachine;
    if (machine === undefined || found.kind === "error" || found.command.scope !== "data") {
      return reply.error(errors.debugExecFailed);
    }
    // A read must leave no trace, or this node would differ from the others.
    if (found.isWrite) machine.run(found.command, args, 0, reply);
    else machine.read(found.command, args, 0, { reply, nowMs: this.#options.clock.wallMs() });
  }

  digest(): { readonly appliedIndex: number; readonly digest: string } {
    const machine = this.#member?.replica.stateMachine;
    return { appliedIndex: machine?.appliedIndex ?? 0, digest: machine?.keyspace.digest() ?? "" };
  }

  peerError(hello: PeerHello): string | null {
    return this.#member === null ? errors.noCluster : this.#member.transport.refusal(hello);
  }

  /** Takes over a connection whose RAFT.PEER was answered; null when it is refused after all. */
  acceptPeer(connection: Connection, hello: PeerHello): ConnectionHandlers | null {
    return this.#member?.transport.accept(connection, hello) ?? null;
  }

  raftStatus(): RaftStatus {
    return raftStatusOf(this.state, this.clusterId, this.#member, this.#options.clock.monotonicMs());
  }

  keyspaceStatus(): KeyspaceStatus {
    return keyspaceStatusOf(this.#keyspace, this.#options.clock.wallMs());
  }

  resetKeyspaceCounters(): void {
    this.#keyspace?.counters.reset();
  }

  get #keyspace(): Keyspace | null {
    return this.#member?.replica.stateMachine.keyspace ?? null;
  }

  #present(): ClusterMember {
    assert(this.#member !== null, "a member of a cluster");
    return this.#member;
  }
}

/** How long JOIN waits for this node to vote before it answers all the same. */
const joinSettleMs = 2000;
const leaveDelayMs = 300;
