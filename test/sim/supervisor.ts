// Keeps the processes of a world running, as a service manager does: whatever ends without having left the cluster is
// started again after a while. A node that will not start because of its files is tried twice; then the operator
// replaces it. It also judges why a process has ended: for any reason that no fault explains, the history fails.

import { SeededRandom } from "../../src/base/random.ts";
import { DiskError } from "../../src/storage/disk.ts";
import { StorageError } from "../../src/storage/errors.ts";
import type { FaultBudget } from "./fault-budget.ts";
import type { Operator } from "./operator.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import type { VirtualWorld } from "./virtual-world.ts";

export interface SupervisorParts {
  readonly world: VirtualWorld;
  readonly operator: Operator;
  readonly budget: FaultBudget;
  /** The longest time before a process is started again. */
  readonly restartMsMax: number;
}

const startsMax = 2;
/** How long a node with a damaged disk may run before the operator replaces it all the same. */
const damagedRunsMs = 1500;

export class Supervisor {
  /** How often processes ended by themselves, by the error's code. */
  readonly exits = new Map<string, number>();
  readonly #parts: SupervisorParts;
  readonly #random: SeededRandom;
  readonly #held = new Set<VirtualMachine>();
  readonly #startsAtMs = new Map<VirtualMachine, number>();
  readonly #nodeIds = new Map<VirtualMachine, number>();
  /** Starts in a row that failed because of the files. */
  readonly #failedStarts = new Map<VirtualMachine, number>();
  readonly #excuses = new Map<VirtualMachine, Set<string>>();
  #restartMsMax: number;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#random = new SeededRandom(parts.world.random.uint32());
    this.#restartMsMax = parts.restartMsMax;
  }

  /** The node on `machine`, also while it does not run; 0 when it is none. */
  nodeIdOf(machine: VirtualMachine): number {
    return this.#nodeIds.get(machine) ?? 0;
  }

  /** Leaves `machine` as it is until `release`. */
  hold(machine: VirtualMachine): void {
    this.#held.add(machine);
  }

  release(machine: VirtualMachine): void {
    this.#held.delete(machine);
  }

  isHeld(machine: VirtualMachine): boolean {
    return this.#held.has(machine) || this.#parts.operator.keepsDown(machine);
  }

  /** From now on the process on `machine` may end because of an error with `code`. */
  excuse(machine: VirtualMachine, code: string): void {
    const codes = this.#excuses.get(machine) ?? new Set();
    this.#excuses.set(machine, codes.add(code));
  }

  /** The faults are over: everything starts at once. */
  hurry(): void {
    this.#restartMsMax = 1;
    this.#held.clear();
    this.#startsAtMs.clear();
  }

  /** To be called every few milliseconds. */
  look(): void {
    for (const machine of this.#parts.world.machines) {
      if (machine.isRunning) this.#noteRunning(machine);
      else if (!machine.hasLeft && !this.isHeld(machine)) this.#startWhenDue(machine);
    }
  }

  /** The process on `machine` has ended with `error`. */
  failed(machine: VirtualMachine, error: DiskError | StorageError): void {
    this.exits.set(error.code, (this.exits.get(error.code) ?? 0) + 1);
    const { budget } = this.#parts;
    const isExcused =
      error instanceof StorageError
        ? budget.isDamaged(machine)
        : this.#excuses.get(machine)?.has(error.code) === true;
    if (!isExcused)
      throw new Error(`${machine.name} ended for no reason: ${error.message}`, { cause: error });
    if (error instanceof StorageError)
      this.#failedStarts.set(machine, (this.#failedStarts.get(machine) ?? 0) + 1);
  }

  #noteRunning(machine: VirtualMachine): void {
    const { operator, budget } = this.#parts;
    const nodeId = machine.process?.node.nodeId ?? 0;
    if (nodeId !== 0) this.#nodeIds.set(machine, nodeId);
    const lost = budget.lostNodeOf(machine);
    if (lost === undefined || operator.isBusyWith(machine)) return;
    // It has had itself replaced.
    if (nodeId !== 0 && nodeId !== lost) return budget.replaced(machine);
    // It may not have noticed, or it is empty and waits for somebody to do something.
    const dueMs = this.#startsAtMs.get(machine);
    const { nowMs } = this.#parts.world.time;
    if (dueMs === undefined) this.#startsAtMs.set(machine, nowMs + damagedRunsMs);
    else if (nowMs >= dueMs) this.#replace(machine);
  }

  #startWhenDue(machine: VirtualMachine): void {
    const { world, operator } = this.#parts;
    const dueMs = this.#startsAtMs.get(machine);
    if (dueMs === undefined) {
      const pauseMs = this.#random.below(2) === 0 ? 1 : this.#random.below(this.#restartMsMax);
      this.#startsAtMs.set(machine, world.time.nowMs + pauseMs);
      return;
    }
    if (world.time.nowMs < dueMs) return;
    this.#startsAtMs.delete(machine);
    if ((this.#failedStarts.get(machine) ?? 0) < startsMax) {
      machine.start();
    } else if (!operator.isBusyWith(machine)) {
      this.#replace(machine);
    }
  }

  #replace(machine: VirtualMachine): void {
    const { operator, budget } = this.#parts;
    this.#startsAtMs.delete(machine);
    operator.replace(machine, () => {
      budget.replaced(machine);
      this.#failedStarts.delete(machine);
    });
  }
}
