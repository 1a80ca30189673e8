// The real disk: Node's file calls, Bun's mmap, and flock (system-lock.ts). What must not be known here: what the files
// mean. Four facts of Linux this leans on: a shared mapping and pwrite see the same page cache, so a write shows in the
// mapping at once; a name can be unlinked while mapped, but shortening a mapped file kills the process on the next
// access; after a failed fdatasync the dirty pages count as clean, so trying again proves nothing; and that failure is
// told once to each open file description, so two syncs at once need one each (errseq_t in the kernel's documentation).

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
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { assert } from "../base/assert.ts";
import {
  attempt,
  codeOf,
  type Disk,
  DiskError,
  type DiskFile,
  type DiskLock,
  unlessMissing,
} from "./disk.ts";
import { readFully } from "./read-fully.ts";
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
    // From the target up each is a name in its parent. Those that were there may be as new: a process made them and was
    // killed before it synced. Where this one may not read the parent, or no directory can be synced, they are left alone.
    for (let path = target; path !== dirname(path); path = dirname(path)) {
      const isNew = first !== undefined && path.length >= first.length;
      if (isNew) this.syncDirectory(dirname(path));
      else unlessImpossible(() => this.syncDirectory(dirname(path)));
    }
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
  /**
   * For background syncs, opened with the first of them: an open file description that `sync` does not share. Closed by the
   * next `sync`, for a segment that is full is synced once more and then only read: there may be hundreds of them.
   */
  #backgroundFd: number | null = null;
  #keepsBackgroundFd = false;
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
    return readFully(this.#fd, this.path, into, offset);
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
    this.#letGoOfBackground();
  }

  syncInBackground(done: (error: DiskError | null) => void): void {
    assert(!this.#syncing && !this.#closing, "one background sync at a time, on an open file");
    this.#syncing = true;
    this.#keepsBackgroundFd = true;
    const ended = (error: DiskError | null): void => {
      this.#syncing = false;
      if (!this.#keepsBackgroundFd) this.#letGoOfBackground();
      done(error);
    };
    try {
      this.#backgroundFd ??= openAgain(this.path, this.#fd);
      fdatasync(this.#backgroundFd, (error) =>
        ended(error === null ? null : new DiskError("sync", this.path, codeOf(error), error)),
      );
    } catch (error) {
      // No descriptor left: what is not synced is as good as a sync that failed.
      if (!(error instanceof DiskError)) throw error;
      queueMicrotask(() => ended(error));
    }
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
    attempt("close", this.path, () => closeSync(this.#fd));
    this.#letGoOfBackground();
  }

  #letGoOfBackground(): void {
    this.#keepsBackgroundFd = false;
    // The number may not be given to another file before the sync has ended.
    if (this.#syncing) return;
    const fd = this.#backgroundFd;
    this.#backgroundFd = null;
    if (fd !== null) attempt("close", this.path, () => closeSync(fd));
  }
}

/** Another open file description of the file that `fd` has open under `path`. Throws DiskError. */
function openAgain(path: string, fd: number): number {
  const again = attempt("open", path, () => openSync(path, "r+"));
  const [one, other] = [fstatSync(fd), fstatSync(again)];
  if (one.ino === other.ino && one.dev === other.dev) return again;
  closeSync(again);
  throw new DiskError("open", path, "ESTALE");
}

function unlessImpossible(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!["EACCES", "EPERM", "EINVAL"].includes(codeOf(error))) throw error;
  }
}
