// A whole run: chapter after chapter of load under faults, and after each a calm in which everything must hold: all nodes
// come back to one mind by themselves, hold the same, and what the clients were told fits one history.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SeededRandom } from "../../src/base/random.ts";
import type { Place } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import { familiesOf } from "../workload/families/chapter-families.ts";
import type { LoadFamily } from "../workload/family.ts";
import { wallTimesOfThisMachine } from "../workload/wall-times.ts";
import { Findings } from "./findings.ts";
import { Fleet } from "./fleet.ts";
import { type FaultRecord, Hands, type Pace, type Schedule } from "./hands.ts";
import { Load } from "./load.ts";
import { Statistics } from "./statistics.ts";

export interface NemesisOptions {
  readonly place: Place;
  readonly nodes: number;
  readonly seed: number;
  /** Clients talk to any node, and followers pass commands on. */
  readonly isProxied: boolean;
  readonly schedules: readonly Schedule[];
  readonly durationMs: number;
  /** Of the faults of a chapter. */
  readonly chapterMs: number;
  readonly clients: number;
  readonly pace: Pace;
}

/** So soon after the faults so many operations must have been answered, and then every object must be read as soon. */
const recoveryMs = 10_000;
const recoveryOperations = 200;
const sampleMs = 20;

export class NemesisRun {
  readonly findings = new Findings();
  readonly statistics = new Statistics();
  /** Every fault of every chapter so far. */
  readonly faults: FaultRecord[] = [];
  /** Folder with the histories that were found impossible; null without any. */
  evidence: string | null = null;
  chapters = 0;
  /** Histories that were too hard to judge, by object. */
  readonly undecided: string[] = [];
  readonly #options: NemesisOptions;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  /** Ends when the time is over, or with the first chapter that has a finding. */
  async run(): Promise<void> {
    const { place, nodes, seed, isProxied, clients, durationMs } = this.#options;
    const { findings, statistics } = this;
    const flags = isProxied ? ["--follower-proxy", "yes"] : [];
    const fleet = await Fleet.form({ place, nodes, flags, findings });
    const load = new Load({ fleet, clients, seed, findings, statistics });
    const hands = new Hands({ ...this.#options, fleet, record: this.faults });
    const sampler = setInterval(
      () => statistics.healthIs(fleet.hasHealthyMajority, performance.now()),
      sampleMs,
    );
    place.atEnd(() => {
      load.close();
      clearInterval(sampler);
    });
    const endMs = performance.now() + durationMs;
    while (performance.now() < endMs && findings.isClean) await this.#chapter(fleet, load, hands);
    clearInterval(sampler);
    await fleet.end();
    for (const { process } of fleet.machines) {
      const line = process.log.split("\n").find((text) => /assert|expected: |panic|segmentation/i.test(text));
      if (line !== undefined) findings.add(`${process.name} logged: ${line}`);
    }
  }

  async #chapter(fleet: Fleet, load: Load, hands: Hands): Promise<void> {
    const number = this.chapters++;
    const random = new SeededRandom(this.#options.seed * 1000 + number);
    const families = familiesOf(number, random, wallTimesOfThisMachine());
    load.start(families);
    hands.start();
    await Bun.sleep(this.#options.chapterMs);
    try {
      await hands.stop();
      await fleet.calm();
      await this.#recovery();
    } catch (error) {
      this.findings.add(`no recovery after the faults of chapter ${number}: ${told(error)}`);
    }
    await load.stop();
    if (this.findings.isClean) await this.#compare(fleet, load, families);
    this.#judge(families);
  }

  /** The load goes on as if nothing had been. */
  async #recovery(): Promise<void> {
    const answered = (): number => this.statistics.outcomes.get("answered") ?? 0;
    const goal = answered() + recoveryOperations;
    await until(`${recoveryOperations} more answers`, () => answered() >= goal, recoveryMs);
  }

  /** Reads everything once more, and looks whether all nodes hold the same. */
  async #compare(fleet: Fleet, load: Load, families: readonly LoadFamily[]): Promise<void> {
    const { findings } = this;
    const reads = families.flatMap((family) =>
      Array.from({ length: family.objects }, (_, object) => () => family.read(object)),
    );
    if (!(await load.insist(reads, recoveryMs)))
      findings.add(`not everything could be read within ${recoveryMs} ms after the faults`);
    const digests = await fleet.digests();
    if (new Set(digests).size > 1) findings.add(`nodes differ: ${digests.join(", ")}`);
  }

  #judge(families: readonly LoadFamily[]): void {
    for (const family of families) {
      const result = family.check();
      if (result.kind === "undecided") this.undecided.push(result.partition);
      if (result.kind === "violation") this.findings.add(`${family.name}: ${result.explanation}`);
    }
    if (!this.findings.isClean) this.#keep(families);
  }

  #keep(families: readonly LoadFamily[]): void {
    this.evidence = join(this.#options.place.folder, "histories");
    mkdirSync(this.evidence, { recursive: true });
    for (const family of families) {
      const lines = family.history().map((operation) => JSON.stringify(operation));
      writeFileSync(join(this.evidence, `${family.name}.jsonl`), `${lines.join("\n")}\n`);
    }
    writeFileSync(join(this.evidence, "faults.json"), JSON.stringify(this.faults, null, 1));
  }
}

function told(error: unknown): string {
  const cause = error instanceof Error && error.cause !== null ? ` (${String(error.cause)})` : "";
  return `${String(error)}${cause}`;
}
