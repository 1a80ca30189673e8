// A frame: what travels on a link between two nodes once both have agreed to speak frames. This file knows their shape
// and nothing of what the fields mean.
//
//   offset  size
//        0     4  length of everything after this field, little-endian as all numbers here
//        4     4  CRC-32 of everything after this field
//        8     1  type (`frameType`)
//        9     1  version of the frame format, 1
//       10     2  h, length of the header
//       12     h  header: a msgpack array of numbers and booleans (`header-codec.ts`)
//     12+h        body: raw bytes, such as log records exactly as they are on disk
//
// The checksum costs next to nothing (over 20 GB/s here) and catches what TCP's 16 bits let through. It also covers the
// log bytes that a queued frame only points to: should they have changed before they left, the receiver refuses the frame.

import { headerBytesMax, packHeader, unpackHeader } from "./header-codec.ts";
import type { HeaderField } from "./header-codec.ts";

export const frameVersion = 1;
export const framePrefixBytes = 12;
const lengthFieldBytes = 4;
const checksumStart = 8;

export const frameType = {
  appendEntries: 1,
  appendEntriesResponse: 2,
  requestVote: 3,
  requestVoteResponse: 4,
  timeoutNow: 5,
  /** Says nothing but "I am here"; keeps a silent link from being taken for dead. */
  alive: 6,
  /** Tells a node that it is no longer a member: [index of the entry that removed it]. */
  removed: 7,
  proxyRequests: 8,
  proxyResponses: 9,
} as const;

export type FrameType = (typeof frameType)[keyof typeof frameType];

const frameTypes: readonly number[] = Object.values(frameType);

/**
 * Up to this size a frame is copied into one buffer: one system call instead of two or more. Entries of 16 kB went at
 * 890 MB/s so and at 540 MB/s in pieces.
 */
const joinBytesMax = 64 * 1024;

/**
 * Encodes a frame as the pieces to write one after the other. Small ones are copied into a single piece; of larger ones
 * the pieces of `body` are used as they are and must not change until they have been written.
 */
export function encodeFrame(
  type: FrameType,
  fields: readonly HeaderField[],
  body: readonly Uint8Array[],
): readonly Uint8Array[] {
  const head = packHeader(fields, framePrefixBytes);
  let sizeBytes = head.length;
  for (let i = 0; i < body.length; i++) sizeBytes += body[i]!.length;
  head.writeUInt32LE(sizeBytes - lengthFieldBytes, 0);
  head[8] = type;
  head[9] = frameVersion;
  head.writeUInt16LE(head.length - framePrefixBytes, 10);
  let checksum = Bun.hash.crc32(head.subarray(checksumStart));
  for (let i = 0; i < body.length; i++) checksum = Bun.hash.crc32(body[i]!, checksum);
  head.writeUInt32LE(checksum, 4);
  if (body.length === 0) return [head];
  if (sizeBytes <= joinBytesMax) return [Buffer.concat([head, ...body], sizeBytes)];
  return [head, ...body];
}

/** One frame that came in. The parser reuses a single object: it is valid until the next call into the parser. */
export class Frame {
  type = 0;
  fields: readonly HeaderField[] = [];
  /** Valid until the next call into the parser; `takeBody` for longer. */
  body: Uint8Array = noBytes;
  /** Whether `body`'s buffer belongs to this frame alone. */
  ownsBody = false;

  /** The body in a buffer that nobody else uses. */
  takeBody(): Uint8Array {
    // Not `slice`: of a Buffer, that is a view.
    return this.ownsBody ? this.body : new Uint8Array(this.body);
  }
}

const noBytes = new Uint8Array(0);
const assemblyBytesMin = 4096;

/**
 * Cuts a stream of bytes into frames, however the network chops it up. A frame that does not arrive whole is collected
 * in a buffer that grows with what has come in, to at most twice that, whatever length the frame claims to have.
 */
export class FrameParser {
  readonly #frameBytesMax: number;
  readonly #frame = new Frame();
  /** What has not been looked at yet is `[#offset, #chunk.length)`. */
  #chunk: Uint8Array = noBytes;
  #offset = 0;
  /** The beginning of a frame whose end has not arrived; `#collected` bytes of it are filled. */
  #assembly: Uint8Array | null = null;
  #collected = 0;
  /** Why the stream is beyond repair, or null. Set once, and `next` answers null from then on. */
  error: string | null = null;

  /** `frameBytesMax` bounds a whole frame. */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Gives the next bytes. Must follow a `next` that answered null; `chunk` is used until the next such answer. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** The next whole frame, or null when more bytes are needed or `error` is set. Never throws. */
  next(): Frame | null {
    if (this.error !== null) return null;
    if (this.#assembly === null) {
      const frame = this.#nextInChunk();
      if (frame !== null || this.error !== null) return frame;
      if (this.#offset === this.#chunk.length) return this.#starve();
      this.#assembly = new Uint8Array(assemblyBytesMin);
      this.#collected = 0;
    }
    return this.#nextCollected();
  }

  /** A frame that lies whole in the chunk, without copying it. */
  #nextInChunk(): Frame | null {
    const available = this.#chunk.length - this.#offset;
    if (available < framePrefixBytes) return null;
    const sizeBytes = this.#checkPrefix(this.#chunk, this.#offset);
    if (this.error !== null || available < sizeBytes) return null;
    const bytes = this.#chunk.subarray(this.#offset, this.#offset + sizeBytes);
    this.#offset += sizeBytes;
    return this.#decode(bytes, false);
  }

  #nextCollected(): Frame | null {
    if (!this.#collect(framePrefixBytes)) return this.#starve();
    const sizeBytes = this.#checkPrefix(this.#assembly!, 0);
    if (this.error !== null) return null;
    if (!this.#collect(sizeBytes)) return this.#starve();
    const bytes = this.#assembly!.subarray(0, sizeBytes);
    this.#assembly = null;
    return this.#decode(bytes, true);
  }

  /** Moves bytes from the chunk until `sizeBytes` are collected; false when the chunk has too few. */
  #collect(sizeBytes: number): boolean {
    const missing = sizeBytes - this.#collected;
    if (missing <= 0) return true;
    const count = Math.min(missing, this.#chunk.length - this.#offset);
    const collected = this.#collected + count;
    if (collected > this.#assembly!.length) {
      const grown = new Uint8Array(Math.min(sizeBytes, Math.max(collected, 2 * this.#collected)));
      grown.set(this.#assembly!.subarray(0, this.#collected));
      this.#assembly = grown;
    }
    this.#assembly!.set(this.#chunk.subarray(this.#offset, this.#offset + count), this.#collected);
    this.#offset += count;
    this.#collected = collected;
    return collected === sizeBytes;
  }

  /** Lets go of the chunk, which has been used up. */
  #starve(): null {
    this.#chunk = noBytes;
    this.#offset = 0;
    return null;
  }

  /** Size of the frame whose prefix is at `offset`; sets `error` when it cannot be one of ours. */
  #checkPrefix(bytes: Uint8Array, offset: number): number {
    const sizeBytes = lengthFieldBytes + readUint32(bytes, offset);
    const headerBytes = bytes[offset + 10]! | (bytes[offset + 11]! << 8);
    if (sizeBytes > this.#frameBytesMax) this.error = `a frame of ${sizeBytes} bytes is over the limit`;
    else if (bytes[offset + 9] !== frameVersion) this.error = `frame version ${bytes[offset + 9]} is unknown`;
    else if (!frameTypes.includes(bytes[offset + 8]!))
      this.error = `frame type ${bytes[offset + 8]} is unknown`;
    else if (headerBytes > headerBytesMax || framePrefixBytes + headerBytes > sizeBytes) {
      this.error = `a frame of ${sizeBytes} bytes cannot have a header of ${headerBytes}`;
    }
    return sizeBytes;
  }

  #decode(bytes: Uint8Array, ownsBody: boolean): Frame | null {
    if (Bun.hash.crc32(bytes.subarray(checksumStart)) !== readUint32(bytes, 4)) {
      this.error = "the checksum of a frame is wrong";
      return null;
    }
    const headerEnd = framePrefixBytes + (bytes[10]! | (bytes[11]! << 8));
    const fields = unpackHeader(bytes.subarray(framePrefixBytes, headerEnd));
    if (fields === null) {
      this.error = "the header of a frame is malformed";
      return null;
    }
    const frame = this.#frame;
    frame.type = bytes[8]!;
    frame.fields = fields;
    frame.body = bytes.subarray(headerEnd);
    frame.ownsBody = ownsBody;
    return frame;
  }
}

function readUint32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>>
    0
  );
}
