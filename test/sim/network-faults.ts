// What goes wrong between machines. Clients are on a network of their own: a leader that its peers cannot reach is still
// reached by them, and must acknowledge nothing.

import type { FaultContext } from "./fault-context.ts";
import type { NetworkFaultKind, Strike } from "./fault-kinds.ts";
import type { VirtualMachine } from "./virtual-machine.ts";

/** A direction that nothing gets through. */
type Cut = readonly [from: string, to: string];

export function networkFaults(context: FaultContext): Readonly<Record<NetworkFaultKind, Strike>> {
  const { world } = context;
  const { network } = world;
  return {
    isolate: () => cutVictim(context, (victim, other) => bothWays(victim, other)),
    halves: () => cutGroups(context, []),
    // It sends and is not heard: its links end after a while, and it goes on hearing the others.
    mute: () => cutVictim(context, (victim, other) => [[victim, other]]),
    // It hears nothing and is heard: a leader like that must not keep the others from electing another.
    deafen: () => cutVictim(context, (victim, other) => [[other, victim]]),
    "cut-link": () => cutLink(context),
    // Two halves that share one node.
    bridge: () => cutGroups(context, context.shuffled(world.machines).slice(0, 1)),
    ring: () => cutRing(context),
    reset: () => network.breakOne(context.names),
    "tear-frame": () => network.tearOne(context.names),
    "forget-connection": () => network.forgetOne(context.names),
    degrade: () => degrade(context),
    "foreign-node": () => foreignNode(context),
  };
}

function cutVictim(context: FaultContext, cutsOf: (victim: string, other: string) => Cut[]): boolean {
  const victim = context.victim();
  if (victim === undefined) return false;
  const others = context.world.machines.filter((machine) => machine !== victim);
  return cut(
    context,
    others.flatMap((other) => cutsOf(victim.name, other.name)),
  );
}

/** All machines but `shared` fall into two groups that do not reach each other. */
function cutGroups(context: FaultContext, shared: readonly VirtualMachine[]): boolean {
  const machines = context.shuffled(context.world.machines.filter((machine) => !shared.includes(machine)));
  const size = 1 + context.random.below(Math.max(1, machines.length - 1));
  const [one, other] = [machines.slice(0, size), machines.slice(size)];
  return cut(
    context,
    one.flatMap((a) => other.flatMap((b) => bothWays(a.name, b.name))),
  );
}

function cutLink(context: FaultContext): boolean {
  const [one, other] = context.shuffled(context.world.machines);
  if (one === undefined || other === undefined) return false;
  return cut(context, bothWays(one.name, other.name));
}

/** Each reaches only its two neighbours, so that each sees another majority. */
function cutRing(context: FaultContext): boolean {
  const machines = context.shuffled(context.world.machines);
  const cuts = machines.flatMap((one, at) =>
    machines
      .filter((_, otherAt) => otherAt > at + 1 && otherAt - at !== machines.length - 1)
      .flatMap((other) => bothWays(one.name, other.name)),
  );
  return cut(context, cuts);
}

/** For a while much is lost and all is slow, up to longer than an election timeout. */
function degrade(context: FaultContext): boolean {
  const { network } = context.world;
  const usual = context.swarm.network;
  if (network.character !== usual) return false;
  network.character = {
    ...usual,
    lossEvery: context.pick([4, 10, 100]) as number,
    delayMsMax: context.chance(50) ? usual.delayMsMax : context.swarm.electionTimeoutMs * 1.5,
    slowEvery: 20,
    slowMsMax: context.swarm.electionTimeoutMs,
  };
  context.lasting(() => (network.character = usual));
  return true;
}

/**
 * At the address of a machine that is off, or belongs to no cluster any more, appears a node of another cluster; half of
 * the time with the node id that was there before.
 */
function foreignNode(context: FaultContext): boolean {
  const { world, supervisor, operator } = context;
  const free = world.machines.filter(
    (machine) =>
      (!machine.isRunning || machine.hasLeft) && !supervisor.isHeld(machine) && !operator.isBusyWith(machine),
  );
  const place = context.pick(free) ?? context.victim();
  if (place === undefined || supervisor.isHeld(place) || operator.isBusyWith(place)) return false;
  if (place.isRunning) place.cutPower();
  supervisor.hold(place);
  const id = context.chance(50) ? String(supervisor.nodeIdOf(place)) : "0";
  const foreign = world.newMachine({
    name: place.name,
    settings: { init: "yes", id, "cluster-name": "foreign" },
    isForPeersOnly: true,
  });
  foreign.start();
  context.lasting(() => {
    foreign.cutPower();
    supervisor.release(place);
  });
  return true;
}

function cut(context: FaultContext, cuts: readonly Cut[]): boolean {
  const { network } = context.world;
  const mend = cuts.map(([from, to]) => network.cut(from, to));
  context.lasting(() => {
    for (const undo of mend) undo();
  });
  return cuts.length > 0;
}

function bothWays(one: string, other: string): Cut[] {
  return [
    [one, other],
    [other, one],
  ];
}
