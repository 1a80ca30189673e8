import { beforeEach, describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import type { ConnectionHandlers } from "../../src/peer/connection.ts";
import { encodeFrame, frameType } from "../../src/peer/frame.ts";
import { peerVersion } from "../../src/peer/hello.ts";
import type { Channel, Hello } from "../../src/peer/hello.ts";
import { encodeMessage } from "../../src/peer/message-codec.ts";
import { requestVote } from "./messages.ts";
import { TestWorld, clusterId } from "./test-world.ts";
import type { TestNode } from "./test-world.ts";

let world = new TestWorld();

beforeEach(() => {
  world = new TestWorld();
});

describe("a hostile or broken peer", () => {
  const helloOf = (channel: Channel): Hello => ({ version: peerVersion, clusterId, from: 7, to: 1, channel });
  const sink: ConnectionHandlers = { data: () => undefined, drain: () => undefined, closed: () => undefined };

  /** Gives `bytes` to a link of `channel` that node 7 has opened, and answers why the link was closed, if it was. */
  function attack(channel: Channel, bytes: Uint8Array): { reason: string | null; node: TestNode } {
    const node = world.node({ id: 1 });
    const end: { handlers: ConnectionHandlers | null } = { handlers: null };
    world.network.listen("10.0.0.1", 99, (connection) => {
      end.handlers = node.transport.accept(connection, helloOf(channel));
      return end.handlers!;
    });
    world.network.connect("10.0.0.1", 99, 100, {
      ...sink,
      resolved: () => undefined,
      connected: () => undefined,
      failed: () => undefined,
    });
    world.clock.advance(5);
    end.handlers!.data(bytes);
    const lost = node.logger.notices.find((line) => line.startsWith("Link from node 7"));
    node.transport.stop();
    return { reason: lost?.slice(lost.indexOf("lost: ") + 6) ?? null, node };
  }

  const frameBytes = (...args: Parameters<typeof encodeFrame>): Buffer => Buffer.concat(encodeFrame(...args));

  test("loses its link, and nothing of the frame is delivered", () => {
    const cases: [Channel, Uint8Array, string | null][] = [
      ["control", Buffer.from("*1\r\n$4\r\nPING\r\n"), "frame version 73 is unknown"],
      ["control", frameBytes(frameType.alive, [1], []), "malformed sign of life"],
      ["control", frameBytes(frameType.removed, [], []), "malformed notice of removal"],
      ["control", frameBytes(frameType.timeoutNow, [7, 1], []), "malformed message"],
      [
        "control",
        frameBytes(frameType.timeoutNow, [8, 1, 1], []),
        "a message from node 8 on a link of node 7",
      ],
      ["control", frameBytes(frameType.timeoutNow, [7, 2, 1], []), "a message to node 2"],
      [
        "control",
        frameBytes(frameType.proxyRequests, [1], [Buffer.alloc(60)]),
        "does not belong on a control link",
      ],
      [
        "bulk",
        frameBytes(frameType.requestVote, encodeMessage(requestVote(7, 1)), []),
        "does not belong on a bulk",
      ],
      ["bulk", frameBytes(frameType.appendEntriesResponse, [7, 1, 1], []), "does not belong on a bulk link"],
      ["proxy", frameBytes(frameType.proxyRequests, [1], [Buffer.alloc(60, 9)]), "malformed proxy requests"],
      [
        "proxy",
        frameBytes(frameType.proxyResponses, [1], [Buffer.alloc(13)]),
        "does not belong on a proxy link",
      ],
      ["control", frameBytes(frameType.timeoutNow, [7, 1, 1], []), null],
      ["control", frameBytes(frameType.alive, [], []), null],
    ];
    for (const [channel, bytes, expected] of cases) {
      const { reason, node } = attack(channel, bytes);
      if (expected === null) {
        expect(reason).toBeNull();
      } else {
        expect(reason).toContain(expected);
        expect(node.listener.messages).toEqual([]);
        expect(node.listener.requests).toEqual([]);
        expect(node.listener.events).toContain(`disconnected 7 ${channel} incoming`);
      }
    }
  });

  test("cannot crash the node with any bytes", () => {
    const random = new SeededRandom(6);
    const sound = frameBytes(frameType.requestVote, encodeMessage(requestVote(7, 1)), []);
    for (let round = 0; round < 1500; round++) {
      const bytes = round % 3 === 0 ? Buffer.alloc(random.below(300)) : Buffer.concat([sound, sound]);
      if (round % 3 === 0) for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
      else for (let n = random.below(4); n >= 0; n--) bytes[random.below(bytes.length)] = random.below(256);
      if (round % 3 === 2) bytes.writeUInt32LE(Bun.hash.crc32(bytes.subarray(8, sound.length)), 4);
      attack("control", bytes);
    }
  });

  test("is heard up to its first bad frame", () => {
    const good = frameBytes(frameType.timeoutNow, [7, 1, 1], []);
    const { node, reason } = attack("control", Buffer.concat([good, good, Buffer.alloc(20, 255), good]));
    expect(node.listener.messages).toHaveLength(2);
    expect(reason).not.toBeNull();
  });
});
