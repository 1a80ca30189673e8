// The machines of one cluster and the network between them: who leads, who belongs to it, and the way back to calm, when
// all that was done to them is undone and all nodes must come to hold the same.

import { Cluster } from "../support/cluster.ts";
import type { Place } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import type { RaftInfo } from "../support/vlot-process.ts";
import type { Findings } from "./findings.ts";
import { Machine } from "./machine.ts";
import { PeerNetwork } from "./peer-network.ts";

export interface FleetOptions {
  readonly place: Place;
  readonly nodes: number;
  readonly flags: readonly string[];
  readonly findings: Findings;
}

/** A member of the cluster as its leader lists it. */
interface Listed {
  readonly id: string;
  readonly voting: boolean;
}

const calmTimeoutMs = 30_000;

export class Fleet {
  readonly network: PeerNetwork;
  readonly machines: Machine[];
  readonly #cluster: Cluster;
  readonly #findings: Findings;

  private constructor(cluster: Cluster, network: PeerNetwork, findings: Findings) {
    this.network = network;
    this.#cluster = cluster;
    this.#findings = findings;
    this.machines = cluster.nodes.map((node) => new Machine(node, true, findings));
  }

  static async form({ place, nodes, flags, findings }: FleetOptions): Promise<Fleet> {
    const network = new PeerNetwork();
    place.atEnd(() => network.close());
    return new Fleet(await Cluster.form(place, nodes, { network, flags }), network, findings);
  }

  /** Ports of all machines, members or not, for clients. */
  get ports(): number[] {
    return this.#cluster.ports;
  }

  get members(): Machine[] {
    return this.machines.filter((machine) => machine.isMember);
  }

  get running(): Machine[] {
    return this.machines.filter((machine) => machine.state === "running");
  }

  others(machine: Machine): Machine[] {
    return this.members.filter((other) => other !== machine);
  }

  /** A machine that belongs to no cluster, a new one if need be. */
  async spare(): Promise<Machine> {
    const idle = this.machines.find((machine) => !machine.isMember && machine.state !== "paused");
    if (idle !== undefined) {
      await idle.launch();
      return idle;
    }
    const machine = new Machine(await this.#cluster.grow(), false, this.#findings);
    this.machines.push(machine);
    return machine;
  }

  /** Whether a majority of the members run and all of them hear each other without delay. */
  get hasHealthyMajority(): boolean {
    const { members } = this;
    const size = Math.floor(members.length / 2) + 1;
    const isOpen = (one: Machine, other: Machine): boolean =>
      one === other || this.network.rule(one.name, other.name).kind === "open";
    const extend = (chosen: readonly Machine[], from: number): boolean => {
      if (chosen.length >= size) return true;
      return members.some((machine, at) => {
        const fits =
          at >= from &&
          machine.state === "running" &&
          chosen.every((other) => isOpen(machine, other) && isOpen(other, machine));
        return fits && extend([...chosen, machine], at + 1);
      });
    };
    return extend([], 0);
  }

  /** The one of the latest term that says it leads; null when none does now. */
  async leader(): Promise<Machine | null> {
    let best: Machine | null = null;
    let bestTerm = 0;
    for (const [machine, info] of await this.#infos(this.running)) {
      const term = Number(info.get("current_term"));
      if (info.get("role") !== "leader" || term <= bestTerm) continue;
      best = machine;
      bestTerm = term;
    }
    return best;
  }

  /** Undoes all that was done and waits until the members, all of them there, are of one mind; gives the leader. */
  async calm(): Promise<Machine> {
    this.network.heal();
    for (const machine of this.machines) machine.resume();
    await until("stopping nodes are gone", () => this.machines.every(({ state }) => state !== "stopping"));
    return until("all members of one mind", () => this.#tryToSettle(), calmTimeoutMs);
  }

  /** Applied index and digest of each member, once all have applied the same. */
  digests(): Promise<string[]> {
    return until("all members at one index", async () => {
      const answers = await Promise.all(
        this.members.map(({ process }) => process.ask("RAFT.DEBUG", "DIGEST")),
      );
      const pairs = answers.map((answer) => (Array.isArray(answer) ? answer : []));
      const isAtOne = new Set(pairs.map(([index]) => Number(index))).size === 1;
      return isAtOne && pairs.map(([index, digest]) => `${index} ${digest}`);
    });
  }

  /** Ends all processes. */
  async end(): Promise<void> {
    await Promise.all(this.machines.map((machine) => machine.kill()));
  }

  async #tryToSettle(): Promise<Machine | null> {
    await Promise.all(this.machines.filter(({ isMember }) => isMember).map((machine) => machine.launch()));
    const infos = await this.#infos(this.running);
    const leader = await this.leader();
    const leaderInfo = leader === null ? undefined : infos.get(leader);
    if (leader === null || leaderInfo === undefined || infos.size !== this.running.length) return null;
    const listed = listedBy(leaderInfo);
    const ids = new Set(listed.map(({ id }) => id));
    for (const [machine, info] of infos) machine.isMember = info.get("state") !== "uninitialized";
    const present = [...infos].filter(([, info]) => ids.has(info.get("node_id") ?? ""));
    // Whoever is a member of its own account only has yet to learn that it was removed.
    if (present.length !== this.members.length) return null;
    if (present.length < listed.length) {
      await this.#removeGhost(leader, listed, infos);
      return null;
    }
    const same = (field: string): boolean => new Set(present.map(([, info]) => info.get(field))).size === 1;
    const fields = ["leader_id", "current_term", "num_nodes", "last_applied_index", "current_index"];
    const isSettled = fields.every(same) && listed.every(({ voting }) => voting);
    if (!isSettled) return null;
    for (const machine of this.members) machine.mayLeave = false;
    return leader;
  }

  /** A node was added and killed before it had stored that it is a member: no process answers to its id. */
  async #removeGhost(
    leader: Machine,
    listed: readonly Listed[],
    infos: ReadonlyMap<Machine, RaftInfo>,
  ): Promise<void> {
    const known = new Set([...infos.values()].map((info) => info.get("node_id")));
    const ghost = listed.find(({ id }) => !known.has(id));
    if (ghost !== undefined) await leader.process.ask("RAFT.NODE", "REMOVE", ghost.id);
  }

  async #infos(machines: readonly Machine[]): Promise<Map<Machine, RaftInfo>> {
    const infos = new Map<Machine, RaftInfo>();
    await Promise.all(
      machines.map(async (machine) => {
        const info = await machine.process.info();
        if (info !== null) infos.set(machine, info);
      }),
    );
    return infos;
  }
}

function listedBy(leaderInfo: RaftInfo): Listed[] {
  const listed: Listed[] = [
    { id: leaderInfo.get("node_id") ?? "", voting: leaderInfo.get("is_voting") === "yes" },
  ];
  for (const [name, value] of leaderInfo) {
    const id = /^node\d+$/.test(name) ? /^id=(\d+)/.exec(value)?.[1] : undefined;
    if (id !== undefined) listed.push({ id, voting: value.includes("voting=yes") });
  }
  return listed;
}
