// The data directory of one process:
//
//   LOCK              held as long as the process lives; the process id inside
//   node/             the files of this node, once it belongs to a cluster
//     identity          who it is (identity.ts)
//     hard-state        term and vote (hard-state.ts)
//     log/              the Raft log (log.ts)
//   node.new/         the same, being made: never used, removed at the next start
//   promise           before that: which node it has promised to join (founder-promise.ts)
//   removed-<id>/     what `node/` was before node <id> was removed from its cluster; nothing here reads it
//
// Whether the node belongs to a cluster is one question to the directory, "is there a `node`", and each change of the
// answer is one rename followed by a sync: a crash leaves the node either as it was or as it was to become. Nothing in
// here is ever deleted but `node.new`.

import type { LogIndex, Term } from "../raft/types.ts";
import type { Disk, DiskLock } from "./disk.ts";
import { rejoinAdvice, StorageError } from "./errors.ts";
import { founderPromisePath, readFounderPromise, writeFounderPromise } from "./founder-promise.ts";
import { HardStateFile } from "./hard-state.ts";
import { type Identity, readIdentity, writeIdentity } from "./identity.ts";
import { Log } from "./log.ts";
import type { RecoveryReport } from "./recovery.ts";

const lockName = "LOCK";
const nodeName = "node";
const unfinishedName = "node.new";

export interface DataDirectoryOptions {
  readonly disk: Disk;
  readonly path: string;
  /** As in LogOptions. */
  readonly segmentSizeBytes?: number;
}

/** The open files of a node that belongs to a cluster. */
export interface NodeFiles {
  readonly identity: Identity;
  readonly hardState: HardStateFile;
  readonly log: Log;
  /** What opening the log found and did. */
  readonly recovery: RecoveryReport;
}

export class DataDirectory {
  readonly path: string;
  readonly #options: DataDirectoryOptions;
  readonly #lock: DiskLock;
  #files: NodeFiles | null = null;
  #founderPromise = "";

  private constructor(options: DataDirectoryOptions, lock: DiskLock) {
    this.path = options.path;
    this.#options = options;
    this.#lock = lock;
  }

  /**
   * Takes the directory, making it if need be, and opens what is in it. Throws StorageError when another process has it
   * or the files cannot be used; DiskError when the disk refuses.
   */
  static open(options: DataDirectoryOptions): DataDirectory {
    const { disk, path } = options;
    disk.makeDirectory(path);
    const lock = disk.lock(`${path}/${lockName}`);
    if (lock === null) throw locked(disk, path);
    try {
      const directory = new DataDirectory(options, lock);
      const names = disk.list(path);
      if (names.includes(unfinishedName)) disk.remove(`${path}/${unfinishedName}`);
      // Kept, but not removed before a crash: it must not bind the node that comes after this one.
      if (names.includes(nodeName)) disk.remove(founderPromisePath(path));
      // A process that was killed may have left renames that show and would not survive a power cut.
      disk.syncDirectory(path);
      if (names.includes(nodeName)) {
        disk.syncDirectory(directory.#nodePath);
        directory.#openNode();
      } else {
        directory.#founderPromise = readFounderPromise(disk, path);
      }
      return directory;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Null as long as the node belongs to no cluster. */
  get files(): NodeFiles | null {
    return this.#files;
  }

  /** The address of the node that this one, still without cluster, has promised to join; "" when none. */
  get founderPromise(): string {
    return this.#founderPromise;
  }

  /** Promises, durably on return, to join the cluster that the node at `founder` founds. Throws DiskError. */
  promiseFounder(founder: string): void {
    writeFounderPromise(this.#options.disk, this.path, founder);
    this.#founderPromise = founder;
  }

  /** Makes the files of a node that starts its life in a cluster, durably, and opens them. */
  create(identity: Identity): NodeFiles {
    if (this.#files !== null) throw new Error("this directory already belongs to a node");
    const { disk } = this.#options;
    const unfinished = `${this.path}/${unfinishedName}`;
    disk.remove(unfinished);
    disk.makeDirectory(unfinished);
    Log.create(this.#logOptions(unfinished, identity));
    HardStateFile.create(disk, hardStatePath(unfinished), identity);
    // Last, because it syncs the names of all three.
    writeIdentity(disk, unfinished, identity);
    disk.rename(unfinished, this.#nodePath);
    disk.syncDirectory(this.path);
    // Kept by joining or founding; what a crash leaves goes at the next start.
    disk.remove(founderPromisePath(this.path));
    this.#founderPromise = "";
    return this.#openNode();
  }

  /**
   * Closes the node's files and puts them aside as `removed-<id>`, durably: the next start finds a node without cluster.
   * Nothing is deleted. Returns the new path. For a node that was removed from its cluster.
   */
  archive(): string {
    const files = this.#files;
    if (files === null) throw new Error("there is no node here to archive");
    const { disk } = this.#options;
    this.#closeNode();
    const taken = disk.list(this.path);
    let name = `removed-${files.identity.nodeId}`;
    for (let copy = 2; taken.includes(name); copy++) name = `removed-${files.identity.nodeId}-${copy}`;
    disk.rename(this.#nodePath, `${this.path}/${name}`);
    disk.syncDirectory(this.path);
    return `${this.path}/${name}`;
  }

  /**
   * Notes on disk how far the log is safe, so that recovery can tell a torn end from damage there. One small write and
   * two syncs, and only if something changed: for an idle node and for an orderly stop. `commitIndex` is the core's.
   */
  checkpoint(commitIndex: LogIndex): void {
    const files = this.#files;
    if (files === null) return;
    files.hardState.noteSecured(Math.min(commitIndex, files.log.durableIndex));
    files.hardState.saveSecured();
  }

  /** Closes all files and lets another process have the directory. Syncs nothing. */
  close(): void {
    this.#closeNode();
    this.#lock.release();
  }

  get #nodePath(): string {
    return `${this.path}/${nodeName}`;
  }

  #openNode(): NodeFiles {
    const { disk } = this.#options;
    const identity = readIdentity(disk, this.#nodePath);
    const hardState = HardStateFile.open(disk, hardStatePath(this.#nodePath), identity);
    try {
      const { securedIndex } = hardState;
      const { log, recovery } = Log.open({ ...this.#logOptions(this.#nodePath, identity), securedIndex });
      // A term is on disk before any entry of it, so an older one was put back and has forgotten votes since.
      if (log.termAt(log.lastIndex) > hardState.currentTerm) {
        log.close();
        throw outdated(hardStatePath(this.#nodePath), hardState.currentTerm, log);
      }
      this.#files = { identity, hardState, log, recovery };
      return this.#files;
    } catch (error) {
      hardState.close();
      throw error;
    }
  }

  #closeNode(): void {
    this.#files?.log.close();
    this.#files?.hardState.close();
    this.#files = null;
  }

  #logOptions(nodePath: string, identity: Identity) {
    const { disk, segmentSizeBytes } = this.#options;
    const { clusterId, nodeId } = identity;
    const options = { disk, directory: `${nodePath}/log`, clusterId, nodeId };
    return segmentSizeBytes === undefined ? options : { ...options, segmentSizeBytes };
  }
}

function hardStatePath(nodePath: string): string {
  return `${nodePath}/hard-state`;
}

function outdated(path: string, term: Term, log: Log): StorageError {
  return new StorageError(
    "HARD_STATE_OUTDATED",
    path,
    `term and vote in ${path} are of term ${term}, but the log has entries of term ${log.termAt(log.lastIndex)}: an older ` +
      `copy was put back, and voting with it could elect two leaders. ${rejoinAdvice}`,
  );
}

function locked(disk: Disk, path: string): StorageError {
  const holder = new TextDecoder().decode(disk.read(`${path}/${lockName}`) ?? new Uint8Array()).trim();
  return new StorageError(
    "DIRECTORY_LOCKED",
    path,
    `${path} is in use by ${/^\d+$/.test(holder) ? `process ${holder}` : "another process"}.`,
  );
}
