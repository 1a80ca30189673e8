// Changes of who belongs to the cluster and who leads it, in the middle of everything else. Each may fail, be refused, or
// end without an answer: what came of it the calm after the faults will tell.

import { isUnanswered, RespClient } from "../support/resp-client.ts";
import type { FaultContext, Faults, Undo } from "./fault.ts";
import { pickSome, someFollower } from "./fault.ts";
import type { Machine } from "./machine.ts";

/** How many members more or fewer than at the start there may be. */
const driftMax = 1;
const replyTimeoutMs = 4000;

/** The faults of a fleet that began with so many members. */
export function memberFaults(nodes: number): Faults {
  return {
    join: async (context) => (context.fleet.members.length > nodes + driftMax - 1 ? null : join(context)),
    "remove a follower": async (context) => {
      const machine = await someFollower(context);
      return machine === undefined ? null : remove(context, machine, nodes);
    },
    "remove the leader": async (context) => {
      const machine = await context.fleet.leader();
      return machine === null ? null : remove(context, machine, nodes);
    },
    "hand over": async ({ fleet }) => {
      const leader = await fleet.leader();
      return leader !== null && (await tell(leader, "RAFT.TRANSFER_LEADER")) ? nothing : null;
    },
  };
}

const nothing: Undo = () => undefined;

async function join({ fleet, random }: FaultContext): Promise<Undo | null> {
  const machine = await fleet.spare();
  const asked = pickSome(random, fleet.members, 3);
  const addresses = asked.map(({ name }) => `127.0.0.1:${fleet.network.entranceOf(name)}`);
  // It may have been added even when there is no answer.
  machine.isMember = true;
  await tell(machine, "RAFT.CLUSTER", "JOIN", ...addresses);
  return nothing;
}

async function remove({ fleet }: FaultContext, machine: Machine, nodes: number): Promise<Undo | null> {
  if (fleet.members.filter(({ mayLeave }) => !mayLeave).length <= Math.max(2, nodes - driftMax)) return null;
  const [leader, info] = await Promise.all([fleet.leader(), machine.process.info()]);
  const id = info?.get("node_id");
  if (leader === null || id === undefined || id === "0") return null;
  machine.mayLeave = true;
  await tell(leader, "RAFT.NODE", "REMOVE", id);
  return nothing;
}

/** Whether the machine answered OK. */
async function tell(machine: Machine, ...args: string[]): Promise<boolean> {
  let client: RespClient | null = null;
  try {
    client = await RespClient.connect(machine.process.port, { timeoutMs: replyTimeoutMs });
    const reply = await client.call(...args);
    return reply.kind === "simple" && reply.text === "OK";
  } catch (error) {
    if (isUnanswered(error)) return false;
    throw error;
  } finally {
    client?.close();
  }
}
