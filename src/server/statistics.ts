// The server's counters: INFO's Stats section, and the rates in it, which are averages over the last samples.

import type { CommandTable } from "../commands/table.ts";
import { CommandLedger } from "./command-statistics.ts";
import { memoryUsage } from "./memory-usage.ts";

/** Samples that a rate averages over, as in Redis. */
const samplesMax = 16;

/** How fast a counter has grown lately. */
class Rate {
  readonly #perSecond = new Float64Array(samplesMax);
  #next = 0;
  #last = 0;

  sample(count: number, elapsedMs: number): void {
    // The counter went back: the statistics were reset.
    const grown = Math.max(0, count - this.#last);
    this.#last = count;
    this.#perSecond[this.#next] = elapsedMs > 0 ? (grown * 1000) / elapsedMs : 0;
    this.#next = (this.#next + 1) % samplesMax;
  }

  get perSecond(): number {
    let sum = 0;
    for (const value of this.#perSecond) sum += value;
    return sum / samplesMax;
  }
}

export class Statistics {
  connectionsReceived = 0;
  /** Refused because of maxclients. */
  connectionsRejected = 0;
  /** Closed for client-query-buffer-limit and client-output-buffer-limit. */
  queryBufferDisconnections = 0;
  outputBufferDisconnections = 0;
  commandsProcessed = 0;
  netInputBytes = 0;
  netOutputBytes = 0;
  readsProcessed = 0;
  writesProcessed = 0;
  peakMemoryBytes = 0;
  /** latency-tracking: whether each command's durations are kept for Latencystats. */
  latencyTracked = true;
  readonly commands: CommandLedger;
  readonly commandRate = new Rate();
  readonly inputRate = new Rate();
  readonly outputRate = new Rate();
  #sampledAtMs = 0;

  constructor(table: CommandTable) {
    this.commands = new CommandLedger(table);
  }

  /** To be called at regular times. */
  sample(nowMs: number): void {
    const elapsedMs = nowMs - this.#sampledAtMs;
    this.#sampledAtMs = nowMs;
    this.commandRate.sample(this.commandsProcessed, elapsedMs);
    this.inputRate.sample(this.netInputBytes, elapsedMs);
    this.outputRate.sample(this.netOutputBytes, elapsedMs);
    this.noteMemory(memoryUsage().heapUsed);
  }

  noteMemory(usedBytes: number): void {
    if (usedBytes > this.peakMemoryBytes) this.peakMemoryBytes = usedBytes;
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    this.connectionsReceived = 0;
    this.connectionsRejected = 0;
    this.queryBufferDisconnections = 0;
    this.outputBufferDisconnections = 0;
    this.commandsProcessed = 0;
    this.netInputBytes = 0;
    this.netOutputBytes = 0;
    this.readsProcessed = 0;
    this.writesProcessed = 0;
    this.peakMemoryBytes = 0;
    this.commands.reset();
  }
}
