// The exclusive lock of a data directory: flock(2) on a file, held as long as the file stays open. The system drops it
// when the process dies, however it dies, so a stale lock cannot exist; the process id inside is for people only. Neither
// Node nor Bun offers flock, so it is called in the C library.

import { dlopen, read, type Pointer } from "bun:ffi";
import { closeSync, constants, ftruncateSync, openSync, writeSync } from "node:fs";
import { messageOf } from "../base/message-of.ts";
import { attempt, codeOf, DiskError, type DiskLock } from "./disk.ts";

/** Linux with glibc, with musl (Alpine) on both processors, and macOS for those who develop there. */
const librariesToTry = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libSystem.B.dylib"];

const lockShared = 1;
const lockExclusive = 2;
const lockNonBlocking = 4;

/** What flock answers when somebody else holds the lock: EWOULDBLOCK on Linux and on macOS. */
const wouldBlock: readonly number[] = [11, 35];

/** Locks `path`, creating it if need be. Null when another open file holds the lock; DiskError when locking fails. */
export function lockFile(path: string): DiskLock | null {
  const fd = attempt("open", path, () => openSync(path, "a+"));
  if (!takeLock(fd, path, lockExclusive)) return null;
  try {
    ftruncateSync(fd, 0);
    writeSync(fd, `${process.pid}\n`);
  } catch (error) {
    closeSync(fd);
    throw new DiskError("write the process id to", path, codeOf(error), error);
  }
  return { release: () => closeSync(fd) };
}

/** Locks `path` against `lockFile` and not against others like this, without changing it. As `lockFile` otherwise. */
export function lockFileShared(path: string): DiskLock | null {
  const fd = attempt("open", path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  return takeLock(fd, path, lockShared) ? { release: () => closeSync(fd) } : null;
}

/** False when another open file holds the lock; `fd` is closed then, and when locking fails. */
function takeLock(fd: number, path: string, operation: number): boolean {
  let isTaken = false;
  try {
    const errno = flockErrno(fd, path, operation);
    isTaken = errno === 0;
    if (isTaken || wouldBlock.includes(errno)) return isTaken;
    throw new DiskError("lock", path, `errno ${errno}`);
  } finally {
    if (!isTaken) closeSync(fd);
  }
}

/** 0 when the lock was taken, else the error number. */
function flockErrno(fd: number, path: string, operation: number): number {
  const library = openLibrary(path);
  if (library.flock(fd, operation | lockNonBlocking) === 0) return 0;
  return library.errno();
}

interface Library {
  flock(fd: number, operation: number): number;
  errno(): number;
}

function openLibrary(path: string): Library {
  const failures: string[] = [];
  for (const name of librariesToTry) {
    const errnoName = name.endsWith(".dylib") ? "__error" : "__errno_location";
    try {
      const { symbols } = dlopen(name, {
        flock: { args: ["i32", "i32"], returns: "i32" },
        [errnoName]: { args: [], returns: "ptr" },
      });
      const flock: (...args: number[]) => unknown = symbols["flock"]!;
      const location: () => unknown = symbols[errnoName]!;
      return { flock: (fd, operation) => Number(flock(fd, operation)), errno: () => readErrno(location()) };
    } catch (error) {
      failures.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw new DiskError("lock", path, "ENOLIBC", failures.join("; "));
}

function readErrno(location: unknown): number {
  return read.i32(location as Pointer, 0);
}
