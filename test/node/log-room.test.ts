// What a log has room for, how long that lasts, and how often it is said.

import { expect, test } from "bun:test";
import type { Logger } from "../../src/base/logger.ts";
import { LogRoom } from "../../src/node/log-room.ts";
import type { Entry } from "../../src/raft/types.ts";
import { Log } from "../../src/storage/log.ts";
import { commandEntry, logOptions, newLog, plainEntry, someMembership } from "../storage/log-fixture.ts";
import { MemoryDisk } from "../storage/memory-disk.ts";

const takesNoMore = "The log takes no more entries: cannot write data/log/spare: ENOSPC";
const takesAgain = "The log takes entries again";

/** A log of one segment of 64 kB on a disk that has room for no other. */
class FullDisk {
  readonly disk = new MemoryDisk();
  readonly log: Log;
  readonly room: LogRoom;
  readonly said: string[] = [];
  nowMs = 0;

  constructor() {
    const options = logOptions(this.disk, { segmentSizeBytes: 64 * 1024 });
    Log.create(options);
    this.log = Log.open(options).log;
    this.disk.freeBytes = 0;
    const say = (message: string): void => void this.said.push(message);
    const logger: Logger = { debug: say, verbose: say, notice: say, warning: say };
    this.room = new LogRoom(this.log, { monotonicMs: () => this.nowMs }, logger);
    this.room.begin(someMembership);
  }

  append(sizeBytes: number): void {
    this.log.append([this.next(sizeBytes)]);
  }

  next(sizeBytes: number): Entry {
    return commandEntry(this.log.lastIndex + 1, 1, "x".repeat(sizeBytes));
  }
}

/** As they come from a leader whose log goes on from `log`. */
function fromLeader(log: Log, entries: readonly Entry[]): Entry[] {
  const leader = newLog(new MemoryDisk());
  leader.append(Array.from({ length: log.lastIndex }, (_, at) => log.entry(at + 1)));
  leader.append(entries);
  return entries.map(({ index }) => leader.entry(index));
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { record }) => sum + (record?.length ?? 0), 0);
}

test("LogRoom refuses a leader's batches from the first that has no room, asks again in time, and says each once", () => {
  const full = new FullDisk();
  const { room, disk, said } = full;
  expect(room.room).toBe("all");
  expect(room.admits(50_000)).toBe(true);
  full.append(50_000);
  for (let batch = 0; batch < 3; batch++) expect(room.admits(20_000)).toBe(false);
  expect([room.room, room.cause, said]).toEqual(["control", "ENOSPC", [takesNoMore]]);
  disk.freeBytes = 1e6;
  room.retry(true);
  expect(room.room).toBe("control");
  full.nowMs += 250;
  room.retry(true);
  expect([room.room, said]).toEqual(["all", [takesNoMore, takesAgain]]);
  expect(room.admits(20_000)).toBe(true);
});

test("LogRoom refuses a huge batch for itself, and is full when a usual one has no room either", () => {
  const full = new FullDisk();
  // The huge one wants more than the megabyte that counts as usual, which is there.
  full.disk.freeBytes = 1_300_000;
  expect(full.room.admits(2_000_000)).toBe(false);
  expect([full.room.room, full.said]).toEqual(["all", []]);
  expect(full.room.admits(1000)).toBe(true);
});

test("LogRoom stores what it can of a follower's entries, and wants room for the next one", () => {
  const full = new FullDisk();
  const { room, log, disk } = full;
  full.append(40_000);
  const sent = fromLeader(log, [
    commandEntry(2, 1, "a".repeat(5000)),
    commandEntry(3, 1, "b".repeat(30_000)),
    plainEntry(4, 2, "empty"),
  ]);
  expect(room.storable(sent, sizeOf(sent))).toBe(1);
  expect(room.room).toBe("control");
  log.append(sent.slice(0, 1));
  // What is there already needs no room; what is no command has some.
  expect(room.storable(sent, sizeOf(sent))).toBe(1);
  const empty = fromLeader(log, [plainEntry(3, 3, "empty")]);
  expect(room.storable(empty, sizeOf(empty))).toBe(1);
  expect(room.room).toBe("control");
  // Nor does a command that is there already say that another has room.
  const repeated = [log.entry(2), ...empty];
  expect(room.storable(repeated, sizeOf(repeated))).toBe(2);
  expect(room.room).toBe("control");
  disk.freeBytes = 20_000;
  full.nowMs += 250;
  room.retry(false);
  expect(room.room).toBe("control");
  disk.freeBytes = 100_000;
  full.nowMs += 250;
  room.retry(false);
  expect(room.room).toBe("all");
  expect(room.storable(sent, sizeOf(sent))).toBe(3);
  log.append(sent.slice(1));
});

test("LogRoom says that not even an election has room, and when it has again", () => {
  const full = new FullDisk();
  const { room, log } = full;
  while (room.admits(1000)) full.append(1000);
  expect(room.room).toBe("control");
  let term = 2;
  for (; room.room === "control"; term++) {
    log.append([plainEntry(log.lastIndex + 1, term, "empty")]);
    room.keepControlRoom(someMembership);
  }
  expect(room.room).toBe("none");
  expect(term).toBeGreaterThan(100);
  // One more leader's, and a change of membership by it, still have room.
  log.append([
    plainEntry(log.lastIndex + 1, term, "empty"),
    plainEntry(log.lastIndex + 2, term, "membership"),
  ]);
  full.disk.freeBytes = 1e6;
  full.nowMs += 250;
  room.retry(false);
  room.keepControlRoom(someMembership);
  expect(room.room).toBe("all");
  expect(full.said.map((message) => message.split(":")[0])).toEqual([
    "The log takes no more entries",
    "The log has no room left even for an election",
    "The log takes entries again",
    "The log has room to lead again",
  ]);
});
