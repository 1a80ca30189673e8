// `vlot check` on real files: it tells what a start would find, exactly, survives any bytes, and changes nothing.
// `SEED=42 bun test check-directory` replays one run of the fuzz, `ROUNDS=5000` makes it longer.

import { afterAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Random, SeededRandom } from "../../src/base/random.ts";
import { checkDirectory, type CheckReport } from "../../src/storage/check-directory.ts";
import type { Severity } from "../../src/storage/check-finding.ts";
import { DataDirectory } from "../../src/storage/data-directory.ts";
import { DiskError } from "../../src/storage/disk.ts";
import { StorageError } from "../../src/storage/errors.ts";
import type { Identity } from "../../src/storage/identity.ts";
import { ReadOnlyDisk } from "../../src/storage/read-only-disk.ts";
import { SystemDisk } from "../../src/storage/system-disk.ts";
import { TruncationIntent } from "../../src/storage/truncation-intent.ts";
import { codeOf, commandEntry, plainEntry, smallSegmentBytes, someMembership } from "./log-fixture.ts";

const root = mkdtempSync(join(tmpdir(), "vlot-check-"));
const seed = Number(process.env["SEED"] ?? 20260401);
const rounds = Number(process.env["ROUNDS"] ?? 200);
const disk = new SystemDisk();
let names = 0;

afterAll(() => rmSync(root, { recursive: true, force: true }));

const identity: Identity = {
  clusterId: "0123456789abcdef0123456789abcdef",
  nodeId: 4711,
  founder: { id: 4711, host: "127.0.0.1", port: 6379, voting: true },
  address: { host: "127.0.0.1", port: 6379 },
};

function open(path: string): DataDirectory {
  return DataDirectory.open({ disk, path, segmentSizeBytes: smallSegmentBytes });
}

/** Entries 1 to 80 over several segments, all synced, the first 60 noted as committed. */
function makeNode(): string {
  const path = join(root, `d${++names}`);
  const directory = open(path);
  const { log, hardState } = directory.create(identity);
  hardState.save({ currentTerm: 2, votedFor: 4711 });
  log.append([plainEntry(1, 1, "empty"), plainEntry(2, 2, "membership")]);
  for (let index = 3; index <= 80; index++) {
    log.append([commandEntry(index, 2, `${index}`.padEnd(90 + (index % 40), "v"))]);
    log.sync();
  }
  directory.checkpoint(60);
  directory.close();
  return path;
}

function check(path: string): CheckReport {
  return checkDirectory(new ReadOnlyDisk(), path);
}

function findingsOf(path: string, severity: Severity): string[] {
  return check(path)
    .findings.filter((finding) => finding.severity === severity)
    .map((finding) => `${finding.path.slice(path.length + 1)} @${finding.offset} ${finding.text}`);
}

const sample = makeNode();
const segments = segmentsIn(sample);

function segmentsIn(path: string): string[] {
  const names = readdirSync(join(path, "node/log"));
  return names.filter((name) => name.endsWith(".segment")).sort();
}

/** A copy of the sample to spoil. */
function copyOfSample(): string {
  const path = join(root, `d${++names}`);
  cpSync(sample, path, { recursive: true });
  return path;
}

function change(path: string, edit: (bytes: Uint8Array) => Uint8Array | void): void {
  const bytes = new Uint8Array(readFileSync(path));
  writeFileSync(path, edit(bytes) ?? bytes);
}

describe("checkDirectory()", () => {
  test("tells what a sound directory holds", () => {
    const report = check(sample);
    expect(report).toMatchObject({
      kind: "data-directory",
      founderPromise: "",
      findings: [],
      node: {
        identity,
        hardState: { currentTerm: 2, votedFor: 4711, securedIndex: 60 },
        log: { segmentCount: segments.length, entryCount: 80, firstIndex: 1, lastIndex: 80, lastTerm: 2 },
        membership: { index: 2, membership: someMembership },
      },
    });
    expect(check(join(sample, "node"))).toMatchObject({ kind: "node", node: { log: { lastIndex: 80 } } });
  });

  test("tells an empty or missing directory, and one of somebody else, from a node's", () => {
    const path = join(root, `d${++names}`);
    expect(check(path).kind).toBe("nothing");
    mkdirSync(path);
    expect(check(path).kind).toBe("nothing");
    writeFileSync(join(path, "dump.rdb"), "REDIS0009");
    expect(check(path).kind).toBe("nothing");
    const directory = open(path);
    expect(() => check(path)).toThrow(expect.objectContaining({ code: "DIRECTORY_LOCKED" }));
    directory.promiseFounder("n1:6379");
    directory.close();
    expect(check(path)).toMatchObject({ kind: "data-directory", node: null, founderPromise: "n1:6379" });
    expect(findingsOf(path, "note")).toEqual(["dump.rdb @null is no file of vlot's"]);
    expect(codeOf(() => check(join(path, "dump.rdb")))).toBe("ENOTDIR");
  });

  test("refuses while a server has the directory, keeps one out while it looks, and leaves the lock's file alone", () => {
    const path = copyOfSample();
    const directory = open(path);
    const pid = readFileSync(join(path, "LOCK"), "latin1");
    for (const place of [path, join(path, "node")])
      expect(() => check(place)).toThrow(expect.objectContaining({ code: "DIRECTORY_LOCKED" }));
    directory.archive();
    // What was put aside is nobody's.
    expect(check(join(path, "removed-4711"))).toMatchObject({ kind: "node", findings: [] });
    directory.close();
    expect(readFileSync(join(path, "LOCK"), "latin1")).toBe(pid);
    const shared = new ReadOnlyDisk().lock(join(path, "LOCK"));
    expect(codeOf(() => open(path))).toBe("DIRECTORY_LOCKED");
    expect(check(path).findings.map(({ text }) => text)).toEqual([expect.stringContaining("put aside")]);
    shared?.release();
    open(path).close();
  });

  test("says of a torn tail, a bad copy and leftovers that the next start mends them", () => {
    const path = copyOfSample();
    const last = `node/log/${segments.at(-1)}`;
    let end = 0;
    change(join(path, last), (bytes) => {
      end = bytes.findLastIndex((byte) => byte !== 0) + 1;
      bytes.fill(7, end + 64, end + 90);
    });
    change(join(path, "node/hard-state"), (bytes) => void bytes.fill(0, 4096, 4100));
    mkdirSync(join(path, "node.new"));
    writeFileSync(join(path, "node/log/spare"), "");
    writeFileSync(join(path, "node/identity.new"), "");
    writeFileSync(join(path, "promise"), "");
    const repairs = findingsOf(path, "repair");
    expect(repairs).toEqual([
      expect.stringMatching(/^node\/hard-state @4096 this copy of term and vote is damaged/),
      expect.stringMatching(
        new RegExp(`^${last} @\\d+ entry 81 was never completed \\(missing\\): \\d+ bytes are cut`),
      ),
      "node.new @null a node's files, not completed and never used: is removed",
      "promise @null is kept already, as there is a node: is removed",
    ]);
    expect(findingsOf(path, "note").length).toBe(2);
    expect(findingsOf(path, "damage")).toEqual([]);
    open(path).close();
    expect(findingsOf(path, "repair")).toEqual([]);
  });

  test("looks into every segment, also behind damage, and names each place", () => {
    const path = copyOfSample();
    for (const name of segments) change(join(path, "node/log", name), (bytes) => void (bytes[700] = 0xff));
    const found = findingsOf(path, "damage");
    expect(found.length).toBe(segments.length);
    segments.forEach((name, at) => {
      expect(found[at]).toStartWith(`node/log/${name} @`);
      expect(found[at]).toContain("RAFT.NODE REMOVE");
    });
  });

  test("tells of a truncation under way, and drops nothing", () => {
    const path = copyOfSample();
    const intent = TruncationIntent.open(disk, join(path, "node/log"));
    intent.set(61);
    intent.close();
    const repairs = findingsOf(path, "repair");
    expect(repairs[0]).toContain("a truncation after entry 61 is under way");
    expect(check(path).node?.log).toMatchObject({ lastIndex: 61 });
    expect(segmentsIn(path)).toEqual(segments);
    expect(open(path).files?.log.lastIndex).toBe(61);
  });

  test("knows term and vote that are older than the log, foreign files, and a newer format", () => {
    const outdated = copyOfSample();
    const fresh = join(root, `d${++names}`);
    open(fresh).create(identity);
    cpSync(join(fresh, "node/hard-state"), join(outdated, "node/hard-state"));
    expect(findingsOf(outdated, "damage")).toEqual([expect.stringContaining("an older copy was put back")]);

    const foreign = copyOfSample();
    const other = join(root, `d${++names}`);
    open(other).create({ ...identity, nodeId: 7 });
    cpSync(join(other, "node/identity"), join(foreign, "node/identity"));
    expect(findingsOf(foreign, "foreign").length).toBe(1 + segments.length);

    const newer = copyOfSample();
    change(join(newer, "node/log", segments[1] as string), (bytes) => {
      bytes[8] = 2;
      new DataView(bytes.buffer).setUint32(124, Bun.hash.crc32(bytes.subarray(0, 124)), true);
    });
    expect(findingsOf(newer, "foreign")).toEqual([expect.stringContaining("format version 2")]);
    rmSync(join(newer, "node/identity"));
    // Whose it is, the rest still tells.
    expect(check(newer).node?.log).toMatchObject({ firstIndex: 1, lastIndex: 80 });
  });

  test("does not wait for a pipe, and reads no more of a file than it could be", () => {
    const path = copyOfSample();
    for (const name of ["node/identity", "node/hard-state", "LOCK", `node/log/${segments[0]}`]) {
      rmSync(join(path, name));
      expect(Bun.spawnSync(["mkfifo", join(path, name)]).exitCode).toBe(0);
    }
    for (const name of ["promise", "node/log/truncation", `node/log/${segments[1]}`])
      truncateOrMake(join(path, name), 2 ** 42);
    expect(findingsOf(path, "damage").length).toBe(4);
  });
});

function truncateOrMake(path: string, sizeBytes: number): void {
  writeFileSync(path, "", { flag: "a" });
  truncateSync(path, sizeBytes);
}

// ── Any bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** All files below `path`, and what a look at them shows. */
function stateOf(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const { size, mtimeMs, ctimeMs } = lstatSync(join(path, name));
      return `${name} ${size} ${mtimeMs} ${ctimeMs}`;
    });
}

const spoiled = [
  "node/identity",
  "node/hard-state",
  "node/log/truncation",
  ...segments.map((name) => `node/log/${name}`),
];

/** Spoils the files in one of the ways that disks, people and bugs do. Returns what it did. */
function spoil(path: string, random: Random): string {
  const name = spoiled[random.below(spoiled.length)] as string;
  const other = spoiled[random.below(spoiled.length)] as string;
  const file = join(path, name);
  switch (random.below(11)) {
    case 0:
    case 1:
    case 2:
      change(file, (bytes) => {
        const at = random.below(bytes.length);
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      });
      return `a flipped bit in ${name}`;
    case 3:
      change(file, (bytes) => bytes.subarray(0, random.below(bytes.length)));
      return `${name} cut short`;
    case 4:
      change(file, (bytes) => {
        const from = random.below(bytes.length);
        bytes.fill(0, from, from + random.below(1000));
      });
      return `zeros in ${name}`;
    case 5:
      change(file, (bytes) => {
        const from = random.below(bytes.length);
        bytes.copyWithin(from, random.below(bytes.length), random.below(bytes.length));
      });
      return `a misdirected write in ${name}`;
    case 6: {
      const aside = join(path, "aside");
      if (name === other) return "nothing";
      renameSync(file, aside);
      renameSync(join(path, other), file);
      renameSync(aside, join(path, other));
      return `${name} and ${other} swapped`;
    }
    case 7:
      rmSync(file, { recursive: true, force: true });
      return `${name} removed`;
    case 8:
      rmSync(file, { recursive: true, force: true });
      mkdirSync(file);
      return `a directory instead of ${name}`;
    case 9:
      change(file, (bytes) => new Uint8Array([...bytes, ...bytes.subarray(0, random.below(200))]));
      return `${name} longer`;
    default:
      change(file, (bytes) => bytes.map(() => random.below(256)));
      return `noise instead of ${name}`;
  }
}

test(`checkDirectory() takes any files, changes none, and finds what a start finds (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  let sound = 0;
  for (let round = 0; round < rounds; round++) {
    const path = copyOfSample();
    const what: string[] = [];
    // Spoiling what the one before has removed is no news.
    for (let count = 1 + random.below(2); count > 0; count--) what.push(spoilIfThere(path, random));
    const before = stateOf(path);
    const { findings } = check(path);
    expect([what, stateOf(path)]).toEqual([what, before]);
    const isUsable = !findings.some(({ severity }) => !["note", "repair"].includes(severity));
    if (isUsable) sound++;
    expect([round, what, starts(path)]).toEqual([round, what, isUsable]);
    rmSync(path, { recursive: true });
  }
  expect(sound).toBeGreaterThan(rounds / 20);
  expect(sound).toBeLessThan(rounds);
}, 60_000);

function spoilIfThere(path: string, random: Random): string {
  try {
    return spoil(path, random);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (["ENOENT", "EISDIR"].includes(code)) return "nothing";
    throw error;
  }
}

function starts(path: string): boolean {
  try {
    open(path).close();
    return true;
  } catch (error) {
    if (error instanceof StorageError || error instanceof DiskError) return false;
    throw error;
  }
}
