// Who else belongs to the cluster, read out of a log that cannot be opened: the newest membership among all records that
// check out by themselves, before the damage and after it. Good enough to know whom to ask, and for nothing else: it
// proves nothing about what was committed, or about what lies between.

import type { LogIndex, MembershipRecord } from "../raft/types.ts";
import { type Disk, DiskError, type DiskFile } from "./disk.ts";
import {
  bodyBytesAt,
  durableIndexAt,
  entryAt,
  kindAt,
  recordFormatVersion,
  recordHeaderBytes,
  recordProblem,
  recordSizeBytes,
} from "./record.ts";
import { firstIndexOfName, segmentHeaderBytes, segmentSizeBytesMax } from "./segment.ts";

/** Null when no membership can be read; reads the files from the newest back. Throws DiskError if none can be listed. */
export function readableMembership(disk: Disk, logDirectory: string): MembershipRecord | null {
  const names = disk.list(logDirectory).filter((name) => firstIndexOfName(name) !== null);
  for (const name of names.reverse()) {
    const found = newestMembership(readWhatCanBe(disk, `${logDirectory}/${name}`));
    if (found !== null) return found;
  }
  return null;
}

function newestMembership(bytes: Uint8Array): MembershipRecord | null {
  if (bytes.length < segmentHeaderBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seed = view.getUint32(segmentHeaderBytes - 4, true);
  let newest: MembershipRecord | null = null;
  let newestIndex: LogIndex = 0;
  // Records follow each other; behind a bad one the next may begin anywhere, also inside what a client has written.
  let inStep = true;
  for (let offset = segmentHeaderBytes; offset + recordHeaderBytes <= bytes.length;) {
    const isRecord: boolean =
      view.getUint8(offset + 16) === recordFormatVersion &&
      (inStep || durableIndexAt(view, offset, seed) >= 0) &&
      recordProblem(bytes, view, offset) === null;
    inStep = isRecord;
    if (!isRecord) {
      offset += 8;
      continue;
    }
    const entry = kindAt(view, offset) === "membership" ? entryAt(bytes, view, offset) : null;
    if (entry !== null && entry.membership !== null && entry.index > newestIndex) {
      newest = { index: entry.index, membership: entry.membership };
      newestIndex = entry.index;
    }
    offset += recordSizeBytes(bodyBytesAt(view, offset));
  }
  return newest;
}

const pieceBytes = 4096;

/** The file's bytes, zeros where it cannot be read; empty when it cannot be opened. */
function readWhatCanBe(disk: Disk, path: string): Uint8Array {
  const file = unlessUnreadable(() => disk.open(path));
  if (file === null) return new Uint8Array();
  try {
    // Somebody may have made it any size.
    const bytes = new Uint8Array(Math.min(file.sizeBytes, segmentSizeBytesMax));
    const count = unlessUnreadable(() => file.read(bytes, 0));
    if (count !== null) return bytes.subarray(0, count);
    readInPieces(file, bytes);
    return bytes;
  } finally {
    file.close();
  }
}

function readInPieces(file: DiskFile, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    const piece = bytes.subarray(offset, offset + pieceBytes);
    if (unlessUnreadable(() => file.read(piece, offset)) === null) piece.fill(0);
  }
}

function unlessUnreadable<Result>(action: () => Result): Result | null {
  try {
    return action();
  } catch (error) {
    if (error instanceof DiskError) return null;
    throw error;
  }
}
