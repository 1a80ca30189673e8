// One machine of a virtual world: a disk that survives, a wall clock that may be off, and the process that runs on it now.
// The process is the production code throughout (node, router, server, clients), put together as in the executable.
// What it is not given is anything real: its clock, network, disk and chance are the world's.

import { assert } from "../../src/base/assert.ts";
import type { Logger } from "../../src/base/logger.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { CommandTable } from "../../src/commands/table.ts";
import { Config } from "../../src/config/config.ts";
import { findOption } from "../../src/config/options.ts";
import type { ClusterNode } from "../../src/node/cluster-node.ts";
import type { Server } from "../../src/server/server.ts";
import { ServingNode } from "../../src/serving-node.ts";
import { MemoryDisk, PowerCut } from "../storage/memory-disk.ts";
import type { VirtualNetwork } from "./virtual-network.ts";
import type { EndHandlers, VirtualEnd } from "./virtual-stream.ts";
import { VirtualClock, type VirtualTime } from "./virtual-time.ts";

/** Names and texts of options. */
export type Settings = Readonly<Record<string, string>>;

export interface MachineOptions {
  readonly name: string;
  readonly time: VirtualTime;
  readonly network: VirtualNetwork;
  readonly random: SeededRandom;
  readonly settings: Settings;
  readonly loggerOf: (name: string) => Logger;
}

export const virtualPort = 6379;
/** The slowest background sync. Syncs on the loop take no time. */
const syncMsMax = 2;
const commands = new CommandTable();

export class VirtualMachine {
  readonly name: string;
  readonly disk: MemoryDisk;
  /** How far the wall clock is off. */
  #wallOffsetMs = 0;
  readonly #options: MachineOptions;
  #process: VirtualProcess | null = null;
  /** The node was removed from its cluster and its process has ended with status 0. */
  hasLeft = false;

  constructor(options: MachineOptions) {
    this.name = options.name;
    this.#options = options;
    const { time, random } = options;
    this.disk = new MemoryDisk((complete) => {
      time.after(random.below(syncMsMax * 1000) / 1000, () => this.#process?.run(complete));
    });
  }

  get process(): VirtualProcess | null {
    return this.#process;
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  get wallOffsetMs(): number {
    return this.#wallOffsetMs;
  }

  set wallOffsetMs(offsetMs: number) {
    this.#wallOffsetMs = offsetMs;
    if (this.#process !== null) this.#process.clock.wallOffsetMs = offsetMs;
  }

  /** Starts a process. False when the power went before it stood. */
  start(): boolean {
    assert(this.#process === null, "one process a machine");
    this.#options.network.switchOn(this.name);
    const process = new VirtualProcess(this, this.#options, {
      ended: (left) => {
        this.hasLeft = left;
        this.kill();
      },
      powerCut: () => this.cutPower(),
    });
    this.#process = process;
    process.run(() => process.start());
    return this.#process === process;
  }

  /** Ends the process as `kill -9` does: what it has written is still there. */
  kill(): void {
    this.#endProcess(false);
    this.disk.killProcess();
  }

  /** Ends the process by taking the machine's power: of what was not synced, chance keeps what it likes. */
  cutPower(): void {
    this.#endProcess(true);
    this.disk.crash(this.#options.random);
    this.#options.network.switchOff(this.name);
  }

  #endProcess(silently: boolean): void {
    this.#process?.die();
    this.#process = null;
    this.#options.network.abandon(this.name, silently);
  }
}

interface ProcessEvents {
  /** The process has ended by itself. */
  ended(left: boolean): void;
  powerCut(): void;
}

export class VirtualProcess {
  readonly config = new Config();
  readonly clock: VirtualClock;
  readonly node: ClusterNode;
  readonly server: Server;
  readonly #serving: ServingNode;
  readonly #machine: VirtualMachine;
  readonly #options: MachineOptions;
  readonly #events: ProcessEvents;
  #alive = true;
  /** What happens while the process stands still. */
  #delayed: (() => void)[] | null = null;

  constructor(machine: VirtualMachine, options: MachineOptions, events: ProcessEvents) {
    this.#machine = machine;
    this.#options = options;
    this.#events = events;
    this.clock = new VirtualClock(options.time, this.run, machine.wallOffsetMs);
    for (const [name, text] of Object.entries(options.settings)) load(this.config, name, text);
    this.#serving = new ServingNode({
      config: this.config,
      configFile: null,
      clock: this.clock,
      logger: options.loggerOf(options.name),
      random: new SeededRandom(options.random.uint32()),
      network: options.network.of(options.name, this.run),
      disk: machine.disk,
      directory: "/data",
      commands,
      clientsPossible: Number.POSITIVE_INFINITY,
      advertised: () => ({ host: options.name, port: virtualPort }),
      events: {
        changed: () => undefined,
        left: () => events.ended(true),
        ended: () => events.ended(false),
        failed: (error) => {
          throw error;
        },
      },
    });
    this.node = this.#serving.node;
    this.server = this.#serving.server;
  }

  start(): void {
    this.#options.network.listen(this.#options.name, this.run, (end) => this.#accept(end));
    this.node.start();
  }

  /** Runs what concerns this process: at once, when it goes on again, or, if it is dead, never. */
  readonly run = (callback: () => void): void => {
    if (!this.#alive) return;
    if (this.#delayed !== null) {
      this.#delayed.push(callback);
      return;
    }
    try {
      callback();
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      this.#events.powerCut();
    }
  };

  get isStandingStill(): boolean {
    return this.#delayed !== null;
  }

  /** Lets the process stand still, as a long garbage collection or a starved machine does. */
  standStill(forMs: number): void {
    if (this.#delayed !== null) return;
    this.#delayed = [];
    this.#options.time.after(forMs, () => {
      const delayed = this.#delayed ?? [];
      this.#delayed = null;
      for (const callback of delayed) this.run(callback);
    });
  }

  /** SIGTERM. */
  terminate(): void {
    this.run(() => this.server.shutdown({ now: false, aborted: () => undefined }));
  }

  die(): void {
    this.#alive = false;
  }

  #accept(end: VirtualEnd): EndHandlers {
    const client = this.server.adopt({
      remoteAddress: end.other.host,
      remotePort: 1,
      localAddress: this.#machine.name,
      localPort: virtualPort,
      write: (bytes) => end.write(bytes),
      end: () => end.end(),
      pause: () => end.pause(),
      resume: () => end.resume(),
    });
    return {
      data: (chunk) => client.received(chunk),
      drain: () => client.drained(),
      ended: () => client.inputEnded(),
      closed: () => client.socketClosed(),
    };
  }
}

function load(config: Config, name: string, text: string): void {
  const row = findOption(name);
  assert(row !== undefined, `an option named ${name}`);
  const error = config.load(row.name, text, { kind: "flag", detail: `--${name}` });
  assert(error === null, `${name} ${text} to be taken: ${error}`);
}
