// The end of a log after a power cut, and the same end after damage: the first is cut, the second refused, by nothing but
// the bytes of the bad record. `SEED=42 bun test test/storage/torn-record` replays one run, `ROUNDS` lengthens it.

import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { Entry } from "../../src/raft/types.ts";
import { DiskError } from "../../src/storage/disk.ts";
import { LogDamagedError } from "../../src/storage/errors.ts";
import { Log } from "../../src/storage/log.ts";
import { recordHeaderBytes } from "../../src/storage/record.ts";
import { segmentHeaderBytes } from "../../src/storage/segment.ts";
import { commandEntry, logDirectory, logOptions, newLog, plainEntry, textOf } from "./log-fixture.ts";
import { MemoryDisk } from "./memory-disk.ts";

const seed = Number(process.env["SEED"] ?? 20240811);
const rounds = Number(process.env["ROUNDS"] ?? 1500);
const sectorBytes = 512;
const options = { segmentSizeBytes: 65536 };
const path = `${logDirectory}/0000000000000001.segment`;

/** A body of text, of random bytes, of zeros alone, or of text and zeros in turn. */
function someBody(random: SeededRandom, length: number): string {
  const byte = [
    () => 97 + random.below(26),
    () => random.below(256),
    () => 0,
    () => (random.below(2) === 0 ? 0 : 98),
  ][random.below(4)] as () => number;
  return Buffer.from(Uint8Array.from({ length }, byte)).latin1Slice();
}

function someEntry(random: SeededRandom, index: number): Entry {
  const kind = random.below(8);
  if (kind === 0) return plainEntry(index, 1, "empty");
  if (kind === 1) return plainEntry(index, 1, "membership");
  const length = random.below(4) === 0 ? random.below(5000) : random.below(300);
  return commandEntry(index, 1, someBody(random, length));
}

function batch(random: SeededRandom, from: number): Entry[] {
  return Array.from({ length: 1 + random.below(5) }, (_, at) => someEntry(random, from + at));
}

/** A synced log of some entries, so that the next one begins anywhere in a sector. */
function someLog(random: SeededRandom): { disk: MemoryDisk; log: Log } {
  const disk = new MemoryDisk();
  const log = newLog(disk, options);
  disk.syncDirectory("data");
  for (let count = random.below(6); count > 0; count--) log.append(batch(random, log.lastIndex + 1));
  log.sync();
  return { disk, log };
}

/** A power cut that may also leave the end of what belongs into a sector, which MemoryDisk's never do. */
function tearApart(disk: MemoryDisk, random: SeededRandom): void {
  const torn = (disk.durable(path) as Uint8Array).slice();
  const written = disk.contents(path).slice();
  for (let start = 0; start < torn.length; start += sectorBytes) {
    const from = random.below(6) === 0 ? random.below(sectorBytes) : 0;
    const to = random.below(6) === 0 ? random.below(sectorBytes + 1) : sectorBytes;
    // Beginning or end, not a part in the middle.
    if (random.below(3) > 0)
      torn.set(
        written.subarray(start + (to < sectorBytes ? 0 : from), start + to),
        start + (to < sectorBytes ? 0 : from),
      );
  }
  disk.replace(path, torn);
  disk.crash(random);
}

/** Opens the log; now and then a write or sync of the recovery fails first, and the process is started again. */
function reopened(disk: MemoryDisk, random: SeededRandom): { log: Log; cuts: number } {
  if (random.below(3) === 0) {
    if (random.below(3) > 0) disk.failNextSync("EIO", random.below(5));
    else disk.failNextWrite("EIO", random.below(600), random.below(3));
    try {
      Log.open(logOptions(disk, options)).log.close();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
    disk.mend();
    disk.killProcess();
  }
  const { log, recovery } = Log.open(logOptions(disk, options));
  return { log, cuts: recovery.cuts.length + (recovery.truncatedAfter === null ? 0 : 1) };
}

test(`a write that the power cut tore is never taken for damage (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  let cuts = 0;
  for (let round = 0; round < rounds; round++) {
    let { disk, log } = someLog(random);
    // The space behind the log has been written before: by what was torn, truncated or refused.
    for (let crashes = 1 + random.below(3); crashes > 0; crashes--) {
      if (log.lastIndex > 2 && random.below(4) === 0) log.truncateAfter(log.lastIndex - random.below(2));
      if (random.below(4) === 0) {
        disk.failNextWrite("ENOSPC", random.below(3000));
        expect(() => log.append(batch(random, log.lastIndex + 1))).toThrow(DiskError);
      }
      const synced = textOf(log);
      log.sync();
      for (let count = 1 + random.below(3); count > 0; count--) log.append(batch(random, log.lastIndex + 1));
      const text = textOf(log);
      disk.tearsSectors = random.below(2) === 0;
      if (random.below(2) === 0 && disk.list(logDirectory).length === 2) tearApart(disk, random);
      else disk.crash(random);
      const result = reopened(disk, random);
      log = result.log;
      cuts += result.cuts;
      const seen = textOf(log);
      expect(seen).toEqual(text.slice(0, seen.length));
      expect(seen.length).toBeGreaterThanOrEqual(synced.length);
    }
  }
  expect(cuts).toBeGreaterThan(rounds / 2);
}, 60_000);

/** How a start takes the end of the log. */
function verdictOn(disk: MemoryDisk): "damaged" | "cut" | "sound" {
  disk.killProcess();
  try {
    return Log.open(logOptions(disk, options)).recovery.cuts.length > 0 ? "cut" : "sound";
  } catch (error) {
    if (error instanceof LogDamagedError) return "damaged";
    throw error;
  }
}

/** A log whose last entry is complete while nothing else says so, and where that entry lies. */
function logWithLast(
  random: SeededRandom,
  body: string | null,
): { disk: MemoryDisk; from: number; to: number } {
  const { disk, log } = someLog(random);
  log.append([plainEntry(log.lastIndex + 1, 1, "empty")]);
  log.sync();
  const from = segmentHeaderBytes + log.sizeBytes;
  const index = log.lastIndex + 1;
  const { kind, record } = body === null ? plainEntry(index, 1, "empty") : commandEntry(index, 1, body);
  log.append([new Entry(index, 1, kind, 1_700_000_000_000 + random.below(1e9), null, record)]);
  log.sync();
  return { disk, from, to: from + recordHeaderBytes + (body ?? "").length };
}

function placeName(offset: number): string {
  const fields: readonly (readonly [number, string])[] = [
    [8, "local part"],
    [12, "checksum"],
    [16, "length"],
    [20, "version, kind"],
    [24, "previous checksum"],
    [48, "index, term, stamp"],
  ];
  return fields.find(([end]) => offset < end)?.[1] ?? "body";
}

describe("a complete last record is refused", () => {
  for (const [name, bodyOf] of [
    ["of text", (random: SeededRandom) => "x".repeat(random.below(3000))],
    [
      "of random bytes",
      (random: SeededRandom) =>
        Buffer.from(Uint8Array.from({ length: random.below(20_000) }, () => random.below(256))).latin1Slice(),
    ],
    ["of a header only", () => null],
  ] as const) {
    test(`${name} when one bit of it has changed (SEED=${seed})`, () => {
      const random = new SeededRandom(seed);
      const tally = new Map<string, { damaged: number; all: number }>();
      const total = { damaged: 0, all: 0 };
      for (let round = 0; round < rounds; round++) {
        const { disk, from, to } = logWithLast(random, bodyOf(random));
        // Half of them into the header, however long the body is.
        const offset = random.below(random.below(2) === 0 ? recordHeaderBytes : to - from);
        if (disk.list(logDirectory).length > 2) continue;
        disk.damage(path, from + offset, 1 << random.below(8));
        const place = tally.get(placeName(offset)) ?? { damaged: 0, all: 0 };
        tally.set(placeName(offset), place);
        const verdict = verdictOn(disk);
        expect(verdict).not.toBe("sound");
        for (const count of [place, total]) {
          count.all++;
          if (verdict === "damaged") count.damaged++;
        }
      }
      expect(total.damaged / total.all).toBeGreaterThan(0.99);
      // What is missing are bytes at an edge that became zero.
      for (const [field, { damaged, all }] of tally) {
        if (damaged / all < 0.95) throw new Error(`${field}: ${damaged} of ${all}`);
      }
    }, 60_000);
  }

  test(`when garbage stands in one of its sectors, and cut when zeros do (SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    const counts = { garbage: 0, zeros: 0, all: 0 };
    for (let round = 0; round < rounds / 5; round++) {
      const { disk, from, to } = logWithLast(random, "x".repeat(600 + random.below(3000)));
      if (disk.list(logDirectory).length > 2) continue;
      const start =
        from - (from % sectorBytes) + sectorBytes * random.below(Math.ceil((to - from) / sectorBytes));
      const whole = disk.contents(path).slice();
      const part = whole.subarray(Math.max(from, start), Math.min(to, start + sectorBytes));
      part.set(part.map(() => random.below(256)));
      disk.replace(path, whole);
      counts.all++;
      if (verdictOn(disk) === "damaged") counts.garbage++;
      disk.replace(path, whole.fill(0, Math.max(from, start), Math.min(to, start + sectorBytes)));
      if (verdictOn(disk) === "damaged") counts.zeros++;
    }
    expect(counts.garbage / counts.all).toBeGreaterThan(0.94);
    expect(counts.zeros).toBe(0);
  }, 60_000);
});

describe("a torn last record is cut that lacks a single bit", () => {
  for (const [what, length, from, to] of [
    ["its last byte", 300, 48 + 300, 48 + 301],
    // The border of two sectors lies behind the length, and 256 has one bit.
    ["the end of its length", 255, 13, 16],
  ] as const) {
    test(`in ${what}`, () => {
      const disk = new MemoryDisk();
      const log = newLog(disk, options);
      log.append([commandEntry(1, 1, "x".repeat(320))]);
      log.sync();
      log.append([commandEntry(2, 1, `${"x".repeat(length)}@`)]);
      const offset = segmentHeaderBytes + recordHeaderBytes + 320;
      expect(offset % sectorBytes).toBe(sectorBytes - 16);
      disk.replace(
        path,
        disk
          .contents(path)
          .slice()
          .fill(0, offset + from, offset + to),
      );
      expect(verdictOn(disk)).toBe("cut");
    });
  }
});
