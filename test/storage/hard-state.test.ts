import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { HardStateFile } from "../../src/storage/hard-state.ts";
import { MemoryDisk, powerLasts } from "./memory-disk.ts";

const owner = { clusterId: "0123456789abcdef0123456789abcdef", nodeId: 4711 };
const path = "data/hard-state";

function newDisk(): MemoryDisk {
  const disk = new MemoryDisk();
  disk.makeDirectory("data");
  HardStateFile.create(disk, path, owner);
  disk.syncDirectory("data");
  return disk;
}

function stateOf(file: HardStateFile): number[] {
  return [file.currentTerm, file.votedFor, file.securedIndex];
}

describe("HardStateFile", () => {
  test("begins with term 0 and no vote", () => {
    expect(stateOf(HardStateFile.open(newDisk(), path, owner))).toEqual([0, 0, 0]);
  });

  test("has term and vote on disk when save() returns", () => {
    const disk = newDisk();
    const file = HardStateFile.open(disk, path, owner);
    file.save({ currentTerm: 3, votedFor: 9 });
    file.noteSecured(70);
    file.noteSecured(60);
    disk.crash(new SeededRandom(1));
    expect(stateOf(HardStateFile.open(disk, path, owner))).toEqual([3, 9, 0]);
    const again = HardStateFile.open(disk, path, owner);
    again.noteSecured(70);
    again.saveSecured();
    again.save({ currentTerm: Number.MAX_SAFE_INTEGER, votedFor: 2 ** 31 - 1 });
    disk.crash(new SeededRandom(1));
    expect(stateOf(HardStateFile.open(disk, path, owner))).toEqual([
      Number.MAX_SAFE_INTEGER,
      2 ** 31 - 1,
      70,
    ]);
  });

  test("saveSecured() writes only when there is something new", () => {
    const disk = newDisk();
    const file = HardStateFile.open(disk, path, owner);
    file.noteSecured(5);
    file.saveSecured();
    const { operations } = disk;
    file.noteSecured(5);
    file.noteSecured(4);
    file.saveSecured();
    expect(disk.operations).toBe(operations);
  });

  test("survives a power cut at every step with the old or the new state", () => {
    for (let cutAt = 1; cutAt <= 6; cutAt++) {
      for (let seed = 1; seed <= 20; seed++) {
        const disk = newDisk();
        const file = HardStateFile.open(disk, path, owner);
        file.save({ currentTerm: 3, votedFor: 9 });
        disk.cutPowerAfter(cutAt);
        const saved = powerLasts(() => file.save({ currentTerm: 4, votedFor: 8 }));
        disk.crash(new SeededRandom(seed));
        const state = stateOf(HardStateFile.open(disk, path, owner));
        if (saved || state[0] === 4) expect(state).toEqual([4, 8, 0]);
        else expect(state).toEqual([3, 9, 0]);
        expect(saved).toBe(cutAt > 4);
      }
    }
  });

  test("still knows its newest vote after any one damaged byte, and mends the copy", () => {
    const disk = newDisk();
    HardStateFile.open(disk, path, owner).save({ currentTerm: 7, votedFor: 9 });
    for (const base of [0, 4096]) {
      for (let offset = base; offset < base + 128; offset++) {
        disk.damage(path, offset, 0x10);
        expect(stateOf(HardStateFile.open(disk, path, owner))).toEqual([7, 9, 0]);
        disk.damage(path, offset ^ 4096, 0x10);
        expect(stateOf(HardStateFile.open(disk, path, owner))).toEqual([7, 9, 0]);
      }
    }
  });

  test("mends a damaged copy without putting the good one at risk, whatever becomes of the write", () => {
    for (const damaged of [0, 4096]) {
      for (let cutAt = 1; cutAt <= 4; cutAt++) {
        for (let seed = 1; seed <= 50; seed++) {
          const disk = newDisk();
          HardStateFile.open(disk, path, owner).save({ currentTerm: 7, votedFor: 9 });
          disk.damage(path, damaged + 30, 1);
          disk.tearsSectors = true;
          disk.cutPowerAfter(cutAt);
          powerLasts(() => void HardStateFile.open(disk, path, owner));
          disk.crash(new SeededRandom(seed));
          expect(stateOf(HardStateFile.open(disk, path, owner))).toEqual([7, 9, 0]);
        }
      }
    }
  });

  test("still knows its newest vote when the sector of a copy cannot be read, and gives up when neither can", () => {
    for (const offset of [0, 4096]) {
      const disk = newDisk();
      HardStateFile.open(disk, path, owner).save({ currentTerm: 7, votedFor: 9 });
      disk.makeUnreadable(path, offset);
      expect(stateOf(HardStateFile.open(disk, path, owner))).toEqual([7, 9, 0]);
      disk.damage(path, (offset ^ 4096) + 30, 1);
      expect(() => HardStateFile.open(disk, path, owner)).toThrow(
        expect.objectContaining({ code: "HARD_STATE_DAMAGED" }),
      );
    }
  });

  test("refuses two damaged copies, a missing file, another node's and a newer one", () => {
    const disk = newDisk();
    const open = () => HardStateFile.open(disk, path, owner);
    const original = disk.read(path) as Uint8Array;
    disk.damage(path, 30, 1);
    disk.damage(path, 4096 + 90, 1);
    expect(open).toThrow(
      expect.objectContaining({ name: "HardStateDamagedError", code: "HARD_STATE_DAMAGED", path }),
    );
    for (const length of [0, 127, 128, 4096, 8191]) {
      disk.replace(path, original.subarray(0, length));
      expect(open).toThrow(expect.objectContaining({ code: "HARD_STATE_DAMAGED" }));
    }
    disk.replace(path, original);
    expect(() => HardStateFile.open(disk, path, { ...owner, nodeId: 1 })).toThrow(
      expect.objectContaining({ code: "FOREIGN_FILE" }),
    );
    const newer = original.slice();
    newer[8] = 2;
    new DataView(newer.buffer).setUint32(124, Bun.hash.crc32(newer.subarray(0, 124)), true);
    disk.replace(path, newer);
    expect(open).toThrow(expect.objectContaining({ code: "NEWER_FORMAT" }));
    disk.remove(path);
    expect(open).toThrow(expect.objectContaining({ code: "HARD_STATE_MISSING" }));
  });

  test("refuses to go back in term, and a second vote in a term", () => {
    const file = HardStateFile.open(newDisk(), path, owner);
    file.save({ currentTerm: 5, votedFor: 0 });
    file.save({ currentTerm: 5, votedFor: 2 });
    expect(() => file.save({ currentTerm: 5, votedFor: 3 })).toThrow("one vote a term");
    expect(() => file.save({ currentTerm: 5, votedFor: 0 })).toThrow("one vote a term");
    expect(() => file.save({ currentTerm: 4, votedFor: 2 })).toThrow("never goes back");
    file.save({ currentTerm: 6, votedFor: 0 });
  });

  test("is of no more use after a failed sync", () => {
    const disk = newDisk();
    const file = HardStateFile.open(disk, path, owner);
    disk.failNextSync("EIO");
    const error = expect.objectContaining({ name: "DiskError", code: "EIO" });
    expect(() => file.save({ currentTerm: 1, votedFor: 1 })).toThrow(error);
    expect(() => file.save({ currentTerm: 2, votedFor: 1 })).toThrow(error);
  });
});
