// Term and vote (Figure 3.1, persistent state): what a node must never forget, or it could vote twice in a term and help
// to elect two leaders. One small file that never changes its size, with two copies a page apart:
//
//   offset  size                                       (copy A at 0, copy B at 4096)
//        0     8  "vlothard"
//        8     4  format version (1)
//       12     4  votedFor, 0 for none
//       16     8  sequence number of the write
//       24     8  currentTerm
//       32     8  secured index: all entries up to here were durable on this node and committed
//       40    72  owner (owner.ts)
//      112     8  claimed index: what this node had vouched for when it found its log damaged; 0 for a sound one
//      124     4  CRC-32 of all before
//
// Each change writes copy A, syncs, writes copy B, syncs; only then may a message leave that depends on it. So a crash
// leaves at least one copy whole, and when one copy is bad the other is the newest state that anybody was told of: a torn
// A was never relied on, and a B that is bad by itself has its twin in A. (Writing the copies in turns would save a sync
// but would answer one damaged sector with an old vote.) Elections are rare: the second sync costs them 0.1 ms.
//
// The secured index tells recovery that entries must be there (recovery.ts). Committed entries are never truncated, so
// it never has to go back. It is noted in memory as it moves and reaches the disk with the next write.
//
// The claimed index does the same for a log that was found damaged while the node was at work: the next start might take
// the damage for a torn end otherwise. It covers entries that may yet be truncated, so a start that finds them all clears it.

import { assert } from "../base/assert.ts";
import { bytesOf } from "../base/byte-strings.ts";
import type { HardState, LogIndex, NodeId, Term } from "../raft/types.ts";
import { type Disk, DiskError, type DiskFile } from "./disk.ts";
import { HardStateDamagedError, newerFormat, rejoinAdvice, StorageError } from "./errors.ts";
import { checkOwner, type Owner, readOwner, writeOwner } from "./owner.ts";
import { getUint53, setUint53 } from "./uint53.ts";

/** Copies lie in different pages, so that no single sector holds both. */
const copyDistanceBytes = 4096;
const fileBytes = 2 * copyDistanceBytes;
const copyOffsets: readonly number[] = [0, copyDistanceBytes];
const copyBytes = 128;
const magic = bytesOf("vlothard");
const formatVersion = 1;
const ownerOffset = 40;
const claimedOffset = 112;
const crcOffset = 124;

/** The open file; each change is durable when the call returns. See the file's header. */
export class HardStateFile {
  readonly #file: DiskFile;
  readonly #copy: Uint8Array;
  readonly #view: DataView;
  #sequence: number;
  #currentTerm: Term;
  #votedFor: NodeId;
  #securedIndex: LogIndex;
  #storedSecuredIndex: LogIndex;
  #claimedIndex: LogIndex;
  #failure: DiskError | null = null;

  private constructor(file: DiskFile, copy: Uint8Array) {
    this.#file = file;
    this.#copy = copy;
    this.#view = viewOf(copy);
    this.#votedFor = this.#view.getUint32(12, true);
    this.#sequence = getUint53(this.#view, 16);
    this.#currentTerm = getUint53(this.#view, 24);
    this.#securedIndex = getUint53(this.#view, 32);
    this.#storedSecuredIndex = this.#securedIndex;
    this.#claimedIndex = getUint53(this.#view, claimedOffset);
  }

  /** Makes the file of a new node: term 0, no vote. Durable on return but for its name in the directory. */
  static create(disk: Disk, path: string, owner: Owner): void {
    const copy = new Uint8Array(copyBytes);
    copy.set(magic);
    viewOf(copy).setUint32(8, formatVersion, true);
    writeOwner(copy, ownerOffset, owner);
    const file = new HardStateFile(disk.create(path, fileBytes), copy);
    try {
      file.#write();
    } finally {
      file.close();
    }
  }

  /** Throws StorageError when it is missing, damaged beyond doubt, another node's or newer; DiskError as ever. */
  static open(disk: Disk, path: string, owner: Owner): HardStateFile {
    const file = openExisting(disk, path);
    try {
      const { newest, copies } = copiesIn(file, owner);
      const state = new HardStateFile(file, newest);
      // What was read may be in the page cache only, and a copy may be bad or old: make both good again. A good one last,
      // for its own write may be torn.
      const isGood = ({ state: found }: StoredCopy): number => (found === "newest" ? 1 : 0);
      state.#write([...copies].sort((a, b) => isGood(a) - isGood(b)).map(({ offset }) => offset));
      return state;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get currentTerm(): Term {
    return this.#currentTerm;
  }

  /** Who got this node's vote in the current term; 0 for nobody. */
  get votedFor(): NodeId {
    return this.#votedFor;
  }

  get securedIndex(): LogIndex {
    return this.#securedIndex;
  }

  /** No entry up to here may be missing: all are known to have been durable. */
  get requiredIndex(): LogIndex {
    return Math.max(this.#securedIndex, this.#claimedIndex);
  }

  /** Stores term and vote, durably on return. A DiskError is final: every later call throws it again. */
  save(state: HardState): void {
    assert(state.currentTerm >= this.#currentTerm, "a term that never goes back");
    assert(
      state.currentTerm > this.#currentTerm || this.#votedFor === 0 || state.votedFor === this.#votedFor,
      "one vote a term",
    );
    this.#currentTerm = state.currentTerm;
    this.#votedFor = state.votedFor;
    this.#write();
  }

  /** Notes that all entries up to `index` are durable on this node and committed. Stored with the next write. */
  noteSecured(index: LogIndex): void {
    this.#securedIndex = Math.max(this.#securedIndex, index);
  }

  /** Stores the secured index if it has moved; for a node that is idle or stops. */
  saveSecured(): void {
    if (this.#securedIndex !== this.#storedSecuredIndex) this.#write();
  }

  /** Notes durably that the log, found damaged, must not come back without the entries up to `index`; 0 takes it back. */
  claim(index: LogIndex): void {
    if (index === this.#claimedIndex) return;
    this.#claimedIndex = index;
    this.#write();
  }

  close(): void {
    this.#file.close();
  }

  #write(offsets: readonly number[] = copyOffsets): void {
    if (this.#failure !== null) throw this.#failure;
    const view = this.#view;
    view.setUint32(12, this.#votedFor, true);
    setUint53(view, 16, ++this.#sequence);
    setUint53(view, 24, this.#currentTerm);
    setUint53(view, 32, this.#securedIndex);
    setUint53(view, claimedOffset, this.#claimedIndex);
    view.setUint32(crcOffset, crcOf(this.#copy), true);
    try {
      for (const offset of offsets) {
        this.#file.write(this.#copy, offset);
        this.#file.sync();
      }
    } catch (error) {
      if (error instanceof DiskError) this.#failure = error;
      throw error;
    }
    this.#storedSecuredIndex = this.#securedIndex;
  }
}

/** What the file holds, and in which state each copy was found. */
export interface StoredHardState extends HardState {
  readonly securedIndex: LogIndex;
  /** As in HardStateFile. */
  readonly requiredIndex: LogIndex;
  readonly owner: Owner;
  readonly copies: readonly StoredCopy[];
}

/** One of the two copies. */
export interface StoredCopy {
  readonly offset: number;
  /** `older` when a write ended between the two, which is in order. */
  readonly state: "newest" | "older" | "bad";
}

/** Reads the file and changes nothing. Throws as `open` does; an `owner` of null is not looked at. */
export function readHardState(disk: Disk, path: string, owner: Owner | null): StoredHardState {
  const file = openExisting(disk, path);
  try {
    const { newest, copies } = copiesIn(file, owner);
    const view = viewOf(newest);
    const securedIndex = getUint53(view, 32);
    return {
      currentTerm: getUint53(view, 24),
      votedFor: view.getUint32(12, true),
      securedIndex,
      requiredIndex: Math.max(securedIndex, getUint53(view, claimedOffset)),
      owner: readOwner(newest, ownerOffset),
      copies,
    };
  } finally {
    file.close();
  }
}

function openExisting(disk: Disk, path: string): DiskFile {
  try {
    return disk.open(path);
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== "ENOENT") throw error;
    const finding = `term and vote are missing: no ${path}. ${rejoinAdvice}`;
    throw new StorageError("HARD_STATE_MISSING", path, finding);
  }
}

/** The newest good copy, and the state of both. */
function copiesIn(
  file: DiskFile,
  owner: Owner | null,
): { readonly newest: Uint8Array; readonly copies: readonly StoredCopy[] } {
  const { path } = file;
  const found = copyOffsets.map((offset) => ({ offset, bytes: readCopy(file, offset) }));
  const good = found.flatMap(({ bytes }) => bytes ?? []).sort((a, b) => sequenceOf(b) - sequenceOf(a));
  const newest = good[0];
  if (newest === undefined || file.sizeBytes !== fileBytes) throw new HardStateDamagedError(path);
  const version = viewOf(newest).getUint32(8, true);
  if (version !== formatVersion) throw newerFormat(path, 0, version);
  if (owner !== null) checkOwner(newest, ownerOffset, owner, path);
  const copies = found.map(({ offset, bytes }): StoredCopy => {
    if (bytes === null) return { offset, state: "bad" };
    return { offset, state: sequenceOf(bytes) === sequenceOf(newest) ? "newest" : "older" };
  });
  return { newest, copies };
}

/** Null for a copy that is not whole, or in a sector that cannot be read: the other one counts then. */
function readCopy(file: DiskFile, offset: number): Uint8Array | null {
  const copy = new Uint8Array(copyBytes);
  try {
    file.read(copy, offset);
  } catch (error) {
    if (!(error instanceof DiskError) || error.leavesOpen) throw error;
    return null;
  }
  return isWhole(copy) ? copy : null;
}

function isWhole(copy: Uint8Array): boolean {
  if (viewOf(copy).getUint32(crcOffset, true) !== crcOf(copy)) return false;
  return magic.equals(copy.subarray(0, magic.length));
}

function sequenceOf(copy: Uint8Array): number {
  return getUint53(viewOf(copy), 16);
}

function crcOf(copy: Uint8Array): number {
  return Bun.hash.crc32(copy.subarray(0, crcOffset));
}

function viewOf(copy: Uint8Array): DataView {
  return new DataView(copy.buffer, copy.byteOffset, copy.length);
}
