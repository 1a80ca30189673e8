// The data directory of one process:
//
//   LOCK              held as long as the process lives; the process id inside
//   node/             the files of this node, once it belongs to a cluster
//     identity          who it is (identity.ts)
//     hard-state        term and vote (hard-state.ts)
//     log/              the Raft log (log.ts)
//   node.new/         the same, being made: never used, removed at the next start
//   promise           before that: which node it has promised to join (founder-promise.ts)
//   replacement       the files in `node/` are damaged: by which new node this one is to be replaced (replacement-note.ts)
//   removed-<id>/     what `node/` was before node <id> was removed from its cluster; nothing here reads it
//   damaged-<id>/     the same of a node that was replaced because its files were damaged
//
// Whether the node belongs to a cluster is one question to the directory, "is there a `node`", and each change of the
// answer is one rename followed by a sync: a crash leaves the node either as it was or as it was to become. Nothing in
// here is ever deleted but `node.new` and notes that have served.
//
// A replacement takes four such changes, and each state between two of them says what comes next:
//
//   replacement   node/             the process
//   -             old, damaged      draws the new id and notes it
//   old → new     old, damaged      asks the cluster to replace `old` by `new`, until it has; then puts `node/` aside
//   old → new     none              asks the same again, and gets the same answer; then makes the new node's files
//   old → new     new               removes the note and serves
//
// As long as the note is there, the files of `old` are not opened, whether or not they can be read again.

import type { LogIndex, Membership, NodeId } from "../raft/types.ts";
import { type Disk, DiskError, type DiskLock } from "./disk.ts";
import { hardStateOutdated, isDamage, StorageError } from "./errors.ts";
import { founderPromisePath, readFounderPromise, writeFounderPromise } from "./founder-promise.ts";
import { HardStateFile } from "./hard-state.ts";
import { type Identity, readIdentity, writeIdentity } from "./identity.ts";
import { Log } from "./log.ts";
import { readableMembership } from "./readable-membership.ts";
import type { RecoveryReport } from "./recovery.ts";
import {
  readReplacementNote,
  replacementNotePath,
  type ReplacementNote,
  replacementPending,
  writeReplacementNote,
} from "./replacement-note.ts";

export const lockName: string = "LOCK";
export const nodeName: string = "node";
export const unfinishedName: string = "node.new";

export interface DataDirectoryOptions {
  readonly disk: Disk;
  readonly path: string;
  /** As in LogOptions. */
  readonly segmentSizeBytes?: number;
  /** Opens the directory of a damaged node too, as `damage` or `replacement`; without it such a node is an error. */
  readonly replacesDamaged?: boolean;
}

/** A node that must not go on, because it cannot tell any more what it has vouched for or voted. */
export interface DamagedNode {
  readonly identity: Identity;
  readonly error: StorageError;
  /** The newest that can still be read in its log, committed or not; null when there is none. */
  readonly membership: Membership | null;
}

/** The open files of a node that belongs to a cluster. */
export interface NodeFiles {
  readonly identity: Identity;
  readonly hardState: HardStateFile;
  readonly log: Log;
  /** What opening the log found and did. */
  readonly recovery: RecoveryReport;
}

/** A data directory that this process has to itself; see the file's header. */
export class DataDirectory {
  readonly path: string;
  readonly #options: DataDirectoryOptions;
  readonly #lock: DiskLock;
  #files: NodeFiles | null = null;
  #founderPromise = "";
  #damage: DamagedNode | null = null;
  #replacement: ReplacementNote | null = null;

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
      directory.#readReplacement();
      if (directory.#replacement === null) directory.#openContents(names.includes(nodeName));
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

  /** What was found of a node whose files are damaged; null for any other. Only with `replacesDamaged`. */
  get damage(): DamagedNode | null {
    return this.#damage;
  }

  /** By which node this one is to be replaced; null when it is not. Only with `replacesDamaged`. */
  get replacement(): ReplacementNote | null {
    return this.#replacement;
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
    this.#closeNode();
    return this.#putAside("removed", files.identity.nodeId);
  }

  // ── A damaged node ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Notes by which node the damaged one here is to be replaced, durably on return. Throws DiskError. */
  noteReplacement(note: ReplacementNote): void {
    writeReplacementNote(this.#options.disk, this.path, note);
    this.#replacement = note;
  }

  /**
   * The cluster has replaced this node as noted: puts the damaged files aside, which are in `keptAt` then unless that was
   * done before (null), and makes and opens those of the new node. Throws DiskError; done again at the next start then.
   */
  replaceNode(): { readonly files: NodeFiles; readonly keptAt: string | null } {
    const note = this.#noted();
    const keptAt = this.#putDamagedAside(note);
    const { clusterId, newId: nodeId, address } = note;
    const files = this.create({ clusterId, nodeId, founder: null, address });
    this.#removeReplacement();
    return { files, keptAt };
  }

  /** The damaged node is no member any more and nobody takes its place: the next start finds a node without cluster. */
  giveUpReplacement(): string | null {
    const keptAt = this.#putDamagedAside(this.#noted());
    this.#removeReplacement();
    return keptAt;
  }

  #noted(): ReplacementNote {
    if (this.#replacement === null) throw new Error("there is no node here to replace");
    return this.#replacement;
  }

  #putDamagedAside(note: ReplacementNote): string | null {
    this.#damage = null;
    return this.#options.disk.list(this.path).includes(nodeName)
      ? this.#putAside("damaged", note.oldId)
      : null;
  }

  #removeReplacement(): void {
    const { disk } = this.#options;
    disk.remove(replacementNotePath(this.path));
    disk.syncDirectory(this.path);
    this.#replacement = null;
  }

  #putAside(what: "removed" | "damaged", id: NodeId): string {
    const { disk } = this.#options;
    const taken = disk.list(this.path);
    let name = `${what}-${id}`;
    for (let copy = 2; taken.includes(name); copy++) name = `${what}-${id}-${copy}`;
    disk.rename(this.#nodePath, `${this.path}/${name}`);
    disk.syncDirectory(this.path);
    return `${this.path}/${name}`;
  }

  // ── The end ─────────────────────────────────────────────────────────────────────────────────────────────────────

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

  /** The log was found damaged at work: notes on disk that it must not be used without the entries up to `index`. */
  claim(index: LogIndex): void {
    this.#files?.hardState.claim(index);
  }

  /** Closes all files and lets another process have the directory. Syncs nothing. */
  close(): void {
    this.#closeNode();
    this.#lock.release();
  }

  get #nodePath(): string {
    return `${this.path}/${nodeName}`;
  }

  /** Reads the note, and removes it if the node that it speaks of has made way already. */
  #readReplacement(): void {
    const { disk, replacesDamaged } = this.#options;
    const note = readReplacementNote(disk, this.path);
    if (note === null) return;
    const nodeId = this.#idOfNode();
    if (nodeId !== null && nodeId !== note.oldId) return this.#removeReplacement();
    if (replacesDamaged !== true) throw replacementPending(this.path, note);
    this.#replacement = note;
  }

  /** Null when there is no node, or nobody can tell whose files those are. */
  #idOfNode(): NodeId | null {
    try {
      return readIdentity(this.#options.disk, this.#nodePath).nodeId;
    } catch (error) {
      if (error instanceof StorageError && error.code !== "NEWER_FORMAT") return null;
      if (error instanceof DiskError && !error.leavesOpen) return null;
      throw error;
    }
  }

  #openContents(hasNode: boolean): void {
    const { disk, replacesDamaged } = this.#options;
    if (!hasNode) {
      this.#founderPromise = readFounderPromise(disk, this.path);
      return;
    }
    disk.syncDirectory(this.#nodePath);
    try {
      this.#openNode();
    } catch (error) {
      if (replacesDamaged !== true || !isDamage(error)) throw error;
      const identity = readIdentity(disk, this.#nodePath);
      const membership = readableMembership(disk, `${this.#nodePath}/log`)?.membership ?? null;
      this.#damage = { identity, error, membership };
    }
  }

  #openNode(): NodeFiles {
    const { disk } = this.#options;
    const identity = readIdentity(disk, this.#nodePath);
    const hardState = HardStateFile.open(disk, hardStatePath(this.#nodePath), identity);
    try {
      const securedIndex = hardState.requiredIndex;
      const { log, recovery } = Log.open({ ...this.#logOptions(this.#nodePath, identity), securedIndex });
      // A term is on disk before any entry of it, so an older one was put back and has forgotten votes since.
      if (log.termAt(log.lastIndex) > hardState.currentTerm) {
        log.close();
        throw hardStateOutdated(
          hardStatePath(this.#nodePath),
          hardState.currentTerm,
          log.termAt(log.lastIndex),
        );
      }
      this.#files = { identity, hardState, log, recovery };
      // All that was claimed is there.
      hardState.claim(0);
      return this.#files;
    } catch (error) {
      this.#closeNode();
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

/** Where term and vote are kept in a node's folder. */
export function hardStatePath(nodePath: string): string {
  return `${nodePath}/hard-state`;
}

function locked(disk: Disk, path: string): StorageError {
  const holder = new TextDecoder().decode(disk.read(`${path}/${lockName}`) ?? new Uint8Array()).trim();
  return new StorageError(
    "DIRECTORY_LOCKED",
    path,
    `${path} is in use by ${/^\d+$/.test(holder) ? `process ${holder}` : "another process"}. Stop that one, or give this one a directory of its own.`,
  );
}
