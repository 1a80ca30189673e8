import { describe, expect, test } from "bun:test";
import { Proposal, ProposalQueue } from "../../src/node/proposal-queue.ts";
import { ReadBatch, ReadQueue } from "../../src/node/read-queue.ts";

function queueOf(...places: readonly (readonly [index: number, term: number])[]): {
  queue: ProposalQueue;
  proposals: Proposal[];
} {
  const queue = new ProposalQueue();
  const proposals = places.map(([index, term]) => new Proposal(index, term, []));
  for (const proposal of proposals) queue.push(proposal);
  return { queue, proposals };
}

describe("ProposalQueue", () => {
  test("gives out a proposal when its own entry is applied, and only then", () => {
    const { queue, proposals } = queueOf([4, 1], [5, 1]);
    expect(queue.takeApplied(3, 1)).toBe(null);
    expect(queue.takeApplied(4, 2)).toBe(null);
    expect(queue.takeApplied(4, 1)).toBe(proposals[0]!);
    expect(queue.takeOverwritten(5, 1)).toBe(null);
    expect(queue.takeApplied(5, 1)).toBe(proposals[1]!);
    expect(queue.isEmpty).toBe(true);
  });

  test("gives out a proposal as overwritten when another entry is applied in its place", () => {
    const { queue, proposals } = queueOf([4, 1], [5, 1]);
    expect(queue.takeOverwritten(3, 1)).toBe(null);
    expect(queue.takeOverwritten(4, 2)).toBe(proposals[0]!);
    expect(queue.takeOverwritten(4, 2)).toBe(null);
    expect(queue.count).toBe(1);
  });

  test("settles all that was overwritten where the log goes on, though it gets no further", () => {
    const { queue, proposals } = queueOf([4, 1], [5, 1], [9, 1]);
    queue.overwrittenFrom(5);
    expect(queue.takeOverwritten(4, 1)).toBe(null);
    expect(queue.takeApplied(4, 1)).toBe(proposals[0]!);
    expect(queue.takeOverwritten(5, 3)).toBe(proposals[1]!);
    expect(queue.takeOverwritten(5, 3)).toBe(proposals[2]!);
    expect(queue.isEmpty).toBe(true);
  });

  test("keeps what was proposed anew behind what was overwritten", () => {
    const { queue, proposals } = queueOf([4, 1], [5, 1]);
    queue.overwrittenFrom(4);
    const anew = new Proposal(5, 3, []);
    queue.push(anew);
    expect(queue.takeOverwritten(4, 2)).toBe(proposals[0]!);
    expect(queue.takeOverwritten(4, 2)).toBe(proposals[1]!);
    expect(queue.takeOverwritten(5, 3)).toBe(null);
    expect(queue.takeApplied(5, 3)).toBe(anew);
  });

  test("holds its order through many proposals", () => {
    const queue = new ProposalQueue();
    for (let index = 1; index <= 2000; index++) {
      queue.push(new Proposal(index, 1, []));
      if (index % 2 === 0) expect(queue.takeApplied(index / 2, 1)?.index).toBe(index / 2);
    }
    expect(queue.count).toBe(1000);
    expect(queue.takeAll().map(({ index }) => index)).toEqual(
      Array.from({ length: 1000 }, (_, at) => 1001 + at),
    );
    expect(queue.isEmpty).toBe(true);
  });
});

describe("ReadQueue", () => {
  test("gives out a batch once its round is confirmed and its index applied, in order", () => {
    const queue = new ReadQueue();
    const first = new ReadBatch(1, 10, []);
    const second = new ReadBatch(2, 8, []);
    queue.push(first);
    queue.push(second);
    expect(queue.takeAnswerable(0, 10)).toBe(null);
    expect(queue.takeAnswerable(2, 9)).toBe(null);
    expect(queue.takeAnswerable(1, 10)).toBe(first);
    expect(queue.takeAnswerable(1, 10)).toBe(null);
    expect(queue.takeAnswerable(2, 10)).toBe(second);
    expect(queue.isEmpty).toBe(true);
  });

  test("gives out everything at once when leadership is lost", () => {
    const queue = new ReadQueue();
    const batches = [new ReadBatch(1, 1, []), new ReadBatch(2, 1, [])];
    for (const batch of batches) queue.push(batch);
    expect(queue.takeAll()).toEqual(batches);
    expect(queue.isEmpty).toBe(true);
  });
});
