// One node under the nemesis: its process, what has been done to that, and so whether an end of it is one that had to come.
//
//   running ──pause──► paused ──resume──► running
//      │ kill, from any state ──► down ──launch──► running
//      └─stop──► stopping ──exits 0──► down
//
// A process ends with status 0 by itself once it has learned that it is no member any more. Any other end is a finding.

import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";
import type { Findings } from "./findings.ts";

export type MachineState = "running" | "paused" | "stopping" | "down";

export class Machine {
  readonly process: VlotProcess;
  readonly #findings: Findings;
  #state: MachineState = "down";
  /** Has asked to join, and not left since: to be kept alive for the cluster's sake. */
  isMember: boolean;
  /** Its removal has been asked for: it may leave. */
  mayLeave = false;

  /** The process runs already. */
  constructor(process: VlotProcess, isMember: boolean, findings: Findings) {
    this.process = process;
    this.#findings = findings;
    this.isMember = isMember;
    this.#watch();
  }

  get name(): string {
    return this.process.name;
  }

  get state(): MachineState {
    return this.#state;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    if (this.#state === "down") return;
    this.#state = "down";
    await this.process.kill();
  }

  /** SIGTERM; resolves when it is gone. Only when it runs. */
  async stop(): Promise<void> {
    this.#state = "stopping";
    await this.process.stop();
  }

  pause(): void {
    this.#state = "paused";
    this.process.pause();
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    this.process.resume();
  }

  /** Starts the process unless it runs, and waits until it answers or has left. */
  async launch(): Promise<void> {
    if (this.#state !== "down") return;
    this.process.launch();
    this.#watch();
    await until(
      `${this.name} answers`,
      async () => this.#state !== "running" || (await this.process.info()) !== null,
    );
  }

  #watch(): void {
    this.#state = "running";
    void this.process.exited.then((status) => this.#exited(status));
  }

  #exited(status: number | null): void {
    const isKilled = this.#state === "down";
    const mayEnd = this.#state === "stopping" || this.mayLeave;
    const hasLeft = this.mayLeave && this.#state === "running" && status === 0;
    this.#state = "down";
    if (hasLeft) this.isMember = false;
    if (isKilled || (mayEnd && status === 0)) return;
    this.#findings.add(
      `${this.name} ended by itself: ${this.process.ending} (its log is ${this.process.logPath})`,
    );
  }
}
