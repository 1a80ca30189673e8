import { afterAll, describe, expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf as codeOfError, type Disk } from "../../src/storage/disk.ts";
import { DataDirectory } from "../../src/storage/data-directory.ts";
import { Log } from "../../src/storage/log.ts";
import { ReadOnlyDisk } from "../../src/storage/read-only-disk.ts";
import { SystemDisk } from "../../src/storage/system-disk.ts";
import { bodyText, codeOf, commandEntry, logOptions, textOf } from "./log-fixture.ts";

const root = mkdtempSync(join(tmpdir(), "vlot-disk-"));
const disk = new SystemDisk();
let names = 0;

afterAll(() => rmSync(root, { recursive: true, force: true }));

function freshPath(): string {
  return join(root, `f${++names}`);
}

/** How many descriptors of this process are open on files whose names suit. */
function openingsOf(suits: (path: string) => boolean): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return suits(readlinkSync(`/proc/self/fd/${fd}`));
    } catch (error) {
      // The one that listed the others.
      if (codeOfError(error) !== "ENOENT") throw error;
      return false;
    }
  }).length;
}

describe("SystemDisk", () => {
  test("creates files whose blocks are allocated", () => {
    const path = freshPath();
    const file = disk.create(path, 3_000_000);
    file.sync();
    expect(file.sizeBytes).toBe(3_000_000);
    expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(3_000_000);
    file.close();
  });

  test("shows each write in the mapping at once, and across handles", () => {
    const path = freshPath();
    const file = disk.create(path, 10_000);
    const bytes = file.map();
    file.write(new Uint8Array([1, 2, 3]), 9_997);
    expect([...bytes.subarray(9_996)]).toEqual([0, 1, 2, 3]);
    const other = disk.open(path);
    other.write(new Uint8Array([7]), 0);
    expect([bytes[0], other.map()[9_999]]).toEqual([7, 3]);
    const into = new Uint8Array(8);
    expect(other.read(into, 9_996)).toBe(4);
    expect([...into]).toEqual([0, 1, 2, 3, 0, 0, 0, 0]);
    expect(() => file.write(new Uint8Array(2), 9_999)).toThrow("does not grow");
    file.close();
    other.close();
  });

  test("leaves a mapping alone whose file is created anew or removed", () => {
    const path = freshPath();
    const file = disk.create(path, 5000);
    file.write(new Uint8Array([9]), 4999);
    const bytes = file.map();
    disk.create(path, 10).close();
    expect(bytes[4999]).toBe(9);
    disk.remove(path);
    disk.remove(path);
    expect(disk.read(path)).toBeNull();
    file.close();
  });

  test("syncs in the background, also a file that is closed meanwhile", async () => {
    const file = disk.create(freshPath(), 10_000);
    const results: unknown[] = [];
    const synced = new Promise<void>((done) => {
      file.syncInBackground((error) => {
        results.push(error);
        done();
      });
    });
    expect(() => file.syncInBackground(() => undefined)).toThrow("one background sync");
    file.close();
    await synced;
    expect(results).toEqual([null]);
    expect(codeOf(() => file.sync())).toBe("EBADF");
  });

  test("syncs in the background through an open file description of its own, until the file is synced once more", async () => {
    const path = freshPath();
    const openings = () => openingsOf((name) => name === path);
    const file = disk.create(path, 10_000);
    expect(openings()).toBe(1);
    for (let round = 0; round < 2; round++) {
      const synced = new Promise((done) => file.syncInBackground(done));
      expect(openings()).toBe(2);
      file.sync();
      expect(await synced).toBeNull();
      expect(openings()).toBe(1);
    }
    expect(await new Promise((done) => file.syncInBackground(done))).toBeNull();
    expect(openings()).toBe(2);
    file.sync();
    expect(openings()).toBe(1);
    file.close();
    expect(openings()).toBe(0);
  });

  test("has one descriptor open for each full segment of a log", async () => {
    const directory = freshPath();
    const options = logOptions(disk, { directory });
    Log.create(options);
    const { log } = Log.open(options);
    for (let index = 1; index <= 100; index++) {
      log.append([commandEntry(index, 1, "v".repeat(200))]);
      await new Promise<void>((done) => log.syncInBackground(() => done()));
    }
    const segments = disk.list(directory).filter((name) => name.endsWith(".segment"));
    expect(segments.length).toBeGreaterThan(5);
    // The last one is synced in the background.
    expect(openingsOf((name) => name.startsWith(directory) && name.endsWith(".segment"))).toBe(
      segments.length + 1,
    );
    log.close();
    expect(openingsOf((name) => name.startsWith(directory))).toBe(0);
  });

  test("fails the background sync of a file whose name was given to another", async () => {
    const path = freshPath();
    const file = disk.create(path, 10);
    disk.create(path, 10).close();
    expect(await new Promise((done) => file.syncInBackground(done))).toMatchObject({ code: "ESTALE" });
    file.close();
  });

  test("makes, lists, renames and removes directories", () => {
    const path = freshPath();
    disk.makeDirectory(`${path}/a/b`);
    disk.makeDirectory(`${path}/a/b`);
    disk.create(`${path}/a/b/z`, 1).close();
    disk.create(`${path}/a/b/y`, 0).close();
    disk.syncDirectory(`${path}/a/b`);
    expect(disk.list(`${path}/a/b`)).toEqual(["y", "z"]);
    disk.rename(`${path}/a`, `${path}/c`);
    expect(disk.list(path)).toEqual(["c"]);
    disk.remove(`${path}/c`);
    expect([disk.list(path), disk.list(`${path}/nothing`)]).toEqual([[], []]);
  });

  test("says what the system said", () => {
    const path = freshPath();
    writeFileSync(path, "x");
    expect(codeOf(() => disk.open(`${path}-missing`))).toBe("ENOENT");
    expect(codeOf(() => disk.makeDirectory(`${path}/sub`))).toBe("ENOTDIR");
    expect(codeOf(() => disk.create(`${root}/none/file`, 1))).toBe("ENOENT");
    expect(codeOf(() => disk.rename(`${path}-missing`, path))).toBe("ENOENT");
    expect(codeOf(() => disk.syncDirectory(`${path}-missing`))).toBe("ENOENT");
    expect(codeOf(() => disk.lock(`${root}/none/LOCK`))).toBe("ENOENT");
  });
});

test("ReadOnlyDisk shows what SystemDisk shows, and refuses every change as a read-only file system does", () => {
  const path = freshPath();
  disk.makeDirectory(path);
  writeFileSync(`${path}/f`, "abc");
  const readOnly: Disk = new ReadOnlyDisk();
  expect(readOnly.list(path)).toEqual(["f"]);
  expect(readOnly.list(`${path}/none`)).toEqual([]);
  expect(readOnly.read(`${path}/none`)).toBeNull();
  expect(Buffer.from(readOnly.read(`${path}/f`) ?? []).toString()).toBe("abc");
  const file = readOnly.open(`${path}/f`);
  expect([file.sizeBytes, Buffer.from(file.map()).toString()]).toEqual([3, "abc"]);
  const into = new Uint8Array(5);
  expect([file.read(into, 1), ...into]).toEqual([2, 98, 99, 0, 0, 0]);
  const changes: readonly (() => unknown)[] = [
    () => readOnly.makeDirectory(`${path}/d`),
    () => readOnly.create(`${path}/g`, 1),
    () => readOnly.rename(`${path}/f`, `${path}/g`),
    () => readOnly.remove(`${path}/f`),
    () => readOnly.syncDirectory(path),
    () => file.write(new Uint8Array(1), 0),
    () => file.sync(),
    () => file.syncInBackground(() => undefined),
  ];
  for (const change of changes) expect(codeOf(change)).toBe("EROFS");
  file.close();
  expect(codeOf(() => readOnly.open(path))).toBe("ENOTFILE");
  expect(codeOf(() => readOnly.open(`${path}/none`))).toBe("ENOENT");
  expect([disk.list(path), readFileSync(`${path}/f`, "latin1")]).toEqual([["f"], "abc"]);
});

describe("the lock", () => {
  test("keeps a second one out and says who has it", () => {
    const path = freshPath();
    const lock = disk.lock(path);
    expect(lock).not.toBeNull();
    expect(readFileSync(path, "latin1")).toBe(`${process.pid}\n`);
    expect(disk.lock(path)).toBeNull();
    lock?.release();
    const again = disk.lock(path);
    expect(again).not.toBeNull();
    again?.release();
  });

  test("of a process is gone when it is killed", async () => {
    const path = freshPath();
    const program = `
      const { SystemDisk } = await import(${JSON.stringify(join(import.meta.dir, "../../src/storage/system-disk.ts"))});
      console.log(new SystemDisk().lock(${JSON.stringify(path)}) === null ? "refused" : "locked");
      setInterval(() => {}, 1000);
    `;
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
    const { value } = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe("locked\n");
    expect(disk.lock(path)).toBeNull();
    child.kill("SIGKILL");
    await child.exited;
    const lock = disk.lock(path);
    expect(lock).not.toBeNull();
    lock?.release();
  });
});

describe("Log on the real disk", () => {
  test("keeps its entries through segments, truncation and reopening", async () => {
    const options = logOptions(disk, { directory: freshPath() });
    Log.create(options);
    const { log } = Log.open(options);
    for (let index = 1; index <= 200; index++) {
      log.append([commandEntry(index, 1, `${index}`.padEnd(100))]);
      if (index % 20 === 0) log.sync();
      log.prepareAhead();
    }
    log.append([commandEntry(90, 2, "new")]);
    const heard = await new Promise((done) => log.syncInBackground((...result) => done(result)));
    expect(heard).toEqual([null, 90, 2]);
    log.append([commandEntry(91, 2, "x".repeat(100_000))]);
    const text = textOf(log);
    log.close();
    const reopened = Log.open(options);
    expect(textOf(reopened.log)).toEqual(text);
    expect(reopened.recovery.cuts).toEqual([]);
    expect(bodyText(reopened.log, 90)).toBe("new");
    reopened.log.close();
  });
});

test("DataDirectory works on the real disk", () => {
  const options = { disk, path: join(freshPath(), "deep/er"), segmentSizeBytes: 8192 };
  const address = { host: "127.0.0.1", port: 1 };
  const directory = DataDirectory.open(options);
  const { hardState, log } = directory.create({ clusterId: "c", nodeId: 5, founder: null, address });
  hardState.save({ currentTerm: 1, votedFor: 5 });
  log.append([commandEntry(1, 1, "a")]);
  expect(() => DataDirectory.open(options)).toThrow(`in use by process ${process.pid}`);
  directory.close();
  const again = DataDirectory.open(options);
  expect(again.files?.log.lastIndex).toBe(1);
  again.archive();
  expect(disk.list(options.path)).toEqual(["LOCK", "removed-5"]);
  again.close();
});
