// Which files of a log's directory are segments, and how one is opened without being surprised by it: its header is read
// first, and then all of it, with `read`, before the mapping is touched. A bad sector must become an error with a name,
// not a SIGBUS.

import type { LogIndex } from "../raft/types.ts";
import { type Disk, DiskError, type DiskFile } from "./disk.ts";
import { LogDamagedError, rejoinAdvice, StorageError } from "./errors.ts";
import type { Owner } from "./owner.ts";
import { firstIndexOfName, readSegmentHeader, Segment, segmentHeaderBytes } from "./segment.ts";

export interface SegmentFile {
  readonly name: string;
  readonly path: string;
  /** As the name says. */
  readonly firstIndex: LogIndex;
}

/**
 * The segments in `directory`, in the order of the log: those that are kept, and those that an interrupted truncation
 * after `truncationIndex` was to remove.
 */
export function segmentFilesIn(
  disk: Disk,
  directory: string,
  truncationIndex: LogIndex | null,
): { readonly kept: readonly SegmentFile[]; readonly dropped: readonly SegmentFile[] } {
  const kept: SegmentFile[] = [];
  const dropped: SegmentFile[] = [];
  for (const name of disk.list(directory)) {
    const firstIndex = firstIndexOfName(name);
    if (firstIndex === null) continue;
    // The first segment stays in any case, if only as an empty one.
    const isKept = kept.length === 0 || truncationIndex === null || firstIndex <= truncationIndex;
    (isKept ? kept : dropped).push({ name, path: `${directory}/${name}`, firstIndex });
  }
  return { kept, dropped };
}

/** Opens a segment and reads all of it. Throws StorageError when it is not what its name and `owner` promise. */
export function openSegment(disk: Disk, { path, firstIndex }: SegmentFile, owner: Owner): Segment {
  const file = disk.open(path);
  try {
    const header = new Uint8Array(segmentHeaderBytes);
    const count = readOrDamaged(file, header, 0, firstIndex);
    // Before anything is read at length: a wrong size may be any size.
    const said = readSegmentHeader(header.subarray(0, count), file, owner).firstIndex;
    if (said !== firstIndex) throw misnamed(path, said);
    readThrough(file, firstIndex);
    return new Segment(file, owner);
  } catch (error) {
    file.close();
    throw error;
  }
}

const readBuffer = new Uint8Array(1024 * 1024);
/** Bad sectors are found in pieces of this size. */
const pageBytes = 4096;

function readThrough(file: DiskFile, firstIndex: LogIndex): void {
  for (let offset = 0; offset < file.sizeBytes; offset += readBuffer.length) {
    try {
      file.read(readBuffer, offset);
    } catch (error) {
      if (!(error instanceof DiskError) || error.leavesOpen) throw error;
      // Once more in small pieces, to say where. Should it read back now, the medium is failing all the same.
      const page = readBuffer.subarray(0, pageBytes);
      for (let at = offset; at < offset + readBuffer.length; at += pageBytes)
        readOrDamaged(file, page, at, firstIndex);
      throw unreadable(file, offset, firstIndex, error);
    }
  }
}

function readOrDamaged(file: DiskFile, into: Uint8Array, offset: number, firstIndex: LogIndex): number {
  try {
    return file.read(into, offset);
  } catch (error) {
    if (!(error instanceof DiskError) || error.leavesOpen) throw error;
    throw unreadable(file, offset, firstIndex, error);
  }
}

function unreadable(file: DiskFile, offset: number, index: LogIndex, error: DiskError): LogDamagedError {
  return new LogDamagedError(
    { path: file.path, offset, index },
    `or a later one cannot be read (${error.code})`,
  );
}

function misnamed(path: string, firstIndex: LogIndex): StorageError {
  return new StorageError(
    "LOG_GAP",
    path,
    `${path} holds entries from ${firstIndex} on, as its header at offset 0 says, and not those that its name promises. ` +
      `If a file was renamed, name it as it was. ${rejoinAdvice}`,
  );
}
