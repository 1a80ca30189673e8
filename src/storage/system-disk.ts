// The real disk: Node's file calls, Bun's mmap, and flock (system-lock.ts). What must not be known here: what the files
// mean. Three facts of Linux this leans on: a shared mapping and pwrite see the same page cache, so a write shows in the
// mapping at once; a name can be unlinked while mapped, but shortening a mapped file kills the process on the next
// access; and after a failed fdatasync the dirty pages count as clean, so trying again proves nothing.

import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { assert } from "../base/assert.ts";
import { attempt, codeOf, type Disk, DiskError, type DiskFile, type DiskLock } from "./disk.ts";
import { lockFile } from "./system-lock.ts";

/** Files are private to the user who runs the server. */
const fileMode = 0o600;
const directoryMode = 0o700;

/** Zeros are written in pieces of this size. */
const zeros = new Uint8Array(1024 * 1024);

export class SystemDisk implements Disk {
  makeDirectory(path: string): void {
    const target = resolve(path);
    const first = attempt("make the directory", target, () =>
      mkdirSync(target, { recursive: true, mode: directoryMode }),
    );
    if (first === undefined) return;
    // Every directory from the first one made down to the target is a new name in its parent.
    for (let made = target; made.length >= first.length; made = dirname(made))
      this.syncDirectory(dirname(made));
  }

  list(path: string): string[] {
    return attempt("list", path, () => unlessMissing([], () => readdirSync(path).sort()));
  }

  read(path: string): Uint8Array | null {
    return attempt("read", path, () => unlessMissing(null, () => readFileSync(path)));
  }

  open(path: string): DiskFile {
    return attempt("open", path, () => {
      const fd = openSync(path, "r+");
      return new SystemFile(path, fd, fstatSync(fd).size);
    });
  }

  create(path: string, sizeBytes: number): DiskFile {
    this.remove(path);
    const fd = attempt("create", path, () => openSync(path, "wx+", fileMode));
    const file = new SystemFile(path, fd, 0);
    try {
      for (let offset = 0; offset < sizeBytes; offset += zeros.length) {
        file.write(zeros.subarray(0, Math.min(zeros.length, sizeBytes - offset)), offset);
      }
    } catch (error) {
      file.close();
      this.remove(path);
      throw error;
    }
    return file;
  }

  rename(from: string, to: string): void {
    attempt("rename", from, () => renameSync(from, to));
  }

  remove(path: string): void {
    attempt("remove", path, () => rmSync(path, { recursive: true, force: true }));
  }

  syncDirectory(path: string): void {
    attempt("sync the directory", path, () => {
      const fd = openSync(path, "r");
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  }

  lock(path: string): DiskLock | null {
    return lockFile(path);
  }
}

class SystemFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  #sizeBytes: number;
  #mapped = false;
  #syncing = false;
  #closing = false;

  constructor(path: string, fd: number, sizeBytes: number) {
    this.path = path;
    this.#fd = fd;
    this.#sizeBytes = sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  read(into: Uint8Array, offset: number): number {
    let filled = 0;
    while (filled < into.length) {
      const count = attempt("read", this.path, () =>
        readSync(this.#fd, into, filled, into.length - filled, offset + filled),
      );
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  write(bytes: Uint8Array, offset: number): void {
    assert(!this.#mapped || offset + bytes.length <= this.#sizeBytes, "a mapped file does not grow");
    let written = 0;
    while (written < bytes.length) {
      let count: number;
      try {
        count = writeSync(this.#fd, bytes, written, bytes.length - written, offset + written);
      } catch (error) {
        throw new DiskError("write", this.path, codeOf(error), error);
      }
      if (count === 0) throw new DiskError("write", this.path, "EIO");
      written += count;
    }
    if (offset + bytes.length > this.#sizeBytes) this.#sizeBytes = offset + bytes.length;
  }

  sync(): void {
    try {
      fdatasyncSync(this.#fd);
    } catch (error) {
      throw new DiskError("sync", this.path, codeOf(error), error);
    }
  }

  syncInBackground(done: (error: DiskError | null) => void): void {
    assert(!this.#syncing && !this.#closing, "one background sync at a time, on an open file");
    this.#syncing = true;
    fdatasync(this.#fd, (error) => {
      this.#syncing = false;
      // Closed meanwhile: the number may not be given to another file before the sync has ended.
      if (this.#closing) closeSync(this.#fd);
      done(error === null ? null : new DiskError("sync", this.path, codeOf(error), error));
    });
  }

  map(): Uint8Array {
    const bytes = attempt("map", this.path, () => Bun.mmap(this.path, { shared: true }));
    if (bytes.length !== this.#sizeBytes) throw new DiskError("map", this.path, "ESTALE");
    this.#mapped = true;
    return bytes;
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (!this.#syncing) attempt("close", this.path, () => closeSync(this.#fd));
  }
}

function unlessMissing<Result>(missing: Result, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return missing;
    throw error;
  }
}
