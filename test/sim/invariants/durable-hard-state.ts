// What a power cut now would leave of a node's term and vote for sure. The format (src/storage/hard-state.ts) is read here
// by itself, so that a mistake of the code under test does not excuse itself.

import type { HardState, LogIndex } from "../../../src/raft/types.ts";
import { getUint53 } from "../../../src/storage/uint53.ts";
import type { MemoryDisk } from "../../storage/memory-disk.ts";

export interface DurableState extends HardState {
  readonly sequence: number;
  readonly securedIndex: LogIndex;
}

const copyOffsets = [0, 4096];
const crcOffset = 124;
const copyBytes = 128;

export class DurableHardState {
  readonly #disk: MemoryDisk;
  readonly #path: string;
  #last: DurableState | null = null;
  /** What was there when somebody damaged it: the node had it on disk, and owes nobody that it stays there. */
  #damaged: DurableState | null = null;

  constructor(disk: MemoryDisk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** The newest that the node has had on disk in this life, as of the last look when it was damaged since; or null. */
  get stored(): DurableState | null {
    const found = this.read();
    const damaged = this.#damaged;
    return damaged !== null && (found === null || found.sequence < damaged.sequence) ? damaged : found;
  }

  /** The disk was damaged from outside a moment ago. */
  noteDamage(): void {
    const before = this.#last;
    if (before !== null && before.sequence > (this.#damaged?.sequence ?? -1)) this.#damaged = before;
    // What was found good may be so no more.
    this.#last = null;
  }

  /** The newest good copy; null when there is none. */
  read(): DurableState | null {
    const bytes = this.#disk.durable(this.#path);
    if (bytes === null) return null;
    let newest: DurableState | null = null;
    for (const offset of copyOffsets) {
      const copy = bytes.subarray(offset, offset + copyBytes);
      if (copy.length < copyBytes) continue;
      const view = new DataView(copy.buffer, copy.byteOffset, copyBytes);
      const sequence = getUint53(view, 16);
      const state = this.#last?.sequence === sequence ? this.#last : stateOf(copy, view);
      if (state !== null && (newest === null || state.sequence > newest.sequence)) newest = state;
    }
    this.#last = newest;
    return newest;
  }
}

function stateOf(copy: Uint8Array, view: DataView): DurableState | null {
  if (view.getUint32(crcOffset, true) !== Bun.hash.crc32(copy.subarray(0, crcOffset))) return null;
  return {
    votedFor: view.getUint32(12, true),
    sequence: getUint53(view, 16),
    currentTerm: getUint53(view, 24),
    securedIndex: getUint53(view, 32),
  };
}
