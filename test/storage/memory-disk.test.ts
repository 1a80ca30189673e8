// The disk that tests stand on, where it has to be like a real one and easily is not.

import { expect, test } from "bun:test";
import { bytesOf } from "../../src/base/byte-strings.ts";
import { MemoryDisk, powerLasts } from "./memory-disk.ts";

test("nothing that is tried after the power has gone changes a disk", () => {
  const disk = new MemoryDisk();
  disk.makeDirectory("/data");
  const file = disk.create("/data/one", 0);
  disk.cutPowerAfter(1);
  expect(powerLasts(() => file.write(bytesOf("struck"), 0))).toBe(false);
  const attempts = [
    () => file.write(bytesOf("late"), 6),
    () => file.sync(),
    () => void disk.create("/data/two", 8),
    () => disk.rename("/data/one", "/data/three"),
    () => disk.remove("/data/one"),
    () => disk.makeDirectory("/data/four"),
  ];
  for (const attempt of attempts) expect(powerLasts(attempt)).toBe(false);
  disk.killProcess();
  expect(disk.list("/data")).toEqual(["one"]);
  expect(disk.read("/data/one")).toEqual(bytesOf("struck"));
});
