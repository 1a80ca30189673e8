// What many histories come to, as text: how fast they ran, what was simulated, which faults struck how often, how the
// clusters came back, and which seeds failed.

import type { SeedResult } from "./history.ts";

export class SeedReport {
  readonly failures: number[] = [];
  seeds = 0;
  #virtualMs = 0;
  #events = 0;
  #elections = 0;
  #sent = 0;
  #acknowledged = 0;
  #unknown = 0;
  #undecided = 0;
  /** Seeds in which a write was acknowledged. */
  #progressing = 0;
  readonly #faults = new Map<string, number>();
  readonly #exits = new Map<string, number>();
  readonly #connectedMs: number[] = [];
  readonly #firstWriteMs: number[] = [];

  add(result: SeedResult): void {
    const { workload, recovery } = result;
    this.seeds++;
    this.#virtualMs += result.virtualMs;
    this.#events += result.events;
    this.#elections += result.elections;
    this.#sent += workload.sent;
    this.#acknowledged += workload.acknowledged;
    this.#unknown += workload.unknown;
    this.#undecided += workload.undecided;
    if (workload.acknowledged > 0) this.#progressing++;
    addAll(this.#faults, result.faults);
    addAll(this.#exits, result.exits);
    if (recovery !== null) {
      this.#connectedMs.push(recovery.connectedMs);
      this.#firstWriteMs.push(recovery.firstWriteMs);
    }
    if (result.failure !== null) this.failures.push(result.seed);
  }

  /** Of `kinds`, those that never struck. */
  missing(kinds: readonly string[]): string[] {
    return kinds.filter((kind) => (this.#faults.get(kind) ?? 0) === 0);
  }

  /** One line about how far it is. */
  progress(wallMs: number): string {
    const perMinute = Math.round((this.seeds * 60_000) / Math.max(1, wallMs));
    const hours = (this.#virtualMs / 3_600_000).toFixed(2);
    return `${this.seeds} seeds, ${perMinute} a minute, ${hours} virtual hours, ${this.failures.length} failed`;
  }

  summary(wallMs: number): string {
    const each = (total: number): string => (total / Math.max(1, this.seeds)).toFixed(1);
    return [
      this.progress(wallMs),
      `events ${this.#events}; operations ${this.#sent}, writes acknowledged ${this.#acknowledged} (${each(this.#acknowledged)} a seed, ` +
        `some in ${this.#progressing} seeds), of unknown outcome ${this.#unknown}; elections ${this.#elections} (${each(this.#elections)} a seed)`,
      `histories too hard to judge ${this.#undecided}`,
      `after the faults, median / 99 of 100 / most: connected again ${spread(this.#connectedMs)} ms, ` +
        `first write after that ${spread(this.#firstWriteMs)} ms`,
      "faults:",
      ...table(this.#faults),
      ...(this.#exits.size === 0 ? [] : ["processes ended because of their disks:", ...table(this.#exits)]),
    ].join("\n");
  }
}

/** How one failed, and how to see it again. */
export function describeSeed({ seed, hash, failure, lines }: SeedResult): string {
  const trace = lines.length === 0 ? [] : ["last events:", ...lines];
  return [
    `seed ${seed} (trace ${hash}) failed: ${failure}`,
    ...trace,
    `again: bun run sim -- --seed ${seed}`,
    "",
  ].join("\n");
}

const columns = 3;

function table(counts: ReadonlyMap<string, number>): string[] {
  const cells = [...counts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => `${name.padEnd(24)} ${String(count).padStart(8)}`);
  const rows: string[] = [];
  for (let at = 0; at < cells.length; at += columns)
    rows.push(`  ${cells.slice(at, at + columns).join("    ")}`);
  return rows;
}

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (part: number): string =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0).toString();
  return `${at(0.5)} / ${at(0.99)} / ${at(1)}`;
}

function addAll(sums: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count);
}
