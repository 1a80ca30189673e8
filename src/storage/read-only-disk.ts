// The real disk, for looking only: every call that would change something is refused as a read-only file system refuses
// it (EROFS), and no file is opened for writing. So it also serves files that the user may only read, and media mounted
// read-only. Bytes are copied rather than mapped: nothing that is damaged, or vanishes meanwhile, becomes a signal.

import { closeSync, constants, fstatSync, openSync, readdirSync } from "node:fs";
import { attempt, type Disk, DiskError, type DiskFile, type DiskLock, unlessMissing } from "./disk.ts";
import { readFully } from "./read-fully.ts";
import { lockFileShared } from "./system-lock.ts";

/** A pipe under the name of a file would wait for somebody to write into it, but for O_NONBLOCK. */
const readOnly = constants.O_RDONLY | constants.O_NONBLOCK;

/** Of a file that is read as a whole no more is read; those of a node are far smaller. */
const wholeBytesMax = 1024 * 1024;

export class ReadOnlyDisk implements Disk {
  list(path: string): string[] {
    return attempt("list", path, () => unlessMissing([], () => readdirSync(path).sort()));
  }

  read(path: string): Uint8Array | null {
    const file = attempt("read", path, () => unlessMissing(null, () => this.open(path)));
    if (file === null) return null;
    try {
      const bytes = new Uint8Array(Math.min(file.sizeBytes, wholeBytesMax));
      return bytes.subarray(0, file.read(bytes, 0));
    } finally {
      file.close();
    }
  }

  open(path: string): DiskFile {
    return attempt("open", path, () => {
      const fd = openSync(path, readOnly);
      try {
        const facts = fstatSync(fd);
        if (!facts.isFile()) throw new DiskError("open", path, "ENOTFILE");
        return new ReadOnlyFile(path, fd, facts.size);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
    });
  }

  /** Takes the lock for reading, which many may have at once, and leaves the file as it is. */
  lock(path: string): DiskLock | null {
    return lockFileShared(path);
  }

  makeDirectory(path: string): void {
    refuse("make the directory", path);
  }

  create(path: string): DiskFile {
    return refuse("create", path);
  }

  rename(from: string): void {
    refuse("rename", from);
  }

  remove(path: string): void {
    refuse("remove", path);
  }

  syncDirectory(path: string): void {
    refuse("sync the directory", path);
  }
}

class ReadOnlyFile implements DiskFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #fd: number;

  constructor(path: string, fd: number, sizeBytes: number) {
    this.path = path;
    this.#fd = fd;
    this.sizeBytes = sizeBytes;
  }

  read(into: Uint8Array, offset: number): number {
    return readFully(this.#fd, this.path, into, offset);
  }

  /** A copy of the file's bytes. */
  map(): Uint8Array {
    const bytes = attempt("read", this.path, () => new Uint8Array(this.sizeBytes));
    this.read(bytes, 0);
    return bytes;
  }

  write(): void {
    refuse("write", this.path);
  }

  sync(): void {
    refuse("sync", this.path);
  }

  syncInBackground(): void {
    refuse("sync", this.path);
  }

  close(): void {
    attempt("close", this.path, () => closeSync(this.#fd));
  }
}

function refuse(what: string, path: string): never {
  throw new DiskError(what, path, "EROFS");
}
