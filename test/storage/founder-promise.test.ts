import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { DataDirectory } from "../../src/storage/data-directory.ts";
import { codeOf } from "./log-fixture.ts";
import { MemoryDisk, powerLasts } from "./memory-disk.ts";

const identity = {
  clusterId: "0123456789abcdef0123456789abcdef",
  nodeId: 7,
  founder: null,
  address: { host: "n1", port: 6379 },
};

function open(disk: MemoryDisk): DataDirectory {
  return DataDirectory.open({ disk, path: "/data", segmentSizeBytes: 4096 });
}

describe("DataDirectory.promiseFounder()", () => {
  test("is remembered after a power cut, and the last promise counts", () => {
    const disk = new MemoryDisk();
    expect(open(disk).founderPromise).toBe("");
    disk.killProcess();
    const directory = open(disk);
    directory.promiseFounder("n2:6379");
    directory.promiseFounder("n1:6379");
    expect(directory.founderPromise).toBe("n1:6379");
    disk.crash(new SeededRandom(1));
    expect(open(disk).founderPromise).toBe("n1:6379");
  });

  test("leaves the old promise or the new one when the power goes in the middle", () => {
    for (let cutAt = 1; cutAt <= 6; cutAt++) {
      const disk = new MemoryDisk();
      const directory = open(disk);
      directory.promiseFounder("n2:6379");
      disk.cutPowerAfter(cutAt);
      powerLasts(() => directory.promiseFounder("n1:6379"));
      disk.crash(new SeededRandom(cutAt));
      expect(["n1:6379", "n2:6379"]).toContain(open(disk).founderPromise);
    }
  });

  test("is over once the node belongs to a cluster", () => {
    const disk = new MemoryDisk();
    const directory = open(disk);
    directory.promiseFounder("n2:6379");
    directory.create(identity);
    directory.archive();
    directory.close();
    expect(open(disk).founderPromise).toBe("");
  });

  test("is over for good once the node belongs to a cluster, whenever the power goes on the way there", () => {
    for (let cutAt = 1, finished = false; !finished; cutAt++) {
      for (let seed = 1; seed <= 8; seed++) {
        const disk = new MemoryDisk();
        const directory = open(disk);
        directory.promiseFounder("n2:6379");
        disk.cutPowerAfter(cutAt);
        finished = powerLasts(() => directory.create(identity));
        disk.crash(new SeededRandom(seed));
        const again = open(disk);
        if (again.files === null) continue;
        again.archive();
        again.close();
        disk.crash(new SeededRandom(seed));
        expect(open(disk).founderPromise).toBe("");
      }
    }
  });

  test("finds any changed byte", () => {
    const disk = new MemoryDisk();
    const directory = open(disk);
    directory.promiseFounder("n2:6379");
    directory.close();
    const { length } = disk.read("/data/promise") as Uint8Array;
    for (let offset = 0; offset < length; offset++) {
      disk.damage("/data/promise", offset, 1);
      expect(codeOf(() => open(disk))).toBe("PROMISE_DAMAGED");
      disk.damage("/data/promise", offset, 1);
    }
    expect(codeOf(() => open(disk))).toBe("none");
  });
});
