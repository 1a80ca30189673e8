// A member that lies, in a virtual cluster of whole nodes. Raft trusts its members: one that lies can depose leaders,
// stop the cluster, and, as a voter, undo what was acknowledged; nobody promises more without signatures and 3f + 1 nodes.
// What is promised: no message whatever ends a node's process or hangs it, none undoes what that node knows as committed,
// and when the liar is silent every node starts from its own files again.

import { expect } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { type Counts, testHistories } from "../sim/histories.ts";
import { VirtualWorld } from "../sim/virtual-world.ts";
import { LyingMember } from "./lying-member.ts";

const rounds = 150;
const pauseMsMax = 12;

/** What each process has been seen to take for committed, and the states that it had: never taken back while it lives. */
class CommittedStates {
  readonly #digests = new Map<object, Map<number, string>>();
  readonly #committed = new Map<object, number>();
  compared = 0;

  look(world: VirtualWorld): void {
    for (const { name, process } of world.running) {
      if (process === null || process.node.clusterId === "") continue;
      const { commitIndex } = process.node.raftStatus().log;
      expect(commitIndex).toBeGreaterThanOrEqual(this.#committed.get(process) ?? 0);
      this.#committed.set(process, commitIndex);
      const { appliedIndex, digest } = process.node.digest();
      const digests = this.#digests.get(process) ?? new Map<number, string>();
      const known = digests.get(appliedIndex);
      if (known !== undefined) this.compared++;
      expect(`${name} ${appliedIndex} ${digest}`).toBe(`${name} ${appliedIndex} ${known ?? digest}`);
      this.#digests.set(process, digests.set(appliedIndex, digest));
    }
  }
}

function liesToAll(seed: number): Counts {
  const world = new VirtualWorld({
    seed,
    machines: 3,
    settings: { "follower-proxy": "yes" },
    isWatched: false,
  });
  world.formCluster();
  const random = new SeededRandom(world.random.uint32());
  const liar = new LyingMember({ world, random, acknowledges: seed % 2 === 0 });
  liar.join();
  for (let at = 0; at < 5; at++) world.call(world.leader?.name ?? "n1", ["SET", `k${at}`, "v"]);
  const states = new CommittedStates();
  let said = 0;
  for (let round = 0; round < rounds; round++) {
    const target = `n${1 + random.below(3)}`;
    if (!world.machine(target).isRunning) continue;
    liar.answers = random.below(3) > 0;
    for (let burst = 1 + random.below(4); burst > 0; burst--) {
      if (random.below(6) === 0) liar.distort(target);
      else if (random.below(8) === 0) liar.misplace(target);
      else liar.say(target, liar.forgeryFor(target).any());
      said++;
    }
    if (random.below(4) === 0) write(world, `n${1 + random.below(3)}`, round);
    world.time.runUntil(world.time.nowMs + random.below(pauseMsMax));
    states.look(world);
  }
  liar.peer.closeAll();
  liar.answers = false;
  world.network.abandon("evil", false);
  let started = 0;
  for (const machine of world.machines) {
    if (machine.hasLeft) continue;
    if (machine.isRunning) machine.kill();
    expect(machine.start()).toBe(true);
    started++;
  }
  world.time.runUntil(world.time.nowMs + 1000);
  states.look(world);
  return { said, started, compared: states.compared };
}

/** A client's write of which nobody expects anything. */
function write(world: VirtualWorld, target: string, number: number): void {
  const client = world.connect(target);
  client.send(["SET", `w${number}`, "v"], () => client.close());
}

testHistories("whatever a member says, no node ends, hangs or takes back what it knew", 12, liesToAll);
