import { describe, expect, test } from "bun:test";
import { Entry } from "../../src/raft/types.ts";
import { Log } from "../../src/storage/log.ts";
import { decodeRecords, recordHeaderBytes } from "../../src/storage/record.ts";
import { segmentHeaderBytes } from "../../src/storage/segment.ts";
import {
  bodyText,
  commandEntry,
  logDirectory,
  logOptions,
  newLog,
  plainEntry,
  textOf,
} from "./log-fixture.ts";
import { MemoryDisk } from "./memory-disk.ts";

/** A log of `count` entries of 100-byte bodies, one term for each ten. */
function filledLog(disk: MemoryDisk, count: number): Log {
  const log = newLog(disk);
  for (let index = 1; index <= count; index++)
    log.append([commandEntry(index, Math.ceil(index / 10), body(index))]);
  return log;
}

function body(index: number): string {
  return `${index}:`.padEnd(100, "v");
}

describe("Log", () => {
  test("is empty at first", () => {
    const log = newLog(new MemoryDisk());
    expect([log.firstIndex, log.lastIndex, log.lastStampMs, log.durableIndex, log.sizeBytes]).toEqual([
      1, 0, 0, 0, 0,
    ]);
    expect(log.termAt(0)).toBe(0);
    expect(log.crcAt(0)).toBe(0);
  });

  test("shows entries at once, across segments, and again after it is reopened", () => {
    const disk = new MemoryDisk();
    const log = newLog(disk);
    const entries = [plainEntry(1, 1, "membership"), plainEntry(2, 1, "empty")];
    for (let index = 3; index <= 200; index++)
      entries.push(commandEntry(index, Math.ceil(index / 10), body(index)));
    entries.push(plainEntry(201, 21, "clock"));
    log.append(entries.slice(0, 50));
    for (const entry of entries.slice(50)) log.append([entry]);
    expect(disk.list(logDirectory).filter((name) => name.endsWith(".segment")).length).toBeGreaterThan(5);
    const check = (seen: Log) => {
      expect([seen.lastIndex, seen.lastStampMs]).toEqual([201, 1201]);
      for (const index of [1, 2, 3, 26, 27, 100, 150, 200, 201]) {
        const entry = entries[index - 1] as Entry;
        expect(seen.entry(index)).toMatchObject({
          index,
          term: entry.term,
          kind: entry.kind,
          stampMs: 1000 + index,
        });
        expect(seen.termAt(index)).toBe(entry.term);
        if (entry.kind === "command") expect(bodyText(seen, index)).toBe(body(index));
      }
      expect(seen.memberships().map((found) => found.index)).toEqual([1]);
    };
    check(log);
    log.close();
    check(Log.open(logOptions(disk)).log);
  });

  test("puts a record that is larger than a segment into one of its own", () => {
    const disk = new MemoryDisk();
    const log = newLog(disk);
    const sizes = [10_001, 10, 4096 - 128 - 48, 4096 - 128 - 47, 20_000];
    sizes.forEach((size, i) => log.append([commandEntry(i + 1, 1, "z".repeat(size))]));
    expect(Log.open(logOptions(disk)).log.lastIndex).toBe(5);
    sizes.forEach((size, i) => expect(log.body(i + 1).length).toBe(size));
    expect(log.records(1, 5).length).toBe(5);
  });

  test("hands out records that a peer can decode, and takes them from one", () => {
    const source = filledLog(new MemoryDisk(), 120);
    const views = source.records(20, 110);
    expect(views.length).toBeGreaterThan(1);
    const decoded = decodeRecords(new Uint8Array(Buffer.concat(views)), source.crcAt(19));
    if (decoded.kind === "error") throw new Error(decoded.reason);
    const target = filledLog(new MemoryDisk(), 19);
    target.append(decoded.entries);
    expect(textOf(target)).toEqual(textOf(source).slice(0, 110));
    expect(target.crcAt(110)).toBe(source.crcAt(110));
  });

  test("refuses a peer's record that does not continue its history, and keeps its own", () => {
    const source = newLog(new MemoryDisk());
    source.append([commandEntry(1, 1, "one"), commandEntry(2, 1, "two")]);
    const target = newLog(new MemoryDisk());
    target.append([commandEntry(1, 1, "other"), commandEntry(2, 1, "kept")]);
    const decoded = decodeRecords(source.records(2, 2)[0] as Uint8Array, null);
    if (decoded.kind === "error") throw new Error(decoded.reason);
    expect(() => target.append(decoded.entries)).toThrow(expect.objectContaining({ code: "LOG_DIVERGED" }));
    expect(textOf(target)).toEqual(["1@1 command other", "2@1 command kept"]);
  });

  test("names its own last record, when that is what has changed, rather than the history of a peer", () => {
    const source = newLog(new MemoryDisk());
    source.append([commandEntry(1, 1, "one"), commandEntry(2, 1, "two")]);
    const decoded = decodeRecords(source.records(2, 2)[0] as Uint8Array, null);
    if (decoded.kind === "error") throw new Error(decoded.reason);
    const disk = new MemoryDisk();
    const target = newLog(disk);
    target.append([commandEntry(1, 1, "one")]);
    disk.damage(`${logDirectory}/0000000000000001.segment`, 128 + 9, 1);
    expect(() => target.append(decoded.entries)).toThrow(
      expect.objectContaining({ code: "LOG_DAMAGED", index: 1, offset: 128 }),
    );
  });

  test("does not go on from a last record that no longer reads back, whichever byte of it has changed", () => {
    for (let at = 8; at < recordHeaderBytes + 4; at++) {
      const disk = new MemoryDisk();
      const log = newLog(disk);
      log.append([commandEntry(1, 1, "abcd")]);
      log.sync();
      disk.damage(`${logDirectory}/0000000000000001.segment`, segmentHeaderBytes + at, 0x40);
      expect(() => log.append([commandEntry(2, 1, "next")])).toThrow(
        expect.objectContaining({ code: "LOG_DAMAGED", index: 1 }),
      );
    }
  });

  test("refuses a gap, a term that goes back and a stamp that goes back", () => {
    const log = newLog(new MemoryDisk());
    log.append([commandEntry(1, 3, "a")]);
    expect(() => log.append([commandEntry(3, 3, "b")])).toThrow("join the log");
    expect(() => log.append([commandEntry(2, 2, "b")])).toThrow("terms");
    expect(() => log.append([new Entry(2, 3, "empty", 5, null, null)])).toThrow("stamps");
    expect(log.lastIndex).toBe(1);
  });

  test("lastIndexWithin() fills the size exactly, and always gives one entry", () => {
    const log = filledLog(new MemoryDisk(), 100);
    const one = 152;
    expect(log.lastIndexWithin(1, 0)).toBe(1);
    expect(log.lastIndexWithin(1, one * 2 - 1)).toBe(1);
    expect(log.lastIndexWithin(1, one * 2)).toBe(2);
    expect(log.lastIndexWithin(40, one * 30)).toBe(69);
    expect(log.lastIndexWithin(40, one * 31 - 1)).toBe(69);
    expect(log.lastIndexWithin(1, 1e9)).toBe(100);
    expect(log.lastIndexWithin(100, 1)).toBe(100);
    for (let from = 1; from <= 100; from++) {
      expect(log.lastIndexWithin(from, one * 26)).toBe(Math.min(100, from + 25));
    }
  });
});

describe("Log reading", () => {
  /** 40 entries of 152 bytes, 25 of them in the first segment of 4096 bytes; and that segment's bytes. */
  const sample = () => {
    const disk = new MemoryDisk();
    const log = newLog(disk);
    for (let index = 1; index <= 40; index++)
      log.append([commandEntry(index, 1 + (index >> 4), body(index))]);
    return { disk, log, path: `${logDirectory}/0000000000000001.segment` };
  };
  const offsetOf = (index: number) => 128 + (index - 1) * 152;

  test("gives no entry out, and sends no record, in which any one byte has changed since it was written", () => {
    const { disk, log, path } = sample();
    for (let at = 8; at < 152; at++) {
      disk.damage(path, offsetOf(7) + at, 0x20);
      const error = expect.objectContaining({ code: "LOG_DAMAGED", path, offset: offsetOf(7), index: 7 });
      expect(() => log.entry(7)).toThrow(error);
      expect(() => log.records(5, 8)).toThrow(error);
      expect(log.entry(6).index).toBe(6);
      expect(log.records(8, 40).length).toBeGreaterThan(1);
      disk.damage(path, offsetOf(7) + at, 0x20);
    }
    expect(log.entry(7).index).toBe(7);
  });

  test("takes neither another good record nor an old one of another term for the one that was written", () => {
    const { disk, log, path } = sample();
    const original = disk.read(path) as Uint8Array;
    const put = (bytes: Uint8Array) =>
      bytes.forEach((byte, at) => {
        const now = (disk.read(path) as Uint8Array)[offsetOf(9) + at] as number;
        disk.damage(path, offsetOf(9) + at, now ^ byte);
      });
    put(original.slice(offsetOf(8), offsetOf(9)));
    expect(() => log.entry(9)).toThrow("wrong index");
    const other = newLog(new MemoryDisk());
    for (let index = 1; index <= 9; index++) other.append([commandEntry(index, 2, body(index))]);
    put(other.records(9, 9)[0] as Uint8Array);
    expect(() => log.records(9, 9)).toThrow("wrong term");
    const shorter = newLog(new MemoryDisk());
    for (let index = 1; index <= 9; index++) shorter.append([commandEntry(index, 1, "x")]);
    put(shorter.records(9, 9)[0] as Uint8Array);
    expect(() => log.entry(9)).toThrow("length out of range");
    put(original.slice(offsetOf(9), offsetOf(10)));
    expect(log.entry(9).term).toBe(1);
  });
});

describe("Log truncation", () => {
  test("drops what new entries overwrite, within a segment and across several", () => {
    const disk = new MemoryDisk();
    const log = filledLog(disk, 120);
    log.append([commandEntry(119, 13, "new"), plainEntry(120, 13, "membership")]);
    expect(log.memberships().length).toBe(1);
    log.append([commandEntry(30, 14, "newer")]);
    expect([log.lastIndex, log.termAt(30), log.termAt(29), log.durableIndex]).toEqual([30, 14, 3, 29]);
    expect(log.memberships()).toEqual([]);
    log.append([commandEntry(1, 15, "newest")]);
    expect(textOf(log)).toEqual(["1@15 command newest"]);
    expect(textOf(Log.open(logOptions(disk)).log)).toEqual(["1@15 command newest"]);
  });

  test("leaves the last stamp of what is kept", () => {
    const log = filledLog(new MemoryDisk(), 60);
    log.truncateAfter(27);
    expect(log.lastStampMs).toBe(1027);
    log.truncateAfter(26);
    expect(log.lastStampMs).toBe(1026);
    log.truncateAfter(0);
    expect([log.lastIndex, log.lastStampMs, log.sizeBytes]).toEqual([0, 0, 0]);
  });

  test("of entries under a background sync lowers what that sync covers", () => {
    const disk = new MemoryDisk();
    const log = filledLog(disk, 10);
    const heard: unknown[] = [];
    log.syncInBackground((error, index, term) => heard.push([error, index, term]));
    log.append([commandEntry(8, 2, "other"), commandEntry(9, 2, "other")]);
    disk.completeSyncs();
    expect(heard).toEqual([[null, 7, 1]]);
    expect(log.durableIndex).toBe(7);
  });
});

describe("Log syncing", () => {
  test("moves the durable index, in the background only up to where the log was when it began", () => {
    const disk = new MemoryDisk();
    const log = filledLog(disk, 3);
    expect(log.durableIndex).toBe(0);
    const heard: unknown[] = [];
    log.syncInBackground((error, index, term) => heard.push([error, index, term]));
    log.append([commandEntry(4, 1, "later")]);
    expect(heard).toEqual([]);
    disk.completeSyncs();
    expect(heard).toEqual([[null, 3, 1]]);
    expect(log.durableIndex).toBe(3);
    log.sync();
    expect(log.durableIndex).toBe(4);
  });

  test("that fails poisons the log for good", () => {
    for (const background of [false, true]) {
      const disk = new MemoryDisk();
      const log = filledLog(disk, 3);
      disk.failNextSync("EIO");
      const error = expect.objectContaining({ name: "DiskError", code: "EIO" });
      if (background) {
        let heard: unknown;
        log.syncInBackground((failure) => (heard = failure));
        disk.completeSyncs();
        expect(heard).toEqual(error);
      } else {
        expect(() => log.sync()).toThrow(error);
      }
      expect(log.durableIndex).toBe(0);
      expect(() => log.sync()).toThrow(error);
      expect(() => log.append([commandEntry(4, 1, "x")])).toThrow(error);
      expect(() => log.syncInBackground(() => undefined)).toThrow(error);
      expect(log.lastIndex).toBe(3);
    }
  });
});

test("Log.sync() hears of pages that a background sync under way has lost, before that one is heard of", () => {
  const disk = new MemoryDisk();
  const log = filledLog(disk, 3);
  let heard: unknown;
  log.syncInBackground((error) => (heard = error));
  // The leader is deposed, and syncs what it gets from the next one on the loop.
  log.append([commandEntry(4, 2, "from the new leader")]);
  disk.failNextSync("EIO");
  disk.writeBackSyncs();
  const error = expect.objectContaining({ name: "DiskError", code: "EIO" });
  expect(() => log.sync()).toThrow(error);
  expect(log.durableIndex).toBe(0);
  disk.completeSyncs();
  expect(heard).toEqual(error);
});

describe("Log on a full disk", () => {
  test("leaves the log as it was, and goes on when there is space", () => {
    const disk = new MemoryDisk();
    const log = filledLog(disk, 20);
    const before = textOf(log);
    disk.freeBytes = 0;
    const entries = Array.from({ length: 20 }, (_, i) => commandEntry(21 + i, 2 + i, body(21 + i)));
    expect(() => log.append(entries)).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    expect(textOf(log)).toEqual(before);
    expect(() => log.reserve(3000)).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    log.reserve(10);
    disk.freeBytes = 1e6;
    log.append(entries);
    expect(log.lastIndex).toBe(40);
    expect(textOf(Log.open(logOptions(disk)).log)).toEqual(textOf(log));
  });

  test("after a write that failed halfway wipes what it left", () => {
    for (const kept of [0, 10, 60, 200, 298]) {
      const disk = new MemoryDisk();
      const log = filledLog(disk, 5);
      disk.failNextWrite("ENOSPC", kept);
      expect(() =>
        log.append([commandEntry(6, 1, "q".repeat(100)), commandEntry(7, 1, "r".repeat(100))]),
      ).toThrow();
      expect(log.lastIndex).toBe(5);
      disk.killProcess();
      const { log: reopened, recovery } = Log.open(logOptions(disk));
      expect(reopened.lastIndex).toBe(5);
      expect(recovery.cuts).toEqual([]);
    }
  });

  test("reserve() makes an append certain", () => {
    const disk = new MemoryDisk();
    const log = newLog(disk);
    log.append([commandEntry(1, 1, "a")]);
    log.reserve(9000);
    disk.freeBytes = 0;
    log.append([commandEntry(2, 1, "b".repeat(9000))]);
    expect(log.body(2).length).toBe(9000);
  });

  test("keeps room for control entries that no command takes, for many restarts", () => {
    const disk = new MemoryDisk();
    const options = { segmentSizeBytes: 64 * 1024 };
    Log.create(logOptions(disk, options));
    let { log } = Log.open(logOptions(disk, options));
    disk.freeBytes = 0;
    let index = 0;
    const full = expect.objectContaining({ code: "ENOSPC" });
    for (const size of [5000, 500, 50, 1]) {
      const entry = (): Entry => commandEntry(index + 1, 1, "c".repeat(size));
      for (let isFull = false; !isFull;) {
        try {
          log.reserve(size);
          log.append([entry()]);
          index++;
        } catch {
          isFull = true;
        }
      }
      expect(() => log.append([entry()])).toThrow(full);
      expect(log.lastIndex).toBe(index);
    }
    // An eighth of the segment.
    for (let restart = 0; restart < (8 * 1024) / 48 - 10; restart++) {
      log.sync();
      disk.killProcess();
      ({ log } = Log.open(logOptions(disk, options)));
      log.reserveControl(0);
      log.append([plainEntry(++index, 2 + restart, "empty")]);
    }
    expect(() => log.reserveControl(1000)).toThrow(full);
    expect(() => log.reserve(1)).toThrow(full);
    disk.freeBytes = 1e6;
    log.reserve(10_000);
    log.append([commandEntry(index + 1, 9999, "c".repeat(10_000))]);
    expect(Log.open(logOptions(disk, options)).log.lastIndex).toBe(index + 1);
  });

  test("fitting() says how many of a leader's entries the segment takes, also in the place of others", () => {
    const source = newLog(new MemoryDisk());
    source.append([
      commandEntry(1, 1, "a"),
      commandEntry(2, 1, "b".repeat(2000)),
      commandEntry(3, 1, "c".repeat(1000)),
    ]);
    source.append([
      plainEntry(4, 2, "empty"),
      commandEntry(5, 2, "d".repeat(400)),
      plainEntry(6, 3, "empty"),
    ]);
    const sent = [1, 2, 3, 4, 5, 6].map((index) => source.entry(index));
    const disk = new MemoryDisk();
    const log = newLog(disk);
    disk.freeBytes = 0;
    // The fifth would fit, but for the room that is kept.
    expect(log.fitting(sent)).toBe(4);
    log.append(sent.slice(0, 4));
    expect(log.fitting(sent.slice(4))).toBe(0);
    expect(log.fitting([])).toBe(0);
    const other = newLog(new MemoryDisk());
    other.append(sent.slice(0, 1));
    other.append([commandEntry(2, 2, "x"), commandEntry(3, 2, "y".repeat(3000)), commandEntry(4, 2, "z")]);
    const instead = [2, 3, 4].map((index) => other.entry(index));
    expect(log.fitting(instead)).toBe(3);
    log.append(instead);
    expect(textOf(log)).toEqual(textOf(other));
  });

  test("fitting() knows that a segment goes with its first entry, and that the one before may be full", () => {
    const disk = new MemoryDisk();
    const log = filledLog(disk, 30);
    disk.freeBytes = 0;
    const segments = disk.list(logDirectory).filter((name) => name.endsWith(".segment"));
    const second = Number.parseInt(segments[1] as string, 10);
    const source = newLog(new MemoryDisk());
    source.append(Array.from({ length: second - 1 }, (_, at) => log.entry(at + 1)));
    source.append([plainEntry(second, 9, "empty"), commandEntry(second + 1, 9, "c".repeat(500))]);
    const sent = [second, second + 1].map((index) => source.entry(index));
    expect(log.fitting(sent)).toBe(1);
    expect(() => log.reserveNext(500)).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    log.append(sent.slice(0, 1));
    expect(log.lastIndex).toBe(second);
    const whole = newLog(new MemoryDisk());
    whole.append([plainEntry(1, 9, "empty"), commandEntry(2, 9, "d".repeat(3000))]);
    const anew = [whole.entry(1), whole.entry(2)];
    expect(log.fitting(anew)).toBe(2);
    log.append(anew);
    expect(textOf(log)).toEqual(textOf(whole));
  });

  test("takes any other failure to make a segment as final", () => {
    for (const code of ["ENOSPC", "EDQUOT", "EMFILE", "EIO", "EROFS"]) {
      const isFinal = code.startsWith("EI") || code === "EROFS";
      const disk = new MemoryDisk();
      const log = filledLog(disk, 3);
      disk.failNextWrite(code, 100);
      expect(() => log.reserve(5000)).toThrow(expect.objectContaining({ code }));
      expect([code, log.failure === null]).toEqual([code, !isFinal]);
      if (!isFinal) log.reserve(5000);
      const ahead = new MemoryDisk();
      const preparing = filledLog(ahead, 20);
      ahead.failNextWrite(code, 100);
      preparing.prepareAhead();
      expect([code, preparing.failure?.code ?? null]).toEqual([code, isFinal ? code : null]);
    }
  });
});

describe("prepareAhead()", () => {
  test("makes the next segment while there is time, and none before it is due", () => {
    const disk = new MemoryDisk();
    const options = { segmentSizeBytes: 3 * 1024 * 1024 };
    const log = newLog(disk, options);
    expect(log.prepareAhead()).toBe(false);
    log.append([commandEntry(1, 1, "x".repeat(2_000_000))]);
    let slices = 0;
    while (log.prepareAhead()) {
      slices++;
      disk.completeSyncs();
    }
    expect(slices).toBe(3);
    disk.freeBytes = 0;
    log.append([commandEntry(2, 1, "y".repeat(2_000_000))]);
    expect(disk.list(logDirectory)).toEqual([
      "0000000000000001.segment",
      "0000000000000002.segment",
      "truncation",
    ]);
    expect(log.prepareAhead()).toBe(false);
    expect(log.prepareError?.code).toBe("ENOSPC");
    disk.freeBytes = 1e9;
    expect(log.prepareAhead()).toBe(true);
    expect(log.prepareError).toBeNull();
  });

  test("whose sync fails poisons the log", () => {
    const disk = new MemoryDisk();
    const log = newLog(disk);
    log.append([commandEntry(1, 1, "x".repeat(3000))]);
    log.prepareAhead();
    disk.failNextSync("EIO");
    disk.completeSyncs();
    expect(() => log.sync()).toThrow(expect.objectContaining({ code: "EIO" }));
  });
});
