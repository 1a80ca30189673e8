import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import type { Connection } from "../../src/peer/connection.ts";
import { SendQueue } from "../../src/peer/send-queue.ts";

/** Takes as many bytes as it is allowed to. */
class Tap implements Connection {
  readonly remoteAddress = "tap";
  readonly #taken: Uint8Array[] = [];
  allowance = 0;
  writes = 0;
  open = true;

  write(bytes: Uint8Array): number {
    if (!this.open) return -1;
    this.writes++;
    const count = Math.min(bytes.length, this.allowance);
    this.#taken.push(new Uint8Array(bytes.subarray(0, count)));
    this.allowance -= count;
    return count;
  }

  close(): void {
    this.open = false;
  }

  get taken(): Buffer {
    return Buffer.concat(this.#taken);
  }
}

/** A frame of 1 to 3 pieces, one of which may be empty, that starts with its number and is filled with it. */
function frameOf(number: number, random: SeededRandom): Uint8Array[] {
  return Array.from({ length: 1 + random.below(3) }, (_, piece) =>
    Buffer.alloc(piece === 0 ? 1 + random.below(30) : random.below(30), number),
  );
}

test("sends whole frames in order, whatever is taken at a time and whichever are dropped", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new SeededRandom(seed);
    const tap = new Tap();
    const queue = new SendQueue(tap);
    /** The frames that should arrive, oldest first, and the end of each in the stream. */
    let expected: Uint8Array[] = [];
    for (let step = 0; step < 400; step++) {
      const action = random.below(10);
      if (action < 6) {
        const frame = frameOf(step % 251, random);
        expected.push(Buffer.concat(frame));
        expect(queue.send(frame)).toBeTrue();
      } else if (action < 9) {
        tap.allowance = random.below(200);
        expect(queue.drain()).toBeTrue();
      } else {
        const done = tap.taken.length;
        let end = 0;
        // The first frame of which nothing has been taken.
        const victim = expected.findIndex((frame) => (end += frame.length) - frame.length >= done);
        expect(queue.dropOldest()).toBe(victim >= 0);
        if (victim >= 0) expected = expected.toSpliced(victim, 1);
      }
      const waiting = expected.reduce((sum, frame) => sum + frame.length, 0) - tap.taken.length;
      expect(queue.queuedBytes).toBe(waiting);
    }
    tap.allowance = 1e9;
    queue.drain();
    expect(tap.taken.equals(Buffer.concat(expected))).toBeTrue();
    expect(queue.queuedBytes).toBe(0);
  }
});

test("writes nothing between a partial write and the drain", () => {
  const tap = new Tap();
  const queue = new SendQueue(tap);
  tap.allowance = 5;
  queue.send([Buffer.alloc(10)]);
  expect(tap.writes).toBe(1);
  queue.send([Buffer.alloc(10)]);
  expect(tap.writes).toBe(1);
  tap.allowance = 100;
  queue.drain();
  expect(tap.taken).toHaveLength(20);
});

test("says when the connection turns out to be closed", () => {
  const tap = new Tap();
  const queue = new SendQueue(tap);
  queue.send([Buffer.alloc(10)]);
  tap.close();
  expect(queue.drain()).toBeFalse();
  expect(new SendQueue(tap).send([Buffer.alloc(1)])).toBeFalse();
});

test("dropUnsent() keeps only the frame that has begun, and says so", () => {
  const tap = new Tap();
  const queue = new SendQueue(tap);
  queue.send([Buffer.alloc(10)]);
  queue.send([Buffer.alloc(10)]);
  expect(queue.dropUnsent()).toBeTrue();
  expect(queue.queuedBytes).toBe(0);
  queue.drain();
  tap.allowance = 3;
  queue.send([Buffer.alloc(10)]);
  queue.send([Buffer.alloc(10)]);
  expect(queue.dropUnsent()).toBeFalse();
  expect(queue.queuedBytes).toBe(7);
});
