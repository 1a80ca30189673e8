// What a malicious member may say: every Raft message, with fields that fit the moment, nearly fit it, or are absurd; log
// records that continue the true log, fork it, or are broken in one of many ways; frames of clients' commands. All of it
// is well-formed enough to get through the frames' checksums: what is wrong with it is for vlot to find out.

import type { SeededRandom } from "../../src/base/random.ts";
import { type FrameType, frameType } from "../../src/peer/frame.ts";
import type { HeaderField } from "../../src/peer/header-codec.ts";
import { encodeMembership } from "../../src/storage/membership-codec.ts";
import { BatchBuilder } from "../../src/node/batch.ts";
import type { Membership } from "../../src/raft/types.ts";
import { setUint53 } from "../../src/storage/uint53.ts";

/** One frame to send. */
export interface ForgedFrame {
  readonly type: FrameType;
  readonly fields: readonly HeaderField[];
  readonly body: readonly Uint8Array[];
}

/** The end of the log as the forger knows it. */
export interface ForgedPlace {
  readonly index: number;
  readonly term: number;
  readonly stampMs: number;
  readonly crc: number;
}

export interface ForgeryOptions {
  readonly random: SeededRandom;
  readonly from: number;
  readonly to: number;
  /** The current term. */
  readonly term: number;
  /** Places of the true log, ascending; at least one. */
  readonly places: readonly ForgedPlace[];
  readonly membership: Membership;
}

const headerBytes = 48;

export class Forgery {
  readonly #random: SeededRandom;
  readonly #options: ForgeryOptions;

  constructor(options: ForgeryOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** Any frame that a link of any channel may carry. */
  any(): ForgedFrame {
    return this.#pick([
      () => this.appendEntries(),
      () => this.appendEntries(),
      () => this.appendEntries(),
      () => this.heartbeat(),
      () => this.requestVote(),
      () => this.timeoutNow(),
      () => this.response(),
      () => this.voteResponse(),
      () => this.proxyRequests(),
      () => this.proxyResponses(),
    ])();
  }

  // ── Messages ──────────────────────────────────────────────────────────────────────────────────────────────────────

  heartbeat(): ForgedFrame {
    const place = this.#place();
    const prevLogIndex = this.#mostly(place.index);
    const prevLogTerm = this.#mostly(place.term);
    return this.#frame(frameType.appendEntries, [
      this.#term(),
      prevLogIndex,
      prevLogTerm,
      prevLogIndex,
      this.#number(place.index),
      this.#number(0),
    ]);
  }

  appendEntries(): ForgedFrame {
    const place = this.#place();
    const term = this.#term();
    const records = this.#records(place, term);
    const count = this.#random.below(10) === 0 ? this.#random.below(5) : records.length;
    const prevLogIndex = this.#random.below(12) === 0 ? this.#number(place.index) : place.index;
    const fields = [
      term,
      prevLogIndex,
      this.#mostly(place.term),
      prevLogIndex + count,
      this.#number(place.index + count),
      this.#number(0),
    ];
    return this.#frame(frameType.appendEntries, fields, records);
  }

  requestVote(): ForgedFrame {
    const { places } = this.#options;
    const last = places.at(-1) as ForgedPlace;
    return this.#frame(frameType.requestVote, [
      this.#term(),
      this.#flag(),
      this.#number(last.index),
      this.#number(last.term),
      this.#flag(),
    ]);
  }

  timeoutNow(): ForgedFrame {
    return this.#frame(frameType.timeoutNow, [this.#term()]);
  }

  response(): ForgedFrame {
    const last = this.#options.places.at(-1) as ForgedPlace;
    return this.#frame(frameType.appendEntriesResponse, [
      this.#term(),
      this.#flag(),
      this.#number(last.index),
      this.#number(last.index),
      this.#number(last.index),
      this.#number(last.term),
      this.#number(1),
      this.#flag(),
    ]);
  }

  voteResponse(): ForgedFrame {
    return this.#frame(frameType.requestVoteResponse, [this.#term(), this.#flag(), this.#flag()]);
  }

  // ── Clients' commands ─────────────────────────────────────────────────────────────────────────────────────────────

  /** `commands`, or some of the forger's own choice, in the name of clients that he invents. */
  proxyRequests(commands: readonly (readonly string[])[] = this.#commands()): ForgedFrame {
    const parts: Buffer[] = [];
    for (const args of commands) {
      const head = Buffer.alloc(1 + 8 + 8 + 2 + 1 + 1 + 2);
      head.writeDoubleLE(this.#random.below(20), 1);
      head.writeDoubleLE(this.#random.below(5), 9);
      head.writeUInt16LE(this.#random.below(3) === 0 ? this.#random.below(65_536) : 0, 17);
      head.writeUInt8(2 + this.#random.below(2), 19);
      parts.push(head, lengthOf(args.length));
      for (const arg of args) parts.push(lengthOf(arg.length), Buffer.from(arg, "latin1"));
    }
    const count = this.#random.below(15) === 0 ? this.#number(commands.length) : commands.length;
    return { type: frameType.proxyRequests, fields: [count], body: [Buffer.concat(parts)] };
  }

  /** Answers to requests that may or may not be open. */
  proxyResponses(): ForgedFrame {
    const count = 1 + this.#random.below(4);
    const parts: Buffer[] = [];
    for (let at = 0; at < count; at++) {
      const kind = this.#random.below(3);
      const head = Buffer.alloc(9);
      head.writeUInt8(kind, 0);
      head.writeDoubleLE(this.#random.below(40), 1);
      const bytes = kind === 0 ? Buffer.from("+forged\r\n") : Buffer.alloc(0);
      parts.push(head, lengthOf(bytes.length), bytes);
    }
    return { type: frameType.proxyResponses, fields: [count], body: [Buffer.concat(parts)] };
  }

  #commands(): string[][] {
    const commands = [
      ["GET", "k"],
      ["SET", "forged", "x"],
      ["NOSUCH"],
      ["GET"],
      ["PING"],
      ["RAFT.CLUSTER", "INIT"],
      ["SELECT", "99999"],
      ["FLUSHALL", "NOW"],
      ["\x00\xff", ""],
      [""],
    ];
    return Array.from({ length: 1 + this.#random.below(6) }, () => this.#pick(commands));
  }

  // ── Records ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #records(place: ForgedPlace, term: number): Buffer[] {
    const records: Buffer[] = [];
    let { index, stampMs, crc } = place;
    let entryTerm = this.#pick([place.term, term, Math.max(place.term, term - 1)]);
    for (let count = 1 + this.#random.below(4); count > 0; count--) {
      index++;
      if (this.#random.below(8) === 0) stampMs = this.#number(stampMs);
      if (this.#random.below(12) === 0) entryTerm = this.#number(entryTerm);
      if (this.#random.below(25) === 0) crc = this.#random.uint32();
      const [kind, body] = this.#body();
      const named = this.#random.below(30) === 0 ? this.#number(index) : index;
      const record = recordOf({ index: named, term: entryTerm, stampMs, crc }, kind, body);
      if (this.#random.below(40) === 0) record[this.#random.below(record.length)] = this.#random.below(256);
      records.push(record);
      crc = record.readUInt32LE(8);
    }
    return records;
  }

  /** Kind and body of a record: true ones, and ones that nobody could run. */
  #body(): [number, Uint8Array] {
    const body = this.#pick<() => [number, Uint8Array]>([
      () => [1, new Uint8Array(0)],
      () => [3, new Uint8Array(0)],
      () => [2, batchOf(0, ["SET", "forged", "value"])],
      () => [2, batchOf(0, this.#pick(this.#commands()))],
      () => [2, batchOf(this.#random.below(256), ["SET", "forged", "value"])],
      () => [2, this.#garbled(batchOf(0, ["SET", "forged", "value"]))],
      () => [2, new Uint8Array(0)],
      () => [this.#random.below(6), this.#garbled(batchOf(0, ["GET", "k"]))],
      () => [4, encodeMembership(this.#membership())],
      () => [4, this.#garbled(encodeMembership(this.#membership()))],
    ]);
    return body();
  }

  #membership(): Membership {
    const { membership, from } = this.#options;
    const { members, usedIds } = membership;
    const stranger = { id: 1 + this.#random.below(2 ** 31 - 1), host: "nowhere", port: 1, voting: false };
    return this.#pick([
      { members: [], usedIds: [] },
      { members: [], usedIds },
      { members: members.filter(({ id }) => id === from), usedIds },
      { members: [...members, ...members], usedIds },
      { members: [...members, stranger], usedIds },
      { members: [...members, { ...stranger, voting: true }], usedIds: [...usedIds, stranger.id] },
      { members: members.map((member) => ({ ...member, port: 0 })), usedIds },
      { members: members.map((member) => ({ ...member, host: "" })), usedIds },
      { members: members.map((member) => ({ ...member, host: "x".repeat(256) })), usedIds },
      { members: members.map((member) => ({ ...member, host: `${member.host}\r\n` })), usedIds },
      { members: members.map((member) => ({ ...member, voting: false })), usedIds },
      { members: members.map((member) => ({ ...member, id: member.id + 1 })), usedIds },
      { members: Array.from({ length: 50 }, (_, at) => ({ ...stranger, id: at + 1 })), usedIds },
      { members, usedIds: [] },
    ]);
  }

  #garbled(bytes: Uint8Array): Uint8Array {
    const copy = Uint8Array.from(bytes);
    for (let change = this.#random.below(3); change >= 0 && copy.length > 0; change--)
      copy[this.#random.below(copy.length)] = this.#random.below(256);
    return this.#random.below(3) === 0 ? copy.subarray(0, this.#random.below(copy.length + 1)) : copy;
  }

  // ── Chance ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #frame(type: FrameType, fields: readonly HeaderField[], body: readonly Uint8Array[] = []): ForgedFrame {
    const { from, to } = this.#options;
    return { type, fields: [from, to, ...fields], body };
  }

  #place(): ForgedPlace {
    const { places } = this.#options;
    // Where the log ends is where it hurts.
    const back = this.#random.below(3) === 0 ? this.#random.below(places.length) : this.#random.below(3);
    return places[Math.max(0, places.length - 1 - back)] as ForgedPlace;
  }

  #term(): number {
    const { term } = this.#options;
    return this.#pick([
      term,
      term,
      term + 1,
      term + 2,
      Math.max(1, term - 1),
      term + this.#random.below(1000),
      this.#number(term),
    ]);
  }

  #flag(): boolean {
    return this.#random.below(2) === 0;
  }

  #mostly(value: number): number {
    return this.#random.below(8) === 0 ? this.#number(value) : value;
  }

  /** A number near `about`, or one at the edge of what numbers can be. */
  #number(about: number): number {
    return this.#pick([
      about,
      about + 1,
      Math.max(0, about - 1),
      this.#random.below(about + 10),
      0,
      1,
      2 ** 31,
      2 ** 32,
      2 ** 48 - 1,
      2 ** 48,
      2 ** 52,
      Number.MAX_SAFE_INTEGER - 1,
      Number.MAX_SAFE_INTEGER,
    ]);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)] as T;
  }
}

/** The bytes of a record, whether or not they make sense; the checksum is right. */
export function recordOf(place: ForgedPlace, kind: number, body: Uint8Array): Buffer {
  const record = Buffer.alloc((headerBytes + body.length + 7) & ~7);
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  view.setUint32(12, body.length, true);
  record[16] = 1;
  record[17] = kind;
  view.setUint32(20, place.crc, true);
  setUint53(view, 24, place.index);
  setUint53(view, 32, place.term);
  view.setFloat64(40, place.stampMs, true);
  record.set(body, headerBytes);
  view.setUint32(8, Bun.hash.crc32(record.subarray(12, headerBytes + body.length)), true);
  return record;
}

/** The body of a `command` entry with one command. */
export function batchOf(dbIndex: number, args: readonly string[]): Uint8Array {
  const builder = new BatchBuilder(0);
  builder.add(dbIndex, args);
  return Uint8Array.from(builder.record());
}

function lengthOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
