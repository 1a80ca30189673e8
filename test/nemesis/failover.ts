// How long it takes after a fault of the leader until a write is acknowledged again, at default timeouts: the leader is
// killed, paused, or cut off from the other nodes while clients still reach it.
//
// What counts is the first acknowledgement of a write that was sent after the fault, by whichever node. One client at each
// other node sends all the time, so that the figure is the cluster's and not that of a client that found out late.

import { Cluster } from "../support/cluster.ts";
import { CounterLoad } from "../support/counter-load.ts";
import { isUnanswered } from "../support/resp-client.ts";
import type { Place } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";
import { PeerNetwork } from "./peer-network.ts";

export type LeaderFault = "killed" | "paused" | "isolated";

export const leaderFaults: readonly LeaderFault[] = ["killed", "paused", "isolated"];

/** What must hold of the figures, in milliseconds. */
export const failoverBounds: Readonly<
  Record<LeaderFault, { readonly medianMs: number; readonly maxMs: number }>
> = {
  killed: { medianMs: 300, maxMs: 1500 },
  paused: { medianMs: 1400, maxMs: 2500 },
  isolated: { medianMs: 1400, maxMs: 2500 },
};

const clients = 8;
const retryMs = 2;
/** No figure may come near it. */
const patienceMs = 15_000;

/** A cluster of three under load, to be hurt again and again. */
export class FailoverTrial {
  readonly #network = new PeerNetwork();
  readonly #cluster: Cluster;
  readonly #load: CounterLoad;
  #writes = 0;

  private constructor(place: Place, cluster: Cluster, network: PeerNetwork) {
    this.#network = network;
    this.#cluster = cluster;
    const route = (port: number): number => network.nodePort(port);
    this.#load = new CounterLoad({ ports: cluster.ports, clients, replyTimeoutMs: 1000, route });
    place.atEnd(() => this.#load.abandon());
  }

  static async begin(place: Place): Promise<FailoverTrial> {
    const network = new PeerNetwork();
    place.atEnd(() => network.close());
    return new FailoverTrial(place, await Cluster.form(place, 3, { network }), network);
  }

  /** Milliseconds from the fault to the first acknowledged write; then all is well again. */
  async measure(fault: LeaderFault): Promise<number> {
    await this.#load.more(50);
    const leader = await this.#cluster.leader();
    const survivors = this.#cluster.others(leader);
    const probes = await Promise.all(survivors.map((node) => node.connect(patienceMs)));
    const key = `failover:${this.#writes++}`;
    const faultMs = performance.now();
    const undo = this.#strike(fault, leader);
    const writing = probes.map(async (probe) => {
      const deadlineMs = faultMs + patienceMs;
      while (performance.now() < deadlineMs && !probe.isClosed) {
        const reply = await probe.call("SET", key, "written").catch(noAnswer);
        if (reply?.kind === "simple") return performance.now() - faultMs;
        await Bun.sleep(retryMs);
      }
      throw new Error(`no write was acknowledged in ${patienceMs} ms after the leader was ${fault}`);
    });
    const tookMs = await Promise.any(writing);
    for (const probe of probes) probe.close();
    await undo();
    const successor = await this.#settled();
    if ((await successor.ask("GET", key)) !== "written") throw new Error(`${key} was acknowledged and lost`);
    return tookMs;
  }

  /** No write that was acknowledged meanwhile is missing, none was done twice. */
  async end(): Promise<void> {
    await this.#load.stop();
    const leader = await this.#settled();
    await this.#load.verify((...args) => leader.ask(...args));
  }

  #strike(fault: LeaderFault, leader: VlotProcess): () => Promise<void> {
    switch (fault) {
      case "killed": {
        const gone = leader.kill();
        return async () => {
          await gone;
          await leader.start();
        };
      }
      case "paused":
        leader.pause();
        return async () => leader.resume();
      case "isolated":
        for (const other of this.#cluster.others(leader)) this.#network.cutBoth(leader.name, other.name);
        return async () => this.#network.heal();
    }
  }

  /** The load goes on, so the nodes need only agree on who leads and follow closely. */
  #settled(): Promise<VlotProcess> {
    return until("all nodes follow one leader", async () => {
      const infos = await Promise.all(this.#cluster.nodes.map((node) => node.info()));
      const leaders = new Set(infos.map((info) => info?.get("leader_id")));
      const terms = new Set(infos.map((info) => info?.get("current_term")));
      const at = infos.findIndex((info) => info?.get("role") === "leader");
      return leaders.size === 1 && terms.size === 1 && (this.#cluster.nodes[at] ?? null);
    });
  }
}

function noAnswer(error: unknown): null {
  if (isUnanswered(error)) return null;
  throw error;
}
