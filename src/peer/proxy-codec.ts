// The frames of the proxy channel: commands of clients that a follower passes to the leader, and the leader's answers.
// It knows how they lie in a frame's body, not what a command means. Several of them, those of one turn, share a frame;
// its header is [number of items].
//
//   request   u8 kind = 0, f64 requestId, f64 clientId, u16 dbIndex, u8 protocol, u8 noTouch, u16 + user, u32 argc, argc × (u32 + bytes)
//   closed    u8 kind = 1, f64 clientId                          the client is gone: nobody waits for its answers
//
//   response  u8 kind, f64 requestId, u32 + bytes of the reply (kind 0; none for the other kinds)
//
// Numbers are little-endian; "u16 + user" is a length and that many bytes. Strings are byte strings (one char per byte,
// below 256), written as those bytes: UTF-8 would double every byte from 128 on.

import { assert } from "../base/assert.ts";
import { FieldReader } from "./header-codec.ts";
import type { HeaderField } from "./header-codec.ts";

/** One command of one client of the sending node. */
export interface ProxyRequest {
  readonly kind: "request";
  /** Chosen by the sender, unique on the link; the response carries it. A safe integer from 0. */
  readonly requestId: number;
  /** The client at the sender: its requests are executed in order. A safe integer from 0. */
  readonly clientId: number;
  /** Below 65,536. */
  readonly dbIndex: number;
  readonly protocol: 2 | 3;
  /** CLIENT NO-TOUCH is on. */
  readonly noTouch: boolean;
  /** The name of the user whose permissions count; a byte string below 65,536 bytes. */
  readonly user: string;
  /** Name and arguments; byte strings. At least one. */
  readonly args: readonly string[];
}

/** The client is gone: what it had waiting needs no answer. */
export interface ProxyClientClosed {
  readonly kind: "clientClosed";
  readonly clientId: number;
}

export type ProxyRequestItem = ProxyRequest | ProxyClientClosed;

export type ProxyResponse =
  /** The whole reply in the request's protocol. */
  | { readonly kind: "reply"; readonly requestId: number; readonly bytes: Uint8Array }
  /** Surely not executed and never will be: it may be sent again, here or elsewhere. */
  | { readonly kind: "notExecuted"; readonly requestId: number }
  /** Executed, not executed, or yet to be executed: nobody can tell. */
  | { readonly kind: "unknownOutcome"; readonly requestId: number };

const requestKind = 0;
const clientClosedKind = 1;
const responseKinds = ["reply", "notExecuted", "unknownOutcome"] as const;
const userBytesMax = 0xffff;
const lengthMax = 0xffff_ffff;

/** Size of a request on the wire, an upper bound of what it adds to a frame. */
export function requestSizeBytes(request: ProxyRequest): number {
  let size = 1 + 8 + 8 + 2 + 1 + 1 + 2 + request.user.length + 4;
  for (let i = 0; i < request.args.length; i++) size += 4 + request.args[i]!.length;
  return size;
}

/** Size of a response's fixed part. */
export const responseHeadBytes = 1 + 8 + 4;

const batchBytesMin = 4096;

/** Collects items for one frame. */
export class ProxyBatch {
  #buffer: Buffer = noBytes;
  #size = 0;
  /** How many items it holds. */
  count = 0;

  get sizeBytes(): number {
    return this.#size;
  }

  request(request: ProxyRequest): void {
    assert(request.user.length <= userBytesMax, "a user name is below 64 kB");
    assert(request.args.length > 0, "a proxied request has a command name");
    this.#reserve(requestSizeBytes(request));
    this.#uint8(requestKind);
    this.#double(request.requestId);
    this.#double(request.clientId);
    this.#uint16(request.dbIndex);
    this.#uint8(request.protocol);
    this.#uint8(request.noTouch ? 1 : 0);
    this.#uint16(request.user.length);
    this.#bytesOf(request.user);
    this.#uint32(request.args.length);
    for (let i = 0; i < request.args.length; i++) {
      const arg = request.args[i]!;
      this.#uint32(arg.length);
      this.#bytesOf(arg);
    }
    this.count++;
  }

  clientClosed(clientId: number): void {
    this.#reserve(1 + 8);
    this.#uint8(clientClosedKind);
    this.#double(clientId);
    this.count++;
  }

  /** Adds a response; the bytes of its reply are copied. */
  response(response: ProxyResponse): void {
    const bytes = response.kind === "reply" ? response.bytes : noBytes;
    assert(bytes.length <= lengthMax, "a reply is below 4 GB");
    this.#reserve(responseHeadBytes + bytes.length);
    this.#uint8(responseKinds.indexOf(response.kind));
    this.#double(response.requestId);
    this.#uint32(bytes.length);
    this.#buffer.set(bytes, this.#size);
    this.#size += bytes.length;
    this.count++;
  }

  /** The items' bytes, which are the caller's now; the batch is empty afterwards. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.#size);
    this.#buffer = noBytes;
    this.#size = 0;
    this.count = 0;
    return taken;
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#size + sizeBytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length, batchBytesMin));
    grown.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = grown;
  }

  #uint8(value: number): void {
    this.#size = this.#buffer.writeUInt8(value, this.#size);
  }

  #uint16(value: number): void {
    this.#size = this.#buffer.writeUInt16LE(value, this.#size);
  }

  #uint32(value: number): void {
    this.#size = this.#buffer.writeUInt32LE(value, this.#size);
  }

  #double(value: number): void {
    this.#size = this.#buffer.writeDoubleLE(value, this.#size);
  }

  #bytesOf(text: string): void {
    this.#size += this.#buffer.latin1Write(text, this.#size);
  }
}

const noBytes = Buffer.alloc(0);

/** All items of a frame of requests, or what is wrong with it. Nothing is handed out unless all of it is sound. */
export function decodeRequests(
  fields: readonly HeaderField[],
  body: Uint8Array,
): readonly ProxyRequestItem[] | string {
  const count = itemCount(fields, body);
  const reader = new BodyReader(body);
  if (count === 0) return badCount;
  const items: ProxyRequestItem[] = [];
  while (items.length < count && reader.error === null) {
    const kind = reader.uint8();
    if (kind === requestKind) items.push(readRequest(reader));
    else if (kind === clientClosedKind) items.push({ kind: "clientClosed", clientId: reader.id("clientId") });
    else reader.fail(`request kind ${kind} is unknown`);
  }
  reader.end();
  return reader.error ?? items;
}

/** All responses of a frame, or what is wrong with it. The replies' bytes are views of `body`. */
export function decodeResponses(
  fields: readonly HeaderField[],
  body: Uint8Array,
): readonly ProxyResponse[] | string {
  const count = itemCount(fields, body);
  const reader = new BodyReader(body);
  if (count === 0) return badCount;
  const responses: ProxyResponse[] = [];
  while (responses.length < count && reader.error === null) {
    const kind = responseKinds[reader.uint8()];
    const requestId = reader.id("requestId");
    const bytes = reader.bytes(reader.uint32());
    if (kind === undefined) reader.fail("a response of unknown kind");
    else if (kind === "reply") responses.push({ kind, requestId, bytes });
    else if (bytes.length > 0) reader.fail(`bytes in a response of kind ${kind}`);
    else responses.push({ kind, requestId });
  }
  reader.end();
  return reader.error ?? responses;
}

const badCount = "no proper number of items";

/** How many items the header announces; 0 when it announces none or more than the body could hold. */
function itemCount(fields: readonly HeaderField[], body: Uint8Array): number {
  const reader = new FieldReader(fields);
  const count = reader.integer("count", 1, body.length);
  reader.end();
  return reader.error === null ? count : 0;
}

function readRequest(reader: BodyReader): ProxyRequest {
  const requestId = reader.id("requestId");
  const clientId = reader.id("clientId");
  const dbIndex = reader.uint16();
  const protocol = readProtocol(reader);
  const noTouch = readFlag(reader);
  const user = reader.text(reader.uint16());
  const argCount = reader.uint32();
  if (argCount === 0) reader.fail("a request without a command");
  const args: string[] = [];
  while (args.length < argCount && reader.error === null) args.push(reader.text(reader.uint32()));
  return { kind: "request", requestId, clientId, dbIndex, protocol, noTouch, user, args };
}

function readFlag(reader: BodyReader): boolean {
  const flag = reader.uint8();
  if (flag > 1) reader.fail(`flag ${flag} is unknown`);
  return flag === 1;
}

function readProtocol(reader: BodyReader): 2 | 3 {
  const protocol = reader.uint8();
  if (protocol === 2 || protocol === 3) return protocol;
  reader.fail(`protocol ${protocol} is unknown`);
  return 2;
}

/** Reads a body piece by piece. The first piece that is not there or wrong sets `error`; reads go on with zeros. */
class BodyReader {
  readonly #body: Buffer;
  #offset = 0;
  error: string | null = null;

  constructor(body: Uint8Array) {
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.length);
  }

  uint8(): number {
    return this.#has(1) ? this.#body.readUInt8(this.#offset++) : 0;
  }

  uint16(): number {
    if (!this.#has(2)) return 0;
    this.#offset += 2;
    return this.#body.readUInt16LE(this.#offset - 2);
  }

  uint32(): number {
    if (!this.#has(4)) return 0;
    this.#offset += 4;
    return this.#body.readUInt32LE(this.#offset - 4);
  }

  id(name: string): number {
    if (!this.#has(8)) return 0;
    const value = this.#body.readDoubleLE(this.#offset);
    this.#offset += 8;
    if (Number.isSafeInteger(value) && value >= 0) return value;
    this.fail(`${name} is not a safe integer from 0`);
    return 0;
  }

  bytes(length: number): Uint8Array {
    if (!this.#has(length)) return noBytes;
    this.#offset += length;
    return this.#body.subarray(this.#offset - length, this.#offset);
  }

  text(length: number): string {
    if (!this.#has(length)) return "";
    this.#offset += length;
    return this.#body.latin1Slice(this.#offset - length, this.#offset);
  }

  end(): void {
    if (this.#offset !== this.#body.length) this.fail("bytes after the last item");
  }

  fail(error: string): void {
    this.error ??= error;
  }

  #has(length: number): boolean {
    if (length <= this.#body.length - this.#offset) return true;
    this.fail("an item is cut off");
    return false;
  }
}
