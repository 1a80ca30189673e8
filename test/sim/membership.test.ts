// A cluster whose members change while clients write: nodes are added, removed (also the leader), and leadership moves.
// Nothing acknowledged is lost, removed nodes archive their files and end, and those that stay agree.

import { assert } from "../../src/base/assert.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { ChosenFaults } from "./chosen-faults.ts";
import { type Counts, testHistories } from "./histories.ts";
import { textOf } from "./virtual-client.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import { virtualPort } from "./virtual-process.ts";
import { VirtualWorld } from "./virtual-world.ts";
import { CheckedLoad } from "./workload/checked-load.ts";

const votersMin = 3;
const machinesMax = 8;
const changes = 6;

class Operator {
  added = 0;
  removed = 0;
  leaderRemoved = 0;
  readonly #world: VirtualWorld;
  readonly #random: SeededRandom;

  constructor(world: VirtualWorld) {
    this.#world = world;
    this.#random = new SeededRandom(world.random.uint32());
  }

  changeOne(): void {
    const world = this.#world;
    world.runUntil("a leader", () => world.leader !== undefined);
    const members = world.leader?.process?.node.slots() ?? [];
    const mayAdd = world.machines.length < machinesMax;
    if (members.length > votersMin && (!mayAdd || this.#random.below(2) === 0)) this.#remove();
    else if (mayAdd) this.#add();
  }

  #add(): void {
    const world = this.#world;
    const machine = world.addMachine();
    machine.start();
    const contact = this.#contact(machine);
    world.expectCall(machine.name, ["RAFT.CLUSTER", "JOIN", `${contact.name}:${virtualPort}`], /^OK$/);
    this.added++;
  }

  /** Any member but `machine`. */
  #contact(machine: VirtualMachine): VirtualMachine {
    const others = this.#world.running.filter((other) => other !== machine);
    return others[this.#random.below(others.length)] as VirtualMachine;
  }

  #remove(): void {
    const world = this.#world;
    const { leader } = world;
    const members = leader?.process?.node.slots() ?? [];
    const victim = members[this.#random.below(2) === 0 ? 0 : this.#random.below(members.length)];
    if (leader === undefined || victim === undefined) return;
    const answer = textOf(world.call(leader.name, ["RAFT.NODE", "REMOVE", String(victim.id)]));
    if (answer !== "OK") {
      assert(
        /^-(MOVED|CLUSTERDOWN|TIMEOUT|ERR one voting|ERR leader transfer|ERR not leader)/.test(answer),
        answer,
      );
      return;
    }
    this.removed++;
    if (victim.host === leader.name) this.leaderRemoved++;
    const machine = world.machine(victim.host);
    world.runUntil(`${machine.name} has left`, () => machine.hasLeft || !machine.isRunning);
    assert(
      machine.disk.list("/data").some((name) => name.startsWith("removed-")),
      "archived files",
    );
    world.network.heal();
  }
}

function changingMembers(seed: number): Counts {
  const world = new VirtualWorld({ seed, machines: 3 });
  world.formCluster();
  const load = new CheckedLoad(world, 3);
  const operator = new Operator(world);
  const faults = new ChosenFaults(world, ["reset", "transfer", "wall-jump"]);
  load.start();
  for (let change = 0; change < changes; change++) {
    faults.run(100, 100);
    operator.changeOne();
  }
  world.settle();
  load.finish();
  const { added, removed, leaderRemoved } = operator;
  return { added, removed, leaderRemoved, acknowledged: load.counts.acknowledged / 50 };
}

testHistories("members come and go under load, leaders too", 8, changingMembers);
