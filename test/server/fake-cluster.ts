// A cluster of one node that leads, or whatever a test makes of it; it records what it is asked to do.

import type { ClusterNodeView, ClusterPort, PeerHello } from "../../src/commands/context.ts";
import type { KeyspaceStatus, RaftStatus, StatusSource } from "../../src/node/status.ts";
import type { Reply } from "../../src/resp/reply.ts";

export class FakeCluster implements ClusterPort, StatusSource {
  clusterId = "0123456789abcdef0123456789abcdef";
  nodeId = 7;
  currentTerm = 3;
  leading = true;
  stateErrorText: string | null = null;
  leaderErrorText: string | null = null;
  peerErrorText: string | null = null;
  members: ClusterNodeView[] = [];
  readonly asked: string[] = [];
  keyspaceResets = 0;
  /** Answers JOIN, NODE and TRANSFER_LEADER; null lets them wait. */
  outcome: { error: string | null } | null = { error: null };
  waiting: ((error: string | null) => void)[] = [];

  stateError(): string | null {
    return this.stateErrorText;
  }

  leaderError(): string | null {
    return this.leaderErrorText;
  }

  init(clusterId: string | undefined): { readonly clusterId: string } | { readonly error: string } {
    this.asked.push(`init ${clusterId ?? "random"}`);
    if (this.outcome?.error != null) return { error: this.outcome.error };
    return { clusterId: clusterId ?? this.clusterId };
  }

  join(addresses: readonly { host: string; port: number }[], done: (error: string | null) => void): void {
    this.#take(`join ${addresses.map(({ host, port }) => `${host} ${port}`).join(", ")}`, done);
  }

  addNode(
    id: number,
    host: string,
    port: number,
    done: (result: { readonly id: number; readonly clusterId: string } | { readonly error: string }) => void,
  ): void {
    const { clusterId } = this;
    this.#take(`add ${id} ${host} ${port}`, (error) => done(error === null ? { id, clusterId } : { error }));
  }

  removeNode(id: number, done: (error: string | null) => void): void {
    this.#take(`remove ${id}`, done);
  }

  replaceNode(
    id: number,
    by: { readonly id: number; readonly host: string; readonly port: number },
    done: (result: { readonly id: number; readonly clusterId: string } | { readonly error: string }) => void,
  ): void {
    const { clusterId } = this;
    this.#take(`replace ${id} by ${by.id} ${by.host} ${by.port}`, (error) =>
      done(error === null ? { id: by.id, clusterId } : { error }),
    );
  }

  transferLeadership(target: number, done: (error: string | null) => void): void {
    this.#take(`transfer ${target}`, done);
  }

  timeoutNow(): string | null {
    this.asked.push("timeout now");
    return this.outcome?.error ?? null;
  }

  usedNodeIds(): readonly number[] {
    return [7, 8, 2_147_483_647];
  }

  bootstrapFields(): readonly string[] {
    return ["id", this.clusterId];
  }

  promiseFounder(address: string): boolean {
    this.asked.push(`promise ${address}`);
    return true;
  }

  peerError(hello: PeerHello): string | null {
    this.asked.push(
      `peer ${hello.from} ${hello.to} ${hello.channel} ${hello.version} ${hello.address ?? "-"}`,
    );
    return this.peerErrorText;
  }

  executeLocally(args: readonly string[], reply: Reply): void {
    reply.bulk(args.join(" "));
  }

  digest(): { readonly appliedIndex: number; readonly digest: string } {
    return { appliedIndex: 42, digest: "abcd" };
  }

  slots(): readonly ClusterNodeView[] {
    return this.members.length > 0
      ? this.members
      : [viewOf(this.nodeId, 6379, { leader: true, myself: true })];
  }

  raftStatus(): RaftStatus {
    return statusOf(this);
  }

  keyspaceStatus(): KeyspaceStatus {
    return {
      databases: [
        { index: 0, keys: 3, expires: 1, averageTtlMs: 1500 },
        { index: 5, keys: 1, expires: 0, averageTtlMs: 0 },
      ],
      expiredKeys: 4,
      hits: 9,
      misses: 2,
    };
  }

  resetKeyspaceCounters(): void {
    this.keyspaceResets++;
  }

  #take(asked: string, done: (error: string | null) => void): void {
    this.asked.push(asked);
    if (this.outcome === null) this.waiting.push(done);
    else done(this.outcome.error);
  }
}

/** One node of CLUSTER SLOTS. */
export function viewOf(
  id: number,
  port: number,
  how: { readonly leader?: boolean; readonly myself?: boolean; readonly connected?: boolean } = {},
): ClusterNodeView {
  const { leader = false, myself = false, connected = true } = how;
  return { id, host: "127.0.0.1", port, leader, myself, connected, matchIndex: 10 };
}

function statusOf(cluster: FakeCluster): RaftStatus {
  return {
    clusterId: cluster.clusterId,
    nodeId: cluster.nodeId,
    state: "up",
    role: cluster.leading ? "leader" : "follower",
    voting: true,
    votedFor: cluster.nodeId,
    leaderId: cluster.leading ? cluster.nodeId : 8,
    currentTerm: cluster.currentTerm,
    nodeCount: 2,
    votingNodeCount: 2,
    peers: [
      {
        position: 1,
        id: 8,
        host: "127.0.0.1",
        port: 6381,
        state: "connected",
        voting: true,
        lastConnectedSeconds: 3537,
        connectErrors: 0,
        connects: 1,
        matchIndex: 11,
        isFull: false,
      },
    ],
    log: {
      entryCount: 12,
      currentIndex: 12,
      commitIndex: 12,
      lastAppliedIndex: 12,
      fileBytes: 1000,
      isFull: false,
      cacheBytes: 0,
      cacheEntries: 0,
      clientAttachedEntries: 0,
      syncCount: 5,
      syncMaxMicros: 900.4,
      syncAverageMicros: 100.6,
    },
    snapshot: {
      fileName: "",
      lastIndex: 0,
      lastTerm: 0,
      sizeBytes: 0,
      tookSeconds: -1,
      created: 0,
      received: 0,
      inProgress: null,
    },
    proxy: { requests: 1, failedRequests: 2, failedResponses: 3, outstanding: 4 },
    counts: {
      appendEntriesReceived: 5,
      appendEntriesWithEntriesReceived: 6,
      installSnapshotReceived: 7,
      applyThrottled: 8,
    },
  };
}
