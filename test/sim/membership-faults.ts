// Changes of the cluster in the middle of everything else: no faults by themselves, but they multiply what others can do.

import type { FaultContext } from "./fault-context.ts";
import type { MembershipFaultKind, Strike } from "./fault-kinds.ts";
import type { VirtualMachine } from "./virtual-machine.ts";

const machinesMax = 10;
const membersMax = 7;
/** Fewer voters are not left by removals. */
const votersMin = 2;

export function membershipFaults(context: FaultContext): Readonly<Record<MembershipFaultKind, Strike>> {
  return {
    join: () => join(context),
    remove: () => remove(context, context.pick(context.world.running), false),
    "remove-leader": () => remove(context, context.world.leader, false),
    "re-add": () => joinAgain(context) || remove(context, context.victim(), true),
    transfer: () => tell(context, context.world.leader, "RAFT.TRANSFER_LEADER"),
    election: () => tell(context, context.pick(context.world.running), "RAFT.TIMEOUT_NOW"),
  };
}

function join(context: FaultContext): boolean {
  const { world, operator } = context;
  if (!operator.isIdle || world.machines.length >= machinesMax || memberCount(context) >= membersMax)
    return false;
  const machine = world.addMachine();
  machine.diskSpeed = context.swarm.diskSpeed;
  machine.start();
  operator.join(machine);
  return true;
}

function joinAgain(context: FaultContext): boolean {
  const { world, operator, supervisor } = context;
  if (!operator.isIdle || memberCount(context) >= membersMax) return false;
  const machine = context.pick(
    world.machines.filter((candidate) => candidate.hasLeft && !supervisor.isHeld(candidate)),
  );
  if (machine === undefined) return false;
  machine.start();
  operator.join(machine);
  return true;
}

function remove(context: FaultContext, machine: VirtualMachine | undefined, comesBack: boolean): boolean {
  const { budget, operator } = context;
  const nodeId = machine?.process?.node.nodeId ?? 0;
  if (machine === undefined || nodeId === 0 || !budget.allowsRemoval) return false;
  if (memberCount(context) <= votersMin) return false;
  if (comesBack) operator.removeAndReAdd(machine, nodeId);
  else operator.remove(machine, nodeId);
  return true;
}

function tell(context: FaultContext, machine: VirtualMachine | undefined, command: string): boolean {
  if (machine === undefined) return false;
  const client = context.world.connect(machine.name);
  client.send([command], () => client.close());
  return true;
}

/** As the node sees it that should know best. */
function memberCount({ world }: FaultContext): number {
  const process = (world.leader ?? world.running[0])?.process;
  return process?.node.raftStatus().votingNodeCount ?? 0;
}
