// Every operation on files that takes several steps, ended by a kill or a power cut at each of them; the start after that
// ended in the same way at each of its own steps; and a whole start after that. Then the state is the old one or the
// new one, the new one if the operation had returned, and it stays. Before that start, `vlot check` finds no damage and
// tells what the start will find: a crash never looks like damage.
//
//   operation ──end at step i──► start ──end at step j──► start ──► power cut ──► start
//             (i, j from the first to past the last)      state      the same state, and it takes entries

import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { checkDirectory } from "../../src/storage/check-directory.ts";
import { DataDirectory } from "../../src/storage/data-directory.ts";
import type { Identity } from "../../src/storage/identity.ts";
import { commandEntry, smallSegmentBytes, textOf } from "./log-fixture.ts";
import { MemoryDisk, powerLasts } from "./memory-disk.ts";

const path = "var/data";
const identity: Identity = {
  clusterId: "0123456789abcdef0123456789abcdef",
  nodeId: 4711,
  founder: null,
  address: { host: "127.0.0.1", port: 6379 },
};

interface State {
  readonly node: {
    readonly id: number;
    readonly currentTerm: number;
    readonly votedFor: number;
    readonly securedIndex: number;
    readonly log: readonly string[];
  } | null;
  readonly promise: string;
  readonly archives: readonly string[];
}

interface Operation {
  readonly title: string;
  /** What is there before; all of it durable. */
  readonly prepare: (directory: DataDirectory) => void;
  readonly run: (directory: DataDirectory, disk: MemoryDisk) => void;
  /** Allows more than the old state and the new one: entries that are there in part. */
  readonly isBetween?: (state: State, before: State, after: State) => boolean;
}

function open(disk: MemoryDisk): DataDirectory {
  return DataDirectory.open({ disk, path, segmentSizeBytes: smallSegmentBytes });
}

function stateOf(directory: DataDirectory, disk: MemoryDisk): State {
  const { files, founderPromise: promise } = directory;
  const archives = disk.list(path).filter((name) => name.startsWith("removed-"));
  if (files === null) return { node: null, promise, archives };
  const { currentTerm, votedFor, securedIndex } = files.hardState;
  const id = files.identity.nodeId;
  return {
    node: { id, currentTerm, votedFor, securedIndex, log: textOf(files.log) },
    promise,
    archives,
  };
}

/** Entries `[from, to]` of `term`, of 304 bytes each: a dozen fill a segment. */
function entries(from: number, to: number, term: number) {
  return Array.from({ length: to - from + 1 }, (_, at) => {
    return commandEntry(from + at, term, `${from + at}`.padEnd(250, "v"));
  });
}

function withEntries(count: number): (directory: DataDirectory) => void {
  return (directory) => {
    const { log, hardState } = directory.create(identity);
    hardState.save({ currentTerm: 3, votedFor: 4711 });
    for (const entry of entries(1, count, 2)) {
      log.append([entry]);
      log.sync();
    }
  };
}

/** The log is the old one, or begins as the new one and has all that the two share. */
function hasPartOfLog(state: State, before: State, after: State): boolean {
  const [log, old, next] = [state.node?.log ?? [], before.node?.log ?? [], after.node?.log ?? []];
  const shared = old.findIndex((line, at) => line !== next[at]);
  const rest = { ...state, node: null };
  expect(rest).toEqual({ ...before, node: null });
  if (log.length < (shared === -1 ? old.length : shared)) return false;
  return [old, next].some((whole) => log.every((line, at) => line === whole[at]));
}

const operations: readonly Operation[] = [
  {
    title: "making a node",
    prepare: (directory) => directory.promiseFounder("n1:6379"),
    run: (directory) => void directory.create(identity),
  },
  { title: "putting a node aside", prepare: withEntries(20), run: (directory) => void directory.archive() },
  {
    title: "a promise in place of another",
    prepare: (directory) => directory.promiseFounder("n1:6379"),
    run: (directory) => directory.promiseFounder("n2:6379"),
  },
  {
    title: "saving term and vote",
    prepare: withEntries(3),
    run: (directory) => directory.files?.hardState.save({ currentTerm: 4, votedFor: 7 }),
  },
  {
    title: "noting how far the log is safe",
    prepare: withEntries(3),
    run: (directory) => directory.checkpoint(3),
  },
  {
    title: "appending over several segments",
    prepare: withEntries(5),
    run: ({ files }) => {
      files?.log.append(entries(6, 45, 3));
      files?.log.sync();
    },
    isBetween: hasPartOfLog,
  },
  {
    title: "appending with the next segment made ahead",
    prepare: withEntries(8),
    run: ({ files }, disk) => {
      while (files?.log.prepareAhead()) disk.completeSyncs();
      files?.log.append(entries(9, 20, 3));
      files?.log.syncInBackground((error) => expect(error).toBeNull());
      disk.completeSyncs();
    },
    isBetween: hasPartOfLog,
  },
  {
    title: "a truncation within a segment",
    prepare: withEntries(10),
    run: ({ files }) => {
      files?.log.append(entries(8, 9, 3));
      files?.log.sync();
    },
    isBetween: hasPartOfLog,
  },
  {
    title: "a truncation over several segments",
    prepare: withEntries(45),
    run: ({ files }) => {
      files?.log.append(entries(8, 9, 3));
      files?.log.sync();
    },
    isBetween: hasPartOfLog,
  },
  {
    title: "a truncation to nothing",
    prepare: withEntries(20),
    run: ({ files }) => {
      files?.log.append(entries(1, 1, 3));
      files?.log.sync();
    },
    isBetween: hasPartOfLog,
  },
];

/** The disk before an operation; the directory on it is open. */
function prepared({ prepare }: Operation): { disk: MemoryDisk; directory: DataDirectory } {
  const disk = new MemoryDisk();
  prepare(open(disk));
  disk.killProcess();
  return { disk, directory: open(disk) };
}

type End = "killed" | "power cut";
const ends: readonly End[] = ["killed", "power cut"];

function end(disk: MemoryDisk, how: End, random: SeededRandom): void {
  if (how === "power cut") disk.crash(random);
  else disk.killProcess();
  disk.cutPowerAfter(Number.MAX_SAFE_INTEGER / 2);
}

/** Runs `action` up to its operation `at`; whether it came to its end. */
function endsAfter(disk: MemoryDisk, at: number, action: () => void): boolean {
  disk.cutPowerAfter(at);
  return powerLasts(action);
}

describe.each(operations.map((operation) => [operation.title, operation] as const))("%s", (_, operation) => {
  const { disk: sample, directory } = prepared(operation);
  const before = stateOf(directory, sample);
  operation.run(directory, sample);
  const after = stateOf(directory, sample);
  const { isBetween = () => false } = operation;

  const expectAllowed = (state: State, hasReturned: boolean): void => {
    if (hasReturned) expect(state).toEqual(after);
    else if (!isBetween(state, before, after)) expect([before, after]).toContainEqual(state);
  };

  test("leaves the old state or the new one, wherever it ends and wherever the start after it does", () => {
    expect(after).not.toEqual(before);
    let starts = 0;
    for (const [first, second] of ends.flatMap((one) => ends.map((other) => [one, other] as const))) {
      for (let at = 1, hasReturned = false; !hasReturned; at++) {
        for (let again = 1, hasStarted = false; !hasStarted; again++) {
          const random = new SeededRandom(at * 1000 + again);
          const { disk, directory: opened } = prepared(operation);
          hasReturned = endsAfter(disk, at, () => operation.run(opened, disk));
          end(disk, first, random);
          hasStarted = endsAfter(disk, again, () => void open(disk));
          end(disk, second, random);
          expectWhole(disk, random, (state) => expectAllowed(state, hasReturned));
          starts++;
        }
      }
    }
    // Each of them has several steps, and so has each start.
    expect(starts).toBeGreaterThan(20);
  }, 60_000);
});

/** Starts on the disk; what is found there must be allowed, be what a check has said, stay, and take entries. */
function expectWhole(disk: MemoryDisk, random: SeededRandom, expectAllowed: (state: State) => void): void {
  const report = checkDirectory(disk, path);
  expect(report.findings.filter(({ severity }) => severity !== "note" && severity !== "repair")).toEqual([]);
  const state = stateOf(open(disk), disk);
  expectAllowed(state);
  const { node } = state;
  expect([report.node?.hardState?.currentTerm, report.node?.log?.lastIndex]).toEqual(
    node === null ? [undefined, undefined] : [node.currentTerm, node.log.length],
  );
  disk.crash(random);
  const directory = open(disk);
  expect(stateOf(directory, disk)).toEqual(state);
  if (directory.files === null) return;
  const { log, hardState } = directory.files;
  hardState.save({ currentTerm: 5, votedFor: 4711 });
  log.append(entries(log.lastIndex + 1, log.lastIndex + 1, 5));
  log.sync();
  disk.crash(random);
  expect(open(disk).files?.log.lastIndex).toBe((node?.log.length ?? 0) + 1);
}
