// What can be wrong with a node's files, as errors with a stable code each: start-up scripts and tests look at the code,
// people read the message, which says what was found, where, and what to do. A failing system call is a `DiskError`
// (disk.ts) instead.

import type { LogIndex, Term } from "../raft/types.ts";

export type StorageErrorCode =
  /** Another process uses the directory. */
  | "DIRECTORY_LOCKED"
  /** The node's folder exists but the file that says who it is does not. */
  | "IDENTITY_MISSING"
  | "IDENTITY_DAMAGED"
  /** Whom a node without cluster promised to join. */
  | "PROMISE_DAMAGED"
  /** This node's files were found damaged before, and it waits to be replaced by a new one. */
  | "REPLACEMENT_PENDING"
  /** By which one. */
  | "REPLACEMENT_DAMAGED"
  | "HARD_STATE_MISSING"
  | "HARD_STATE_DAMAGED"
  /** Term and vote are older than the log, as when a copy was put back. */
  | "HARD_STATE_OUTDATED"
  /** There is no segment at all, or entries are missing between or before those found. */
  | "LOG_MISSING"
  | "LOG_GAP"
  /** A record or header that had been synced is bad. */
  | "LOG_DAMAGED"
  | "SEGMENT_HEADER_DAMAGED"
  | "SEGMENT_SIZE_WRONG"
  /** The note of a truncation contradicts what is known to be committed. */
  | "TRUNCATION_OUTDATED"
  /** A file of another cluster or another node. */
  | "FOREIGN_FILE"
  /** Written by a later version of vlot. */
  | "NEWER_FORMAT"
  /** A peer's entry does not continue this log although index and term fit: the histories differ. */
  | "LOG_DIVERGED";

/** The files of this node cannot be used as they are; `path` names the file or directory. */
export class StorageError extends Error {
  override readonly name: string = "StorageError";
  readonly code: StorageErrorCode;
  readonly path: string;

  constructor(code: StorageErrorCode, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }

  /** What was found, and where, without the way out. */
  get finding(): string {
    return this.message.replace(` ${rejoinAdvice}`, "");
  }
}

/**
 * Whether this node can no longer tell what it vouched for or voted, although it is known who it is. Such a node must
 * not go on under its id, but a new one can take its place (node/replacement.ts).
 */
export function isDamage(error: unknown): error is StorageError {
  return error instanceof StorageError && damageCodes.includes(error.code);
}

const damageCodes: readonly StorageErrorCode[] = [
  "HARD_STATE_MISSING",
  "HARD_STATE_DAMAGED",
  "HARD_STATE_OUTDATED",
  "LOG_MISSING",
  "LOG_GAP",
  "LOG_DAMAGED",
  "SEGMENT_HEADER_DAMAGED",
  "SEGMENT_SIZE_WRONG",
  "TRUNCATION_OUTDATED",
];

/** Whether the files may be in order, but are not this process's to use. */
export function isForeign(error: StorageError): boolean {
  return foreignCodes.includes(error.code);
}

const foreignCodes: readonly StorageErrorCode[] = ["DIRECTORY_LOCKED", "FOREIGN_FILE", "NEWER_FORMAT"];

/** The way out that every damage shares; the other members still hold what this node lost. */
export const rejoinAdvice =
  "The other nodes still have the data: remove this node from the cluster (RAFT.NODE REMOVE), move its directory away " +
  "and join again with an empty one.";

/** An entry that this node had acknowledged cannot be read back. */
export class LogDamagedError extends StorageError {
  override readonly name = "LogDamagedError";
  readonly offset: number;
  /** The first entry that is lost. */
  readonly index: LogIndex;

  constructor(place: { path: string; offset: number; index: LogIndex }, finding: string) {
    super(
      "LOG_DAMAGED",
      place.path,
      `the log is damaged: entry ${place.index} at offset ${place.offset} of ${place.path} ${finding}. ${rejoinAdvice}`,
    );
    this.offset = place.offset;
    this.index = place.index;
  }
}

/** Term and vote cannot be read back; going on with guessed ones could elect two leaders. */
export class HardStateDamagedError extends StorageError {
  override readonly name = "HardStateDamagedError";

  constructor(path: string) {
    super(
      "HARD_STATE_DAMAGED",
      path,
      `term and vote are damaged: both copies in ${path}, at offsets 0 and 4096, are bad, and voting without them could ` +
        "elect two leaders. " +
        rejoinAdvice,
    );
  }
}

/** The error for term and vote at `path` that are of an earlier term than the last entry of the log. */
export function hardStateOutdated(path: string, currentTerm: Term, logTerm: Term): StorageError {
  return new StorageError(
    "HARD_STATE_OUTDATED",
    path,
    `term and vote in ${path} are of term ${currentTerm}, but the log has entries of term ${logTerm}: an older copy was put ` +
      `back, and voting with it could elect two leaders. ${rejoinAdvice}`,
  );
}

/** The error for a file that has format `version` at `offset`, which this program does not know. */
export function newerFormat(path: string, offset: number, version: number): StorageError {
  return new StorageError(
    "NEWER_FORMAT",
    path,
    `${path}, at offset ${offset}, has format version ${version}: it was written by a newer vlot. Start that one, nothing has been changed.`,
  );
}

/** The error for a node whose log is not where it should be. */
export function logMissing(directory: string): StorageError {
  return new StorageError("LOG_MISSING", directory, `there is no log in ${directory}. ${rejoinAdvice}`);
}
