// What each command has been called for, what it cost and how often it failed: INFO's Commandstats, Latencystats and
// Errorstats.

import type { Command } from "../commands/command.ts";
import type { CommandTable } from "../commands/table.ts";
import { LatencyHistogram } from "./latency-histogram.ts";

/** The counters of one command, under the name that INFO shows. */
export class CommandStatistics {
  readonly name: string;
  calls = 0;
  /** Time spent in the command's handler; waiting for other nodes is not in it. */
  micros = 0;
  /** How that time was distributed; null while no call was counted in it. */
  latency: LatencyHistogram | null = null;
  /** Refused before it ran: arity, authentication, no leader, a leader elsewhere. */
  rejectedCalls = 0;
  /** Ran and answered with an error. */
  failedCalls = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** A call has been answered that took `tookMs`; `latencyTracked`: it counts in the distribution too. */
  called(tookMs: number, latencyTracked: boolean): void {
    this.calls++;
    this.micros += tookMs * 1000;
    if (latencyTracked) (this.latency ??= new LatencyHistogram()).record(tookMs * 1e6);
  }

  reset(): void {
    this.calls = 0;
    this.micros = 0;
    this.latency = null;
    this.rejectedCalls = 0;
    this.failedCalls = 0;
  }
}

/** Error codes told apart; the codes are ours, so more of them would be a mistake. */
const errorCodesMax = 128;

/** The counters of all commands of a table, and of the errors that were sent. */
export class CommandLedger {
  readonly #table: CommandTable;
  readonly #byCommand = new Map<Command, CommandStatistics>();
  readonly #byName = new Map<string, CommandStatistics>();
  readonly #errors = new Map<string, number>();
  totalErrors = 0;

  constructor(table: CommandTable) {
    this.#table = table;
    for (const command of table.commands) {
      this.#add(command, command.name);
      if (command.scope !== "container") continue;
      for (const inner of command.subcommands) this.#add(inner, `${command.name}|${inner.name}`);
    }
  }

  /** The counters of a command of the table. One map access: this is on the path of every command. */
  of(command: Command): CommandStatistics {
    const statistics = this.#byCommand.get(command);
    if (statistics !== undefined) return statistics;
    // A container's word alone (COMMAND) runs as a command that the table has made of it.
    const byName = this.#byName.get(command.name) ?? new CommandStatistics(command.name);
    this.#byCommand.set(command, byName);
    return byName;
  }

  /** `args` were refused before they ran. Unknown commands have no counters. */
  rejected(args: readonly string[]): void {
    const command = this.#table.find(args[0] as string);
    if (command === undefined) return;
    const inner = command.scope === "container" && args.length > 1 ? args[1] : undefined;
    const subcommand = inner === undefined ? undefined : this.#table.find(`${command.name}|${inner}`);
    this.of(subcommand ?? command).rejectedCalls++;
  }

  /** An error reply was sent; `text` begins with its code. */
  countError(text: string): void {
    this.totalErrors++;
    const space = text.indexOf(" ");
    const code = space < 0 ? text : text.slice(0, space);
    const count = this.#errors.get(code);
    if (count !== undefined || this.#errors.size < errorCodesMax) this.#errors.set(code, (count ?? 0) + 1);
  }

  /** Those that were called or refused, in the order of the table. */
  *used(): Iterable<CommandStatistics> {
    for (const statistics of this.#byName.values()) {
      if (statistics.calls > 0 || statistics.rejectedCalls > 0) yield statistics;
    }
  }

  /** How often an error of this code was sent. */
  errorCount(code: string): number {
    return this.#errors.get(code) ?? 0;
  }

  /** Codes and how often each was sent, sorted by code. */
  errorCounts(): [code: string, count: number][] {
    return [...this.#errors].sort(([left], [right]) => (left < right ? -1 : 1));
  }

  reset(): void {
    for (const statistics of this.#byName.values()) statistics.reset();
    this.#errors.clear();
    this.totalErrors = 0;
  }

  #add(command: Command, name: string): void {
    const statistics = new CommandStatistics(name);
    this.#byCommand.set(command, statistics);
    this.#byName.set(name, statistics);
  }
}
