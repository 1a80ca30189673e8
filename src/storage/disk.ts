// The seam between storage and the machine: the little of a file system that the log needs. `system-disk.ts` is the
// real one; the simulator brings one that loses, tears and damages what was not synced.

/** The disk refused: what was attempted, on which path, and the system's own code (`ENOSPC`, `EIO`, …). */
export class DiskError extends Error {
  override readonly name = "DiskError";
  readonly code: string;
  readonly path: string;

  constructor(attempt: string, path: string, code: string, cause?: unknown) {
    super(`cannot ${attempt} ${path}: ${code}`, { cause });
    this.code = code;
    this.path = path;
  }

  /** The system lacks something that it may have again, and nothing is damaged: space, quota, open files, memory. */
  get isShortage(): boolean {
    return shortages.has(this.code);
  }

  /** What could not be read may be in order: this user may not read it, or the system lacks something. */
  get leavesOpen(): boolean {
    return this.isShortage || this.code === "EACCES" || this.code === "EPERM";
  }
}

const shortages: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EMFILE", "ENFILE", "ENOMEM"]);

/** Runs `action`; what the system throws becomes a DiskError that says what was attempted. */
export function attempt<Result>(what: string, path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw error instanceof DiskError ? error : new DiskError(what, path, codeOf(error), error);
  }
}

/** `missing` when the file or directory is not there. */
export function unlessMissing<Result>(missing: Result, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return missing;
    throw error;
  }
}

/** The system's code in what one of its calls threw. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return "EUNKNOWN";
}

export interface DiskFile {
  readonly path: string;
  /** Grows when something is written past the end, which is allowed until `map` was called. */
  readonly sizeBytes: number;
  /** Fills `into` from `offset`; returns how many bytes there were. A bad sector is a DiskError here, not a signal. */
  read(into: Uint8Array, offset: number): number;
  /** Writes all of `bytes` at `offset`, to the page cache; the caller keeps the buffer. Throws DiskError. */
  write(bytes: Uint8Array, offset: number): void;
  /** Makes every write so far survive a power cut (fdatasync). A DiskError here is fatal: never retry. */
  sync(): void;
  /**
   * The same without stopping the loop; `done` gets null or the error. At most one may be under way. A failure reaches
   * both this and a `sync` meanwhile: neither may take the other's word that all is well.
   */
  syncInBackground(done: (error: DiskError | null) => void): void;
  /** A view of the whole file that shows later writes too; read only. Valid until `close`. */
  map(): Uint8Array;
  /** Waits for a background sync under way by itself; its `done` is still called. */
  close(): void;
}

/** Held for the life of the process; the system frees it when the process dies. */
export interface DiskLock {
  release(): void;
}

export interface Disk {
  /** Makes `path` and its missing parents. It survives a power cut from then on, also if it was there already. */
  makeDirectory(path: string): void;
  /** Names in `path`, sorted; empty when it does not exist. */
  list(path: string): string[];
  /** The whole file, or null when there is none. */
  read(path: string): Uint8Array | null;
  /** Opens an existing file for reading and writing. */
  open(path: string): DiskFile;
  /**
   * Creates a file of `sizeBytes` written zeros (the blocks are allocated). One that had this name is unlinked, never
   * truncated: it may be mapped. Not synced.
   */
  create(path: string, sizeBytes: number): DiskFile;
  /** Renames a file or a directory, replacing a file of the new name. Not synced. */
  rename(from: string, to: string): void;
  /** Removes a file, or a directory with all that is in it; nothing when there is none. Not synced. */
  remove(path: string): void;
  /** Makes creations, renames and removals in the directory survive a power cut. */
  syncDirectory(path: string): void;
  /** Takes an advisory lock and leaves the process id in the file; null when another process holds it. */
  lock(path: string): DiskLock | null;
}
