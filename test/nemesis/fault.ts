// What a fault is: something done to the fleet that can be undone. Each schedule has several and one hand that does them,
// one after the other; the hands of several schedules work at the same time.

import type { Random } from "../../src/base/random.ts";
import type { Fleet } from "./fleet.ts";
import type { Machine } from "./machine.ts";

export interface FaultContext {
  readonly fleet: Fleet;
  readonly random: Random;
}

export type Undo = () => void | Promise<void>;

/** Does it, unless there is nothing now to do it to: then null. */
export type Fault = (context: FaultContext) => Promise<Undo | null>;

export type Faults = Readonly<Record<string, Fault>>;

/** One of them; undefined of none. */
export function pick<T>(random: Random, from: readonly T[]): T | undefined {
  return from[random.below(Math.max(1, from.length))];
}

/** `count` of them. */
export function pickSome<T>(random: Random, from: readonly T[], count: number): T[] {
  const rest = [...from];
  return Array.from({ length: Math.min(count, rest.length) }, () =>
    rest.splice(random.below(rest.length), 1),
  ).flat();
}

/** Smallest number of members that is a majority of them. */
export function majorityOf({ members }: Fleet): number {
  return Math.floor(members.length / 2) + 1;
}

/** A member that runs and does not lead. */
export async function someFollower({ fleet, random }: FaultContext): Promise<Machine | undefined> {
  const leader = await fleet.leader();
  const followers = fleet.members.filter((machine) => machine !== leader && machine.state === "running");
  return pick(random, followers);
}

/** The leader or any other member that runs, even chances. */
export async function someMember(context: FaultContext): Promise<Machine | undefined> {
  const isLeader = context.random.below(2) === 0;
  const leader = isLeader ? await context.fleet.leader() : null;
  return leader ?? someFollower(context);
}
