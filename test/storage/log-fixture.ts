// What the tests of the log share: entries as the node would propose them, and a small log on a given disk.

import { Entry, type EntryKind, type LogIndex, type Membership, type Term } from "../../src/raft/types.ts";
import type { Disk } from "../../src/storage/disk.ts";
import { Log, type LogOptions } from "../../src/storage/log.ts";
import { recordHeaderBytes } from "../../src/storage/record.ts";

export const logDirectory = "data/log";
export const smallSegmentBytes = 4096;

export const someMembership: Membership = {
  members: [
    { id: 1_849_302_117, host: "10.0.0.1", port: 6379, voting: true },
    { id: 7, host: "näme.example", port: 1, voting: false },
  ],
  usedIds: [7, 300, 70_000, 1_849_302_117],
};

/** A command entry whose buffer has garbage where the header goes, as a buffer has that is used again. */
export function commandEntry(index: LogIndex, term: Term, body: string): Entry {
  const record = new Uint8Array(recordHeaderBytes + body.length).fill(0xa5, 0, recordHeaderBytes);
  record.set(Buffer.from(body, "latin1"), recordHeaderBytes);
  return new Entry(index, term, "command", 1000 + index, null, record);
}

export function plainEntry(index: LogIndex, term: Term, kind: EntryKind): Entry {
  return new Entry(index, term, kind, 1000 + index, kind === "membership" ? someMembership : null, null);
}

export function logOptions(disk: Disk, more: Partial<LogOptions> = {}): LogOptions {
  return {
    disk,
    directory: logDirectory,
    clusterId: "0123456789abcdef0123456789abcdef",
    nodeId: 4711,
    segmentSizeBytes: smallSegmentBytes,
    ...more,
  };
}

export function newLog(disk: Disk, more: Partial<LogOptions> = {}): Log {
  Log.create(logOptions(disk, more));
  return Log.open(logOptions(disk, more)).log;
}

export function bodyText(log: Log, index: LogIndex): string {
  return Buffer.from(log.body(index)).latin1Slice();
}

/** The code of the error that `action` throws; `none` when it throws none. */
export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  }
  return "none";
}

/** The whole log as text, one line an entry. */
export function textOf(log: Log): string[] {
  const lines: string[] = [];
  for (let index = log.firstIndex; index <= log.lastIndex; index++) {
    const entry = log.entry(index);
    lines.push(`${entry.index}@${entry.term} ${entry.kind} ${bodyText(log, index)}`);
  }
  return lines;
}
