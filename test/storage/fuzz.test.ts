// Whatever bytes come from a peer or stand in a file: entries that were once written, or an error with a name, soon.
// `SEED=42 bun test test/storage/fuzz` replays one run.

import { expect, test } from "bun:test";
import { type Random, SeededRandom } from "../../src/base/random.ts";
import { DiskError } from "../../src/storage/disk.ts";
import { StorageError } from "../../src/storage/errors.ts";
import { Log } from "../../src/storage/log.ts";
import { decodeRecords } from "../../src/storage/record.ts";
import { commandEntry, logDirectory, logOptions, newLog, plainEntry, textOf } from "./log-fixture.ts";
import { MemoryDisk } from "./memory-disk.ts";

const seed = Number(process.env["SEED"] ?? 20240607);
const rounds = Number(process.env["ROUNDS"] ?? 3000);

function sampleLog(): { disk: MemoryDisk; log: Log } {
  const disk = new MemoryDisk();
  const log = newLog(disk);
  log.append([plainEntry(1, 1, "membership"), plainEntry(2, 1, "empty")]);
  for (let index = 3; index <= 50; index++) {
    log.append([commandEntry(index, 1 + (index >> 4), `${index}`.padEnd((index * 37) % 300, "b"))]);
    if (index % 3 === 0) log.sync();
  }
  log.append([plainEntry(51, 5, "clock"), plainEntry(52, 5, "membership")]);
  return { disk, log };
}

/** Changes `bytes` in one of the ways that disks, cables and bugs do; the result may have another length. */
function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length);
  const length = Math.min(1 + random.below(200), bytes.length - at);
  const changed = bytes.slice();
  switch (random.below(8)) {
    case 0:
    case 1:
      changed[at] = (changed[at] as number) ^ (1 << random.below(8));
      return changed;
    case 2:
      return changed.fill(0, at, at + length);
    case 3:
      return changed.map((byte, i) => (i >= at && i < at + length ? random.below(256) : byte));
    case 4:
      return changed.copyWithin(random.below(bytes.length), at, at + length);
    case 5:
      return changed.subarray(0, at);
    case 6:
      if (bytes.length >= 8) {
        const aligned = Math.min(at & ~3, bytes.length - 4);
        new DataView(changed.buffer).setUint32(aligned, random.below(2 ** 32), true);
      }
      return changed;
    default:
      return new Uint8Array([
        ...changed.subarray(0, at),
        ...changed.subarray(Math.min(at + 8, bytes.length)),
      ]);
  }
}

/** Makes the checksum of the first record right again, so that the tests behind it get to see bad fields. */
function mendChecksum(bytes: Uint8Array): void {
  if (bytes.length < 48) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = 48 + view.getUint32(12, true);
  if (end <= bytes.length) view.setUint32(8, Bun.hash.crc32(bytes.subarray(12, end)), true);
}

test(`decodeRecords() takes any bytes (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  const { log } = sampleLog();
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    const from = 1 + random.below(52);
    const original = new Uint8Array(Buffer.concat(log.records(from, Math.min(52, from + random.below(5)))));
    const bytes = mutate(original, random);
    if (random.below(2) === 0) mendChecksum(bytes);
    const decoded = decodeRecords(bytes, random.below(2) === 0 ? log.crcAt(from - 1) : null);
    if (decoded.kind === "error") {
      refused++;
      expect(decoded.offset).toBeLessThan(bytes.length);
    } else {
      let sizeBytes = 0;
      for (const entry of decoded.entries) sizeBytes += entry.record?.length ?? 0;
      expect(sizeBytes).toBe(bytes.length);
    }
  }
  expect(refused).toBeGreaterThan(rounds / 2);
});

test(`decodeRecords() takes noise and forged memberships (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  const { log } = sampleLog();
  const membership = new Uint8Array(Buffer.concat(log.records(1, 1)));
  for (let round = 0; round < rounds; round++) {
    const noise = Uint8Array.from({ length: random.below(200) }, () => random.below(256));
    expect(decodeRecords(noise, null).kind).toBe(noise.length === 0 ? "entries" : "error");
    const forged = membership.slice();
    for (let count = 1 + random.below(8); count > 0; count--)
      forged[48 + random.below(forged.length - 48)] = random.below(256);
    mendChecksum(forged);
    decodeRecords(forged, null);
  }
});

test(`Log.open() takes any files (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  const sample = sampleLog();
  const text = textOf(sample.log);
  const names = sample.disk.list(logDirectory);
  const originals = names.map((name) => sample.disk.read(`${logDirectory}/${name}`) as Uint8Array);
  let opened = 0;
  const fuzzRounds = Math.ceil(rounds / 4);
  for (let round = 0; round < fuzzRounds; round++) {
    const { disk } = sample;
    disk.killProcess();
    for (const name of disk.list(logDirectory)) disk.remove(`${logDirectory}/${name}`);
    names.forEach((name, i) => {
      disk.create(`${logDirectory}/${name}`, 0);
      disk.replace(`${logDirectory}/${name}`, originals[i] as Uint8Array);
    });
    for (let count = 1 + random.below(3); count > 0; count--) {
      const path = `${logDirectory}/${names[random.below(names.length)]}`;
      const bytes = disk.read(path) as Uint8Array;
      if (bytes.length > 0) disk.replace(path, mutate(bytes, random));
    }
    try {
      const { log } = Log.open(logOptions(disk));
      opened++;
      // A prefix of what was written, never anything else; and it can be used.
      const seen = textOf(log);
      expect(seen).toEqual(text.slice(0, seen.length));
      log.append([commandEntry(seen.length + 1, 9, "more")]);
      log.sync();
    } catch (error) {
      if (!(error instanceof StorageError || error instanceof DiskError)) throw error;
    }
  }
  expect(opened).toBeGreaterThan(fuzzRounds / 20);
  expect(opened).toBeLessThan(fuzzRounds);
});
