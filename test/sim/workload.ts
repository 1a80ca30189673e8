// Clients at work in a virtual world, as the simulator sees them: it starts them, lets faults strike, stops them, and
// asks in the end whether all that they were told fits together.

import type { VirtualWorld } from "./virtual-world.ts";

export interface WorkloadCounts {
  /** Operations sent. */
  readonly sent: number;
  /** Writes that were acknowledged. */
  readonly acknowledged: number;
  /** Operations of which nobody knows whether they were executed. */
  readonly unknown: number;
  /** Histories that could not be judged within the limits of the checker. */
  readonly undecided: number;
}

export interface Workload {
  /** Begins to send, from timers of the world's time. */
  start(): void;
  /** Sends nothing new from now on. What is under way is still answered, or its connection lost. */
  stop(): void;
  /** Operations sent whose outcome is open. Comes to 0 some time after `stop`. */
  readonly openCount: number;
  /**
   * After `stop`, once nothing is open and the replicas are at rest: reads what has to be read (time may pass) and throws
   * when the history does not fit. Wrong answers may also be thrown while it runs.
   */
  check(): void;
  readonly counts: WorkloadCounts;
}

/** Makes a workload of so many clients in `world`. What it draws comes from a generator seeded by the world's. */
export type WorkloadMaker = (world: VirtualWorld, clients: number) => Workload;
