// Faults of the network between the nodes; clients still reach them all. After each, what was held up arrives late or never.

import type { Random } from "../../src/base/random.ts";
import type { Fault, FaultContext, Faults, Undo } from "./fault.ts";
import { majorityOf, pickSome, someMember } from "./fault.ts";
import type { Fleet } from "./fleet.ts";
import type { Machine } from "./machine.ts";

/** Does something to the lines of one member, which is the leader half of the time. */
type LineWork = (context: FaultContext, machine: Machine, other: Machine) => void;

const delayMsMax = 1500;
const jitterMsMax = 40;

export const partitionFaults: Faults = {
  "isolate a member": eachLine(({ fleet }, machine, other) => {
    fleet.network.cutBoth(machine.name, other.name);
  }),
  "a member that hears nobody": eachLine(({ fleet }, machine, other) => {
    fleet.network.cut(other.name, machine.name);
  }),
  "a member that nobody hears": eachLine(({ fleet }, machine, other) => {
    fleet.network.cut(machine.name, other.name);
  }),
  "cut a line": oneLine(({ fleet }, machine, other) => {
    fleet.network.cutBoth(machine.name, other.name);
  }),
  "cut a line one way": oneLine(({ fleet, random }, machine, other) => {
    if (random.below(2) === 0) fleet.network.cut(machine.name, other.name);
    else fleet.network.cut(other.name, machine.name);
  }),
  "majority and minority": async (context) => cutBetween(context, 0),
  "two halves that share a node": async (context) => cutBetween(context, 1),
  "a ring": ring,
  "a slow member": slow,
  "a slow network": async ({ fleet, random }) => {
    delayAll(fleet, random);
    return () => fleet.network.heal();
  },
  "reset the lines of a member": eachLine(({ fleet }, machine, other) => {
    fleet.network.reset(machine.name, other.name);
  }),
  "tear the frames of a member": eachLine(({ fleet }, machine, other) => {
    fleet.network.tear(machine.name, other.name);
  }),
};

function eachLine(work: LineWork): Fault {
  return async (context) => {
    const machine = await someMember(context);
    if (machine === undefined) return null;
    for (const other of context.fleet.others(machine)) work(context, machine, other);
    return healing(context);
  };
}

function oneLine(work: LineWork): Fault {
  return async (context) => {
    const machine = await someMember(context);
    if (machine === undefined) return null;
    const [other] = pickSome(context.random, context.fleet.others(machine), 1);
    if (other === undefined) return null;
    work(context, machine, other);
    return healing(context);
  };
}

/** A majority and the rest see each other no more, save that `shared` nodes see all. */
function cutBetween(context: FaultContext, shared: number): Undo | null {
  const { fleet, random } = context;
  const all = pickSome(random, fleet.members, fleet.members.length);
  const large = all.slice(0, majorityOf(fleet));
  const small = all.slice(large.length);
  for (const one of large.slice(shared)) {
    for (const other of small) fleet.network.cutBoth(one.name, other.name);
  }
  return small.length === 0 ? null : healing(context);
}

/** Each sees only the one before and the one after: all see a majority only of five or fewer, and each another one. */
async function ring(context: FaultContext): Promise<Undo | null> {
  const { fleet, random } = context;
  const all = pickSome(random, fleet.members, fleet.members.length);
  if (all.length < 4) return null;
  for (const [at, one] of all.entries()) {
    for (const [otherAt, other] of all.entries()) {
      const apart = Math.abs(at - otherAt);
      if (apart > 1 && apart < all.length - 1) fleet.network.cut(one.name, other.name);
    }
  }
  return healing(context);
}

async function slow(context: FaultContext): Promise<Undo | null> {
  const { fleet, random } = context;
  const machine = await someMember(context);
  if (machine === undefined) return null;
  const rule = { kind: "delayed", delayMs: 1 + random.below(delayMsMax) } as const;
  for (const other of fleet.others(machine)) {
    fleet.network.setRule(machine.name, other.name, rule);
    fleet.network.setRule(other.name, machine.name, rule);
  }
  return () => fleet.network.heal();
}

function delayAll({ members, network }: Fleet, random: Random): void {
  for (const one of members) {
    for (const other of members) {
      const delayMs = 1 + random.below(jitterMsMax);
      if (one !== other) network.setRule(one.name, other.name, { kind: "delayed", delayMs });
    }
  }
}

function healing({ fleet, random }: FaultContext): Undo {
  const isLate = random.below(2) === 0;
  return () => {
    if (!isLate) fleet.network.resetHeld();
    fleet.network.heal();
  };
}
