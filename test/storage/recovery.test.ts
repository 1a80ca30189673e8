import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { StorageError } from "../../src/storage/errors.ts";
import { Log, type LogOptions } from "../../src/storage/log.ts";
import { markDurable } from "../../src/storage/record.ts";
import type { RecoveryReport } from "../../src/storage/recovery.ts";
import { segmentHeaderBytes } from "../../src/storage/segment.ts";
import { TruncationIntent } from "../../src/storage/truncation-intent.ts";
import { commandEntry, logDirectory, logOptions, newLog, textOf } from "./log-fixture.ts";
import { MemoryDisk } from "./memory-disk.ts";

const firstSegment = `${logDirectory}/0000000000000001.segment`;

/** Opens the log: its text and the report, or the error. */
function reopen(
  disk: MemoryDisk,
  more: Partial<LogOptions> = {},
): { text: string[]; report: RecoveryReport } | StorageError {
  disk.killProcess();
  try {
    const { log, recovery } = Log.open(logOptions(disk, more));
    return { text: textOf(log), report: recovery };
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}

function errorOf(disk: MemoryDisk, more: Partial<LogOptions> = {}): StorageError {
  const result = reopen(disk, more);
  if (!(result instanceof StorageError)) throw new Error(`opened with ${result.text.length} entries`);
  return result;
}

interface Placed {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** Entries 1 to 40 over two segments, a sync after each up to 38; 39 and 40 are unsynced. Also where each one lies. */
function sampleLog(): { disk: MemoryDisk; text: string[]; places: Placed[] } {
  const disk = new MemoryDisk();
  const log = newLog(disk);
  const places: Placed[] = [];
  let path = firstSegment;
  let start = segmentHeaderBytes;
  for (let index = 1; index <= 40; index++) {
    const body = `${index}:`.padEnd(60 + ((index * 7) % 40), "v");
    log.append([commandEntry(index, 1 + (index >> 3), body)]);
    if (index <= 38) log.sync();
    const sizeBytes = log.records(index, index)[0]?.length ?? 0;
    const own = `${logDirectory}/${String(index).padStart(16, "0")}.segment`;
    if (index > 1 && disk.read(own) !== null) {
      path = own;
      start = segmentHeaderBytes;
    }
    places.push({ path, start, end: start + sizeBytes });
    start += sizeBytes;
  }
  return { disk, text: textOf(log), places };
}

describe("recovery of a clean log", () => {
  test("reports nothing and keeps all", () => {
    const { disk, text, places } = sampleLog();
    const result = reopen(disk);
    if (result instanceof StorageError) throw result;
    expect(result.text).toEqual(text);
    expect(result.report).toMatchObject({ entryCount: 40, cuts: [], truncatedAfter: null });
    // 39 and 40 say that 38 was durable, and nothing says so of them: they are written again.
    expect(result.report.rewrittenBytes).toBe((places[39]?.end ?? 0) - (places[38]?.start ?? 0));
  });

  test("makes a truncation durable whose zeros a failed sync left in the page cache only", () => {
    const disk = new MemoryDisk();
    const options = { segmentSizeBytes: 65536 };
    const log = newLog(disk, options);
    disk.syncDirectory("data");
    for (let index = 1; index <= 60; index++) {
      log.append([commandEntry(index, 1, `${index}`)]);
      log.sync();
    }
    // The note of the truncation reaches the disk, the zeros do not.
    disk.failNextSync("EIO", 1);
    expect(() => log.truncateAfter(7)).toThrow(expect.objectContaining({ code: "EIO" }));
    disk.killProcess();
    const { log: again, recovery } = Log.open(logOptions(disk, options));
    expect([again.lastIndex, recovery.truncatedAfter]).toEqual([7, 7]);
    again.append([commandEntry(8, 2, "new")]);
    again.sync();
    const text = textOf(again);
    disk.crash(new SeededRandom(1));
    expect(textOf(Log.open(logOptions(disk, options)).log)).toEqual(text);
  });

  test("makes durable what a failed sync left in the page cache only", () => {
    const { disk } = sampleLog();
    disk.killProcess();
    const { log } = Log.open(logOptions(disk));
    log.append([commandEntry(41, 9, "in memory only")]);
    disk.failNextSync();
    expect(() => log.sync()).toThrow();
    disk.killProcess();
    expect(Log.open(logOptions(disk)).log.lastIndex).toBe(41);
    disk.crash(new SeededRandom(1));
    expect(Log.open(logOptions(disk)).log.lastIndex).toBe(41);
  });
});

describe("recovery after one damaged byte", () => {
  test("refuses whatever had provably been synced or written to its end", () => {
    const random = new SeededRandom(Number(process.env["SEED"] ?? 11));
    const { disk, text, places } = sampleLog();
    const files = [...new Set(places.map((place) => place.path))];
    expect(files.length).toBe(2);
    let cut = 0;
    for (const path of files) {
      const original = disk.read(path) as Uint8Array;
      for (let offset = 0; offset < original.length; offset++) {
        disk.damage(path, offset, 1 << random.below(8));
        const result = reopen(disk);
        const position = places.findIndex(
          (place) => place.path === path && place.start <= offset && offset < place.end,
        );
        const where = `${path} ${offset}`;
        if (offset < segmentHeaderBytes) {
          expect([where, result]).toEqual([
            where,
            expect.objectContaining({ code: "SEGMENT_HEADER_DAMAGED", path }),
          ]);
        } else if (position === -1) {
          if (result instanceof StorageError) throw result;
          expect([where, result.text.length, result.report.cuts.length]).toEqual([where, 40, 1]);
        } else if (position < 38) {
          const damage = { code: "LOG_DAMAGED", path, index: position + 1, offset: places[position]?.start };
          expect([where, result]).toEqual([where, expect.objectContaining(damage)]);
        } else if (result instanceof StorageError) {
          // Nothing says that it was synced, but it was written to its end (torn-record.test.ts).
          expect([where, result.message]).toEqual([
            where,
            expect.stringMatching(/had been (written to its end|synced)/),
          ]);
        } else {
          cut++;
          expect([where, result.text]).toEqual([where, text.slice(0, position)]);
          expect(result.report.cuts.length).toBe(1);
        }
        disk.replace(path, original);
      }
    }
    // Where the first or last byte of a record became zero.
    expect(cut).toBeLessThan(4);
  });

  test("and with a truncation under way refuses what was to be kept, and asks nothing of the rest", () => {
    const random = new SeededRandom(Number(process.env["SEED"] ?? 12));
    const second = sampleLog().places.findIndex(({ path }) => path !== firstSegment);
    for (const kept of [second - 3, second, second + 1, 37, 38]) {
      for (let position = 0; position < 40; position++) {
        const { disk, text, places } = sampleLog();
        const { path, start, end } = places[position] as Placed;
        const intent = TruncationIntent.open(disk, logDirectory);
        intent.set(kept);
        intent.close();
        disk.damage(path, start + random.below(end - start), 1 << random.below(8));
        const result = reopen(disk, { securedIndex: random.below(kept + 1) });
        const place = [kept, position];
        if (position < kept) {
          const damage = { code: "LOG_DAMAGED", path, index: position + 1, offset: start };
          expect([place, result]).toEqual([place, expect.objectContaining(damage)]);
        } else {
          if (result instanceof StorageError) throw result;
          expect([place, result.text]).toEqual([place, text.slice(0, kept)]);
          const again = reopen(disk);
          if (again instanceof StorageError) throw again;
          expect([place, again.text, again.report.truncatedAfter]).toEqual([
            place,
            text.slice(0, kept),
            null,
          ]);
        }
      }
    }
  });

  test("of the last entry refuses as well when the secured index covers it", () => {
    for (const [securedIndex, outcome] of [
      [39, "cut"],
      [40, "LOG_DAMAGED"],
    ] as const) {
      const { disk, places } = sampleLog();
      const place = places[39] as Placed;
      const bytes = disk.read(place.path) as Uint8Array;
      disk.replace(place.path, bytes.fill(0, place.start + 60, place.end));
      const result = reopen(disk, { securedIndex });
      expect(result instanceof StorageError ? result.code : "cut").toBe(outcome);
    }
  });
});

describe("recovery of a log that lost", () => {
  test("its synced end refuses when the secured index knew of it", () => {
    const { disk, places } = sampleLog();
    const place = places[30] as Placed;
    const bytes = disk.read(place.path) as Uint8Array;
    disk.replace(place.path, bytes.fill(0, place.start));
    const kept = disk.read(place.path) as Uint8Array;
    expect(errorOf(disk, { securedIndex: 31 })).toMatchObject({ code: "LOG_DAMAGED", index: 31 });
    disk.replace(place.path, kept);
    const result = reopen(disk, { securedIndex: 30 });
    expect(result instanceof StorageError ? result.code : result.text.length).toBe(30);
  });

  test("a record in the middle, zeros instead, refuses", () => {
    const { disk, places } = sampleLog();
    const place = places[33] as Placed;
    const bytes = disk.read(place.path) as Uint8Array;
    disk.replace(place.path, bytes.fill(0, place.start, place.end));
    expect(errorOf(disk)).toMatchObject({ code: "LOG_DAMAGED", index: 34, offset: place.start });
    expect(errorOf(disk).message).toContain("missing");
    expect(errorOf(disk).message).toContain("RAFT.NODE REMOVE");
  });

  test("the first or a later segment refuses", () => {
    const { disk, places } = sampleLog();
    const second = (places[39] as Placed).path;
    disk.remove(firstSegment);
    expect(errorOf(disk)).toMatchObject({ code: "LOG_GAP", path: second });
    expect(errorOf(disk).message).toContain("entries 1 to ");
    disk.remove(second);
    expect(errorOf(disk)).toMatchObject({ code: "LOG_MISSING" });
  });

  test("entries in a snapshot only opens", () => {
    const { disk, places } = sampleLog();
    disk.remove(firstSegment);
    const first = places.findIndex((place) => place.path !== firstSegment) + 1;
    const result = reopen(disk, { coveredIndex: first - 1 });
    expect(result instanceof StorageError ? result.code : result.text.length).toBe(40 - first + 1);
    expect(errorOf(disk, { coveredIndex: first - 2 }).code).toBe("LOG_GAP");
  });

  test("a segment between two others refuses", () => {
    const disk = new MemoryDisk();
    const log = newLog(disk);
    for (let index = 1; index <= 100; index++) log.append([commandEntry(index, 1, "v".repeat(100))]);
    const names = disk.list(logDirectory).filter((name) => name.endsWith(".segment"));
    disk.remove(`${logDirectory}/${names[1]}`);
    expect(errorOf(disk)).toMatchObject({ code: "LOG_GAP" });
  });
});

describe("recovery refuses", () => {
  test("files of another node or cluster", () => {
    const { disk } = sampleLog();
    expect(errorOf(disk, { nodeId: 4712 })).toMatchObject({ code: "FOREIGN_FILE", path: firstSegment });
    expect(errorOf(disk, { clusterId: "f".repeat(32) }).message).toContain("0123456789abcdef");
  });

  test("a segment and a record of a newer format", () => {
    const { disk, places } = sampleLog();
    const original = disk.read(firstSegment) as Uint8Array;
    const header = original.slice();
    header[8] = 2;
    new DataView(header.buffer).setUint32(124, Bun.hash.crc32(header.subarray(0, 124)), true);
    disk.replace(firstSegment, header);
    expect(errorOf(disk)).toMatchObject({ code: "NEWER_FORMAT", path: firstSegment });
    disk.replace(firstSegment, original);
    // The very last record, which could otherwise be cut.
    const { path, start, end } = places[39] as Placed;
    const bytes = disk.read(path) as Uint8Array;
    const view = new DataView(bytes.buffer);
    bytes[start + 16] = 2;
    const bodyEnd = start + 48 + view.getUint32(start + 12, true);
    view.setUint32(start + 8, Bun.hash.crc32(bytes.subarray(start + 12, bodyEnd)), true);
    markDurable(bytes.subarray(start, end), 38, view.getUint32(124, true), start);
    disk.replace(path, bytes);
    expect(errorOf(disk)).toMatchObject({ code: "NEWER_FORMAT", path });
  });

  test("a file that was shortened, one under another's name, and a sector that cannot be read", () => {
    const { disk } = sampleLog();
    const original = disk.read(firstSegment) as Uint8Array;
    for (const length of [0, 100, 4000]) {
      disk.replace(firstSegment, original.subarray(0, length));
      expect(errorOf(disk)).toMatchObject({ code: "SEGMENT_SIZE_WRONG", path: firstSegment });
      expect(errorOf(disk).message).toContain(`has ${length === 4000 ? "" : "only "}${length} bytes`);
      expect(errorOf(disk).message).toContain("RAFT.NODE REMOVE");
    }
    disk.replace(firstSegment, new Uint8Array([...original, 0]));
    expect(errorOf(disk).message).toContain("has 4097 bytes, but was made with 4096");
    disk.replace(firstSegment, original);
    disk.makeUnreadable(firstSegment, 2000);
    expect(errorOf(disk)).toMatchObject({ code: "LOG_DAMAGED", path: firstSegment, offset: 0 });
    expect(errorOf(disk).message).toContain("EIO");
    disk.makeUnreadable("", 0);
    disk.rename(firstSegment, `${logDirectory}/0000000000000002.segment`);
    expect(errorOf(disk).code).toBe("LOG_GAP");
  });
});

test("recovery takes no good record for another, and no old content of a place for what was written there last", () => {
  const count = 20;
  const sizeBytes = 104;
  const placeOf = (index: number) => segmentHeaderBytes + (index - 1) * sizeBytes;
  const disk = new MemoryDisk();
  const log = newLog(disk);
  const earlier: Uint8Array[] = [];
  for (const [term, letter] of [
    [1, "a"],
    [2, "b"],
  ] as const) {
    // The second time all of it is overwritten.
    for (let index = 1; index <= count; index++) {
      log.append([commandEntry(index, term, letter.repeat(sizeBytes - 48))]);
      log.sync();
    }
    earlier.push(disk.read(firstSegment) as Uint8Array);
  }
  const [old, now] = earlier as [Uint8Array, Uint8Array];
  for (let to = 1; to < count; to++) {
    for (let from = 1; from <= count; from++) {
      for (const source of [old, now]) {
        if (source === now && from === to) continue;
        const bytes = now.slice();
        bytes.set(source.subarray(placeOf(from), placeOf(from) + sizeBytes), placeOf(to));
        disk.replace(firstSegment, bytes);
        // An entry of the earlier history with this index is good by itself: the next one shows it up.
        expect([to, from, errorOf(disk)]).toMatchObject([
          to,
          from,
          { code: "LOG_DAMAGED", path: firstSegment },
        ]);
      }
    }
  }
});

describe("recovery changes nothing", () => {
  test("in a log that it refuses, not even a torn end elsewhere", () => {
    const { disk, places } = sampleLog();
    const last = places[39] as Placed;
    disk.damage(last.path, last.start + 60, 1);
    disk.damage(firstSegment, (places[3] as Placed).start + 60, 1);
    disk.create(`${logDirectory}/spare`, 10).close();
    const { operations } = disk;
    const files = disk.list(logDirectory).map((name) => disk.read(`${logDirectory}/${name}`));
    expect(errorOf(disk)).toMatchObject({ code: "LOG_DAMAGED", index: 4 });
    expect(disk.list(logDirectory).map((name) => disk.read(`${logDirectory}/${name}`))).toEqual(files);
    // The note of truncations is opened, and written as it was, before.
    expect(disk.operations - operations).toBe(2);
  });

  test("when an old note of a truncation asks to drop what is known to be committed", () => {
    const disk = new MemoryDisk();
    const log = newLog(disk);
    for (let index = 1; index <= 60; index++) log.append([commandEntry(index, 1, "v".repeat(100))]);
    log.sync();
    const names = disk.list(logDirectory);
    const intent = TruncationIntent.open(disk, logDirectory);
    intent.set(20);
    expect(errorOf(disk, { securedIndex: 21 })).toMatchObject({
      code: "TRUNCATION_OUTDATED",
      path: `${logDirectory}/truncation`,
    });
    expect(disk.list(logDirectory)).toEqual(names);
    const result = reopen(disk, { securedIndex: 20 });
    expect(result instanceof StorageError ? result.code : result.text.length).toBe(20);
  });
});

test("recovery refuses a segment of another history of the same node", () => {
  const logOf = (letter: string) => {
    const disk = new MemoryDisk();
    const log = newLog(disk);
    for (let index = 1; index <= 60; index++) log.append([commandEntry(index, 1, letter.repeat(100))]);
    log.sync();
    return disk;
  };
  const disk = logOf("a");
  disk.replace(firstSegment, logOf("b").read(firstSegment) as Uint8Array);
  const second = disk.list(logDirectory)[1];
  expect(errorOf(disk)).toMatchObject({ code: "LOG_DAMAGED", path: `${logDirectory}/${second}`, offset: 0 });
});

describe("recovery of a torn tail", () => {
  test("is not misled by a copy of a record inside a value", () => {
    const { disk, places } = sampleLog();
    const { path, end } = places[39] as Placed;
    // Entry 41 was being written when the power went: its header is lost, and its value is an old piece of this very log.
    const bytes = disk.read(path) as Uint8Array;
    const piece = places.filter((place) => place.path === path).slice(0, 3);
    const from = piece[0]?.start ?? 0;
    bytes.copyWithin(end + 48, from, piece[2]?.end ?? 0);
    // Claims that a later entry is there and that 41 was durable then, but lies in another place than it was made for.
    const view = new DataView(bytes.buffer);
    const fake = end + 48;
    view.setUint32(fake + 24, 60, true);
    view.setUint32(
      fake + 8,
      Bun.hash.crc32(bytes.subarray(fake + 12, fake + 48 + view.getUint32(fake + 12, true))),
      true,
    );
    markDurable(bytes.subarray(fake), 59, view.getUint32(124, true), fake - 8);
    disk.replace(path, bytes);
    const result = reopen(disk);
    if (result instanceof StorageError) throw result;
    expect(result.text.length).toBe(40);
    expect(result.report.cuts).toMatchObject([{ path, offset: end }]);
    // In its own place the same claim counts.
    markDurable(bytes.subarray(fake), 59, view.getUint32(124, true), fake);
    disk.replace(path, bytes);
    expect(errorOf(disk)).toMatchObject({ code: "LOG_DAMAGED", index: 41 });
  });
});
