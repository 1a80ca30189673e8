// One process of a virtual machine: the production code throughout (node, router, server, clients), put together as in
// the executable. What it is not given is anything real: its clock, network, disk and chance are the world's.
//
// It runs in steps: one event each, to its end. A step that syncs takes time: the process reads later times meanwhile,
// what it sends leaves later, and no other step begins before it is over. A step may also be the process's last.

import { assert } from "../../src/base/assert.ts";
import type { Logger } from "../../src/base/logger.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { CommandTable } from "../../src/commands/table.ts";
import { Config } from "../../src/config/config.ts";
import { findOption } from "../../src/config/options.ts";
import type { ClusterNode } from "../../src/node/cluster-node.ts";
import type { Server } from "../../src/server/server.ts";
import { ServingNode } from "../../src/serving-node.ts";
import { DiskError } from "../../src/storage/disk.ts";
import { StorageError } from "../../src/storage/errors.ts";
import { type MemoryDisk, PowerCut } from "../storage/memory-disk.ts";
import type { Station, VirtualNetwork } from "./virtual-network.ts";
import type { EndHandlers, VirtualEnd } from "./virtual-stream.ts";
import { type MachineClocks, VirtualClock, type VirtualTime } from "./virtual-time.ts";

/** Names and texts of options. */
export type Settings = Readonly<Record<string, string>>;

export const virtualPort = 6379;
/** Where each machine has its data. */
export const dataPath = "/data";
const commands = new CommandTable();

export interface ProcessOptions {
  /** Of its machine, which is its host name too. */
  readonly name: string;
  readonly time: VirtualTime;
  readonly clocks: MachineClocks;
  readonly network: VirtualNetwork;
  readonly disk: MemoryDisk;
  readonly seed: number;
  readonly settings: Settings;
  readonly logger: Logger;
  /** Only other machines reach it, no client does. */
  readonly isForPeersOnly: boolean;
  readonly events: ProcessEvents;
}

/** None is called from inside a step. */
export interface ProcessEvents {
  /** A step is over, and the process goes on. */
  stepped(): void;
  /** The process has ended by itself: with status 0, and whether because it is no member any more. */
  ended(left: boolean): void;
  /** It has ended with another status, as the executable does on such an error. */
  failed(error: DiskError | StorageError): void;
  /** The disk says that the time that was set for an end has come. */
  struck(): void;
}

/** Thrown through what remains of the step in which the process ends, as `process.exit` does not return. */
class Exit extends Error {
  override readonly name = "Exit";
  readonly report: () => void;

  constructor(report: () => void) {
    super("the process has ended");
    this.report = report;
  }
}

export class VirtualProcess implements Station {
  readonly config = new Config();
  readonly clock: VirtualClock;
  readonly node: ClusterNode;
  readonly server: Server;
  /** Of its machine. */
  readonly name: string;
  /** How long the step under way has kept the process so far. */
  busyMs = 0;
  readonly #serving: ServingNode;
  readonly #options: ProcessOptions;
  #alive = true;
  #inStep = false;
  /** What happens while the process stands still. */
  #delayed: (() => void)[] | null = null;
  #wakesAtMs = 0;
  /** When what it has done so far is over, which nobody can hurry. */
  #busyUntilMs = 0;

  constructor(options: ProcessOptions) {
    const { name, time, clocks, network, disk, events } = options;
    this.#options = options;
    this.name = name;
    this.clock = new VirtualClock(time, this, clocks);
    for (const [option, text] of Object.entries(options.settings)) load(this.config, option, text);
    this.#serving = new ServingNode({
      config: this.config,
      configFile: null,
      clock: this.clock,
      logger: options.logger,
      random: new SeededRandom(options.seed),
      network: network.of(this),
      disk,
      directory: dataPath,
      commands,
      clientsPossible: Number.POSITIVE_INFINITY,
      advertised: () => ({ host: name, port: virtualPort }),
      events: {
        changed: () => undefined,
        left: () => this.#exit(() => events.ended(true)),
        ended: () => this.#exit(() => events.ended(false)),
        failed: (error) => this.#exitWith(error),
      },
    });
    this.node = this.#serving.node;
    this.server = this.#serving.server;
  }

  start(): void {
    this.run(() => {
      const { network, isForPeersOnly } = this.#options;
      network.listen(this, (end) => this.#accept(end), isForPeersOnly);
      this.#startNode();
    });
  }

  /** Opens the directory as a second process does that is started by mistake; gives why it cannot, null if it can. */
  startBeside(): DiskError | StorageError | null {
    try {
      this.node.start();
      return null;
    } catch (error) {
      if (error instanceof DiskError || error instanceof StorageError) return error;
      throw error;
    } finally {
      this.die();
    }
  }

  /** Runs what concerns this process: at once, when it goes on again, or, if it is dead, never. */
  readonly run = (callback: () => void): void => {
    if (!this.#alive) return;
    if (this.#inStep) return callback();
    if (this.#delayed !== null) {
      this.#delayed.push(callback);
      return;
    }
    this.#step(callback);
  };

  get isStandingStill(): boolean {
    return this.#delayed !== null;
  }

  /** How long it will stand still for what it has done: its clock has shown it those times already. */
  get busyForMs(): number {
    return Math.max(0, this.#busyUntilMs - this.#options.time.nowMs);
  }

  /** Lets the process stand still, as a long garbage collection or a starved machine does; longer if it does already. */
  standStill(forMs: number): void {
    const { time } = this.#options;
    this.#delayed ??= [];
    this.#wakesAtMs = Math.max(this.#wakesAtMs, time.nowMs + forMs);
    time.after(this.#wakesAtMs - time.nowMs, () => this.#wakeIfDue());
  }

  /** The end of all standing still, as soon as what it has done is over. */
  goOn(): void {
    if (this.#delayed === null) return;
    this.#wakesAtMs = this.#options.time.nowMs;
    if (this.busyForMs > 0) this.standStill(this.busyForMs);
    else this.#wakeIfDue();
  }

  /** The step under way takes `forMs` longer. */
  delay(forMs: number): void {
    if (this.#inStep) this.busyMs += forMs;
  }

  /** SIGTERM. */
  terminate(): void {
    this.run(() => this.server.shutdown({ now: false, aborted: () => undefined }));
  }

  /** Nothing of it runs any more. */
  die(): void {
    this.#alive = false;
    this.#delayed = null;
  }

  #step(callback: () => void): void {
    this.#inStep = true;
    let end: (() => void) | null = null;
    try {
      callback();
    } catch (error) {
      end = this.#endFor(error);
    }
    this.#inStep = false;
    const { busyMs } = this;
    this.busyMs = 0;
    if (end !== null) return end();
    if (!this.#alive) return;
    this.#options.events.stepped();
    if (busyMs === 0 || !this.#alive) return;
    this.#busyUntilMs = this.#options.time.nowMs + busyMs;
    this.standStill(busyMs);
  }

  #endFor(error: unknown): () => void {
    if (error instanceof Exit) return error.report;
    if (error instanceof PowerCut) return () => this.#options.events.struck();
    throw error;
  }

  #wakeIfDue(): void {
    if (this.#delayed === null || this.#options.time.nowMs < this.#wakesAtMs) return;
    const delayed = this.#delayed;
    this.#delayed = null;
    for (const callback of delayed) this.run(callback);
  }

  #startNode(): void {
    try {
      this.node.start();
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof StorageError)) throw error;
      this.#exitWith(error);
    }
  }

  #exitWith(error: Error): never {
    if (!(error instanceof DiskError || error instanceof StorageError)) throw error;
    this.#options.logger.warning(`Ends: ${error.message}`);
    this.#exit(() => this.#options.events.failed(error));
  }

  #exit(report: () => void): never {
    this.#alive = false;
    throw new Exit(report);
  }

  #accept(end: VirtualEnd): EndHandlers {
    const client = this.server.adopt({
      remoteAddress: end.other.host,
      remotePort: 1,
      localAddress: this.name,
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
