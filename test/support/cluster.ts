// Several nodes that belong together.

import type { PeerNetwork } from "../nemesis/peer-network.ts";
import { freePorts } from "./free-ports.ts";
import type { Place } from "./scenario.ts";
import { until } from "./until.ts";
import { type RaftInfo, VlotProcess } from "./vlot-process.ts";

/** The first of the nodes that says it leads; waits for it. */
export function leaderAmong(nodes: readonly VlotProcess[]): Promise<VlotProcess> {
  return until("a leader", async () => {
    for (const node of nodes) if ((await node.field("role")) === "leader") return node;
    return null;
  });
}

export interface ClusterOptions {
  readonly flags?: readonly string[];
  /** requirepass and cluster-password of every node. */
  readonly password?: string;
  /** Through which the nodes reach each other; directly without one. */
  readonly network?: PeerNetwork;
  /** Additional environment of the node of that name. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
}

export class Cluster {
  readonly nodes: VlotProcess[];
  readonly #place: Place;
  readonly #options: ClusterOptions;

  private constructor(place: Place, count: number, options: ClusterOptions) {
    this.#place = place;
    this.#options = options;
    this.nodes = freePorts(count).map((port, at) => this.#node(at, port));
  }

  /** Nodes that run and belong to no cluster yet. */
  static async start(place: Place, count: number, options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(place, count, options);
    await Promise.all(cluster.nodes.map((node) => node.start()));
    return cluster;
  }

  /** A cluster whose nodes all vote and know their leader, which is the first. */
  static async form(place: Place, count: number, options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.start(place, count, options);
    const [first, ...others] = cluster.nodes;
    await first?.ask("RAFT.CLUSTER", "INIT");
    for (const node of others) {
      const reply = await node.ask("RAFT.CLUSTER", "JOIN", first?.address ?? "");
      if (reply !== "OK") throw new Error(`${node.name} could not join: ${String(reply)}`);
    }
    await cluster.settled();
    return cluster;
  }

  get addresses(): string[] {
    return this.nodes.map((node) => node.address);
  }

  get ports(): number[] {
    return this.nodes.map((node) => node.port);
  }

  get running(): VlotProcess[] {
    return this.nodes.filter((node) => node.isRunning);
  }

  others(node: VlotProcess): VlotProcess[] {
    return this.nodes.filter((other) => other !== node);
  }

  /** One more node, started and in no cluster. */
  async grow(): Promise<VlotProcess> {
    const [port = 0] = freePorts(1);
    const node = this.#node(this.nodes.length, port);
    this.nodes.push(node);
    await node.start();
    return node;
  }

  /** The leader that a majority of all nodes follows; waits for it. */
  leader(timeoutMs?: number): Promise<VlotProcess> {
    return until("a leader with a majority", async () => this.#leaderOf(await this.#infos()), timeoutMs);
  }

  /** Waits until all running nodes vote, follow one leader and have applied the same entries; gives that leader. */
  settled(timeoutMs?: number): Promise<VlotProcess> {
    const settled = async (): Promise<VlotProcess | null> => {
      const infos = await this.#infos();
      const all = [...infos.values()];
      const same = (field: string): boolean => new Set(all.map((info) => info.get(field))).size === 1;
      const isDone =
        infos.size === this.running.length &&
        all.every((info) => info.get("is_voting") === "yes") &&
        ["leader_id", "current_term", "num_nodes", "last_applied_index", "current_index"].every(same);
      return isDone ? this.#leaderOf(infos) : null;
    };
    return until("all nodes of one mind", settled, timeoutMs);
  }

  #leaderOf(infos: ReadonlyMap<VlotProcess, RaftInfo>): VlotProcess | null {
    for (const [node, info] of infos) {
      if (info.get("role") !== "leader") continue;
      const id = info.get("node_id");
      const followers = [...infos.values()].filter(
        (other) => other.get("leader_id") === id && other.get("current_term") === info.get("current_term"),
      );
      if (followers.length * 2 > Number(info.get("num_voting_nodes"))) return node;
    }
    return null;
  }

  async #infos(): Promise<Map<VlotProcess, RaftInfo>> {
    const infos = new Map<VlotProcess, RaftInfo>();
    await Promise.all(
      this.running.map(async (node) => {
        const info = await node.info();
        if (info !== null) infos.set(node, info);
      }),
    );
    return infos;
  }

  #node(at: number, port: number): VlotProcess {
    const { flags = [], password, network, envOf } = this.#options;
    const name = `n${at + 1}`;
    const entrance = network === undefined ? [] : ["--addr", `127.0.0.1:${network.open(name, port)}`];
    const secrets = password === undefined ? [] : ["--requirepass", password, "--cluster-password", password];
    return new VlotProcess(this.#place, {
      name,
      port,
      flags: [...flags, ...entrance, ...secrets],
      ...(password === undefined ? {} : { password }),
      ...(envOf === undefined ? {} : { env: envOf(name) }),
    });
  }
}
