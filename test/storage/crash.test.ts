// The log against a model, on a disk that loses and tears what was not synced: after each crash all that was synced is
// there, nothing is there that was not written, and recovery never takes a crash for damage. `SEED=42 bun test crash`
// replays one history.

import { expect, test } from "bun:test";
import { messageOf } from "../../src/base/message-of.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { Log } from "../../src/storage/log.ts";
import { commandEntry, logOptions, newLog, textOf } from "./log-fixture.ts";
import { MemoryDisk, powerLasts } from "./memory-disk.ts";

interface ModelEntry {
  readonly term: number;
  readonly body: string;
}

const seedCount = Number(process.env["SEEDS"] ?? 150);
const stepsPerSeed = 60;

class History {
  readonly #random: SeededRandom;
  readonly #disk = new MemoryDisk();
  #log: Log;
  #model: ModelEntry[] = [];
  /** The model as it may also be: an operation was interrupted by the power cut. */
  #alternative: ModelEntry[] | null = null;
  #syncedIndex = 0;
  #committedIndex = 0;
  #term = 1;
  #syncing = false;
  crashes = 0;
  interrupted = 0;
  truncations = 0;
  cuts = 0;
  finishedTruncations = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#log = newLog(this.#disk);
    // The log's directory is made durable by whoever owns it.
    this.#disk.syncDirectory("data");
  }

  step(): void {
    const random = this.#random;
    const powerCut = random.below(6) === 0;
    if (powerCut) this.#disk.cutPowerAfter(1 + random.below(12));
    if (!powerLasts(() => this.#act(random.below(100)))) {
      this.interrupted++;
      this.#crash();
      return;
    }
    this.#syncedIndex = this.#log.durableIndex;
    this.#alternative = null;
    this.#compare(textOf(this.#log), this.#model, this.#model.length);
    if (powerCut || random.below(12) === 0) this.#crash();
  }

  #act(choice: number): void {
    const random = this.#random;
    if (choice < 45) this.#append(this.#model.length + 1);
    else if (choice < 57 && this.#model.length > this.#committedIndex) {
      this.#append(this.#committedIndex + 1 + random.below(this.#model.length - this.#committedIndex));
    } else if (choice < 70) this.#log.sync();
    else if (choice < 78) this.#syncInBackground();
    else if (choice < 86) this.#disk.completeSyncs();
    else if (choice < 92) this.#log.prepareAhead();
    else this.#committedIndex += random.below(this.#log.durableIndex - this.#committedIndex + 1);
  }

  #append(from: number): void {
    const random = this.#random;
    if (from <= this.#model.length || random.below(8) === 0) this.#term++;
    const added: ModelEntry[] = [];
    for (let count = 1 + random.below(6); count > 0; count--) {
      const length = random.below(20) === 0 ? 3000 + random.below(6000) : random.below(500);
      added.push({ term: this.#term, body: String.fromCharCode(random.below(256)).repeat(length) });
    }
    const old = this.#model;
    this.#model = [...old.slice(0, from - 1), ...added];
    this.#alternative = old;
    if (from <= old.length) {
      this.truncations++;
      // From here on a crash may lose what is being overwritten, synced or not.
      this.#syncedIndex = Math.min(this.#syncedIndex, from - 1);
    }
    this.#log.append(added.map((entry, i) => commandEntry(from + i, entry.term, entry.body)));
  }

  #syncInBackground(): void {
    if (this.#syncing) return;
    this.#syncing = true;
    this.#log.syncInBackground((error, index, term) => {
      this.#syncing = false;
      expect(error).toBeNull();
      expect(term).toBe(this.#model[index - 1]?.term ?? 0);
    });
  }

  #crash(): void {
    this.crashes++;
    if (this.#random.below(4) === 0) this.#disk.killProcess();
    else this.#disk.crash(this.#random);
    this.#syncing = false;
    // Now and then the power goes again while recovery is at work.
    while (this.#random.below(3) === 0) {
      this.#disk.cutPowerAfter(1 + this.#random.below(8));
      powerLasts(() => Log.open(logOptions(this.#disk, { securedIndex: this.#committedIndex })).log.close());
      this.#disk.crash(this.#random);
    }
    // `killProcess` leaves the cut armed.
    this.#disk.cutPowerAfter(Number.MAX_SAFE_INTEGER / 2);
    const { log, recovery } = Log.open(logOptions(this.#disk, { securedIndex: this.#committedIndex }));
    this.#log = log;
    this.cuts += recovery.cuts.length;
    if (recovery.truncatedAfter !== null) this.finishedTruncations++;
    const text = textOf(log);
    const kept = commonLength(text, this.#model);
    const other = this.#alternative === null ? -1 : commonLength(text, this.#alternative);
    const model = other > kept ? (this.#alternative ?? []) : this.#model;
    this.#compare(text, model, text.length);
    expect(text.length).toBeGreaterThanOrEqual(this.#syncedIndex);
    expect(log.durableIndex).toBe(text.length);
    this.#model = model.slice(0, text.length);
    this.#alternative = null;
    this.#syncedIndex = text.length;
  }

  #compare(text: readonly string[], model: readonly ModelEntry[], length: number): void {
    expect(text).toEqual(model.slice(0, length).map(lineOf));
  }
}

function commonLength(text: readonly string[], model: readonly ModelEntry[]): number {
  let length = 0;
  while (
    length < text.length &&
    length < model.length &&
    text[length] === lineOf(model[length] as ModelEntry, length)
  )
    length++;
  return length;
}

function lineOf(entry: ModelEntry, position: number): string {
  return `${position + 1}@${entry.term} command ${entry.body}`;
}

test("the log keeps what was synced and invents nothing, whatever a crash leaves", () => {
  const only = process.env["SEED"];
  const seeds = only === undefined ? Array.from({ length: seedCount }, (_, at) => at + 1) : [Number(only)];
  const totals = { crashes: 0, interrupted: 0, truncations: 0, cuts: 0, finishedTruncations: 0 };
  for (const seed of seeds) {
    try {
      const history = new History(seed);
      for (let step = 0; step < stepsPerSeed; step++) history.step();
      for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += history[name];
    } catch (error) {
      throw new Error(`seed ${seed}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  // The histories must reach what they are there for.
  if (only === undefined) {
    for (const count of Object.values(totals)) expect(count).toBeGreaterThanOrEqual(seedCount / 5);
  }
}, 60_000);

/** Sixty synced entries over several segments, then the power or the process ends `cutAt` steps into overwriting the 8th. */
function interruptedTruncation(cutAt: number): { disk: MemoryDisk; before: string[]; finished: boolean } {
  const disk = new MemoryDisk();
  const log = newLog(disk);
  disk.syncDirectory("data");
  for (let index = 1; index <= 60; index++) log.append([commandEntry(index, 1, `${index}`.padEnd(150))]);
  log.sync();
  const before = textOf(log);
  disk.cutPowerAfter(cutAt);
  const finished = powerLasts(() => {
    log.append([commandEntry(8, 2, "new")]);
    log.sync();
  });
  return { disk, before, finished };
}

function expectOldOrNew(after: readonly string[], before: readonly string[], finished: boolean): void {
  const whole = after.length === 60;
  expect(after).toEqual(whole ? before : [...before.slice(0, 7), "8@2 command new"].slice(0, after.length));
  expect(after.length).toBeGreaterThanOrEqual(finished ? 8 : 7);
}

test("a truncation over several segments may be interrupted at each of its steps", () => {
  let resumed = 0;
  for (let cutAt = 1, done = false; !done; cutAt++) {
    for (let seed = 1; seed <= 20; seed++) {
      const { disk, before, finished } = interruptedTruncation(cutAt);
      done = finished;
      disk.crash(new SeededRandom(seed));
      const { log, recovery } = Log.open(logOptions(disk, { securedIndex: 7 }));
      if (recovery.truncatedAfter !== null) resumed++;
      expectOldOrNew(textOf(log), before, finished);
    }
  }
  expect(resumed).toBeGreaterThan(20);
});

test("what a killed process left in the page cache may still be lost, at each step of the recovery after it", () => {
  let interrupted = 0;
  for (let killAt = 1, done = false; !done; killAt++) {
    for (let cutAt = 1, recovered = false; !recovered; cutAt++) {
      for (let seed = 1; seed <= 6; seed++) {
        const { disk, before, finished } = interruptedTruncation(killAt);
        done = finished;
        disk.killProcess();
        disk.cutPowerAfter(cutAt);
        let minimum = 7;
        const lasted = powerLasts(() => {
          const { log } = Log.open(logOptions(disk, { securedIndex: 7 }));
          recovered = true;
          disk.cutPowerAfter(1000);
          log.append([commandEntry(log.lastIndex + 1, 2, "new")]);
          log.sync();
          minimum = log.lastIndex;
        });
        if (!lasted) interrupted++;
        disk.crash(new SeededRandom(seed));
        const after = textOf(Log.open(logOptions(disk, { securedIndex: 7 })).log);
        expect(after.length).toBeGreaterThanOrEqual(minimum);
        if (!recovered) expectOldOrNew(after, before, false);
      }
    }
  }
  expect(interrupted).toBeGreaterThan(100);
});
