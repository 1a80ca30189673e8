import { describe, expect, test } from "bun:test";
import { Entry, hostLengthMax } from "../../src/raft/types.ts";
import { decodeMembership, encodeMembership } from "../../src/storage/membership-codec.ts";
import {
  decodeRecords,
  durableIndexAt,
  logIndexMax,
  markDurable,
  recordHeaderBytes,
  sealRecord,
} from "../../src/storage/record.ts";
import { commandEntry, plainEntry, someMembership } from "./log-fixture.ts";

/** Seals the entries one after another and puts their records back to back. */
function chain(entries: readonly Entry[], previousCrc = 0): Uint8Array {
  let crc = previousCrc;
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    const record = sealRecord(entry, crc);
    crc = new DataView(record.buffer, record.byteOffset).getUint32(8, true);
    parts.push(record, new Uint8Array((8 - (record.length % 8)) % 8));
  }
  return new Uint8Array(Buffer.concat(parts));
}

const mixed = () => [
  plainEntry(5, 2, "empty"),
  commandEntry(6, 2, "SET a 1"),
  plainEntry(7, 3, "membership"),
  commandEntry(8, 3, "x".repeat(1000)),
  plainEntry(9, 3, "clock"),
];

function problemOf(bytes: Uint8Array, previousCrc: number | null = 0): string {
  const decoded = decodeRecords(bytes, previousCrc);
  return decoded.kind === "error" ? `${decoded.problem} at ${decoded.offset}` : "none";
}

describe("sealRecord() and decodeRecords()", () => {
  test("give back every kind of entry", () => {
    const decoded = decodeRecords(chain(mixed()), 0);
    if (decoded.kind === "error") throw new Error(decoded.reason);
    expect(decoded.entries.map((entry) => [entry.index, entry.term, entry.kind, entry.stampMs])).toEqual([
      [5, 2, "empty", 1005],
      [6, 2, "command", 1006],
      [7, 3, "membership", 1007],
      [8, 3, "command", 1008],
      [9, 3, "clock", 1009],
    ]);
    expect(decoded.entries[2]?.membership).toEqual(someMembership);
    expect(
      Buffer.from(decoded.entries[1]?.record ?? []).latin1Slice(recordHeaderBytes, recordHeaderBytes + 7),
    ).toBe("SET a 1");
  });

  test("fill the header in place, without a copy", () => {
    const entry = commandEntry(1, 1, "hello");
    expect(sealRecord(entry, 0)).toBe(entry.record as Uint8Array);
  });

  test("keep a record that came from a peer as it is, and take any other header for free room", () => {
    const decoded = decodeRecords(chain([commandEntry(1, 1, "abc")], 99), 99);
    if (decoded.kind === "error") throw new Error(decoded.reason);
    const entry = decoded.entries[0] as Entry;
    const before = Buffer.from(entry.record as Uint8Array).toString("hex");
    expect(Buffer.from(sealRecord(entry, 99)).toString("hex")).toBe(before);
    const reused = new Entry(
      2,
      1,
      "command",
      entry.stampMs,
      null,
      (entry.record as Uint8Array).slice(0, recordHeaderBytes + 3),
    );
    expect(problemOf(new Uint8Array([...sealRecord(reused, 7), 0, 0, 0, 0, 0]), 7)).toBe("none");
  });

  test("refuse a peer's record whose body was changed after it was checked", () => {
    const decoded = decodeRecords(chain([commandEntry(1, 1, "abc")]), 0);
    if (decoded.kind === "error") throw new Error(decoded.reason);
    const entry = decoded.entries[0] as Entry;
    (entry.record as Uint8Array)[recordHeaderBytes] = 0;
    expect(() => sealRecord(entry, 0)).toThrow("nobody changed");
  });

  test("carry the greatest index, term and stamp", () => {
    const entry = new Entry(logIndexMax, Number.MAX_SAFE_INTEGER, "empty", 2 ** 52 + 0.5, null, null);
    const decoded = decodeRecords(chain([entry]), 0);
    if (decoded.kind === "error") throw new Error(decoded.reason);
    expect(decoded.entries[0]).toMatchObject({
      index: logIndexMax,
      term: Number.MAX_SAFE_INTEGER,
      stampMs: 2 ** 52 + 0.5,
    });
  });
});

describe("decodeRecords()", () => {
  test("finds every single flipped bit outside the local parts", () => {
    const good = chain(mixed());
    const decoded = decodeRecords(good, 0);
    if (decoded.kind === "error") throw new Error(decoded.reason);
    const local = new Set<number>();
    for (const entry of decoded.entries) {
      const start = (entry.record as Uint8Array).byteOffset;
      for (let i = start; i < start + 8; i++) local.add(i);
    }
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = good.slice();
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(decodeRecords(bad, 0).kind).toBe(local.has(bit >> 3) ? "entries" : "error");
    }
  });

  test("finds every cut", () => {
    const good = chain([commandEntry(1, 1, "abc"), commandEntry(2, 1, "defgh")]);
    for (let length = 1; length < good.length; length++) {
      expect(decodeRecords(good.subarray(0, length), 0).kind).toBe(length === 56 ? "entries" : "error");
    }
  });

  test("says what is wrong and where", () => {
    const one = chain([commandEntry(1, 1, "abcdefgh")]);
    expect(problemOf(one, 1)).toBe("does not follow the record before it at 0");
    expect(problemOf(one, null)).toBe("none");
    const at = (index: number, term: number, stampMs: number) =>
      new Entry(index, term, "empty", stampMs, null, null);
    expect(problemOf(chain([at(1, 2, 5), at(3, 2, 5)]))).toBe("wrong index at 48");
    expect(problemOf(chain([at(1, 2, 5), at(2, 1, 5)]))).toBe("term goes back at 48");
    expect(problemOf(chain([at(1, 2, 5), at(2, 2, 4)]))).toBe("time goes back at 48");
    expect(problemOf(chain([at(0, 2, 5)]))).toBe("field out of range at 0");
    expect(problemOf(chain([at(1, 0, 5)]))).toBe("field out of range at 0");
    expect(problemOf(chain([at(1, 1, Number.NaN)]))).toBe("field out of range at 0");
    expect(problemOf(chain([at(1, 1, -1)]))).toBe("field out of range at 0");
  });

  test("tells a newer format and an unknown kind from damage", () => {
    for (const [offset, value, problem] of [
      [16, 2, "newer format"],
      [17, 9, "unknown kind"],
      [18, 1, "field out of range"],
    ] as const) {
      const bytes = chain([commandEntry(1, 1, "abcdefgh")]);
      bytes[offset] = value;
      new DataView(bytes.buffer).setUint32(8, Bun.hash.crc32(bytes.subarray(12)), true);
      expect(problemOf(bytes)).toBe(`${problem} at 0`);
    }
  });

  test("of nothing is no entries", () => {
    expect(decodeRecords(new Uint8Array(0), 0)).toEqual({ kind: "entries", entries: [] });
  });
});

describe("durability mark", () => {
  test("is only good in its own place of its own segment", () => {
    const record = sealRecord(commandEntry(9, 1, "abc"), 0);
    const image = new Uint8Array(256);
    markDurable(record, 2 ** 40 + 5, 77, 128);
    image.set(record, 128);
    const view = new DataView(image.buffer);
    expect(durableIndexAt(view, 128, 77)).toBe(2 ** 40 + 5);
    expect(durableIndexAt(view, 128, 78)).toBe(-1);
    image.copyWithin(64, 128, 128 + record.length);
    expect(durableIndexAt(view, 64, 77)).toBe(-1);
    for (let bit = 0; bit < 64; bit++) {
      image[128 + (bit >> 3)] = (image[128 + (bit >> 3)] as number) ^ (1 << (bit & 7));
      expect(durableIndexAt(view, 128, 77)).toBe(-1);
      image[128 + (bit >> 3)] = (image[128 + (bit >> 3)] as number) ^ (1 << (bit & 7));
    }
  });
});

describe("decodeMembership()", () => {
  test("gives back what encodeMembership() took, however large", () => {
    expect(decodeMembership(encodeMembership(someMembership))).toEqual(someMembership);
    const usedIds = Array.from({ length: 70_000 }, (_, i) => i * 3 + 1);
    expect(decodeMembership(encodeMembership({ members: [], usedIds }))?.usedIds).toEqual(usedIds);
  });

  test("gives back the longest host, whatever it is made of, and refuses a longer one", () => {
    const withHost = (host: string) => ({ members: [{ id: 7, host, port: 1, voting: true }], usedIds: [7] });
    for (const letter of ["h", "ä", "語"]) {
      const longest = withHost(letter.repeat(hostLengthMax));
      expect(decodeMembership(encodeMembership(longest))).toEqual(longest);
      const longer = withHost(letter.repeat(hostLengthMax + 1));
      expect(decodeMembership(encodeMembership(longer))).toBeNull();
    }
  });

  test("refuses what is not a membership, and what claims more than it holds", () => {
    const refused = [
      [],
      [0xc0],
      [0x92, 0x90],
      [0x92, 0x90, 0x91, 0],
      [0x92, 0x90, 0x90, 0x90],
      [0x92, 0xdd, 255, 255, 255, 255, 0x90],
      [0xd4, 0x72, 0x40],
      [0x92, 0x91, 0x94, 1, 0xa1, 97, 0xcd, 1, 0x90],
    ];
    for (const bytes of refused) expect(decodeMembership(new Uint8Array(bytes))).toBeNull();
  });
});
