// A disk with two images of everything: *live*, what the process sees, and *durable*, what a power cut leaves for sure.
// Fault model: of the writes that were not synced, a cut keeps any subset, in pieces of one sector, in any order; of the
// directory operations that were not synced, any subset. A sector is written whole or not at all, unless the test says otherwise. A failed sync marks
// the pages clean: they stay visible, never reach the disk, and the next sync succeeds (what ext4, XFS and Btrfs do). The
// failure is told once to each open file description, whichever of them it was that wrote the pages back: as in the real
// disk, background syncs have one of their own.

import { assert } from "../../src/base/assert.ts";
import type { Random } from "../../src/base/random.ts";
import { type Disk, DiskError, type DiskFile, type DiskLock } from "../../src/storage/disk.ts";

const sectorBytes = 512;

/** Thrown by the operation during which the power goes, and by every one after it until `crash`. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

/** Runs `action`; false when the power went in the middle of it. */
export function powerLasts(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    return false;
  }
}

interface PendingWrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** An open file description: how many of the file's failures it has been told of. */
interface Description {
  told: number;
}

class FileNode {
  live = new Uint8Array(0);
  durable = new Uint8Array(0);
  pending: PendingWrite[] = [];
  /** The codes of the syncs that failed, oldest first. */
  readonly failures: string[] = [];
  mapped = false;
  locked = false;
}

type TreeNode = FileNode | DirectoryNode;
type Change = (names: Map<string, TreeNode>) => void;

class DirectoryNode {
  live = new Map<string, TreeNode>();
  durable = new Map<string, TreeNode>();
  pending: Change[] = [];

  change(change: Change): void {
    change(this.live);
    this.pending.push(change);
  }

  /** All changes so far are durable. */
  settle(): void {
    this.durable = new Map(this.live);
    this.pending = [];
  }
}

export class MemoryDisk implements Disk {
  /** Bytes that files may still grow by before `ENOSPC`. */
  freeBytes = Number.MAX_SAFE_INTEGER;
  /** Operations that change something, so far. */
  operations = 0;
  /** Files opened and not closed since the last crash. */
  openFiles = 0;
  /** Hears of every write, and of every sync for which the process waits. */
  watch: ((operation: "write" | "sync", path: string, bytes: Uint8Array | null) => void) | null = null;
  /** Whether a power cut may leave of a sector only what comes first in it, as some flash does. */
  tearsSectors = false;
  #powerCutAt = Number.MAX_SAFE_INTEGER;
  #epoch = 0;
  #nextSyncError: { readonly code: string; readonly after: number } | null = null;
  #nextWriteError: { readonly code: string; readonly keptBytes: number; readonly after: number } | null =
    null;
  #unreadable: { readonly path: string; readonly offset: number; readonly code: string } | null = null;
  readonly #root = new DirectoryNode();
  readonly #schedule: (complete: () => void) => void;
  #waiting: (() => void)[] = [];
  readonly #writingBack = new Set<() => void>();

  /** `schedule` decides when a background sync completes; without it, `completeSyncs` does. */
  constructor(schedule?: (complete: () => void) => void) {
    this.#schedule = schedule ?? ((complete) => void this.#waiting.push(complete));
  }

  // ── What a test may do to it ──────────────────────────────────────────────────────────────────────────────────────

  /** Lets the power go during the operation that is `count` from now (1: the next one). */
  cutPowerAfter(count: number): void {
    this.#powerCutAt = this.operations + count;
  }

  /** The power is back: keeps what was durable and a random part of the rest. All handles are dead. */
  crash(random: Random): void {
    const chance = [0, 50, 90, 100][random.below(4)] as number;
    const kept = (length: number): number => {
      if (random.below(100) >= chance) return 0;
      return this.tearsSectors && random.below(4) === 0 ? random.below(length) : length;
    };
    this.#settle(this.#root, kept);
    this.killProcess();
    this.#powerCutAt = Number.MAX_SAFE_INTEGER;
  }

  /** The process died and the machine did not: everything written stays visible. All handles are dead. */
  killProcess(): void {
    this.#epoch++;
    this.openFiles = 0;
    this.#waiting = [];
    this.#writingBack.clear();
    this.#eachFile(this.#root, (file) => {
      file.mapped = false;
      file.locked = false;
    });
  }

  /** Lets the kernel end the background syncs under way; the process has yet to hear of it. */
  writeBackSyncs(): void {
    for (const writeBack of this.#writingBack) writeBack();
  }

  completeSyncs(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const complete of waiting) complete();
  }

  /** The next sync of a file fails, or the one `after` so many others. */
  failNextSync(code = "EIO", after = 0): void {
    this.#nextSyncError = { code, after };
  }

  /** The next write, or the one `after` so many others, stores only its first `keptBytes`. */
  failNextWrite(code: string, keptBytes: number, after = 0): void {
    this.#nextWriteError = { code, keptBytes, after };
  }

  /** Ends what was to fail or to run out; what is damaged stays so. */
  mend(): void {
    this.#nextSyncError = null;
    this.#nextWriteError = null;
    this.freeBytes = Number.MAX_SAFE_INTEGER;
    this.#powerCutAt = Number.MAX_SAFE_INTEGER;
  }

  /** Reading over this place fails. */
  makeUnreadable(path: string, offset: number, code = "EIO"): void {
    this.#unreadable = { path, offset, code };
  }

  /** What a process sees in a file; not to be changed. Empty when there is none. */
  contents(path: string): Uint8Array {
    const file = this.#find(path);
    return file instanceof FileNode ? file.live : new Uint8Array(0);
  }

  sizeOf(path: string): number {
    return this.contents(path).length;
  }

  /** Changes a byte behind everybody's back, in both images. */
  damage(path: string, offset: number, xor: number): void {
    const file = this.#file(path);
    file.live[offset] = (file.live[offset] as number) ^ xor;
    if (offset < file.durable.length) file.durable[offset] = (file.durable[offset] as number) ^ xor;
  }

  /** Replaces a file's content, durably. */
  replace(path: string, bytes: Uint8Array): void {
    const file = this.#file(path);
    file.live = new Uint8Array(bytes);
    file.durable = new Uint8Array(bytes);
    file.pending = [];
  }

  // ── What a test may look at ───────────────────────────────────────────────────────────────────────────────────────

  /** What a power cut now would leave of the file at `path` for sure, as a view; null when not even its name. */
  durable(path: string): Uint8Array | null {
    const node = this.#findDurable(path);
    return node instanceof FileNode ? node.durable : null;
  }

  /** The names in the directory at `path` that a power cut now would leave for sure. */
  durableNames(path: string): string[] {
    const node = this.#findDurable(path);
    return node instanceof DirectoryNode ? [...node.durable.keys()] : [];
  }

  // ── Disk ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  makeDirectory(path: string): void {
    this.#begin();
    const parents: DirectoryNode[] = [];
    let directory = this.#root;
    for (const name of partsOf(path)) {
      let next = directory.live.get(name);
      if (next === undefined) {
        next = new DirectoryNode();
        const made = next;
        directory.change((names) => names.set(name, made));
        this.#step();
      }
      assert(next instanceof DirectoryNode, `${path} to be a directory`);
      parents.push(directory);
      directory = next;
    }
    for (const parent of parents.reverse()) {
      if (parent.pending.length === 0) continue;
      this.#step();
      parent.settle();
    }
  }

  list(path: string): string[] {
    const directory = this.#find(path);
    return directory instanceof DirectoryNode ? [...directory.live.keys()].sort() : [];
  }

  read(path: string): Uint8Array | null {
    const file = this.#find(path);
    if (this.#unreadable?.path === path) throw new DiskError("read", path, this.#unreadable.code);
    return file instanceof FileNode ? file.live.slice() : null;
  }

  open(path: string): DiskFile {
    return this.#handle(path, this.#file(path));
  }

  create(path: string, sizeBytes: number): DiskFile {
    this.#begin();
    const { directory, name } = this.#parent(path);
    const file = new FileNode();
    directory.change((names) => names.set(name, file));
    this.#step();
    const handle = this.#handle(path, file);
    if (sizeBytes === 0) return handle;
    try {
      handle.write(new Uint8Array(sizeBytes), 0);
    } catch (error) {
      if (error instanceof DiskError) {
        handle.close();
        this.remove(path);
      }
      throw error;
    }
    return handle;
  }

  rename(from: string, to: string): void {
    this.#begin();
    const source = this.#parent(from);
    const target = this.#parent(to);
    assert(source.directory === target.directory, "a rename within one directory");
    const node = source.directory.live.get(source.name);
    if (node === undefined) throw new DiskError("rename", from, "ENOENT");
    source.directory.change((names) => {
      names.delete(source.name);
      names.set(target.name, node);
    });
    this.#step();
  }

  remove(path: string): void {
    this.#begin();
    const { directory, name } = this.#parent(path);
    directory.change((names) => names.delete(name));
    this.#step();
  }

  syncDirectory(path: string): void {
    this.#step();
    this.watch?.("sync", path, null);
    const directory = this.#find(path);
    assert(directory instanceof DirectoryNode, `${path} to be a directory`);
    directory.settle();
  }

  lock(path: string): DiskLock | null {
    if (this.#find(path) === null) this.create(path, 0).close();
    const file = this.#find(path);
    assert(file instanceof FileNode, `${path} to be a file`);
    if (file.locked) return null;
    file.locked = true;
    file.live = new TextEncoder().encode("1\n");
    return { release: () => void (file.locked = false) };
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #handle(path: string, file: FileNode): DiskFile {
    const epoch = this.#epoch;
    const disk = this;
    const foreground: Description = { told: file.failures.length };
    const background: Description = { told: file.failures.length };
    let syncing = false;
    let closed = false;
    this.openFiles++;
    const check = () => assert(epoch === disk.#epoch, `${path} not to be used after a crash`);
    return {
      path,
      get sizeBytes() {
        return file.live.length;
      },
      read: (into, offset) => {
        check();
        const bad = disk.#unreadable;
        if (bad?.path === path && bad.offset >= offset && bad.offset < offset + into.length) {
          throw new DiskError("read", path, bad.code);
        }
        const part = file.live.subarray(offset, offset + into.length);
        into.set(part);
        return part.length;
      },
      write: (bytes, offset) => {
        check();
        disk.#write(path, file, bytes, offset);
      },
      sync: () => {
        check();
        disk.#step();
        disk.watch?.("sync", path, null);
        disk.#sync(path, file, file.pending, foreground);
      },
      syncInBackground: (done) => {
        check();
        assert(!syncing, "one background sync at a time");
        syncing = true;
        const started = file.pending.slice();
        let outcome: { readonly error: DiskError | null } | null = null;
        const writeBack = (): void => {
          if (!disk.#writingBack.delete(writeBack)) return;
          try {
            disk.#sync(path, file, started, background);
            outcome = { error: null };
          } catch (failure) {
            assert(failure instanceof DiskError, "a sync to fail with DiskError only");
            outcome = { error: failure };
          }
        };
        disk.#writingBack.add(writeBack);
        disk.#schedule(() => {
          if (epoch !== disk.#epoch) return;
          syncing = false;
          writeBack();
          done(outcome?.error ?? null);
        });
      },
      map: () => {
        check();
        file.mapped = true;
        return file.live;
      },
      close: () => {
        if (!closed && epoch === disk.#epoch) disk.openFiles--;
        closed = true;
      },
    };
  }

  #write(path: string, file: FileNode, bytes: Uint8Array, offset: number): void {
    this.#begin();
    const growth = offset + bytes.length - file.live.length;
    if (growth > 0) {
      assert(!file.mapped, "a mapped file not to grow");
      if (growth > this.freeBytes) throw new DiskError("write", path, "ENOSPC");
      this.freeBytes -= growth;
      const grown = new Uint8Array(offset + bytes.length);
      grown.set(file.live);
      file.live = grown;
    }
    const failure = this.#takeWriteError();
    // A copy even if `bytes` is a Buffer, whose `slice` is none.
    const stored = new Uint8Array(failure === null ? bytes : bytes.subarray(0, failure.keptBytes));
    file.live.set(stored, offset);
    file.pending.push({ offset, bytes: stored });
    this.watch?.("write", path, stored);
    this.#step();
    if (failure !== null) throw new DiskError("write", path, failure.code);
  }

  #sync(path: string, file: FileNode, writes: readonly PendingWrite[], description: Description): void {
    const failure = this.#takeSyncError();
    for (const write of writes) {
      // Another sync may have been faster.
      if (failure === null && file.pending.includes(write)) store(file, write.bytes, write.offset);
    }
    file.pending = file.pending.filter((write) => !writes.includes(write));
    if (failure !== null) file.failures.push(failure);
    const untold = file.failures[description.told];
    description.told = file.failures.length;
    if (untold !== undefined) throw new DiskError("sync", path, untold);
  }

  #takeWriteError(): { readonly code: string; readonly keptBytes: number } | null {
    const next = this.#nextWriteError;
    if (next === null) return null;
    this.#nextWriteError = next.after > 0 ? { ...next, after: next.after - 1 } : null;
    return next.after > 0 ? null : next;
  }

  #takeSyncError(): string | null {
    const next = this.#nextSyncError;
    if (next === null) return null;
    this.#nextSyncError = next.after > 0 ? { ...next, after: next.after - 1 } : null;
    return next.after > 0 ? null : next.code;
  }

  /** What the process still tries on its way out, once the power has gone, changes nothing. */
  #begin(): void {
    if (this.operations >= this.#powerCutAt) throw new PowerCut("the power has gone");
  }

  #step(): void {
    this.operations++;
    if (this.operations >= this.#powerCutAt) throw new PowerCut("the power went");
  }

  #settle(directory: DirectoryNode, kept: Kept): void {
    for (const change of directory.pending) if (kept(1) > 0) change(directory.durable);
    directory.pending = [];
    directory.live = new Map(directory.durable);
    for (const node of directory.live.values()) {
      if (node instanceof DirectoryNode) this.#settle(node, kept);
      else settleFile(node, kept);
    }
  }

  #eachFile(directory: DirectoryNode, visit: (file: FileNode) => void): void {
    for (const node of directory.live.values()) {
      if (node instanceof DirectoryNode) this.#eachFile(node, visit);
      else visit(node);
    }
  }

  #find(path: string): TreeNode | null {
    let node: TreeNode = this.#root;
    for (const name of partsOf(path)) {
      const next: TreeNode | undefined = node instanceof DirectoryNode ? node.live.get(name) : undefined;
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  #findDurable(path: string): TreeNode | null {
    let node: TreeNode = this.#root;
    for (const name of partsOf(path)) {
      const next: TreeNode | undefined = node instanceof DirectoryNode ? node.durable.get(name) : undefined;
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  #file(path: string): FileNode {
    const file = this.#find(path);
    if (!(file instanceof FileNode)) throw new DiskError("open", path, "ENOENT");
    return file;
  }

  #parent(path: string): { directory: DirectoryNode; name: string } {
    const parts = partsOf(path);
    const name = parts.pop();
    const directory = this.#find(parts.join("/"));
    if (name === undefined || !(directory instanceof DirectoryNode))
      throw new DiskError("find", path, "ENOENT");
    return { directory, name };
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}

/** How many of `length` bytes, or of one change of a directory, a power cut leaves: those from the beginning. */
type Kept = (length: number) => number;

function settleFile(file: FileNode, kept: Kept): void {
  for (const { offset, bytes } of file.pending) {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + sectorBytes - ((offset + at) % sectorBytes));
      const count = kept(end - at);
      if (count > 0) store(file, bytes.subarray(at, at + count), offset + at);
      at = end;
    }
  }
  file.pending = [];
  file.live = file.durable.slice();
}

function store(file: FileNode, bytes: Uint8Array, offset: number): void {
  if (offset + bytes.length > file.durable.length) {
    const grown = new Uint8Array(offset + bytes.length);
    grown.set(file.durable);
    file.durable = grown;
  }
  file.durable.set(bytes, offset);
}
