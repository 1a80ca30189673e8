// The replies of one client, encoded as RESP2 or RESP3 and waiting to be sent. No socket here: `flushTo` offers the bytes
// to a function that may take any part of them, and what it did not take stays, in order.
//
//   queue: [sealed chunk][a big bulk's own chunk][sealed chunk] …   then the open buffer: [sent | pending | room]
//
// Replies are written into the open buffer, which doubles up to 64 kB; when it is full it is sealed (moved to the queue)
// and another one begins. A bulk of 64 kB or more gets a chunk of its own, so its bytes are copied once. A client with
// nothing to send holds 16 kB at most, and nothing at all before its first reply. Sealed chunks and the open buffer may
// be parts of the same memory; it is written again only when everything in it has gone out.
//
// Measured on the project's machine (2 shared cores), flushed every 16 replies: +OK 11 ns (91 M/s), an integer of 5 digits
// 24-36 ns, a bulk of 128 bytes 43-53 ns (2.6-3.1 GB/s); flushed one by one 47 ns and 78 ns.
// Up to 16 chars a loop over the chars beats latin1Write (14 ns against 16 ns; 4 chars 5 ns against 18 ns), beyond them
// latin1Write wins (32 chars: 18 ns against 48 ns).

import { assert } from "../base/assert.ts";
import { formatDouble } from "../base/format-double.ts";
import type { Reply } from "./reply.ts";

/** The open buffer's largest size, and the length from which a bulk gets a chunk of its own. */
const chunkBytes = 64 * 1024;
const firstBufferBytes = 512;
/** A larger buffer is given back when everything has been sent. */
const keptBufferBytes = 16 * 1024;
/** Longer strings are written by latin1Write. */
const loopCharsMax = 16;
/** The longest header: a type byte, 19 digits and a sign, CR LF; also the longest integer reply. */
const headerBytesMax = 24;

const emptyBuffer = Buffer.alloc(0);

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const zero = 0x30;
const minus = 0x2d;
const typeSimple = 0x2b; // +
const typeError = 0x2d; // -
const typeInteger = 0x3a; // :
const typeBulk = 0x24; // $
const typeArray = 0x2a; // *
const typeMap = 0x25; // %
const typeSet = 0x7e; // ~
const typePush = 0x3e; // >
const typeDouble = 0x2c; // ,
const typeBigNumber = 0x28; // (

export class ReplyBuffer implements Reply {
  /** May change between replies (HELLO, RESET); what is encoded stays as it is. */
  protocol: 2 | 3 = 2;
  /** Errors ever written, and the text of the latest; for statistics. */
  errorCount = 0;
  lastError = "";

  #open: Buffer = emptyBuffer;
  /** Pending bytes of the open buffer are `[#from, #to)`. */
  #from = 0;
  #to = 0;
  #queue: Uint8Array[] = [];
  #queueHead = 0;
  /** How much of the queue's first chunk has been sent. */
  #headSent = 0;
  #queuedBytes = 0;

  /** How many bytes wait to be sent; for client-output-buffer-limit. */
  get sizeBytes(): number {
    return this.#queuedBytes + this.#to - this.#from;
  }

  /** Size of the open buffer, used or not. */
  get capacityBytes(): number {
    return this.#open.length;
  }

  ok(): void {
    this.#text("+OK\r\n");
  }

  simple(text: string): void {
    this.#line(typeSimple, text);
  }

  error(text: string): void {
    // Mostly there is nothing to replace, and then replacing would only cost a copy.
    const safe = text.includes("\r") || text.includes("\n") ? withoutLineEnds(text) : text;
    this.#line(typeError, safe);
    this.errorCount++;
    this.lastError = safe;
  }

  integer(value: number | bigint): void {
    if (typeof value === "bigint") {
      this.#line(typeInteger, value.toString());
      return;
    }
    assert(Number.isSafeInteger(value), "a safe integer");
    this.#header(typeInteger, value);
  }

  bulk(value: string): void {
    const length = value.length;
    if (length >= chunkBytes) {
      this.#bigBulk(`$${length}\r\n`, value);
      return;
    }
    this.#header(typeBulk, length);
    this.#reserve(length + 2);
    this.#write(value);
    this.#endLine();
  }

  nil(): void {
    this.#text(this.protocol === 3 ? "_\r\n" : "$-1\r\n");
  }

  nilArray(): void {
    this.#text(this.protocol === 3 ? "_\r\n" : "*-1\r\n");
  }

  array(length: number): void {
    this.#header(typeArray, length);
  }

  map(pairs: number): void {
    if (this.protocol === 3) this.#header(typeMap, pairs);
    else this.#header(typeArray, pairs * 2);
  }

  set(length: number): void {
    this.#header(this.protocol === 3 ? typeSet : typeArray, length);
  }

  push(length: number): void {
    this.#header(this.protocol === 3 ? typePush : typeArray, length);
  }

  double(value: number): void {
    if (this.protocol === 3) this.#line(typeDouble, formatDouble(value));
    else this.bulk(formatDouble(value));
  }

  boolean(value: boolean): void {
    if (this.protocol === 3) this.#text(value ? "#t\r\n" : "#f\r\n");
    else this.#text(value ? ":1\r\n" : ":0\r\n");
  }

  bigNumber(digits: string): void {
    if (this.protocol === 3) this.#line(typeBigNumber, digits);
    else this.bulk(digits);
  }

  verbatim(format: string, text: string): void {
    if (this.protocol === 2) {
      this.bulk(text);
      return;
    }
    assert(format.length === 3, "a verbatim format of three letters");
    const head = `=${text.length + 4}\r\n${format}:`;
    if (text.length >= chunkBytes) {
      this.#bigBulk(head, text);
      return;
    }
    this.#text(head);
    this.#reserve(text.length + 2);
    this.#write(text);
    this.#endLine();
  }

  /** Appends a reply that is encoded already. 64 kB or more are not copied: then `bytes` must not change until sent. */
  appendRaw(bytes: Uint8Array): void {
    if (bytes.length >= chunkBytes) {
      this.#seal();
      this.#enqueue(bytes);
      return;
    }
    this.#reserve(bytes.length);
    this.#open.set(bytes, this.#to);
    this.#to += bytes.length;
  }

  /**
   * Offers the pending bytes to `write`, chunk by chunk, until it does not take a whole one. `write` returns how many bytes
   * it took (or copied): 0 or less is none. True when everything has gone out. The chunk is only lent for the call.
   */
  flushTo(write: (chunk: Uint8Array) => number): boolean {
    for (;;) {
      const head = this.#queue[this.#queueHead];
      if (head === undefined) break;
      const part = this.#headSent === 0 ? head : head.subarray(this.#headSent);
      const taken = Math.max(0, write(part));
      this.#queuedBytes -= taken;
      if (taken < part.length) {
        this.#headSent += taken;
        return false;
      }
      this.#headSent = 0;
      this.#queueHead++;
      this.#trimQueue();
    }
    if (this.#to > this.#from) {
      const part = this.#open.subarray(this.#from, this.#to);
      const taken = Math.max(0, write(part));
      this.#from += taken;
      if (taken < part.length) return false;
    }
    this.#from = 0;
    this.#to = 0;
    if (this.#open.length > keptBufferBytes) this.#open = emptyBuffer;
    return true;
  }

  /** Takes all pending bytes away, in one buffer that belongs to the caller. */
  takeAll(): Uint8Array {
    const all = Buffer.allocUnsafeSlow(this.sizeBytes);
    let at = 0;
    this.flushTo((chunk) => {
      all.set(chunk, at);
      at += chunk.length;
      return chunk.length;
    });
    return all;
  }

  /** A type byte, an integer and the line's end; `value` must be a safe integer. */
  #header(type: number, value: number): void {
    this.#reserve(headerBytesMax);
    const open = this.#open;
    let at = this.#to;
    open[at++] = type;
    if (value >= 0 && value < 10) {
      open[at++] = zero + value;
    } else {
      let rest = value;
      if (rest < 0) {
        open[at++] = minus;
        rest = -rest;
      }
      let digitAt = at + decimalDigits(rest);
      at = digitAt;
      // Above 2^31 the quotient needs Math.floor on a float; below, an integer division does.
      while (rest > 0x7fff_ffff) {
        const quotient = Math.floor(rest / 10);
        open[--digitAt] = zero + (rest - quotient * 10);
        rest = quotient;
      }
      let small = rest | 0;
      do {
        const quotient = (small / 10) | 0;
        open[--digitAt] = zero + (small - quotient * 10);
        small = quotient;
      } while (small > 0);
    }
    open[at++] = carriageReturn;
    open[at++] = lineFeed;
    this.#to = at;
  }

  #line(type: number, text: string): void {
    this.#reserve(text.length + 3);
    this.#open[this.#to++] = type;
    this.#write(text);
    this.#endLine();
  }

  /** Writes a few chars, with room made for them. */
  #text(text: string): void {
    this.#reserve(text.length);
    this.#write(text);
  }

  /** Room has been made by the caller. */
  #write(text: string): void {
    const length = text.length;
    if (length > loopCharsMax) {
      this.#open.latin1Write(text, this.#to, length);
      this.#to += length;
      return;
    }
    const open = this.#open;
    let at = this.#to;
    for (let index = 0; index < length; index++) open[at++] = text.charCodeAt(index);
    this.#to = at;
  }

  #endLine(): void {
    this.#open[this.#to++] = carriageReturn;
    this.#open[this.#to++] = lineFeed;
  }

  #bigBulk(head: string, value: string): void {
    this.#seal();
    const chunk = Buffer.allocUnsafeSlow(head.length + value.length + 2);
    chunk.latin1Write(head, 0, head.length);
    chunk.latin1Write(value, head.length, value.length);
    chunk[chunk.length - 2] = carriageReturn;
    chunk[chunk.length - 1] = lineFeed;
    this.#enqueue(chunk);
  }

  /** Makes room for `bytes` more in the open buffer. */
  #reserve(bytes: number): void {
    if (this.#to + bytes > this.#open.length) this.#grow(bytes);
  }

  #grow(bytes: number): void {
    const pending = this.#to - this.#from;
    // A half full buffer is sealed too when its beginning has been sent: copying it for every few bytes would cost more.
    if (pending + bytes > chunkBytes || (this.#from > 0 && pending > chunkBytes / 2)) {
      this.#seal();
      this.#open = Buffer.allocUnsafeSlow(Math.max(chunkBytes, bytes));
      this.#from = 0;
      this.#to = 0;
      return;
    }
    let size = Math.max(firstBufferBytes, this.#open.length);
    while (size < pending + bytes) size *= 2;
    const grown = Buffer.allocUnsafeSlow(size);
    this.#open.copy(grown, 0, this.#from, this.#to);
    this.#open = grown;
    this.#from = 0;
    this.#to = pending;
  }

  /** Moves what is pending in the open buffer to the queue; its room behind that stays open. */
  #seal(): void {
    if (this.#to > this.#from) this.#enqueue(this.#open.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }

  #enqueue(chunk: Uint8Array): void {
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
  }

  /** Lets go of sent chunks, so that taking one stays O(1) on average. */
  #trimQueue(): void {
    if (this.#queueHead === this.#queue.length) {
      this.#queue = [];
      this.#queueHead = 0;
    } else if (this.#queueHead >= 64 && this.#queueHead * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#queueHead);
      this.#queueHead = 0;
    } else {
      this.#queue[this.#queueHead - 1] = emptyBuffer;
    }
  }
}

/** How many decimal digits a safe integer of 1 or more has. */
function decimalDigits(value: number): number {
  let digits = 1;
  let bound = 10;
  while (value >= bound) {
    bound *= 10;
    digits++;
  }
  return digits;
}

/** As Redis does it: those at the end are dropped, the others become spaces. */
function withoutLineEnds(text: string): string {
  return text.replace(/[\r\n]+$/, "").replace(/[\r\n]/g, " ");
}
