// A leader that a majority can hear stays the leader, in the same term, whatever one node or one line does: timing and
// trouble elsewhere are no reason for an election.

import { expect, test } from "bun:test";
import { PeerNetwork } from "../nemesis/peer-network.ts";
import { Cluster } from "../support/cluster.ts";
import { CounterLoad } from "../support/counter-load.ts";
import { type Place, scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";
import { canSetWallClocks, WallClocks } from "../support/wall-clock.ts";

/** Lines that are silent are given up soon, so that each case takes a second and not three. */
const flags = ["--response-timeout", "300"];
const hourSeconds = 3600;

/** A cluster under load, and the leader and term that must stay. */
class Stable {
  readonly leader: VlotProcess;
  readonly followers: readonly [VlotProcess, VlotProcess];
  readonly network: PeerNetwork;
  readonly #cluster: Cluster;
  readonly #load: CounterLoad;
  readonly #term: string;

  private constructor(
    cluster: Cluster,
    network: PeerNetwork,
    load: CounterLoad,
    reign: { readonly leader: VlotProcess; readonly term: string },
  ) {
    this.#cluster = cluster;
    this.network = network;
    this.#load = load;
    this.leader = reign.leader;
    this.followers = cluster.others(reign.leader) as [VlotProcess, VlotProcess];
    this.#term = reign.term;
  }

  static async begin(place: Place): Promise<Stable> {
    const network = new PeerNetwork();
    place.atEnd(() => network.close());
    const cluster = await Cluster.form(place, 3, { network, flags });
    const leader = await cluster.leader();
    const term = await leader.field("current_term");
    const route = (port: number): number => network.nodePort(port);
    const load = new CounterLoad({ ports: [leader.port], clients: 4, replyTimeoutMs: 3000, route });
    place.atEnd(() => load.abandon());
    return new Stable(cluster, network, load, { leader, term });
  }

  /** The leader serves on, while something is amiss. */
  async serves(): Promise<void> {
    await this.#load.more(50);
  }

  /** All is well again, and nobody has asked for another term. */
  async stayed(): Promise<void> {
    await until("all nodes follow one leader", async () => {
      const infos = await Promise.all(this.#cluster.nodes.map((node) => node.info()));
      const leaderId = await this.leader.field("node_id");
      return infos.every((info) => info !== null && info.get("leader_id") === leaderId && areConnected(info));
    });
    await this.serves();
    const terms = await Promise.all(this.#cluster.nodes.map((node) => node.field("current_term")));
    expect(terms).toEqual([this.#term, this.#term, this.#term]);
    expect(await this.leader.field("role")).toBe("leader");
  }

  async end(): Promise<void> {
    await this.#load.stop();
    await this.#load.verify((...args) => this.leader.ask(...args));
    expect(this.#load.unknown).toEqual([]);
  }
}

function areConnected(info: ReadonlyMap<string, string>): boolean {
  return [...info].every(([name, value]) => !/^node\d+$/.test(name) || value.includes("state=connected"));
}

/** One of the two has noticed that nothing comes from the other any more. */
async function noticed(one: VlotProcess, other: VlotProcess): Promise<void> {
  const [oneId, otherId] = [await one.field("node_id"), await other.field("node_id")];
  const misses = async (node: VlotProcess, id: string): Promise<boolean> => {
    const lines = [...((await node.info()) ?? [])].map(([, value]) => value);
    return lines.some((line) => line.startsWith(`id=${id},`) && !line.includes("state=connected"));
  };
  await until(
    `the silence between ${one.name} and ${other.name} is noticed`,
    async () => (await misses(one, otherId)) || (await misses(other, oneId)),
  );
}

/** It hears no leader and has asked whether it could be elected. */
async function asks(node: VlotProcess): Promise<void> {
  await until(
    `${node.name} asks for an election`,
    async () => (await node.field("role")) === "pre-candidate",
  );
}

scenario("a leader stays when any one line is cut, one way or both, and comes back", 90, async (place) => {
  const stable = await Stable.begin(place);
  const { leader, network } = stable;
  const [near, far] = stable.followers;
  const cuts: readonly (readonly [VlotProcess, VlotProcess, "one way" | "both ways"])[] = [
    [near, far, "one way"],
    [near, far, "both ways"],
    [leader, near, "one way"],
    [near, leader, "one way"],
    [leader, near, "both ways"],
  ];
  for (const [from, to, ways] of cuts) {
    network.cut(from.name, to.name);
    if (ways === "both ways") network.cut(to.name, from.name);
    await noticed(from, to);
    if (from === leader) await asks(to);
    await stable.serves();
    network.heal();
    await stable.stayed();
  }
  await stable.end();
});

scenario("a leader stays when one node is cut off, one way or both, and comes back", 60, async (place) => {
  const stable = await Stable.begin(place);
  const { leader, network } = stable;
  const [near, far] = stable.followers;
  for (const ways of ["hears nobody", "is heard by nobody", "both"] as const) {
    for (const other of [leader, near]) {
      if (ways !== "is heard by nobody") network.cut(other.name, far.name);
      if (ways !== "hears nobody") network.cut(far.name, other.name);
    }
    await noticed(leader, far);
    if (ways !== "is heard by nobody") await asks(far);
    await stable.serves();
    // What was held on the lines arrives late, or never.
    if (ways === "both") network.resetHeld();
    network.heal();
    await stable.stayed();
  }
  await stable.end();
});

scenario("a leader stays when one node hangs, dies and starts again and again", 60, async (place) => {
  const stable = await Stable.begin(place);
  const [node] = stable.followers;
  for (let round = 0; round < 2; round++) {
    node.pause();
    await until("the leader misses it", async () => !areConnected((await stable.leader.info()) ?? new Map()));
    await stable.serves();
    node.resume();
    await stable.stayed();
  }
  for (let round = 0; round < 4; round++) {
    await node.kill();
    await stable.serves();
    await node.start();
  }
  await stable.stayed();
  await stable.end();
});

/** So many heartbeats more have reached the node. There is no load, which would hide that they have stopped. */
async function heartbeats(node: VlotProcess, count: number): Promise<void> {
  const heard = async (): Promise<number> => Number(await node.field("appendreq_received"));
  const before = await heard();
  await until(`heartbeats reach ${node.name}`, async () => (await heard()) >= before + count);
}

if (canSetWallClocks) {
  const title = "an idle leader stays when the wall clock of any node steps by an hour, either way";
  scenario(title, 90, async (place) => {
    const clocks = new WallClocks(place);
    const cluster = await Cluster.form(place, 3, { envOf: (name) => clocks.envOf(name) });
    const leader = await cluster.leader();
    const term = await leader.field("current_term");
    for (const node of cluster.nodes) {
      for (const offsetSeconds of [hourSeconds, -hourSeconds, 0]) {
        clocks.set(node.name, offsetSeconds);
        const [seconds] = (await node.ask("TIME")) as [string];
        expect(Math.abs(Number(seconds) - Date.now() / 1000 - offsetSeconds)).toBeLessThan(10);
        await Promise.all(cluster.others(leader).map((follower) => heartbeats(follower, 4)));
      }
    }
    expect(await leader.ask("SET", "k", "v")).toBe("OK");
    expect(await cluster.settled()).toBe(leader);
    expect(await leader.field("current_term")).toBe(term);
  });
} else {
  test("there is no C compiler: only the simulator steps wall clocks", () => {
    expect(process.env["REQUIRE_CC"]).toBeUndefined();
  });
}
