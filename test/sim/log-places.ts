// Where the records of a machine's log lie on its disk, and which of them the disk itself proves to have been synced: by
// a later segment, by the mark of a later record, or by the index that was noted with term and vote. What comes after
// those looks, once it is damaged, like a write that never came to its end.

import { DiskError } from "../../src/storage/disk.ts";
import { StorageError } from "../../src/storage/errors.ts";
import { readHardState } from "../../src/storage/hard-state.ts";
import {
  bodyBytesAt,
  durableIndexAt,
  indexAt,
  recordHeaderBytes,
  recordSizeBytes,
} from "../../src/storage/record.ts";
import { segmentHeaderBytes } from "../../src/storage/segment.ts";
import type { MemoryDisk } from "../storage/memory-disk.ts";
import { dataPath } from "./virtual-process.ts";

export const nodePath = `${dataPath}/node`;
export const logPath = `${nodePath}/log`;
export const hardStatePath = `${nodePath}/hard-state`;

/** Of the checksum in a segment's header, which is the seed of its records' local checks. */
const headerChecksumOffset = 124;

export interface RecordPlace {
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly isProven: boolean;
}

export function segmentsOn(disk: MemoryDisk): string[] {
  const names = disk.durableNames(logPath).filter((name) => name.endsWith(".segment"));
  return names.sort().map((name) => `${logPath}/${name}`);
}

/** All records that would survive a power cut, in their order; none behind one that does not look like one. */
export function recordsOn(disk: MemoryDisk): RecordPlace[] {
  const paths = segmentsOn(disk);
  const secured = securedIndexOn(disk);
  return paths.flatMap((path, at) => recordsIn(disk, path, at < paths.length - 1 ? Infinity : secured));
}

function recordsIn(disk: MemoryDisk, path: string, provenIndex: number): RecordPlace[] {
  const bytes = disk.durable(path) ?? new Uint8Array(0);
  if (bytes.length < segmentHeaderBytes) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seed = view.getUint32(headerChecksumOffset, true);
  const found: { readonly index: number; readonly offset: number; readonly sizeBytes: number }[] = [];
  let proven = provenIndex;
  for (let offset = segmentHeaderBytes; offset + recordHeaderBytes <= bytes.length;) {
    const sizeBytes = recordSizeBytes(bodyBytesAt(view, offset));
    const index = indexAt(view, offset);
    if (index === 0 || offset + sizeBytes > bytes.length) break;
    proven = Math.max(proven, durableIndexAt(view, offset, seed));
    found.push({ index, offset, sizeBytes });
    offset += sizeBytes;
  }
  return found.map(({ index, offset, sizeBytes }) => ({
    path,
    offset,
    sizeBytes,
    isProven: index <= proven,
  }));
}

function securedIndexOn(disk: MemoryDisk): number {
  try {
    return readHardState(disk, hardStatePath, null).securedIndex;
  } catch (error) {
    if (error instanceof StorageError || error instanceof DiskError) return 0;
    throw error;
  }
}
