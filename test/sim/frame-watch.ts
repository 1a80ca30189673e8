// Finds the frames of the peers in one direction of a connection, from the bytes as they are sent: for the trace, for
// those who check what nodes tell each other, and to let a frame arrive twice. A connection that does not begin as a
// peer's is passed over.

import { framePrefixBytes } from "../../src/peer/frame.ts";

const lengthFieldBytes = 4;
const answer = "+OK\r\n";
/** With so many bytes it is clear whether a stream begins with `RAFT.PEER`. */
const helloStartBytesMax = 20;

export class FrameWatch {
  /** Whether this is the end that connected and so begins with a hello; the other begins with an answer to one. */
  readonly #saysHello: boolean;
  readonly #found: (frame: Uint8Array) => void;
  #state: "hello" | "frames" | "other" = "hello";
  #pending: Buffer = Buffer.alloc(0);

  constructor(saysHello: boolean, found: (frame: Uint8Array) => void) {
    this.#saysHello = saysHello;
    this.#found = found;
  }

  /** Whether the stream has come to frames. */
  get speaksFrames(): boolean {
    return this.#state === "frames";
  }

  /** Whether the bytes so far end where a frame could begin. */
  get isBetweenFrames(): boolean {
    return this.#state === "frames" && this.#pending.length === 0;
  }

  /** The next bytes of the stream, valid during the call. */
  sent(bytes: Uint8Array): void {
    if (this.#state === "other") return;
    this.#pending = this.#pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#pending, bytes]);
    if (this.#state === "hello") this.#passHello();
    if (this.#state === "frames") this.#passFrames();
  }

  #passHello(): void {
    const length = this.#saysHello ? helloBytes(this.#pending) : answerBytes(this.#pending);
    if (length === 0) return;
    this.#state = length === null ? "other" : "frames";
    this.#pending = this.#pending.subarray(length ?? this.#pending.length);
  }

  #passFrames(): void {
    while (this.#pending.length >= framePrefixBytes) {
      const sizeBytes = lengthFieldBytes + this.#pending.readUInt32LE(0);
      if (this.#pending.length < sizeBytes) return;
      const frame = this.#pending.subarray(0, sizeBytes);
      this.#pending = this.#pending.subarray(sizeBytes);
      this.#found(frame);
    }
  }
}

/** Length of the hello at the start of `bytes`; 0 when that is not all of it, null when it is something else. */
function helloBytes(bytes: Buffer): number | null {
  const text = bytes.latin1Slice();
  const start = /^\*(\d+)\r\n\$9\r\nRAFT\.PEER\r\n/.exec(text);
  if (start === null) return text.startsWith("*") && text.length < helloStartBytesMax ? 0 : null;
  let offset = start[0].length;
  for (let left = Number(start[1]) - 1; left > 0; left--) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(offset));
    if (size === null) return 0;
    offset += size[0].length + Number(size[1]) + 2;
  }
  return offset <= text.length ? offset : 0;
}

function answerBytes(bytes: Buffer): number | null {
  const text = bytes.subarray(0, answer.length).latin1Slice();
  if (text === answer) return answer.length;
  return answer.startsWith(text) ? 0 : null;
}
