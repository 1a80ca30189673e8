import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { encodeFrame, FrameParser, frameType } from "../../src/peer/frame.ts";
import type { HeaderField } from "../../src/peer/header-codec.ts";

const mebibyte = 1024 * 1024;

interface Plain {
  readonly type: number;
  readonly fields: readonly HeaderField[];
  readonly body: string;
}

/** Feeds `bytes` in chunks of the sizes that `nextSize` gives, spoiling each chunk once it has been used. */
function parse(
  bytes: Uint8Array,
  nextSize: () => number,
  limit = mebibyte,
): { frames: Plain[]; error: string | null } {
  const parser = new FrameParser(limit);
  const frames: Plain[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const chunk = new Uint8Array(bytes.subarray(offset, offset + nextSize()));
    offset += chunk.length;
    parser.push(chunk);
    for (let frame = parser.next(); frame !== null; frame = parser.next()) {
      frames.push({ type: frame.type, fields: frame.fields, body: Buffer.from(frame.body).toString("hex") });
    }
    chunk.fill(0xee);
  }
  return { frames, error: parser.error };
}

function bytesOf(size: number, random: SeededRandom): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = random.below(256);
  return bytes;
}

function sample(random: SeededRandom): { stream: Buffer; plain: Plain[] } {
  const plain: Plain[] = [];
  const pieces: Uint8Array[] = [];
  for (const size of [0, 1, 40, 5000, 0, 20_000, 7]) {
    const body = [bytesOf(size, random), bytesOf(size >> 1, random)];
    const fields = [plain.length, size, 2 ** 40, size % 2 === 0];
    pieces.push(...encodeFrame(frameType.appendEntries, fields, body));
    plain.push({ type: frameType.appendEntries, fields, body: Buffer.concat(body).toString("hex") });
  }
  return { stream: Buffer.concat(pieces), plain };
}

describe("encodeFrame()", () => {
  test("joins a small frame into one piece and leaves large bodies where they are", () => {
    const small = Buffer.alloc(100);
    const large = Buffer.alloc(100_000);
    expect(encodeFrame(frameType.appendEntries, [1], [small])).toHaveLength(1);
    const pieces = encodeFrame(frameType.appendEntries, [1], [large, small]);
    expect(pieces).toHaveLength(3);
    expect(pieces[1]).toBe(large);
  });

  test("lays the bytes out as the header of the file says", () => {
    const [frame] = encodeFrame(frameType.removed, [5], []);
    expect(frame!.toHex().slice(0, 8)).toBe("0a000000");
    expect(frame!.toHex().slice(16)).toBe("070102009105");
  });
});

describe("FrameParser", () => {
  test("gives the same frames whole, byte by byte and in chunks of any size", () => {
    const random = new SeededRandom(1);
    const { stream, plain } = sample(random);
    expect(parse(stream, () => stream.length)).toEqual({ frames: plain, error: null });
    expect(parse(stream, () => 1)).toEqual({ frames: plain, error: null });
    for (let round = 0; round < 50; round++) {
      const chunkMax = 1 + random.below(9000);
      expect(parse(stream, () => 1 + random.below(chunkMax))).toEqual({ frames: plain, error: null });
    }
  });

  test("takeBody() gives a buffer that outlives the chunk, whether or not the frame came in one", () => {
    const body = bytesOf(20_000, new SeededRandom(2));
    const stream = Buffer.concat(encodeFrame(frameType.appendEntries, [1], [body]));
    for (const chunkSize of [stream.length, 999]) {
      const parser = new FrameParser(mebibyte);
      let taken: Uint8Array | null = null;
      for (let offset = 0; offset < stream.length; offset += chunkSize) {
        const chunk = Buffer.from(stream.subarray(offset, offset + chunkSize));
        parser.push(chunk);
        taken = parser.next()?.takeBody() ?? taken;
        chunk.fill(0xee);
      }
      expect(Buffer.from(taken!).equals(body)).toBeTrue();
    }
  });

  test("refuses a frame in which any one bit has changed, and never gives a wrong one", () => {
    const [frame] = encodeFrame(frameType.requestVote, [1, 2, 300, true], [Buffer.from("body")]);
    for (let bit = 0; bit < frame!.length * 8; bit++) {
      const damaged = Buffer.from(frame!);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const followed = Buffer.concat([damaged, frame!, frame!]);
      const { frames, error } = parse(followed, () => followed.length);
      // A length made smaller or larger leaves the parser waiting, or with a wrong checksum; nothing gets through.
      expect(frames).toEqual([]);
      if (bit >= 32) expect(error).not.toBeNull();
    }
  });

  test("says what is wrong", () => {
    const good = (): Buffer => Buffer.from(encodeFrame(frameType.alive, [], [])[0]!);
    const errorOf = (change: (frame: Buffer) => void, limit = mebibyte): string | null => {
      const frame = good();
      change(frame);
      return parse(frame, () => frame.length, limit).error;
    };
    expect(errorOf(() => undefined)).toBeNull();
    expect(errorOf((frame) => frame.writeUInt8(77, 8))).toBe("frame type 77 is unknown");
    expect(errorOf((frame) => frame.writeUInt8(2, 9))).toBe("frame version 2 is unknown");
    expect(errorOf((frame) => frame.writeUInt16LE(2, 10))).toBe(
      "a frame of 13 bytes cannot have a header of 2",
    );
    expect(errorOf((frame) => frame.writeUInt16LE(60_000, 10))).toContain("cannot have a header of 60000");
    expect(errorOf((frame) => frame.writeUInt32LE(0, 0))).toContain("a frame of 4 bytes cannot");
    expect(errorOf((frame) => frame.writeUInt8(0, 4))).toBe("the checksum of a frame is wrong");
    expect(errorOf(() => undefined, 12)).toBe("a frame of 13 bytes is over the limit");
    expect(errorOf((frame) => frame.writeUInt32LE(0xffff_ffff, 0))).toBe(
      "a frame of 4294967299 bytes is over the limit",
    );
  });

  test("refuses a header that is not one although its checksum is right", () => {
    const frame = Buffer.from(encodeFrame(frameType.alive, [1], [])[0]!);
    frame[13] = 0xc0;
    frame.writeUInt32LE(Bun.hash.crc32(frame.subarray(8)), 4);
    expect(parse(frame, () => frame.length).error).toBe("the header of a frame is malformed");
  });

  test("survives any bytes: it waits or refuses", () => {
    const random = new SeededRandom(3);
    for (let round = 0; round < 3000; round++) {
      const bytes = bytesOf(random.below(200), random);
      // Half of them get far enough to look like a frame.
      if (bytes.length >= 12 && round % 2 === 0) {
        bytes.writeUInt32LE(random.below(120), 0);
        bytes[8] = 1 + random.below(9);
        bytes[9] = 1;
        bytes.writeUInt16LE(random.below(60), 10);
      }
      expect(parse(bytes, () => 1 + random.below(50)).frames).toEqual([]);
    }
  });

  test("allocates by what has come in, not by what a frame claims", () => {
    const parser = new FrameParser(1024 * mebibyte);
    const frame = Buffer.from(encodeFrame(frameType.appendEntries, [1], [])[0]!);
    frame.writeUInt32LE(1000 * mebibyte, 0);
    const before = heapStats().extraMemorySize;
    const parsers = [parser];
    for (let i = 0; i < 50; i++) parsers.push(new FrameParser(1024 * mebibyte));
    for (const one of parsers) {
      one.push(frame);
      expect(one.next()).toBeNull();
      one.push(Buffer.alloc(10_000));
      expect(one.next()).toBeNull();
      expect(one.error).toBeNull();
    }
    expect(heapStats().extraMemorySize - before).toBeLessThan(8 * mebibyte);
  });
});
