// The body of a `membership` record: msgpackr of `[[[id, host, port, voting], …], [used id, …]]`. Arrays rather than
// objects, so that the bytes depend on nothing but the membership.
//
// The bytes may come from a peer, and msgpackr's decoder understands far more than this (extensions, typed arrays,
// arrays that claim four thousand million elements). So it only sees bytes that `isPlain` has walked through:
//
//   array (0x9n, 0xdc, 0xdd)   integer (up to 0x7f, 0xcc, 0xcd, 0xce)   string (0xan, 0xbn, 0xd9, 0xda)   boolean (0xc2, 0xc3)

import { Packr, Unpackr } from "msgpackr/pack";
import { hostLengthMax, isNodeId, type Member, type Membership } from "../raft/types.ts";

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

/** The body of a record that carries `membership`; the caller's to keep. */
export function encodeMembership(membership: Membership): Uint8Array {
  const members = membership.members.map((member) => [member.id, member.host, member.port, member.voting]);
  return packr.pack([members, membership.usedIds]);
}

/** The membership in `body`, or null when it holds none. Never throws. */
export function decodeMembership(body: Uint8Array): Membership | null {
  if (!isPlain(body)) return null;
  const value: unknown = unpackr.unpack(body);
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [rawMembers, rawIds]: unknown[] = value;
  if (!Array.isArray(rawMembers) || !Array.isArray(rawIds) || !rawIds.every(isNodeId)) return null;
  const members: Member[] = [];
  for (const raw of rawMembers) {
    const member = memberOf(raw);
    if (member === null) return null;
    members.push(member);
  }
  return { members, usedIds: rawIds };
}

function memberOf(raw: unknown): Member | null {
  if (!Array.isArray(raw) || raw.length !== 4) return null;
  const [id, host, port, voting]: unknown[] = raw;
  if (!isNodeId(id) || typeof host !== "string" || typeof port !== "number" || typeof voting !== "boolean")
    return null;
  if (host.length > hostLengthMax || !Number.isInteger(port) || port < 0 || port > 65535) return null;
  return { id, host, port, voting };
}

/** Whether `bytes` are exactly one value of our subset of msgpack. */
function isPlain(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let offset = 0;
  // Values that must still come: each takes a byte at least, which bounds what an array may claim.
  for (let pending = 1; pending > 0; pending--) {
    if (pending > bytes.length - offset) return false;
    const marker = view.getUint8(offset++);
    if (marker < 0x80 || marker === 0xc2 || marker === 0xc3) continue;
    const lengthBytes = lengthBytesOf(marker);
    if (lengthBytes === null || offset + lengthBytes > bytes.length) return false;
    const count = readLength(view, offset, lengthBytes, marker);
    offset += lengthBytes;
    if (isArray(marker)) pending += count;
    else if (isString(marker)) offset += count;
  }
  return offset === bytes.length;
}

function isArray(marker: number): boolean {
  return (marker & 0xf0) === 0x90 || marker === 0xdc || marker === 0xdd;
}

function isString(marker: number): boolean {
  return (marker & 0xe0) === 0xa0 || marker === 0xd9 || marker === 0xda;
}

/** Size of what follows the marker of an integer, a string or an array; null when it is none of ours. */
function lengthBytesOf(marker: number): number | null {
  if (marker >= 0x90 && marker <= 0xbf) return 0;
  if (marker === 0xcc || marker === 0xd9) return 1;
  if (marker === 0xcd || marker === 0xda || marker === 0xdc) return 2;
  return marker === 0xce || marker === 0xdd ? 4 : null;
}

function readLength(view: DataView, offset: number, lengthBytes: number, marker: number): number {
  if (lengthBytes === 1) return view.getUint8(offset);
  if (lengthBytes === 2) return view.getUint16(offset);
  if (lengthBytes === 4) return view.getUint32(offset);
  return isArray(marker) ? marker & 0x0f : marker & 0x1f;
}
