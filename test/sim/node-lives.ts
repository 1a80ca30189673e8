// What tests look at in which nodes come back as new ones: a machine outlives its node.

import type { VirtualMachine } from "./virtual-machine.ts";
import type { VirtualWorld } from "./virtual-world.ts";

/** 0 for a node without cluster. */
export function idOf(machine: VirtualMachine): number {
  return machine.process?.node.nodeId ?? 0;
}

/** As in RAFT.INFO; `off` without a process. */
export function stateOf(machine: VirtualMachine): string {
  return machine.process?.node.raftStatus().state ?? "off";
}

/** Waits until all machines are voting members under one leader, and have all data. */
export function untilWhole(world: VirtualWorld): void {
  world.settle();
  const isWhole = (): boolean =>
    world.machines.every((machine) => {
      const status = machine.process?.node.raftStatus();
      return (
        status?.voting === true &&
        status.votingNodeCount === world.machines.length &&
        status.nodeCount === world.machines.length
      );
    });
  world.runUntil("all machines vote", isWhole);
  world.settle();
}
