// What happens to processes and to the power of their machines. A death in the middle of the n-th operation of the disk
// is a death between any two steps of whatever takes several: a record and its sync, a truncation, a new segment, the two
// copies of the hard state, the files of a new node, a recovery.

import { StorageError } from "../../src/storage/errors.ts";
import type { FaultContext } from "./fault-context.ts";
import type { ProcessFaultKind, Strike } from "./fault-kinds.ts";
import type { VirtualMachine } from "./virtual-machine.ts";

/** A death in an operation strikes within so many of them. */
const operationsMax = 40;
/** A recovery takes about so many operations. */
const recoveryOperationsMax = 16;

export function processFaults(context: FaultContext): Readonly<Record<ProcessFaultKind, Strike>> {
  const { world } = context;
  return {
    kill: () => strike(context.victim(), (victim) => victim.kill()),
    "kill-in-operation": () => strike(context.victim(), (victim) => endSoon(context, victim, "killed")),
    "power-cut": () => strike(context.victim(), (victim) => victim.cutPower()),
    "power-cut-in-operation": () =>
      strike(context.victim(), (victim) => endSoon(context, victim, "power cut")),
    "power-cut-of-all": () => {
      const { running } = world;
      for (const machine of running) machine.cutPower();
      return running.length > 0;
    },
    "crash-in-recovery": () => crashInRecovery(context),
    pause: () => pause(context),
    terminate: () => strike(context.victim(), ({ process }) => process?.terminate()),
    "second-start": () => strike(context.pick(world.running), startSecond),
  };
}

function strike(victim: VirtualMachine | undefined, how: (victim: VirtualMachine) => void): boolean {
  if (victim !== undefined) how(victim);
  return victim !== undefined;
}

function endSoon(context: FaultContext, victim: VirtualMachine, end: "killed" | "power cut"): void {
  victim.endInOperation(1 + context.random.below(operationsMax), end);
}

function crashInRecovery(context: FaultContext): boolean {
  const { world, supervisor } = context;
  const isDown = (machine: VirtualMachine): boolean =>
    !machine.isRunning && !machine.hasLeft && !supervisor.isHeld(machine);
  const victim = context.pick(world.machines.filter(isDown)) ?? context.victim();
  if (victim === undefined) return false;
  if (victim.isRunning) victim.cutPower();
  const count = 1 + context.random.below(recoveryOperationsMax);
  victim.endInOperation(count, context.chance(50) ? "killed" : "power cut");
  victim.start();
  return true;
}

function pause(context: FaultContext): boolean {
  const process = context.victim()?.process;
  if (process === null || process === undefined) return false;
  process.standStill(context.someMs());
  context.lasting(() => process.goOn());
  return true;
}

function startSecond(victim: VirtualMachine): void {
  const refusal = victim.startSecond();
  if (refusal instanceof StorageError && refusal.code === "DIRECTORY_LOCKED") return;
  throw new Error(`a second process on the directory of ${victim.name} was not refused: ${refusal?.message}`);
}
