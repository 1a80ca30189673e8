// The body of a `command` entry: the commands of all clients that arrived in one turn of the leader.
//
//   u8  format version (1)
//   then one item after another:
//   u8  kind (1 = command)   u8 database   u32 argument count
//   per argument: u32 length, bytes                                  (all integers little endian)
//
// The builder leaves room for the record's header in front, so that the log fills it in place and writes the buffer as
// it is. Encoding three short arguments takes about 0.1 µs.

import { assert } from "../base/assert.ts";

const formatVersion = 1;
const commandItem = 1;
const itemHeaderBytes = 6;

/** Collects the commands of one turn in a buffer that is used again for the next. */
export class BatchBuilder {
  readonly #headerBytes: number;
  #buffer: Buffer;
  #length = 0;
  #count = 0;

  /** `headerBytes` is the room left in front of the body for the record's header. */
  constructor(headerBytes: number) {
    this.#headerBytes = headerBytes;
    this.#buffer = Buffer.allocUnsafe(initialCapacityBytes);
    this.clear();
  }

  /** Commands held. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the record so far, header included. */
  get sizeBytes(): number {
    return this.#length;
  }

  add(dbIndex: number, args: readonly string[]): void {
    let at = this.#reserve(itemHeaderBytes);
    const buffer = this.#buffer;
    buffer[at] = commandItem;
    buffer[at + 1] = dbIndex;
    at = writeUint32(buffer, args.length, at + 2);
    for (let i = 0; i < args.length; i++) {
      const arg = args[i] as string;
      at = this.#reserve(4 + arg.length);
      this.#buffer.latin1Write(arg, writeUint32(this.#buffer, arg.length, at), arg.length);
    }
    this.#count++;
  }

  /** The record with free room for its header; valid until the next `add` or `clear`. */
  record(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    // A burst of huge values must not pin its memory for ever.
    if (this.#buffer.length > keptCapacityBytes) this.#buffer = Buffer.allocUnsafe(initialCapacityBytes);
    // An old record's header, or what else lay in this memory, must not be taken for that of the next.
    this.#buffer.fill(0, 0, this.#headerBytes);
    this.#count = 0;
    this.#length = this.#headerBytes + 1;
    this.#buffer[this.#headerBytes] = formatVersion;
  }

  /** Makes room for `bytes` more and returns where they go. */
  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length = at + bytes;
    if (this.#length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    return at;
  }
}

const initialCapacityBytes = 64 * 1024;
const keptCapacityBytes = 8 * 1024 * 1024;

/**
 * Calls `visit` for each command of a `command` entry's body, in order. The body has passed its record's checksum, so a
 * malformed one is a bug or a newer format: both must stop the node.
 */
export function forEachCommand(body: Uint8Array, visit: (dbIndex: number, args: string[]) => void): void {
  assert(body[0] === formatVersion, `a batch of format ${formatVersion}`);
  let at = 1;
  while (at < body.length) {
    assert(body[at] === commandItem, `an item of kind ${commandItem} in a batch`);
    const dbIndex = body[at + 1] as number;
    const count = readUint32(body, at + 2);
    at += itemHeaderBytes;
    const args = new Array<string>(count);
    for (let i = 0; i < count; i++) {
      const length = readUint32(body, at);
      at += 4;
      args[i] = byteStringOf(body, at, at + length);
      at += length;
    }
    assert(at <= body.length, "a batch that ends with its last argument");
    visit(dbIndex, args);
  }
}

/** Whether a command of so many arguments may stand in a batch; `name` and `subname` are the first two. */
export type MayBeLogged = (dbIndex: number, name: string, subname: string, argumentCount: number) => boolean;

/**
 * What is wrong with the body of a `command` entry that came from another node, null when nothing is. Once such an entry
 * is committed, every replica has to execute it, so this is asked before it enters the log. Never throws. About 0.1 µs a
 * command.
 */
export function batchProblem(body: Uint8Array, mayBeLogged: MayBeLogged): string | null {
  if (body[0] !== formatVersion) return `a batch of format ${body[0]}`;
  let at = 1;
  while (at < body.length) {
    if (body[at] !== commandItem || at + itemHeaderBytes > body.length) return "an item of unknown kind";
    const dbIndex = body[at + 1] as number;
    const count = readUint32(body, at + 2);
    at += itemHeaderBytes;
    let name = "";
    let subname = "";
    for (let i = 0; i < count; i++) {
      const end = at + 4 <= body.length ? at + 4 + readUint32(body, at) : Infinity;
      if (end > body.length) return "an argument that is cut off";
      if (i === 0) name = byteStringOf(body, at + 4, Math.min(end, at + 4 + wordBytesMax));
      else if (i === 1) subname = byteStringOf(body, at + 4, Math.min(end, at + 4 + wordBytesMax));
      at = end;
    }
    if (!mayBeLogged(dbIndex, name, subname, count)) return "a command that no leader logs";
  }
  return null;
}

/** Longer than any command's name. */
const wordBytesMax = 64;

// Buffer's method works on any Uint8Array; calling it so saves wrapping each body (70 ns).
const latin1Slice = Buffer.prototype.latin1Slice;

function byteStringOf(bytes: Uint8Array, from: number, to: number): string {
  return latin1Slice.call(bytes, from, to);
}

function writeUint32(buffer: Uint8Array, value: number, at: number): number {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
  return at + 4;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
