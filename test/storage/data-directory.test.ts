import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { DataDirectory } from "../../src/storage/data-directory.ts";
import { type Identity, readIdentity, writeIdentity } from "../../src/storage/identity.ts";
import { codeOf, commandEntry, smallSegmentBytes, textOf } from "./log-fixture.ts";
import { MemoryDisk, powerLasts } from "./memory-disk.ts";

const identity: Identity = {
  clusterId: "0123456789abcdef0123456789abcdef",
  nodeId: 4711,
  founder: { id: 4711, host: "127.0.0.1", port: 6379, voting: true },
  address: { host: "127.0.0.1", port: 6379 },
};

function open(disk: MemoryDisk): DataDirectory {
  return DataDirectory.open({ disk, path: "var/data", segmentSizeBytes: smallSegmentBytes });
}

/** A node with three synced entries in term 2. */
function withNode(disk: MemoryDisk): DataDirectory {
  const directory = open(disk);
  const { log, hardState } = directory.create(identity);
  hardState.save({ currentTerm: 2, votedFor: 4711 });
  log.append([commandEntry(1, 2, "a"), commandEntry(2, 2, "b"), commandEntry(3, 2, "c")]);
  log.sync();
  return directory;
}

describe("DataDirectory", () => {
  test("belongs to no cluster at first, and to one from create() on", () => {
    const disk = new MemoryDisk();
    const directory = open(disk);
    expect(directory.files).toBeNull();
    directory.close();
    withNode(disk).close();
    disk.crash(new SeededRandom(3));
    const files = open(disk).files;
    expect(files?.identity).toEqual(identity);
    expect(files?.hardState).toMatchObject({ currentTerm: 2, votedFor: 4711 });
    expect(files?.log.lastIndex).toBe(3);
    expect(disk.list("var/data")).toEqual(["LOCK", "node"]);
    expect(disk.list("var/data/node")).toEqual(["hard-state", "identity", "log"]);
  });

  test("is for one process, until that one closes it or dies", () => {
    const disk = new MemoryDisk();
    const first = open(disk);
    expect(() => open(disk)).toThrow(expect.objectContaining({ code: "DIRECTORY_LOCKED" }));
    expect(() => open(disk)).toThrow("in use by process 1");
    first.close();
    open(disk);
    disk.killProcess();
    open(disk).close();
  });

  test("lets go of the lock when its files cannot be opened", () => {
    const disk = new MemoryDisk();
    withNode(disk).close();
    disk.damage("var/data/node/identity", 3, 1);
    expect(codeOf(() => open(disk))).toBe("IDENTITY_DAMAGED");
    expect(codeOf(() => open(disk))).toBe("IDENTITY_DAMAGED");
  });

  test("is uninitialized or complete, whenever the power goes during create()", () => {
    let complete = 0;
    let finished = false;
    for (let cutAt = 1; !finished; cutAt++) {
      for (let seed = 1; seed <= 10; seed++) {
        const disk = new MemoryDisk();
        const directory = open(disk);
        disk.cutPowerAfter(cutAt);
        finished = powerLasts(() => directory.create(identity));
        disk.crash(new SeededRandom(seed));
        const { files } = open(disk);
        if (files !== null) {
          complete++;
          expect(files.identity).toEqual(identity);
          expect([files.log.lastIndex, files.hardState.currentTerm]).toEqual([0, 0]);
        }
        if (finished) expect(files).not.toBeNull();
        expect(disk.list("var/data")).not.toContain("node.new");
      }
    }
    expect(complete).toBeGreaterThan(0);
  });

  test("keeps what it acknowledged also when the process was killed during create() before", () => {
    for (let killAt = 1, finished = false; !finished; killAt++) {
      const disk = new MemoryDisk();
      const directory = open(disk);
      disk.cutPowerAfter(killAt);
      finished = powerLasts(() => directory.create(identity));
      disk.killProcess();
      disk.cutPowerAfter(1000);
      const { files } = open(disk);
      files?.hardState.save({ currentTerm: 1, votedFor: 4711 });
      for (let seed = 1; seed <= 4; seed++) disk.crash(new SeededRandom(seed));
      expect(open(disk).files?.hardState.currentTerm).toBe(files === null ? undefined : 1);
    }
  });

  test("and all above it survive the power cut, though a process that made them was killed in the middle", () => {
    for (let killAt = 1, finished = false; !finished; killAt++) {
      for (let seed = 1; seed <= 4; seed++) {
        const disk = new MemoryDisk();
        disk.cutPowerAfter(killAt);
        finished = powerLasts(() => open(disk));
        disk.killProcess();
        disk.cutPowerAfter(1000);
        open(disk).create(identity);
        disk.crash(new SeededRandom(seed));
        expect([killAt, open(disk).files?.identity]).toEqual([killAt, identity]);
      }
    }
  });

  test("is as it was or uninitialized, whenever the power goes during archive(), and keeps every file", () => {
    let finished = false;
    for (let cutAt = 1; !finished; cutAt++) {
      for (let seed = 1; seed <= 10; seed++) {
        const disk = new MemoryDisk();
        const directory = withNode(disk);
        disk.cutPowerAfter(cutAt);
        finished = powerLasts(() => expect(directory.archive()).toBe("var/data/removed-4711"));
        disk.crash(new SeededRandom(seed));
        const again = open(disk);
        if (again.files === null) {
          expect(disk.list("var/data/removed-4711")).toEqual(["hard-state", "identity", "log"]);
          again.create({ ...identity, nodeId: 4712 });
        } else {
          expect(finished).toBe(false);
          expect(textOf(again.files.log).length).toBe(3);
        }
      }
    }
  });

  test("refuses a hard state that is older than the log: its votes are forgotten", () => {
    const disk = new MemoryDisk();
    const directory = withNode(disk);
    const old = disk.read("var/data/node/hard-state") as Uint8Array;
    directory.files?.hardState.save({ currentTerm: 3, votedFor: 0 });
    directory.files?.log.append([commandEntry(4, 3, "d")]);
    directory.files?.log.sync();
    directory.close();
    disk.replace("var/data/node/hard-state", old);
    expect(codeOf(() => open(disk))).toBe("HARD_STATE_OUTDATED");
    expect(disk.openFiles).toBe(0);
  });

  test("leaves no file open when the disk refuses", () => {
    const attempts: ((directory: DataDirectory) => void)[] = [
      (directory) => directory.promiseFounder("n1:6379"),
      (directory) => void directory.create(identity),
    ];
    const failures: ((disk: MemoryDisk, after: number) => void)[] = [
      (disk, after) => disk.failNextSync("EIO", after),
      (disk, after) => disk.failNextWrite("ENOSPC", 0, after),
    ];
    for (const attempt of attempts) {
      for (const fail of failures) {
        for (let after = 0, refused = true; refused; after++) {
          const disk = new MemoryDisk();
          const directory = open(disk);
          fail(disk, after);
          refused = codeOf(() => attempt(directory)) !== "none";
          if (refused) expect(disk.openFiles).toBe(0);
          else expect(after).toBeGreaterThan(0);
        }
      }
    }
  });

  test("archives beside an older archive of the same name", () => {
    const disk = new MemoryDisk();
    withNode(disk).archive();
    disk.killProcess();
    const directory = withNode(disk);
    expect(directory.archive()).toBe("var/data/removed-4711-2");
    expect(directory.files).toBeNull();
  });

  test("refuses a node without its identity, hard state or log", () => {
    for (const [name, code] of [
      ["identity", "IDENTITY_MISSING"],
      ["hard-state", "HARD_STATE_MISSING"],
      ["log", "LOG_MISSING"],
    ] as const) {
      const disk = new MemoryDisk();
      withNode(disk).close();
      disk.remove(`var/data/node/${name}`);
      expect(codeOf(() => open(disk))).toBe(code);
    }
  });

  test("checkpoint() lets recovery tell the loss of the last entry from a torn one", () => {
    for (const [checkpoint, outcome] of [
      [false, "none"],
      [true, "LOG_DAMAGED"],
    ] as const) {
      const disk = new MemoryDisk();
      const directory = withNode(disk);
      if (checkpoint) directory.checkpoint(9);
      directory.close();
      const path = "var/data/node/log/0000000000000001.segment";
      disk.replace(path, (disk.read(path) as Uint8Array).fill(0, 128 + 2 * 56));
      expect(codeOf(() => open(disk))).toBe(outcome);
    }
  });

  test("checkpoint() vouches for nothing that is not committed, or not durable", () => {
    const directory = withNode(new MemoryDisk());
    directory.checkpoint(2);
    expect(directory.files?.hardState.securedIndex).toBe(2);
    directory.files?.log.append([commandEntry(4, 2, "d")]);
    directory.checkpoint(4);
    expect(directory.files?.hardState.securedIndex).toBe(3);
  });
});

describe("identity", () => {
  test("comes back as written, and is replaced as a whole", () => {
    const disk = new MemoryDisk();
    disk.makeDirectory("data");
    writeIdentity(disk, "data", identity);
    expect(readIdentity(disk, "data")).toEqual(identity);
    const moved = { ...identity, founder: null, address: { host: "näme", port: 7000 } };
    for (let cutAt = 1; cutAt < 12; cutAt++) {
      const old = readIdentity(disk, "data");
      disk.cutPowerAfter(cutAt);
      powerLasts(() => writeIdentity(disk, "data", { ...moved, nodeId: cutAt }));
      disk.crash(new SeededRandom(cutAt));
      expect([old.nodeId, cutAt]).toContain(readIdentity(disk, "data").nodeId);
    }
  });

  test("finds any changed byte and any cut, and knows a newer format", () => {
    const disk = new MemoryDisk();
    disk.makeDirectory("data");
    writeIdentity(disk, "data", identity);
    const bytes = disk.read("data/identity") as Uint8Array;
    for (let offset = 0; offset < bytes.length; offset++) {
      disk.damage("data/identity", offset, 1);
      expect(codeOf(() => readIdentity(disk, "data"))).toBe("IDENTITY_DAMAGED");
      disk.damage("data/identity", offset, 1);
      disk.replace("data/identity", bytes.subarray(0, offset));
      // Without its last byte, a line end, the file is still whole.
      expect(codeOf(() => readIdentity(disk, "data"))).toBe(
        offset === bytes.length - 1 ? "none" : "IDENTITY_DAMAGED",
      );
      disk.replace("data/identity", bytes);
    }
    const newer = '{"format":2}';
    const sum = Bun.hash.crc32(newer).toString(16).padStart(8, "0");
    disk.replace("data/identity", new TextEncoder().encode(`${newer}\ncrc32 ${sum}\n`));
    expect(codeOf(() => readIdentity(disk, "data"))).toBe("NEWER_FORMAT");
  });
});
