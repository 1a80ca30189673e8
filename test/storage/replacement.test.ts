// A damaged node's directory on its way to a new node: the note, what can still be read of the members, and every state
// that a power cut between two steps can leave.

import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { Entry, type Member } from "../../src/raft/types.ts";
import { DataDirectory } from "../../src/storage/data-directory.ts";
import { rejoinAdvice } from "../../src/storage/errors.ts";
import type { Identity } from "../../src/storage/identity.ts";
import { readableMembership } from "../../src/storage/readable-membership.ts";
import type { ReplacementNote } from "../../src/storage/replacement-note.ts";
import { codeOf, commandEntry, smallSegmentBytes, textOf } from "./log-fixture.ts";
import { MemoryDisk, powerLasts } from "./memory-disk.ts";

const path = "var/data";
const firstSegment = `${path}/node/log/0000000000000001.segment`;
const identity: Identity = {
  clusterId: "0123456789abcdef0123456789abcdef",
  nodeId: 1,
  founder: null,
  address: { host: "n1", port: 6379 },
};
const note: ReplacementNote = {
  clusterId: identity.clusterId,
  oldId: 1,
  newId: 9,
  address: identity.address,
  others: [
    { host: "n2", port: 6379 },
    { host: "::1", port: 7 },
  ],
  finding: "the log is damaged: says a test.",
};

function open(disk: MemoryDisk, replacesDamaged = true): DataDirectory {
  return DataDirectory.open({ disk, path, segmentSizeBytes: smallSegmentBytes, replacesDamaged });
}

function membersEntry(index: number, ids: readonly number[]): Entry {
  const members = ids.map((id): Member => ({ id, host: `n${id}`, port: 6379, voting: true }));
  return new Entry(index, 2, "membership", 1000 + index, { members, usedIds: ids }, null);
}

/** A node of three with a log of five entries, three of them about members; closed. */
function withNode(disk: MemoryDisk): void {
  const directory = open(disk);
  const { log, hardState } = directory.create(identity);
  hardState.save({ currentTerm: 2, votedFor: 1 });
  const entries = [
    membersEntry(1, [1]),
    membersEntry(2, [1, 2]),
    commandEntry(3, 2, "a".repeat(100)),
    membersEntry(4, [1, 2, 3]),
    commandEntry(5, 2, "b"),
  ];
  // One by one, so that each knows that those before it were durable.
  for (const entry of entries) {
    log.append([entry]);
    log.sync();
  }
  directory.close();
}

/** Where the record of entry `index` lies. */
function offsetOf(disk: MemoryDisk, index: number): number {
  const directory = open(disk);
  const records = directory.files?.log.records(1, index) ?? [];
  const own = directory.files?.log.records(index, index) ?? [];
  directory.close();
  const bytes = (views: readonly Uint8Array[]): number => views.reduce((sum, view) => sum + view.length, 0);
  return 128 + bytes(records) - bytes(own);
}

/** A disk with such a node whose third entry is damaged. */
function damagedDisk(): MemoryDisk {
  const disk = new MemoryDisk();
  withNode(disk);
  disk.damage(firstSegment, offsetOf(disk, 3) + 60, 0x10);
  return disk;
}

/** All files under `directory`, by path, as text. */
function contentOf(disk: MemoryDisk, directory: string, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of disk.list(directory)) {
    const bytes = disk.read(`${directory}/${name}`);
    if (bytes !== null) found.set(prefix + name, Buffer.from(bytes).toString("base64"));
    for (const [inner, text] of contentOf(disk, `${directory}/${name}`, `${prefix}${name}/`))
      found.set(inner, text);
  }
  return found;
}

describe("a damaged node", () => {
  test("is an error, unless it may be replaced: then it says what is damaged, and whose it is", () => {
    const disk = damagedDisk();
    expect(codeOf(() => open(disk, false))).toBe("LOG_DAMAGED");
    const { files, damage, replacement } = open(disk);
    expect([files, replacement, damage?.identity]).toEqual([null, null, identity]);
    expect(damage?.error).toMatchObject({ code: "LOG_DAMAGED", path: firstSegment, index: 3 });
    expect(damage?.membership?.members.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(`${damage?.error.finding} ${rejoinAdvice}`).toBe(damage?.error.message ?? "");
    expect(damage?.error.finding).toContain(
      `entry 3 at offset ${offsetOf(new Disk(), 3)} of ${firstSegment}`,
    );
  });

  test.each([
    ["HARD_STATE_MISSING", (disk: MemoryDisk) => disk.remove(`${path}/node/hard-state`)],
    ["LOG_MISSING", (disk: MemoryDisk) => disk.remove(`${path}/node/log`)],
    ["LOG_DAMAGED", (disk: MemoryDisk) => disk.makeUnreadable(firstSegment, 300)],
    ["LOG_DAMAGED", (disk: MemoryDisk) => disk.makeUnreadable(`${path}/node/log/truncation`, 0)],
    ["SEGMENT_HEADER_DAMAGED", (disk: MemoryDisk) => disk.damage(firstSegment, 60, 1)],
    [
      "HARD_STATE_DAMAGED",
      (disk: MemoryDisk) => [0, 4096].map((copy) => disk.damage(`${path}/node/hard-state`, copy + 24, 1)),
    ],
  ] as const)("may be replaced for %s", (code, harm) => {
    const disk = new Disk();
    harm(disk);
    const { files, damage } = open(disk);
    expect([files, damage?.error.code, damage?.identity.nodeId]).toEqual([null, code, 1]);
  });

  test.each(["node/hard-state", "node/log/0000000000000001.segment", "node/log/truncation"])(
    "is not one whose %s cannot be read for want of memory: it may be in order",
    (file) => {
      const disk = new Disk();
      for (const code of ["ENOMEM", "EACCES"]) {
        disk.makeUnreadable(`${path}/${file}`, 0, code);
        expect(codeOf(() => open(disk))).toBe(code);
      }
    },
  );

  test.each([
    ["IDENTITY_DAMAGED", (disk: MemoryDisk) => disk.damage(`${path}/node/identity`, 20, 1)],
    ["IDENTITY_MISSING", (disk: MemoryDisk) => disk.remove(`${path}/node/identity`)],
    [
      "FOREIGN_FILE",
      (disk: MemoryDisk) => {
        const other = new MemoryDisk();
        const directory = open(other);
        directory.create({ ...identity, nodeId: 2 });
        disk.replace(`${path}/node/hard-state`, other.read(`${path}/node/hard-state`) ?? new Uint8Array());
      },
    ],
  ] as const)(
    "is an error all the same for %s: nobody can tell in whose place a new one would come",
    (code, harm) => {
      const disk = new Disk();
      harm(disk);
      expect(codeOf(() => open(disk))).toBe(code);
      expect(codeOf(() => open(disk, false))).toBe(code);
    },
  );

  test("comes back with all that it claimed or not at all; then it may drop some of it, and claims nothing", () => {
    const disk = new Disk();
    const last = offsetOf(disk, 5) + 48;
    const directory = open(disk);
    directory.claim(5);
    directory.close();
    disk.damage(firstSegment, last, 1);
    expect(codeOf(() => open(disk, false))).toBe("LOG_DAMAGED");
    disk.damage(firstSegment, last, 1);
    const again = open(disk, false);
    again.files?.log.truncateAfter(3);
    again.close();
    expect(open(disk, false).files?.log.lastIndex).toBe(3);
  });

  test("does not start any more once it is noted, though its files can be read again", () => {
    const disk = damagedDisk();
    const directory = open(disk);
    directory.noteReplacement(note);
    directory.close();
    disk.damage(firstSegment, offsetOf(new Disk(), 3) + 60, 0x10);
    expect(codeOf(() => open(disk, false))).toBe("REPLACEMENT_PENDING");
    expect(() => open(disk, false)).toThrow(
      `by node 9, as ${path}/replacement says: ${note.finding} ${rejoinAdvice}`,
    );
    const again = open(disk);
    expect([again.files, again.damage, again.replacement]).toEqual([null, null, note]);
  });

  test("is replaced as noted, also when the disk does not tell any more whose files they are", () => {
    const disk = damagedDisk();
    const directory = open(disk);
    directory.noteReplacement(note);
    directory.close();
    disk.makeUnreadable(`${path}/node/identity`, 0);
    const again = open(disk);
    expect(again.replacement).toEqual(note);
    disk.makeUnreadable("", 0);
    expect(again.replaceNode().files.identity.nodeId).toBe(9);
  });

  test("stays what it is when its note is damaged, whether or not its own files are", () => {
    const disk = damagedDisk();
    const directory = open(disk);
    directory.noteReplacement(note);
    directory.close();
    disk.damage(`${path}/replacement`, 30, 1);
    expect(codeOf(() => open(disk))).toBe("REPLACEMENT_DAMAGED");
    expect(codeOf(() => open(disk, false))).toBe("REPLACEMENT_DAMAGED");
  });

  test("makes way, with all its files kept, also where an earlier one was kept", () => {
    const disk = damagedDisk();
    disk.makeDirectory(`${path}/damaged-1`);
    const directory = open(disk);
    directory.noteReplacement(note);
    const before = contentOf(disk, `${path}/node`);
    const { files, keptAt } = directory.replaceNode();
    expect(files.identity).toEqual({ ...identity, nodeId: 9 });
    expect([files.hardState.currentTerm, files.hardState.votedFor, files.log.lastIndex]).toEqual([0, 0, 0]);
    expect(keptAt).toBe(`${path}/damaged-1-2`);
    expect(contentOf(disk, `${path}/damaged-1-2`)).toEqual(before);
    expect([directory.replacement, directory.damage]).toEqual([null, null]);
    expect(disk.list(path)).toEqual(["LOCK", "damaged-1", "damaged-1-2", "node"]);
    directory.close();
    expect(open(disk).files?.identity.nodeId).toBe(9);
  });

  test("leaves no node when it was removed", () => {
    const disk = damagedDisk();
    const directory = open(disk);
    directory.noteReplacement(note);
    expect(directory.giveUpReplacement()).toBe(`${path}/damaged-1`);
    directory.close();
    const { files, damage, replacement } = open(disk, false);
    expect([files, damage, replacement]).toEqual([null, null, null]);
  });
});

/** A disk with the undamaged node. */
class Disk extends MemoryDisk {
  constructor() {
    super();
    withNode(this);
  }
}

/** Goes on with what is found in the directory until the new node is there, as a start does whose request is accepted. */
function finish(disk: MemoryDisk, accepted: Set<number>): DataDirectory {
  const directory = open(disk);
  const { damage, files, replacement } = directory;
  if (files !== null) return directory;
  if (damage !== null) {
    directory.noteReplacement({ ...note, newId: 9 + accepted.size });
  } else {
    expect(replacement).not.toBeNull();
  }
  accepted.add(directory.replacement?.newId ?? 0);
  directory.replaceNode();
  return directory;
}

describe("whenever the power goes, or the process, the next start resumes", () => {
  test.each(["power", "process"] as const)("%s", (what) => {
    const states = new Set<string>();
    const kept = contentOf(damagedDisk(), `${path}/node`);
    for (let cutAt = 1, finished = false; !finished; cutAt++) {
      for (let seed = 1; seed <= 8; seed++) {
        const disk = damagedDisk();
        const accepted = new Set<number>();
        disk.cutPowerAfter(cutAt);
        finished = powerLasts(() => void finish(disk, accepted));
        if (what === "process") disk.killProcess();
        disk.crash(new SeededRandom(seed));
        const names = disk.list(path).filter((name) => name !== "LOCK" && !name.endsWith(".new"));
        states.add(names.join(" "));
        const directory = finish(disk, accepted);
        expect(directory.files?.identity.nodeId).toBe([...accepted][0]);
        // Asked for once: what was noted before the cluster was asked is what is asked for after.
        expect([cutAt, seed, [...accepted]]).toEqual([cutAt, seed, [9]]);
        expect(directory.files?.log.lastIndex).toBe(0);
        expect(disk.list(path)).toEqual(["LOCK", "damaged-1", "node"]);
        const now = contentOf(disk, `${path}/damaged-1`);
        expect([...now.keys()]).toEqual([...kept.keys()]);
        expect(now.get("log/0000000000000001.segment")).toBe(kept.get("log/0000000000000001.segment") ?? "");
        directory.close();
      }
    }
    expect([...states].sort()).toEqual([
      "damaged-1 node",
      "damaged-1 node replacement",
      "damaged-1 replacement",
      "node",
      "node replacement",
    ]);
  });
});

describe("readableMembership()", () => {
  const read = (disk: MemoryDisk): readonly number[] | undefined =>
    readableMembership(disk, `${path}/node/log`)?.membership.members.map(({ id }) => id);

  test("finds the newest, before and after the damage, wherever that is", () => {
    const end = offsetOf(new Disk(), 5) + 49;
    for (let offset = 0; offset < end; offset++) {
      const disk = new Disk();
      disk.damage(firstSegment, offset, 0x01);
      const isInFourth = offset >= offsetOf(new Disk(), 4) && offset < offsetOf(new Disk(), 5);
      const found = read(disk) ?? [];
      // Of the fourth, the local part is outside the checksum: it counts where the walk comes to it in step.
      if (isInFourth) expect([2, 3]).toContain(found.length);
      else expect([offset, found]).toEqual([offset, [1, 2, 3]]);
    }
  });

  test("reads around what the disk cannot read, in files of any age", () => {
    const disk = new MemoryDisk();
    const directory = DataDirectory.open({ disk, path, segmentSizeBytes: 16_384 });
    const { log } = directory.create(identity);
    log.append([membersEntry(1, [1, 2, 3])]);
    for (let index = 2; index < 60; index++) log.append([commandEntry(index, 2, "x".repeat(1500))]);
    log.sync();
    directory.close();
    const segments = disk.list(`${path}/node/log`).filter((name) => name.endsWith(".segment"));
    expect(segments.length).toBeGreaterThan(2);
    disk.makeUnreadable(`${path}/node/log/${segments[0]}`, 5000);
    expect(read(disk)).toEqual([1, 2, 3]);
  });

  test("is not taken in by a record that a client has written as a value", () => {
    const forged = new MemoryDisk();
    const elsewhere = open(forged);
    const { log } = elsewhere.create({ ...identity, nodeId: 77 });
    log.append([commandEntry(1, 2, ""), commandEntry(2, 2, ""), membersEntry(3, [66])]);
    const value = Buffer.from(log.records(3, 3)[0] ?? new Uint8Array()).toString("latin1");
    const disk = new MemoryDisk();
    const directory = open(disk);
    const { log: own, hardState } = directory.create(identity);
    hardState.save({ currentTerm: 2, votedFor: 0 });
    own.append([membersEntry(1, [1, 2, 3])]);
    own.append([commandEntry(2, 2, value)]);
    own.sync();
    directory.close();
    expect(read(disk)).toEqual([1, 2, 3]);
    // In step no longer, the reader comes to what lies inside the value.
    disk.damage(firstSegment, offsetOf(disk, 2) + 30, 1);
    expect(read(disk)).toEqual([1, 2, 3]);
  });

  test("takes no more memory for a file that somebody made huge than a segment can have", () => {
    const disk = new Disk();
    const open = disk.open.bind(disk);
    disk.open = (path) => {
      return { ...open(path), sizeBytes: 2 ** 44 };
    };
    expect(read(disk)).toEqual([1, 2, 3]);
  });

  test("is null where there is nothing to read", () => {
    expect(readableMembership(new MemoryDisk(), "nowhere")).toBeNull();
  });
});

test("the damaged log is not touched by being looked at", () => {
  const disk = damagedDisk();
  const before = contentOf(disk, `${path}/node/log`);
  open(disk).close();
  expect(contentOf(disk, `${path}/node/log`)).toEqual(before);
  expect(textOf(open(new Disk()).files!.log)).toHaveLength(5);
});
