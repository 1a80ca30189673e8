// A whole cluster in one thread: machines, a network, a clock, all driven by one seed, with the production code on every
// machine. Equal seeds give equal histories, to the byte. Nothing in it reads a real clock or waits for anything real.
//
//     const world = new VirtualWorld({ seed: 7, machines: 3 });
//     world.formCluster();
//     world.call("n1", ["SET", "k", "v"]);          // lets time pass until the answer is there
//     world.machine("n2").kill();
//     world.run(500);
//     world.settle();                               // heals everything, waits until all agree, compares the replicas
//
// `TRACE=1` prints what the nodes log, with the virtual time.

import { assert } from "../../src/base/assert.ts";
import { type Logger, silentLogger } from "../../src/base/logger.ts";
import { SeededRandom } from "../../src/base/random.ts";
import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import type { DiskError } from "../../src/storage/disk.ts";
import type { StorageError } from "../../src/storage/errors.ts";
import { describeFrame } from "./frame-description.ts";
import { WorldInvariants } from "./invariants/world-invariants.ts";
import type { StepObserver } from "./step-observer.ts";
import { Trace } from "./trace.ts";
import { textOf, VirtualClient } from "./virtual-client.ts";
import { VirtualMachine } from "./virtual-machine.ts";
import { type Settings, virtualPort } from "./virtual-process.ts";
import { VirtualNetwork } from "./virtual-network.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface WorldOptions {
  readonly seed: number;
  /** They are called n1, n2, … */
  readonly machines: number;
  readonly settings?: Settings;
  /** Settings of each machine besides. */
  readonly settingsOf?: (name: string) => Settings;
  /** Lines of the history as text that are kept; 0 for none. */
  readonly traceLinesMax?: number;
  /** Whether the invariants are checked at every step; true without it. */
  readonly isWatched?: boolean;
  readonly tearsSectors?: boolean;
  /** As in MachineOptions. */
  readonly failed?: (machine: VirtualMachine, error: DiskError | StorageError) => void;
}

/** Small files, and timeouts that let much happen in little time. */
const usualSettings: Settings = {
  "log-segment-size": "1mb",
  "election-timeout": "300",
  "request-timeout": "60",
  "response-timeout": "400",
  "connection-timeout": "500",
  "reconnect-interval": "20",
  "periodic-interval": "50",
  "leader-wait-timeout": "1500",
  "proxy-response-timeout": "2000",
};

const callLimitMs = 20_000;
const settleLimitMs = 30_000;

export class VirtualWorld {
  readonly time = new VirtualTime();
  readonly trace: Trace;
  /** Told of every step of every process; add to it before the first machine starts. */
  readonly observers: StepObserver[] = [];
  readonly random: SeededRandom;
  readonly network: VirtualNetwork;
  readonly machines: VirtualMachine[] = [];
  readonly #options: WorldOptions;
  readonly #invariants: WorldInvariants | null;
  #clientCount = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    this.trace = new Trace(() => this.time.nowMs, options.traceLinesMax ?? 0);
    this.network = new VirtualNetwork(this.time, new SeededRandom(this.random.uint32()), this.trace);
    if (this.trace.isRead) {
      this.network.frameTap = (from, to, frame) => this.trace.line(from, `→ ${to}: ${describeFrame(frame)}`);
    }
    this.#invariants = options.isWatched === false ? null : new WorldInvariants(this);
    if (this.#invariants !== null) this.observers.push(this.#invariants);
    for (let number = 1; number <= options.machines; number++) this.addMachine();
  }

  /** What is known of a world that is watched. */
  get invariants(): WorldInvariants {
    assert(this.#invariants !== null, "a world that is watched");
    return this.#invariants;
  }

  // ── Machines ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A further machine, not started. */
  addMachine(): VirtualMachine {
    const machine = this.newMachine({ name: `n${this.machines.length + 1}` });
    this.machines.push(machine);
    return machine;
  }

  /** A machine that is none of this world's cluster: another one, at an address of its own or of a machine that is off. */
  newMachine(machine: { name: string; settings?: Settings; isForPeersOnly?: boolean }): VirtualMachine {
    const { settings, settingsOf, failed, tearsSectors = false } = this.#options;
    const { name, isForPeersOnly = false } = machine;
    return new VirtualMachine({
      name,
      time: this.time,
      network: this.network,
      random: new SeededRandom(this.random.uint32()),
      settings: { ...usualSettings, ...settings, ...settingsOf?.(name), ...machine.settings },
      loggerOf: (of) => this.#loggerOf(of),
      trace: this.trace,
      observers: isForPeersOnly ? [] : this.observers,
      isForPeersOnly,
      tearsSectors,
      ...(failed === undefined ? {} : { failed }),
    });
  }

  machine(name: string): VirtualMachine {
    const machine = this.machines.find((candidate) => candidate.name === name);
    assert(machine !== undefined, `a machine called ${name}`);
    return machine;
  }

  get running(): VirtualMachine[] {
    return this.machines.filter(({ isRunning }) => isRunning);
  }

  /** The machine whose node leads the highest term. */
  get leader(): VirtualMachine | undefined {
    let best: VirtualMachine | undefined;
    for (const machine of this.running) {
      const node = machine.process?.node;
      if (node?.leading && node.currentTerm > (best?.process?.node.currentTerm ?? 0)) best = machine;
    }
    return best;
  }

  /** Starts all machines; the first founds a cluster, and the others join it one after the other. */
  formCluster(): void {
    for (const machine of this.machines) machine.start();
    this.expectCall("n1", ["RAFT.CLUSTER", "INIT"], /^OK /);
    for (const { name } of this.machines.slice(1)) {
      this.expectCall(name, ["RAFT.CLUSTER", "JOIN", `n1:${virtualPort}`], /^OK$/);
    }
    this.settle();
  }

  // ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────

  run(forMs: number): void {
    this.time.runUntil(this.time.nowMs + forMs);
  }

  /** Lets time pass until `condition` holds; throws, naming `what`, when it does not within `limitMs`. */
  runUntil(what: string, condition: () => boolean, limitMs: number = callLimitMs): void {
    const deadlineMs = this.time.nowMs + limitMs;
    while (!condition()) {
      if (this.time.nowMs >= deadlineMs)
        throw new Error(`not within ${limitMs} ms: ${what}; ${this.describe()}`);
      this.run(5);
    }
  }

  /** Ends all faults, lets the cluster come to rest, and checks that all replicas are equal. */
  settle(): void {
    this.network.heal();
    for (const { disk } of this.machines) disk.cutPowerAfter(Number.MAX_SAFE_INTEGER);
    for (const machine of this.machines) if (!machine.isRunning && !machine.hasLeft) machine.start();
    this.runUntil("all nodes at rest in one state", () => this.#isAtRest(), settleLimitMs);
    this.#invariants?.checkAtRest();
  }

  #isAtRest(): boolean {
    const leader = this.leader?.process?.node;
    if (leader === undefined || this.running.some(({ process }) => process?.isStandingStill)) return false;
    const { lastAppliedIndex, currentIndex } = leader.raftStatus().log;
    if (lastAppliedIndex !== currentIndex) return false;
    const members = leader.slots().map(({ host }) => host);
    return this.running.every((machine) => {
      const status = machine.process?.node.raftStatus();
      if (status === undefined || !members.includes(machine.name)) return true;
      return status.log.lastAppliedIndex === lastAppliedIndex && status.leaderId === leader.nodeId;
    });
  }

  // ── Clients ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A new connection from a machine of its own. */
  connect(target: string): VirtualClient {
    const host = `c${++this.#clientCount}`;
    this.network.switchOn(host);
    return new VirtualClient(this.network, host, target);
  }

  /** Sends one command over a connection of its own and lets time pass until it is answered. */
  call(target: string, args: readonly string[]): ReplyValue {
    const answer = this.tryCall(target, args);
    if (answer === null)
      throw new Error(`${target} has closed the connection instead of answering ${args.join(" ")}`);
    return answer;
  }

  /** The same; null when the connection was lost before the answer came. */
  tryCall(target: string, args: readonly string[]): ReplyValue | null {
    const client = this.connect(target);
    const answers: (ReplyValue | null)[] = [];
    client.send(args, (reply) => answers.push(reply));
    this.runUntil(`${target} answers ${args.join(" ")}`, () => answers.length > 0);
    client.close();
    return answers[0] ?? null;
  }

  expectCall(target: string, args: readonly string[], expected: RegExp): void {
    const text = textOf(this.call(target, args));
    if (!expected.test(text))
      throw new Error(`${target} answered ${args.join(" ")} with ${text}; ${this.describe()}`);
  }

  // ── To look at ──────────────────────────────────────────────────────────────────────────────────────────────────

  describe(): string {
    const lines = this.machines.map((machine) => {
      const { process } = machine;
      if (process === null) return `${machine.name} off`;
      const { role, currentTerm, leaderId, log, nodeId, nodeCount, state } = process.node.raftStatus();
      const { lastAppliedIndex, commitIndex, currentIndex } = log;
      const place = `applied ${lastAppliedIndex}, committed ${commitIndex}, last ${currentIndex}`;
      return `${machine.name} node ${nodeId} ${state} ${role} term ${currentTerm} leader ${leaderId} of ${nodeCount}, ${place}`;
    });
    return `at ${this.time.nowMs} ms: ${lines.join("; ")}`;
  }

  #loggerOf(name: string): Logger {
    const prints = process.env["TRACE"] !== undefined;
    if (!prints && !this.trace.isRead) return silentLogger;
    const print = (message: string): void => {
      this.trace.line(name, `log: ${message}`);
      if (prints) console.log(`${this.time.nowMs.toFixed(3).padStart(10)} ${name} ${message}`);
    };
    return { debug: () => undefined, verbose: print, notice: print, warning: print };
  }
}
