// The note that makes truncation safe against a crash. Dropping entries that were synced and acknowledged (a new leader
// overwrites what was never committed) leaves, halfway, exactly what damage looks like: bad bytes, and later records that
// prove them to have been good. So the log first notes durably from where it cuts, then cuts, then clears the note; a
// start that finds the note finishes the cut.
//
//   offset  size
//        0     8  "vlottrnc"
//        8     8  index of the last entry that is kept
//       16     4  CRC-32 of the above
//
// All zeros: nothing under way. The 20 bytes lie in one sector, which disks write whole. Should they be torn anyway, the
// checksum is wrong and the note does not count: it was being written (nothing was cut yet) or cleared (all was cut).

import { bytesOf } from "../base/byte-strings.ts";
import type { LogIndex } from "../raft/types.ts";
import { type Disk, DiskError, type DiskFile } from "./disk.ts";
import { rejoinAdvice, StorageError } from "./errors.ts";
import { getUint53, setUint53 } from "./uint53.ts";

export const truncationName: string = "truncation";
const fileBytes = 512;
const noteBytes = 20;
const magic = bytesOf("vlottrnc");

/** The open note; see the file's header. */
export class TruncationIntent {
  readonly #file: DiskFile;
  readonly #note = new Uint8Array(noteBytes);
  readonly #view = new DataView(this.#note.buffer);
  #index: LogIndex | null;

  private constructor(file: DiskFile) {
    this.#file = file;
    readNote(file, this.#note);
    this.#index = truncationIn(this.#note);
    if (this.#index === null) this.#note.fill(0);
  }

  /** Opens the note of the log in `directory`, making an empty one if there is none. */
  static open(disk: Disk, directory: string): TruncationIntent {
    const path = truncationPath(directory);
    const exists = disk.list(directory).includes(truncationName);
    const file = exists ? disk.open(path) : disk.create(path, fileBytes);
    try {
      const intent = new TruncationIntent(file);
      // What a killed process wrote or cleared may be in the page cache only. Acting on a note that a power cut then takes
      // back would leave a half-cut log; one that comes back would cut what was acknowledged since.
      intent.#write();
      if (!exists) disk.syncDirectory(directory);
      return intent;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** The last entry to keep of a truncation that was begun and not finished; null when there is none. */
  get index(): LogIndex | null {
    return this.#index;
  }

  /** Durable on return. */
  set(index: LogIndex): void {
    this.#note.set(magic);
    setUint53(this.#view, 8, index);
    this.#view.setUint32(16, crcOf(this.#note), true);
    this.#write();
    this.#index = index;
  }

  /** Durable on return. */
  clear(): void {
    this.#note.fill(0);
    this.#write();
    this.#index = null;
  }

  close(): void {
    this.#file.close();
  }

  #write(): void {
    this.#file.write(this.#note, 0);
    this.#file.sync();
  }
}

/** The index that the note at the beginning of `bytes` keeps, null when none is there or it was torn. */
export function truncationIn(bytes: Uint8Array): LogIndex | null {
  if (bytes.length < noteBytes || !magic.equals(bytes.subarray(0, magic.length))) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, noteBytes);
  return view.getUint32(16, true) === crcOf(bytes) ? getUint53(view, 8) : null;
}

/** Where the note is kept in a log's directory. */
export function truncationPath(directory: string): string {
  return `${directory}/${truncationName}`;
}

/** Whether a truncation is under way decides what the log must hold: where nobody can tell, the log is as good as damaged. */
function readNote(file: DiskFile, into: Uint8Array): void {
  try {
    file.read(into, 0);
  } catch (error) {
    if (!(error instanceof DiskError) || error.leavesOpen) throw error;
    const finding = `the log is damaged: ${file.path}, at offset 0, cannot be read (${error.code})`;
    throw new StorageError("LOG_DAMAGED", file.path, `${finding}. ${rejoinAdvice}`);
  }
}

function crcOf(note: Uint8Array): number {
  return Bun.hash.crc32(note.subarray(0, 16));
}
