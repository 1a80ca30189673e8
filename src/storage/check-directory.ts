// The check of a data directory while no server uses it (`vlot check`): everything that a start would look at and more, and
// nothing is changed; the disk handed in should be one that cannot (read-only-disk.ts). Whatever bytes the files hold,
// the outcome is a report.
//
// What can be checked:  a data directory (data-directory.ts), with the node in it, if there is one
//                       a node's folder by itself: `node`, or one that was put aside (removed-<id>, damaged-<id>)

import { basename, dirname } from "node:path";
import type { Membership } from "../raft/types.ts";
import { Findings, type Finding } from "./check-finding.ts";
import { checkLog, type CheckedLog } from "./check-log.ts";
import { hardStatePath, lockName, nodeName, unfinishedName } from "./data-directory.ts";
import type { Disk, DiskLock } from "./disk.ts";
import { hardStateOutdated, StorageError } from "./errors.ts";
import { founderPromisePath, readFounderPromise } from "./founder-promise.ts";
import { readHardState, type StoredHardState } from "./hard-state.ts";
import { type Identity, identityPath, readIdentity } from "./identity.ts";
import { readReplacementNote, replacementNotePath, replacementPending } from "./replacement-note.ts";

export interface CheckedNode {
  readonly path: string;
  /** Null what is missing or cannot be read; the findings say why. */
  readonly identity: Identity | null;
  readonly hardState: StoredHardState | null;
  readonly log: CheckedLog | null;
  /** The configuration in effect at the end of the log; `index` 0 when no entry has changed the founder's. */
  readonly membership: { readonly index: number; readonly membership: Membership } | null;
}

export interface CheckReport {
  readonly path: string;
  /** `nothing` when there is nothing of vlot's in it. */
  readonly kind: "data-directory" | "node" | "nothing";
  /** Null in a data directory without a node. */
  readonly node: CheckedNode | null;
  /** Whom a node without cluster has promised to join; "" when nobody. */
  readonly founderPromise: string;
  readonly findings: readonly Finding[];
}

/**
 * Checks what is at `path`. Throws StorageError (`DIRECTORY_LOCKED`) when a server is using it, and DiskError when the
 * directory itself cannot be read. Takes as long as reading all of it.
 */
export function checkDirectory(disk: Disk, path: string): CheckReport {
  const names = disk.list(path);
  const kind = kindOf(names);
  if (kind === "nothing") return { path, kind, node: null, founderPromise: "", findings: [] };
  const lock = lockOut(
    disk,
    kind === "node" ? dirname(path) : path,
    kind === "node" ? basename(path) : nodeName,
  );
  try {
    return new DirectoryCheck(disk, path).run(kind, names);
  } finally {
    lock?.release();
  }
}

const putAside = /^(removed|damaged)-\d+(-\d+)?$/;
const identityName = basename(identityPath(""));
const hardStateName = basename(hardStatePath(""));
const logName = "log";

function kindOf(names: readonly string[]): CheckReport["kind"] {
  const own = [lockName, nodeName, unfinishedName, promiseName, replacementName];
  if (names.some((name) => own.includes(name) || putAside.test(name))) return "data-directory";
  const ofNode = [identityName, hardStateName, logName];
  return names.some((name) => ofNode.includes(name)) ? "node" : "nothing";
}

const promiseName = basename(founderPromisePath(""));
const replacementName = basename(replacementNotePath(""));

/** Keeps a server from starting meanwhile; null where none ever was. No server uses what was put aside. */
function lockOut(disk: Disk, directory: string, folder: string): DiskLock | null {
  if (folder !== nodeName || !disk.list(directory).includes(lockName)) return null;
  const lock = disk.lock(`${directory}/${lockName}`);
  if (lock !== null) return lock;
  throw new StorageError(
    "DIRECTORY_LOCKED",
    directory,
    `${directory} is in use by a running server, whose files change all the time: stop it first, or check a copy that was ` +
      "made while it did not run.",
  );
}

class DirectoryCheck {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #findings = new Findings();

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  run(kind: "data-directory" | "node", names: readonly string[]): CheckReport {
    const hasNode = kind === "node" || names.includes(nodeName);
    const node = hasNode ? this.#checkNode(kind === "node" ? this.#path : `${this.#path}/${nodeName}`) : null;
    const founderPromise = kind === "node" ? "" : this.#checkAround(names, node);
    return { path: this.#path, kind, node, founderPromise, findings: this.#findings.all };
  }

  // ── The node ────────────────────────────────────────────────────────────────────────────────────────────────────

  #checkNode(path: string): CheckedNode {
    const disk = this.#disk;
    const findings = this.#findings;
    const names = findings.catching(() => disk.list(path)) ?? [];
    const identity = findings.catching(() => readIdentity(disk, path));
    const hardState = findings.catching(() => readHardState(disk, hardStatePath(path), identity));
    if (hardState !== null) this.#noteCopies(hardStatePath(path), hardState);
    // A node without snapshots: once there are some, they are checked here, and the newest good one says what is covered.
    const coveredIndex = 0;
    const owner = identity ?? hardState?.owner ?? null;
    const securedIndex = hardState?.requiredIndex ?? 0;
    const log = checkLog(
      { disk, directory: `${path}/${logName}`, owner, securedIndex, coveredIndex },
      findings,
    );
    if (log !== null && hardState !== null && log.lastTerm > hardState.currentTerm) {
      findings.addError(hardStateOutdated(hardStatePath(path), hardState.currentTerm, log.lastTerm));
    }
    for (const name of names) {
      if (![identityName, hardStateName, logName].includes(name)) this.#noteOther(`${path}/${name}`);
    }
    const founding = identity?.founder ?? null;
    const membership =
      log?.membership ??
      (founding === null ? null : { index: 0, membership: { members: [founding], usedIds: [founding.id] } });
    return { path, identity, hardState, log, membership };
  }

  #noteCopies(path: string, { copies }: StoredHardState): void {
    for (const { offset, state } of copies) {
      if (state === "newest") continue;
      const text =
        state === "bad"
          ? "this copy of term and vote is damaged, the other one is good: is written again"
          : "this copy of term and vote is older than the other one, as when the power goes between the two: is written again";
      this.#findings.add("repair", { path, offset }, text);
    }
  }

  // ── What lies around it ─────────────────────────────────────────────────────────────────────────────────────────

  /** Returns the founder's promise. */
  #checkAround(names: readonly string[], node: CheckedNode | null): string {
    const disk = this.#disk;
    const findings = this.#findings;
    let promise = "";
    for (const name of names) {
      const path = `${this.#path}/${name}`;
      if (name === lockName || name === nodeName) continue;
      if (name === unfinishedName) {
        findings.add("repair", { path }, "a node's files, not completed and never used: is removed");
      } else if (name === promiseName) {
        if (node !== null)
          findings.add("repair", { path }, "is kept already, as there is a node: is removed");
        else promise = findings.catching(() => readFounderPromise(disk, this.#path)) ?? "";
      } else if (name === replacementName) {
        this.#checkReplacement(node);
      } else if (putAside.test(name)) {
        findings.add(
          "note",
          { path },
          "the files of a node that was put aside: nothing reads them; check them by themselves",
        );
      } else {
        this.#noteOther(path);
      }
    }
    return promise;
  }

  #checkReplacement(node: CheckedNode | null): void {
    const note = this.#findings.catching(() => readReplacementNote(this.#disk, this.#path));
    if (note === null) return;
    const nodeId = node?.identity?.nodeId ?? note.oldId;
    if (nodeId === note.oldId) this.#findings.addError(replacementPending(this.#path, note));
    else
      this.#findings.add(
        "repair",
        { path: replacementNotePath(this.#path) },
        "has served its purpose: is removed",
      );
  }

  #noteOther(path: string): void {
    const text = path.endsWith(".new")
      ? "a file that was not completed when the process ended: nothing reads it"
      : "is no file of vlot's";
    this.#findings.add("note", { path }, text);
  }
}
