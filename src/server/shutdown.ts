// The orderly end of the process. A leader hands over first; then, because a connection that answers MOVED costs a
// client nothing and a closed port costs it seconds, the node goes on answering until its clients have left or the drain
// is over. Everything acknowledged is on disk already, so nothing else must be waited for.
//
//   running ──start──► handing over ──► draining ──► ended           abort leads back from any of the first two
//
// A second signal ends the process at once, which is as safe as a crash: quite.

import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";

export interface ShutdownPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly drainTimeoutMs: () => number;
  readonly clientCount: () => number;
  /** Requests whose answers are still open, of clients here and of those whose commands other nodes pass on. */
  readonly openRequests: () => number;
  readonly isLeading: () => boolean;
  /** Hands leadership over; `done` is called when that has succeeded or failed for good. */
  readonly prepare: (done: () => void) => void;
  /** Closes everything, then ends the process with status 0. */
  readonly end: () => void;
}

export interface ShutdownStart {
  /** Who asked, for the log. */
  readonly reason: string;
  /** Do not wait for clients to leave. */
  readonly now: boolean;
  /** Tells the client that asked, which waits for the end, that there is none; null when no client did. */
  readonly aborted: (() => void) | null;
}

const drainCheckMs = 50;
/** A former leader answers at least so long: what the others have sent it by then is told where to go. */
const drainMinMs = 200;

/** One for the process; it can be started, hurried, taken back, and started again. */
export class Shutdown {
  readonly #ports: ShutdownPorts;
  #phase: "running" | "handing over" | "draining" | "ended" = "running";
  /** Tells a late answer to an aborted attempt from one to the current. */
  #attempt = 0;
  #now = false;
  #drainUntilMs = 0;
  #drainAtLeastUntilMs = 0;
  #timer: Timer | null = null;
  #aborted: (() => void)[] = [];

  constructor(ports: ShutdownPorts) {
    this.#ports = ports;
  }

  get isUnderWay(): boolean {
    return this.#phase !== "running";
  }

  /** Starts to shut down; asked again while that goes on, it can only become faster. */
  start(request: ShutdownStart): void {
    if (this.#phase === "ended") return;
    if (request.aborted !== null) this.#aborted.push(request.aborted);
    if (request.now) this.#now = true;
    if (this.#phase === "draining") this.#drain();
    if (this.#phase !== "running") return;
    const { logger, isLeading, prepare } = this.#ports;
    logger.notice(`${request.reason}, shutting down`);
    this.#phase = "handing over";
    const attempt = ++this.#attempt;
    const led = isLeading();
    prepare(() => {
      if (this.#phase !== "handing over" || attempt !== this.#attempt) return;
      this.#handedOver(led);
    });
  }

  /**
   * Goes on as if nothing had been asked; false when nothing was, or it is too late. A transfer of leadership that is
   * under way is no harm: it is let go on.
   */
  abort(): boolean {
    if (this.#phase !== "handing over" && this.#phase !== "draining") return false;
    this.#phase = "running";
    this.#now = false;
    this.#timer?.cancel();
    this.#timer = null;
    this.#ports.logger.notice("Shutdown manually aborted.");
    const waiting = this.#aborted;
    this.#aborted = [];
    for (const aborted of waiting) aborted();
    return true;
  }

  #handedOver(led: boolean): void {
    const { isLeading, clock, drainTimeoutMs } = this.#ports;
    // Only clients of a former leader have somewhere to go that they do not know yet.
    const moved = led && !isLeading();
    this.#phase = "draining";
    const nowMs = clock.monotonicMs();
    this.#drainUntilMs = moved ? nowMs + drainTimeoutMs() : 0;
    this.#drainAtLeastUntilMs = moved ? Math.min(nowMs + drainMinMs, this.#drainUntilMs) : 0;
    this.#drain();
  }

  #drain(): void {
    const { clock, clientCount, openRequests, end, logger } = this.#ports;
    this.#timer?.cancel();
    const nowMs = clock.monotonicMs();
    // Clients that asked for the end do not leave before it.
    const isAwaited =
      clientCount() > this.#aborted.length || openRequests() > 0 || nowMs < this.#drainAtLeastUntilMs;
    if (!this.#now && isAwaited && nowMs < this.#drainUntilMs) {
      this.#timer = clock.after(drainCheckMs, () => this.#drain());
      return;
    }
    this.#timer = null;
    this.#phase = "ended";
    logger.notice("vlot is now ready to exit, bye bye...");
    end();
  }
}

export interface SignalPorts {
  readonly logger: Logger;
  readonly shutdown: Shutdown;
  /** SIGHUP: the log file may have been moved away. */
  readonly reopenLog: () => void;
  /** Ends the process at once. */
  readonly exit: (status: number) => void;
}

/** 128 plus the signal's number, as a shell reports it. */
const exitStatus = { SIGINT: 130, SIGTERM: 143 } as const;

/** Handles the process's signals from now on; the returned function stops that. */
export function handleSignals(ports: SignalPorts): () => void {
  const { logger, shutdown, reopenLog, exit } = ports;
  const end = (signal: "SIGINT" | "SIGTERM"): void => {
    if (shutdown.isUnderWay) {
      logger.warning("You insist... exiting now.");
      exit(exitStatus[signal]);
      return;
    }
    shutdown.start({ reason: `Received ${signal}`, now: false, aborted: null });
  };
  const interrupt = (): void => end("SIGINT");
  const terminate = (): void => end("SIGTERM");
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", terminate);
  process.on("SIGHUP", reopenLog);
  return () => {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", terminate);
    process.off("SIGHUP", reopenLog);
  };
}
