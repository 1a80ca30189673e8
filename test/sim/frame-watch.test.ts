import { expect, test } from "bun:test";
import { encodeFrame, frameType } from "../../src/peer/frame.ts";
import { encodeHello, peerVersion } from "../../src/peer/hello.ts";
import { FrameWatch } from "./frame-watch.ts";

const hello = encodeHello(
  { version: peerVersion, clusterId: "0123456789abcdef0123456789abcdef", from: 1, to: 2, channel: "bulk" },
  null,
);
const answer = Buffer.from("+OK\r\n");
const frames = [
  Buffer.concat(encodeFrame(frameType.alive, [], [])),
  Buffer.concat(encodeFrame(frameType.appendEntries, [1, 2, 3], [Buffer.alloc(300, 7)])),
  Buffer.concat(encodeFrame(frameType.removed, [12], [])),
];

/** The frames found in `bytes`, sent in pieces of `pieceBytes`. */
function found(saysHello: boolean, bytes: Uint8Array, pieceBytes: number): string[] {
  const seen: string[] = [];
  const watch = new FrameWatch(saysHello, (frame) => seen.push(Buffer.from(frame).toString("hex")));
  for (let at = 0; at < bytes.length; at += pieceBytes) watch.sent(bytes.subarray(at, at + pieceBytes));
  expect(watch.isBetweenFrames).toBe(seen.length > 0);
  return seen;
}

test("FrameWatch finds the frames behind a hello, and behind the answer to one, however they are cut", () => {
  const expected = frames.map((frame) => frame.toString("hex"));
  for (const pieceBytes of [1, 2, 5, 7, 100, 10_000]) {
    expect(found(true, Buffer.concat([hello, ...frames]), pieceBytes)).toEqual(expected);
    expect(found(false, Buffer.concat([answer, ...frames]), pieceBytes)).toEqual(expected);
  }
});

test("FrameWatch passes over what is no link between peers", () => {
  for (const text of [
    "*1\r\n$4\r\nPING\r\n",
    "*3\r\n$9\r\nRAFT.NODE\r\n$3\r\nADD\r\n$1\r\n7\r\n",
    "PING\r\n",
  ]) {
    for (const pieceBytes of [1, 1000])
      expect(found(true, Buffer.concat([Buffer.from(text), ...frames]), pieceBytes)).toEqual([]);
  }
  for (const text of ["+PONG\r\n", "-ERR removed\r\n"])
    expect(found(false, Buffer.concat([Buffer.from(text), ...frames]), 1)).toEqual([]);
});
