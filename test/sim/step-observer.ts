// What may watch a virtual world: told of every step that any of its processes takes, it looks at the state that the
// step led to, and throws when something does not hold. It must not change anything, draw from the world's chance, or
// let time pass, or equal seeds would no longer give equal histories.

import type { VirtualMachine } from "./virtual-machine.ts";

/** How a process came to its end. */
export type ProcessEnd =
  /** By SIGKILL: what it wrote is still there. */
  | "killed"
  /** Its machine lost its power: of what was not synced, chance has kept what it liked. */
  | "power cut"
  /** By itself, with status 0: shut down, or removed from its cluster. */
  | "ended"
  /** By itself, with another status, because of its disk or its files. */
  | "failed";

/** All of it is called in the order of the history; none of it from inside a step. */
export interface StepObserver {
  /** A process stands, with its files open: `machine.process` is it. A cluster node may come later, by INIT or JOIN. */
  started(machine: VirtualMachine): void;
  /** The process of `machine` has handled one event (a timer, bytes, the end of a turn, a sync) and lives on. */
  stepped(machine: VirtualMachine): void;
  /** Its process has ended; `machine.process` is null, and the disk is what the next process will find. */
  stopped(machine: VirtualMachine, end: ProcessEnd): void;
  /** The disk was damaged or replaced by an empty one from outside: what this machine held is no longer owed by it. */
  diskChanged(machine: VirtualMachine, change: "damaged" | "wiped"): void;
}
