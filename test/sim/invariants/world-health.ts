// What is wrong with the machines of a world and the ways between them, by what they show: processes that take no step,
// connections that break, bytes that are under way for too long. Whatever faults there are, they end in one of these.

import type { VirtualMachine } from "../virtual-machine.ts";
import type { LinkTap, VirtualNetwork } from "../virtual-network.ts";
import type { VirtualTime } from "../virtual-time.ts";
import type { LinkHealth } from "./stability.ts";

/**
 * Parts of an election timeout after which bytes under way, or a process without a step, are too slow. A heartbeat comes
 * three times in one, and processes look at the time four times at least: with these on top there is room left.
 */
const slowPart = 0.25;
const stillPart = 0.3;
/** Monotonic clocks within this of the world's are good enough to measure timeouts. */
const rateTolerance = 0.1;

export class WorldHealth implements LinkHealth, LinkTap {
  #electionTimeoutMs = Infinity;
  readonly #time: VirtualTime;
  readonly #network: VirtualNetwork;
  readonly #machines = new Map<string, VirtualMachine>();
  readonly #steppedMs = new Map<string, number>();
  readonly #machineDisturbedMs = new Map<string, number>();
  readonly #linkDisturbedMs = new Map<string, number>();

  constructor(time: VirtualTime, network: VirtualNetwork) {
    this.#time = time;
    this.#network = network;
  }

  /** A node of the world has this one. */
  noteElectionTimeout(ms: number): void {
    this.#electionTimeoutMs = Math.min(this.#electionTimeoutMs, ms);
  }

  stepped(machine: VirtualMachine): void {
    const { name } = machine;
    const { nowMs } = this.#time;
    if (isOffBeat(machine)) this.disturbed(name);
    const beforeMs = this.#steppedMs.get(name);
    if (beforeMs === nowMs) return;
    if (beforeMs === undefined) this.#machines.set(name, machine);
    else if (nowMs - beforeMs > stillPart * this.#electionTimeoutMs) this.disturbed(name);
    this.#steppedMs.set(name, nowMs);
  }

  /** Something is wrong with the machine at this moment. */
  disturbed(name: string): void {
    this.#machineDisturbedMs.set(name, this.#time.nowMs);
  }

  delivered(from: string, to: string, tookMs: number): void {
    if (tookMs > slowPart * this.#electionTimeoutMs) this.broken(from, to);
  }

  broken(one: string, other: string): void {
    this.#linkDisturbedMs.set(linkOf(one, other), this.#time.nowMs);
  }

  disturbedMs(one: string, other: string): number {
    return this.#linkDisturbedMs.get(linkOf(one, other)) ?? -Infinity;
  }

  machineDisturbedMs(name: string): number {
    return this.#machineDisturbedMs.get(name) ?? -Infinity;
  }

  inspect(one: string, other: string): void {
    this.#inspectMachine(one);
    if (one === other) return;
    this.#inspectMachine(other);
    const { nowMs } = this.#time;
    const sinceMs = Math.min(
      this.#network.underWaySinceMs(one, other),
      this.#network.underWaySinceMs(other, one),
    );
    if (nowMs - sinceMs > slowPart * this.#electionTimeoutMs) this.broken(one, other);
  }

  #inspectMachine(name: string): void {
    const machine = this.#machines.get(name);
    const process = machine?.process ?? null;
    const quietMs = this.#time.nowMs - (this.#steppedMs.get(name) ?? -Infinity);
    const isQuiet = quietMs > stillPart * this.#electionTimeoutMs;
    const isUnwell = machine === undefined || process === null || process.isStandingStill || isQuiet;
    if (isUnwell || isOffBeat(machine)) this.disturbed(name);
  }
}

function isOffBeat({ clocks }: VirtualMachine): boolean {
  return Math.abs(clocks.rate - 1) > rateTolerance;
}

function linkOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
