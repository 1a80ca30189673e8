// The person who looks after a cluster: lets machines join, removes nodes, replaces those that have lost their files as
// the node's own error message says (remove the node, empty the directory, join again). Each of these is tried until it
// is done, whatever else goes wrong meanwhile; commands go to any node and follow redirections.

import { SeededRandom } from "../../src/base/random.ts";
import { type Procedure, runProcedure, type Wait } from "./procedure.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import { virtualPort } from "./virtual-process.ts";
import type { VirtualWorld } from "./virtual-world.ts";

const retryMs = 60;
const callTimeoutMs = 800;
const joinTimeoutMs = 4000;
/** How often it is looked whether a removed node has left. */
const leaveLooksMax = 50;

export class Operator {
  readonly #world: VirtualWorld;
  readonly #random: SeededRandom;
  /** Machines that are being worked on, and what is done to each. */
  readonly #busy = new Map<VirtualMachine, string>();
  readonly #keptDown = new Set<VirtualMachine>();

  constructor(world: VirtualWorld) {
    this.#world = world;
    this.#random = new SeededRandom(world.random.uint32());
  }

  /** Nothing is under way. */
  get isIdle(): boolean {
    return this.#busy.size === 0;
  }

  isBusyWith(machine: VirtualMachine): boolean {
    return this.#busy.has(machine);
  }

  /** Whether `machine` must not be started for now. */
  keepsDown(machine: VirtualMachine): boolean {
    return this.#keptDown.has(machine);
  }

  describe(): string {
    return [...this.#busy].map(([{ name }, what]) => `${what} ${name}`).join(", ");
  }

  /** Lets a machine without cluster, which runs or will, become a member. */
  join(machine: VirtualMachine): void {
    this.#run(machine, "join", this.#join(machine));
  }

  remove(machine: VirtualMachine, nodeId: number): void {
    this.#run(machine, "remove", this.#remove(nodeId));
  }

  /** Removes the node on `machine`, and lets the machine join again, as another node, once it has left. */
  removeAndReAdd(machine: VirtualMachine, nodeId: number): void {
    this.#run(machine, "remove and re-add", this.#removeAndReAdd(machine, nodeId));
  }

  /**
   * Stops what runs on `machine`, removes whatever member has its address, empties its disk (then `emptied` is called),
   * and lets it join as a new node.
   */
  replace(machine: VirtualMachine, emptied: () => void): void {
    this.#run(machine, "replace", this.#replace(machine, emptied));
  }

  #run(machine: VirtualMachine, what: string, procedure: Procedure): void {
    this.#busy.set(machine, what);
    runProcedure(this.#world, procedure, () => this.#busy.delete(machine));
  }

  *#replace(machine: VirtualMachine, emptied: () => void): Procedure {
    this.#keptDown.add(machine);
    if (machine.isRunning) machine.kill();
    yield* this.#removeFrom(machine.name);
    machine.wipe();
    emptied();
    this.#keptDown.delete(machine);
    machine.start();
    yield* this.#join(machine);
  }

  /** Removes the member at an address, as long as the leader's list of members shows one. */
  *#removeFrom(host: string): Procedure {
    for (;;) {
      const node = this.#world.leader?.process?.node;
      const member = node?.slots().find((slot) => slot.host === host);
      if (node !== undefined && node.raftStatus().log.commitIndex > 0 && member === undefined) return;
      if (member !== undefined) yield* this.#remove(member.id);
      yield { kind: "pause", forMs: retryMs };
    }
  }

  *#removeAndReAdd(machine: VirtualMachine, nodeId: number): Procedure {
    yield* this.#remove(nodeId);
    // It need not have heard of it: whoever brings it up later finds it removed then.
    for (let look = 0; look < leaveLooksMax && !machine.hasLeft; look++)
      yield { kind: "pause", forMs: retryMs };
    if (!machine.hasLeft) return;
    machine.start();
    yield* this.#join(machine);
  }

  *#join(machine: VirtualMachine): Procedure {
    while (!(yield* this.#hasJoined(machine))) yield { kind: "pause", forMs: retryMs };
  }

  *#hasJoined(machine: VirtualMachine): Generator<Wait, boolean, string | null> {
    const others = this.#shuffled(this.#world.running.filter((other) => other !== machine));
    if (!machine.isRunning || others.length === 0) return false;
    if (machine.process?.node.state === "up") return true;
    const addresses = others.map(({ name }) => `${name}:${virtualPort}`);
    const args = ["RAFT.CLUSTER", "JOIN", ...addresses];
    const answer = yield { kind: "call", target: machine.name, args, timeoutMs: joinTimeoutMs };
    return answer === "OK" || answer === "-ERR Already cluster member";
  }

  *#remove(nodeId: number): Procedure {
    let target: string | null = null;
    for (;;) {
      target ??= this.#shuffled(this.#world.running)[0]?.name ?? null;
      if (target !== null) {
        const args = ["RAFT.NODE", "REMOVE", String(nodeId)];
        const answer: string | null = yield { kind: "call", target, args, timeoutMs: callTimeoutMs };
        if (answer === "OK" || answer === "-ERR node id does not exist") return;
        target = /^-MOVED \d+ (\w+):/.exec(answer ?? "")?.[1] ?? null;
        if (target !== null) continue;
      }
      yield { kind: "pause", forMs: retryMs };
    }
  }

  #shuffled<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = this.#random.below(at + 1);
      [shuffled[at], shuffled[other]] = [shuffled[other] as Item, shuffled[at] as Item];
    }
    return shuffled;
  }
}
