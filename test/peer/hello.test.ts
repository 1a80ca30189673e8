import { expect, test } from "bun:test";
import { encodeHello, peerVersion, readHelloAnswer } from "../../src/peer/hello.ts";
import type { Hello, HelloAnswer } from "../../src/peer/hello.ts";

const hello: Hello = { version: peerVersion, clusterId: "c".repeat(32), from: 5, to: 6, channel: "bulk" };

function answer(text: string, okCount: number): HelloAnswer {
  return readHelloAnswer(Buffer.from(text, "latin1"), okCount);
}

test("encodeHello() writes the commands of the file's header, byte for byte", () => {
  const plain =
    `*6\r\n$9\r\nRAFT.PEER\r\n$1\r\n${peerVersion}\r\n$32\r\n` +
    "c".repeat(32) +
    "\r\n$1\r\n5\r\n$1\r\n6\r\n$4\r\nbulk\r\n";
  expect(Buffer.from(encodeHello(hello, null)).latin1Slice()).toBe(plain);
  const full = encodeHello({ ...hello, address: "h:1" }, { user: "u\xe9", password: "a b\r\n" });
  expect(Buffer.from(full).latin1Slice()).toBe(
    "*3\r\n$4\r\nAUTH\r\n$2\r\nu\xe9\r\n$5\r\na b\r\n\r\n" + plain.replace("*6", "*7") + "$3\r\nh:1\r\n",
  );
});

test("readHelloAnswer() waits for every line, and leaves alone what follows them", () => {
  const text = "+OK\r\n+OK\r\nframes";
  for (let length = 0; length < 10; length++)
    expect(answer(text.slice(0, length), 2)).toEqual({ kind: "incomplete" });
  expect(answer(text, 2)).toEqual({ kind: "accepted", length: 10 });
  expect(answer(text, 1)).toEqual({ kind: "accepted", length: 5 });
});

test("readHelloAnswer() takes the first error as the reason", () => {
  expect(answer("-WRONGPASS no\r\n-NOAUTH\r\n", 2)).toEqual({ kind: "refused", reason: "WRONGPASS no" });
  expect(answer("+OK\r\n-ERR wrong cluster id\r\n", 2)).toEqual({
    kind: "refused",
    reason: "ERR wrong cluster id",
  });
});

test("readHelloAnswer() refuses anything else, and an answer without an end", () => {
  expect(answer(":1\r\n", 1)).toEqual({ kind: "refused", reason: 'unexpected answer ":1"' });
  expect(answer("+OKAY\r\n", 1).kind).toBe("refused");
  expect(answer("+".repeat(1023), 1).kind).toBe("incomplete");
  expect(answer("+".repeat(1024), 1).kind).toBe("refused");
  expect(answer(`${"+".repeat(5000)}\r\n`, 1).kind).toBe("refused");
});
