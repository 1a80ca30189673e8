// The next segment, made ahead of need: writing 64 MiB of zeros takes about 0.1 s, too long for a write that waits. It is
// filled in slices while the node has nothing better to do; if it is needed earlier, the rest is written at once. Until
// it becomes a segment it holds nothing but zeros, so one found at a start is thrown away.

import type { Disk, DiskError, DiskFile } from "./disk.ts";

export const spareName: string = "spare";

/** A slice and its sync take about 2 ms, in which no client waits for this file. */
const sliceBytes = 1024 * 1024;
const zeros = new Uint8Array(sliceBytes);

export class SpareSegment {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #failed: (error: DiskError) => void;
  #file: DiskFile | null = null;
  #filledBytes = 0;
  #syncing = false;

  /** `failed` hears of a background sync that failed: then nothing on this disk can be trusted any more. */
  constructor(disk: Disk, directory: string, failed: (error: DiskError) => void) {
    this.#disk = disk;
    this.#path = `${directory}/${spareName}`;
    this.#failed = failed;
  }

  /** Does one slice of the work for a spare of `sizeBytes`; true while some is left. Throws DiskError (`ENOSPC`). */
  prepare(sizeBytes: number): boolean {
    if (this.#syncing) return true;
    if (this.#filledBytes >= sizeBytes) return false;
    const file = this.#fill(Math.min(this.#filledBytes + sliceBytes, sizeBytes));
    this.#syncing = true;
    file.syncInBackground((error) => {
      // The file may have been taken and another one begun: then this is old news, unless it is bad news.
      if (this.#file === file) this.#syncing = false;
      if (error !== null) this.#failed(error);
    });
    return true;
  }

  /** Makes the spare at least `sizeBytes` large, here and now. Throws DiskError (`ENOSPC`) and keeps what there is. */
  complete(sizeBytes: number): void {
    this.#fill(sizeBytes);
  }

  /** Hands over a file of at least `sizeBytes` zeros; it still has to be synced. The spare starts anew. */
  take(sizeBytes: number): DiskFile {
    const file = this.#fill(sizeBytes);
    this.#file = null;
    this.#filledBytes = 0;
    this.#syncing = false;
    return file;
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #fill(sizeBytes: number): DiskFile {
    this.#file ??= this.#disk.create(this.#path, 0);
    while (this.#filledBytes < sizeBytes) {
      const bytes = zeros.subarray(0, Math.min(sliceBytes, sizeBytes - this.#filledBytes));
      this.#file.write(bytes, this.#filledBytes);
      this.#filledBytes += bytes.length;
    }
    return this.#file;
  }
}
