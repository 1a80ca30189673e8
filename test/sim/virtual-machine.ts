// One machine of a virtual world: a disk that survives, clocks that may be off, and the process that runs on it now.

import { assert } from "../../src/base/assert.ts";
import type { Logger } from "../../src/base/logger.ts";
import type { SeededRandom } from "../../src/base/random.ts";
import type { DiskError } from "../../src/storage/disk.ts";
import type { StorageError } from "../../src/storage/errors.ts";
import { MemoryDisk } from "../storage/memory-disk.ts";
import type { ProcessEnd, StepObserver } from "./step-observer.ts";
import type { Trace } from "./trace.ts";
import type { VirtualNetwork } from "./virtual-network.ts";
import { type Settings, VirtualProcess } from "./virtual-process.ts";
import { MachineClocks, type VirtualTime } from "./virtual-time.ts";

export interface MachineOptions {
  readonly name: string;
  readonly time: VirtualTime;
  readonly network: VirtualNetwork;
  readonly random: SeededRandom;
  readonly settings: Settings;
  readonly loggerOf: (name: string) => Logger;
  readonly trace: Trace;
  /** Asked at every event: more may come. */
  readonly observers: readonly StepObserver[];
  /** The process has ended by itself because of its disk or its files. Without it that is an error of the test. */
  readonly failed?: (machine: VirtualMachine, error: DiskError | StorageError) => void;
  readonly isForPeersOnly?: boolean;
  /** As in MemoryDisk. */
  readonly tearsSectors?: boolean;
}

/** How long the disk takes. */
export interface DiskSpeed {
  /** The slowest sync in the background. */
  readonly backgroundMsMax: number;
  /** The slowest one for which the process stands still. */
  readonly loopMsMax: number;
}

export const usualDiskSpeed: DiskSpeed = { backgroundMsMax: 2, loopMsMax: 0 };

export class VirtualMachine {
  readonly name: string;
  /** The node was removed from its cluster and its process has ended with status 0. */
  hasLeft = false;
  diskSpeed = usualDiskSpeed;
  readonly clocks: MachineClocks;
  readonly #options: MachineOptions;
  #disk: MemoryDisk;
  #process: VirtualProcess | null = null;
  /** The observers know of the process. */
  #isKnown = false;
  /** What the end is that the disk has been told to bring about. */
  #endToCome: "killed" | "power cut" = "power cut";

  constructor(options: MachineOptions) {
    this.name = options.name;
    this.#options = options;
    this.clocks = new MachineClocks(options.time);
    this.#disk = this.#newDisk();
  }

  get disk(): MemoryDisk {
    return this.#disk;
  }

  get process(): VirtualProcess | null {
    return this.#process;
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  get wallOffsetMs(): number {
    return this.clocks.wallOffsetMs;
  }

  set wallOffsetMs(offsetMs: number) {
    this.clocks.wallOffsetMs = offsetMs;
  }

  /** Starts a process. False when it ended before it stood. */
  start(): boolean {
    assert(this.#process === null, "one process a machine");
    this.#options.network.switchOn(this.name);
    this.hasLeft = false;
    const process = this.#newProcess();
    this.#process = process;
    process.start();
    return this.#process === process;
  }

  /** Starts a further process on the same directory, which must be refused; gives the reason. */
  startSecond(): DiskError | StorageError | null {
    return this.#newProcess().startBeside();
  }

  /** Ends the process as `kill -9` does: what it has written is still there. */
  kill(): void {
    this.#end("killed");
  }

  /** Ends the process by taking the machine's power: of what was not synced, chance keeps what it likes. */
  cutPower(): void {
    this.#end("power cut");
  }

  /** Ends the process, as said, in the middle of the operation of its disk that is `count` from now. */
  endInOperation(count: number, end: "killed" | "power cut"): void {
    this.#endToCome = end;
    this.#disk.cutPowerAfter(count);
  }

  /** The machine comes back with an empty disk; it must not be running. */
  wipe(): void {
    assert(this.#process === null, "no process on a disk that is replaced");
    this.#disk = this.#newDisk();
    for (const observer of this.#options.observers) observer.diskChanged(this, "wiped");
  }

  /** Changes the disk behind everybody's back, as `how` does. */
  damage(how: (disk: MemoryDisk) => void): void {
    how(this.#disk);
    for (const observer of this.#options.observers) observer.diskChanged(this, "damaged");
  }

  #end(end: ProcessEnd): void {
    const wasKnown = this.#isKnown;
    this.#isKnown = false;
    const silently = end === "power cut";
    this.#process?.die();
    this.#process = null;
    this.#options.network.abandon(this.name, silently);
    if (silently) {
      this.#disk.crash(this.#options.random);
      this.#options.network.switchOff(this.name);
    } else {
      this.#disk.killProcess();
      this.#disk.cutPowerAfter(Number.MAX_SAFE_INTEGER);
    }
    this.#endToCome = "power cut";
    this.#options.trace.event(this.name, end);
    if (wasKnown) for (const observer of this.#options.observers) observer.stopped(this, end);
  }

  #stepped(): void {
    const { observers } = this.#options;
    if (!this.#isKnown) for (const observer of observers) observer.started(this);
    this.#isKnown = true;
    for (const observer of observers) observer.stepped(this);
  }

  #newProcess(): VirtualProcess {
    const { time, network, random, settings, loggerOf, failed } = this.#options;
    return new VirtualProcess({
      name: this.name,
      time,
      clocks: this.clocks,
      network,
      disk: this.#disk,
      seed: random.uint32(),
      settings,
      logger: loggerOf(this.name),
      isForPeersOnly: this.#options.isForPeersOnly ?? false,
      events: {
        stepped: () => this.#stepped(),
        ended: (left) => {
          this.hasLeft = left;
          this.#end("ended");
        },
        failed: (error) => {
          this.#end("failed");
          if (failed === undefined) throw error;
          failed(this, error);
        },
        struck: () => this.#end(this.#endToCome),
      },
    });
  }

  #newDisk(): MemoryDisk {
    const { time, random, trace } = this.#options;
    const disk = new MemoryDisk((complete) => {
      const takesMs = random.below(this.diskSpeed.backgroundMsMax * 1000) / 1000;
      time.after(takesMs, () => this.#process?.run(complete));
    });
    disk.tearsSectors = this.#options.tearsSectors ?? false;
    disk.watch = (operation, path, bytes) => {
      trace.disk(this.name, operation, path, bytes);
      const { loopMsMax } = this.diskSpeed;
      if (operation === "sync" && loopMsMax > 0) this.#process?.delay(random.below(loopMsMax * 1000) / 1000);
    };
    return disk;
  }
}
