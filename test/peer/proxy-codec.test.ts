import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { decodeRequests, decodeResponses, ProxyBatch, requestSizeBytes } from "../../src/peer/proxy-codec.ts";
import type { ProxyRequest, ProxyRequestItem, ProxyResponse } from "../../src/peer/proxy-codec.ts";

const allBytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).latin1Slice();

function request(requestId: number, args: readonly string[]): ProxyRequest {
  return {
    kind: "request",
    requestId,
    clientId: 2 ** 40 + 1,
    dbIndex: 15,
    protocol: 3,
    noTouch: false,
    user: "default",
    args,
  };
}

function encodeItems(items: readonly ProxyRequestItem[]): Uint8Array {
  const batch = new ProxyBatch();
  for (const item of items) {
    if (item.kind === "request") batch.request(item);
    else batch.clientClosed(item.clientId);
  }
  expect(batch.count).toBe(items.length);
  return batch.take();
}

function encodeResponses(responses: readonly ProxyResponse[]): Uint8Array {
  const batch = new ProxyBatch();
  for (const response of responses) batch.response(response);
  return batch.take();
}

const items: readonly ProxyRequestItem[] = [
  request(1, ["SET", "key", allBytes]),
  { ...request(Number.MAX_SAFE_INTEGER, [""]), protocol: 2, noTouch: true, dbIndex: 65_535, user: "" },
  { kind: "clientClosed", clientId: 77 },
  request(
    2,
    Array.from({ length: 1000 }, (_, i) => String(i)),
  ),
  { ...request(3, ["GET", "\xff\x00\r\n"]), user: "\xe9mile", clientId: 0 },
];

const responses: readonly ProxyResponse[] = [
  { kind: "reply", requestId: 5, bytes: new Uint8Array(Buffer.from(allBytes, "latin1")) },
  { kind: "notExecuted", requestId: 0 },
  { kind: "unknownOutcome", requestId: 2 ** 52 },
  { kind: "reply", requestId: 6, bytes: new Uint8Array(0) },
];

function plain(list: readonly ProxyResponse[]): unknown[] {
  return list.map((response) =>
    response.kind === "reply"
      ? { ...response, bytes: Buffer.from(response.bytes).toString("hex") }
      : response,
  );
}

function decodedResponses(fields: readonly number[], body: Uint8Array): unknown {
  const decoded = decodeResponses(fields, body);
  return typeof decoded === "string" ? decoded : plain(decoded);
}

describe("requests", () => {
  test("come back as they were, every byte from 0 to 255", () => {
    expect(decodeRequests([items.length], encodeItems(items))).toEqual(items);
  });

  test("take one byte for each byte, as requestSizeBytes() says", () => {
    for (const item of items) {
      if (item.kind === "request") expect(encodeItems([item])).toHaveLength(requestSizeBytes(item));
    }
  });

  test("may be large", () => {
    const large = request(1, ["SET", "k", "\xfe".repeat(20_000_000)]);
    const decoded = decodeRequests([1], encodeItems([large]));
    expect(
      typeof decoded !== "string" && decoded[0]!.kind === "request" && decoded[0]!.args[2] === large.args[2],
    ).toBeTrue();
  });

  test("are refused as a whole when cut off anywhere, or followed by more", () => {
    const body = encodeItems(items);
    for (let length = 0; length < body.length; length += length < 400 ? 1 : 97) {
      expect(decodeRequests([items.length], body.subarray(0, length))).toBeString();
    }
    expect(decodeRequests([items.length], Buffer.concat([body, Buffer.from([0])]))).toBe(
      "bytes after the last item",
    );
    expect(decodeRequests([items.length - 1], body)).toBe("bytes after the last item");
    expect(decodeRequests([items.length + 1], body)).toBe("an item is cut off");
  });

  test("are refused with a header that is not one count", () => {
    const body = encodeItems([request(1, ["PING"])]);
    for (const fields of [[], [0], [true], [1, 1], [1.5], [2 ** 40]]) {
      expect(decodeRequests(fields, body)).toBe("no proper number of items");
    }
    expect(decodeRequests([0], new Uint8Array(0))).toBe("no proper number of items");
  });

  test("are refused with an unknown kind, protocol, id or without a command", () => {
    const body = (): Buffer => Buffer.from(encodeItems([request(1, ["PING"])]));
    const errorOf = (change: (bytes: Buffer) => void): unknown => {
      const bytes = body();
      change(bytes);
      return decodeRequests([1], bytes);
    };
    expect(errorOf((bytes) => bytes.writeUInt8(9, 0))).toBe("request kind 9 is unknown");
    expect(errorOf((bytes) => bytes.writeDoubleLE(-1, 1))).toBe("requestId is not a safe integer from 0");
    expect(errorOf((bytes) => bytes.writeDoubleLE(Number.NaN, 9))).toBe(
      "clientId is not a safe integer from 0",
    );
    expect(errorOf((bytes) => bytes.writeUInt8(4, 19))).toBe("protocol 4 is unknown");
    expect(errorOf((bytes) => bytes.writeUInt32LE(0, 29))).toBe("a request without a command");
    expect(errorOf((bytes) => bytes.writeUInt32LE(0xffff_ffff, 29))).toBe("an item is cut off");
    expect(errorOf((bytes) => bytes.writeUInt32LE(0xffff_ffff, 33))).toBe("an item is cut off");
  });
});

describe("responses", () => {
  test("come back as they were", () => {
    expect(decodedResponses([responses.length], encodeResponses(responses))).toEqual(plain(responses));
  });

  test("are refused as a whole when cut off anywhere, or of unknown kind", () => {
    const body = encodeResponses(responses);
    for (let length = 0; length < body.length; length++) {
      expect(decodeResponses([responses.length], body.subarray(0, length))).toBeString();
    }
    const unknown = Buffer.from(encodeResponses([{ kind: "notExecuted", requestId: 1 }]));
    unknown[0] = 3;
    expect(decodeResponses([1], unknown)).toBe("a response of unknown kind");
    const withBytes = Buffer.from(
      encodeResponses([{ kind: "reply", requestId: 1, bytes: Buffer.from("+OK\r\n") }]),
    );
    withBytes[0] = 1;
    expect(decodeResponses([1], withBytes)).toBe("bytes in a response of kind notExecuted");
  });
});

test("any change to a body is refused or gives items that encode to that very body", () => {
  const random = new SeededRandom(5);
  const sound = encodeItems([
    request(1, ["SET", "k", "v"]),
    { kind: "clientClosed", clientId: 3 },
    request(2, ["GET", "k"]),
  ]);
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const body = Buffer.from(sound);
    for (let change = random.below(3); change >= 0; change--)
      body[random.below(body.length)] = random.below(256);
    const decoded = decodeRequests([3], body);
    if (typeof decoded === "string") refused++;
    else expect(Buffer.from(encodeItems(decoded)).equals(body)).toBeTrue();
    decodeResponses([1 + random.below(3)], body);
  }
  expect(refused).toBeGreaterThan(1000);
});
