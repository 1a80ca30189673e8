// Faults of processes: killed, stopped in good order, or paused, one, a majority or all of them.

import type { Fault, FaultContext, Faults, Undo } from "./fault.ts";
import { majorityOf, pickSome, someFollower } from "./fault.ts";
import type { Machine } from "./machine.ts";

/** Two election timeouts, and more. */
const oversleepMsMax = 3000;

export const killFaults: Faults = {
  "kill a follower": async (context) => kill([await someFollower(context)]),
  "kill the leader": async ({ fleet }) => kill([await fleet.leader()]),
  "kill a majority": async (context) => kill(someMajority(context)),
  "kill all": async ({ fleet }) => kill(fleet.members),
  "kill and start at once": async (context) => {
    const undo = await kill([await someFollower(context)]);
    await undo?.();
    return undo;
  },
  "stop a follower": async (context) => stop(await someFollower(context)),
  "stop the leader": async ({ fleet }) => stop(await fleet.leader()),
};

export const pauseFaults: Faults = {
  "pause a follower": async (context) => pause([await someFollower(context)]),
  "pause the leader": async ({ fleet }) => pause([await fleet.leader()]),
  "pause the leader until it is replaced": (context) => overslept(context, false),
  "pause the leader until it is replaced, and cut it off": (context) => overslept(context, true),
  "pause a majority": async (context) => pause(someMajority(context)),
  "pause all": async ({ fleet }) => pause(fleet.members),
  stutter: stutter,
};

function someMajority({ fleet, random }: FaultContext): Machine[] {
  return pickSome(random, fleet.members, majorityOf(fleet));
}

async function kill(machines: readonly (Machine | null | undefined)[]): Promise<Undo | null> {
  const victims = present(machines).filter(({ state }) => state !== "down");
  if (victims.length === 0) return null;
  await Promise.all(victims.map((machine) => machine.kill()));
  return async () => {
    await Promise.all(victims.filter(({ isMember }) => isMember).map((machine) => machine.launch()));
  };
}

/** Does not wait for the end: a node that stops hands over first, and takes its time. */
async function stop(machine: Machine | null | undefined): Promise<Undo | null> {
  if (machine?.state !== "running") return null;
  const gone = machine.stop();
  return async () => {
    await gone;
    if (machine.isMember) await machine.launch();
  };
}

async function pause(machines: readonly (Machine | null | undefined)[]): Promise<Undo | null> {
  const victims = present(machines).filter(({ state }) => state === "running");
  for (const machine of victims) machine.pause();
  if (victims.length === 0) return null;
  return () => {
    for (const machine of victims) machine.resume();
  };
}

/**
 * When it wakes up there is another leader, and commands that were sent to it meanwhile wait to be read; if it is cut off as
 * well, then nothing tells it.
 */
async function overslept({ fleet, random }: FaultContext, isCutOff: boolean): ReturnType<Fault> {
  const machine = await fleet.leader();
  if (machine === null) return null;
  machine.pause();
  if (isCutOff) for (const other of fleet.others(machine)) fleet.network.cutBoth(machine.name, other.name);
  const deadlineMs = performance.now() + oversleepMsMax;
  while (performance.now() < deadlineMs && (await fleet.leader()) === null) await Bun.sleep(20);
  await Bun.sleep(random.below(500));
  machine.resume();
  return () => {
    if (isCutOff) fleet.network.heal();
  };
}

/** The leader stops and goes on many times, as on a machine that is short of everything. */
async function stutter({ fleet, random }: FaultContext): ReturnType<Fault> {
  const machine = await fleet.leader();
  if (machine === null) return null;
  for (let times = 0; times < 10 && machine.state === "running"; times++) {
    machine.pause();
    await Bun.sleep(random.below(150));
    machine.resume();
    await Bun.sleep(random.below(50));
  }
  return () => machine.resume();
}

function present(machines: readonly (Machine | null | undefined)[]): Machine[] {
  return machines.flatMap((machine) => machine ?? []);
}
