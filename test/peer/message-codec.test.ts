import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { frameType } from "../../src/peer/frame.ts";
import { packHeader, unpackHeader } from "../../src/peer/header-codec.ts";
import type { HeaderField } from "../../src/peer/header-codec.ts";
import { decodeMessage, encodeMessage, frameTypeOf } from "../../src/peer/message-codec.ts";
import type { Message } from "../../src/raft/types.ts";
import { appendEntries, heartbeat, oneOfEachKind } from "./messages.ts";

function decodeWith(
  message: Message,
  change: (fields: HeaderField[]) => void,
  bodyBytes = 0,
): Message | string {
  const fields = encodeMessage(message);
  change(fields);
  return decodeMessage(frameTypeOf(message), fields, bodyBytes);
}

/** A body large enough for the entries of `message`. */
function bodyBytesOf(message: Message): number {
  return message.kind === "AppendEntries" ? (message.lastEntryIndex - message.prevLogIndex) * 64 : 0;
}

describe("encodeMessage() and decodeMessage()", () => {
  test("bring back every kind of message, through the bytes of a header", () => {
    for (const message of oneOfEachKind(1, 2 ** 31 - 1)) {
      const fields = unpackHeader(packHeader(encodeMessage(message), 0));
      expect(decodeMessage(frameTypeOf(message), fields!, bodyBytesOf(message))).toEqual(message);
    }
  });

  test("decodeMessage() refuses any field of the wrong type, negative, fractional or missing", () => {
    for (const message of oneOfEachKind(1, 2)) {
      const fields = encodeMessage(message);
      for (let i = 0; i < fields.length; i++) {
        const wrong =
          typeof fields[i] === "boolean" ? [0, 1] : [true, -1, 1.5, Number.NaN, 2 ** 53, Infinity];
        for (const value of wrong) {
          expect(decodeWith(message, (changed) => (changed[i] = value), bodyBytesOf(message))).toBeString();
        }
      }
      expect(decodeWith(message, (changed) => changed.pop(), bodyBytesOf(message))).toBeString();
      expect(decodeWith(message, (changed) => changed.push(1), bodyBytesOf(message))).toBeString();
    }
  });

  test("decodeMessage() refuses node ids outside [1, 2^31)", () => {
    for (const field of [0, 1]) {
      for (const id of [0, 2 ** 31]) {
        expect(decodeWith(heartbeat(1, 2), (fields) => (fields[field] = id))).toContain("[1, 2147483647]");
      }
    }
  });

  test("decodeMessage() refuses a body that does not go with the message", () => {
    const withEntries = appendEntries(1, 2, { prevLogIndex: 10, lastEntryIndex: 12 });
    expect(decodeWith(withEntries, () => undefined, 0)).toBe("0 bytes cannot hold 2 entries");
    expect(decodeWith(withEntries, () => undefined, 31)).toBe("31 bytes cannot hold 2 entries");
    expect(decodeWith(heartbeat(1, 2), () => undefined, 5)).toBe("records in a heartbeat");
    for (const message of oneOfEachKind(1, 2)) {
      if (message.kind !== "AppendEntries") {
        expect(decodeWith(message, () => undefined, 5)).toBe("a body where none belongs");
      }
    }
    const claimsAll = appendEntries(1, 2, { prevLogIndex: 0, lastEntryIndex: Number.MAX_SAFE_INTEGER });
    expect(decodeWith(claimsAll, () => undefined, 1000)).toContain("cannot hold");
  });

  test("decodeMessage() refuses entries that go backwards and a previous term after the leader's", () => {
    const backwards = appendEntries(1, 2, { prevLogIndex: 10, lastEntryIndex: 9 });
    expect(decodeWith(backwards, () => undefined)).toBe("lastEntryIndex is before prevLogIndex");
    expect(decodeWith({ ...heartbeat(1, 2), prevLogTerm: 4 }, () => undefined)).toBe(
      "prevLogTerm is after term",
    );
  });

  test("decodeMessage() refuses frame types that are no messages", () => {
    for (const type of [frameType.alive, frameType.proxyRequests, 0, 99]) {
      expect(decodeMessage(type, [1, 2, 3], 0)).toBe(`frame type ${type} is not a message`);
    }
  });

  test("what decodeMessage() accepts of arbitrary fields is a message: it encodes to the same fields", () => {
    const random = new SeededRandom(4);
    const values = [0, 1, 2, 3, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, 0.5, true, false];
    let accepted = 0;
    for (let round = 0; round < 100_000; round++) {
      const type = 1 + random.below(5);
      const fields: HeaderField[] = [1 + random.below(3), 1 + random.below(3), 1 + random.below(9)];
      const count = random.below(8);
      while (fields.length < count) fields.push(values[random.below(values.length)]!);
      const bodyBytes = random.below(2) * random.below(10_000);
      const message = decodeMessage(type, fields, bodyBytes);
      if (typeof message === "string") continue;
      accepted++;
      expect(frameTypeOf(message)).toBe(type as typeof frameType.requestVote);
      expect(encodeMessage(message)).toEqual(fields);
    }
    expect(accepted).toBeGreaterThan(100);
  });
});
