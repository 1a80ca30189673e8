import { beforeEach, describe, expect, test } from "bun:test";
import { appendEntries, appendEntriesResponse, heartbeat, oneOfEachKind, requestVote } from "./messages.ts";
import { TestWorld, proxyRequest } from "./test-world.ts";

let world = new TestWorld();

beforeEach(() => {
  world = new TestWorld();
});

describe("messages", () => {
  test("travel to a node that knows no member, and its responses back", () => {
    const { a, b } = world.pair();
    for (const message of oneOfEachKind(1, 2)) {
      const large = message.kind === "AppendEntries" && message.lastEntryIndex > message.prevLogIndex;
      a.records = large ? [Buffer.alloc(100, 1), Buffer.alloc(100, 2)] : [];
      if (message.kind.endsWith("Response")) continue;
      expect(a.transport.send(message)).toBeTrue();
      world.clock.advance(10);
      const arrived = b.listener.messages.pop();
      expect(arrived?.message).toEqual(message);
      expect(arrived?.records?.length).toBe(large ? 200 : undefined);
    }
    for (const message of oneOfEachKind(2, 1)) {
      if (!message.kind.endsWith("Response")) continue;
      expect(b.transport.send(message)).toBeTrue();
      world.clock.advance(10);
      expect(a.listener.messages.pop()?.message).toEqual(message);
    }
  });

  test("arrive whole and in order through a network that takes and gives a few bytes at a time", () => {
    const { a, b } = world.pair();
    world.network.bufferBytes = 37;
    world.network.chunkBytesMax = 11;
    const body = Buffer.from(Array.from({ length: 3000 }, (_, i) => i & 0xff));
    a.records = [body.subarray(0, 1), body.subarray(1, 2999), body.subarray(2999)];
    for (let round = 1; round <= 20; round++) {
      expect(
        a.transport.send(appendEntries(1, 2, { prevLogIndex: 10, lastEntryIndex: 14, round })),
      ).toBeTrue();
      expect(a.transport.send(heartbeat(1, 2, round))).toBeTrue();
    }
    world.clock.advance(20_000);
    const bulk = b.listener.messages.filter(({ records }) => records !== null);
    const control = b.listener.messages.filter(({ records }) => records === null);
    for (const list of [bulk, control]) {
      expect(list.map(({ message }) => (message.kind === "AppendEntries" ? message.round : 0))).toEqual(
        Array.from({ length: 20 }, (_, i) => i + 1),
      );
    }
    for (const { records } of bulk) expect(Buffer.from(records!).equals(body)).toBeTrue();
    expect(a.listener.events).toEqual([]);
  });

  test("records are a buffer of the receiver's own", () => {
    const { a, b } = world.pair();
    a.records = [Buffer.alloc(64, 5)];
    a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }));
    a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }));
    world.clock.advance(100);
    for (const { records } of b.listener.messages) expect(records!.every((byte) => byte === 5)).toBeTrue();
    expect(b.listener.messages).toHaveLength(2);
  });

  test("with entries take the bulk link, all others the control link", () => {
    const { a } = world.pair();
    a.records = [Buffer.alloc(64)];
    const control = world.connectionOf("control");
    const bulk = world.connectionOf("bulk");
    const before = [control.written, bulk.written];
    a.transport.send(heartbeat(1, 2));
    a.transport.send(requestVote(1, 2));
    expect(bulk.written).toBe(before[1]!);
    expect(control.written).toBeGreaterThan(before[0]!);
    const afterControl = control.written;
    a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }));
    expect(control.written).toBe(afterControl);
    expect(bulk.written).toBeGreaterThan(before[1]!);
  });

  test("responses return on the link of the latest request, or on another when that is gone", () => {
    const { a, b } = world.pair();
    a.records = [Buffer.alloc(64)];
    a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }));
    world.clock.advance(5);
    const bulk = world.connectionOf("bulk");
    const before = bulk.other!.written;
    b.transport.send(appendEntriesResponse(2, 1, 1));
    expect(bulk.other!.written).toBeGreaterThan(before);
    bulk.cut();
    expect(b.transport.send(appendEntriesResponse(2, 1, 2))).toBeTrue();
    world.clock.advance(5);
    expect(
      a.listener.messages.map(({ message }) => message.kind === "AppendEntriesResponse" && message.round),
    ).toEqual([2]);
  });

  test("to a node that is not connected are refused", () => {
    const { a, b } = world.pair();
    expect(a.transport.send(heartbeat(1, 3))).toBeFalse();
    expect(b.transport.send(heartbeat(2, 1))).toBeFalse();
    expect(a.transport.send(appendEntriesResponse(1, 2))).toBeFalse();
    world.network.refuse("10.0.0.1", 2);
    for (const end of world.network.openConnections) end.cut();
    expect(a.transport.send(heartbeat(1, 2))).toBeFalse();
    expect(b.transport.send(appendEntriesResponse(2, 1))).toBeFalse();
  });

  test("whose entries are larger than any frame are refused, and the log says so", () => {
    const { a } = world.pair({ frameBytesMax: 1000 });
    a.records = [Buffer.alloc(1001)];
    expect(a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }))).toBeFalse();
    expect(a.logger.notices.at(-1)).toContain("too large to send to node 2");
  });

  test("whose entries the log no longer holds are refused", () => {
    const { a } = world.pair();
    a.records = null;
    expect(a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }))).toBeFalse();
  });
});

describe("a reader that does not read", () => {
  test("costs bounded memory on the control link, which drops the oldest", () => {
    const { a, b } = world.pair({ controlQueueBytesMax: 2000, responseTimeoutMs: 1_000_000 });
    const end = world.connectionOf("control");
    world.network.bufferBytes = 500;
    world.network.clogged.add(end.other!);
    for (let round = 1; round <= 10_000; round++) expect(a.transport.send(heartbeat(1, 2, round))).toBeTrue();
    expect(a.transport.statistics(2)!.queuedBytes).toBeLessThan(2100);
    world.network.clogged.delete(end.other!);
    end.other!.scheduleDelivery();
    world.clock.advance(1000);
    const rounds = b.listener.messages.map(({ message }) =>
      message.kind === "AppendEntries" ? message.round : 0,
    );
    expect(rounds.at(-1)).toBe(10_000);
    expect(rounds.length).toBeLessThan(150);
    expect(rounds.toSorted((x, y) => x - y)).toEqual(rounds);
    expect(rounds[0]).toBe(1);
  });

  test("makes the bulk link refuse entries, without holding up heartbeats", () => {
    const { a, b } = world.pair({ bulkQueueBytesMax: 100_000, responseTimeoutMs: 1_000_000 });
    world.network.clogged.add(world.connectionOf("bulk").other!);
    a.records = [Buffer.alloc(30_000)];
    const sent = [];
    for (let i = 0; i < 20; i++)
      sent.push(a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 })));
    expect(sent.filter(Boolean).length).toBe(5);
    expect(a.transport.statistics(2)!.queuedBytes).toBeLessThanOrEqual(100_000);
    expect(a.transport.send(heartbeat(1, 2))).toBeTrue();
    world.clock.advance(10);
    expect(b.listener.messages).toHaveLength(1);
  });

  test("still gets one message larger than the queue", () => {
    const { a, b } = world.pair({ bulkQueueBytesMax: 1000 });
    a.records = [Buffer.alloc(300_000)];
    expect(a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }))).toBeTrue();
    expect(a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }))).toBeFalse();
    world.clock.advance(200);
    expect(b.listener.messages).toHaveLength(1);
  });

  test("makes the proxy link refuse requests", () => {
    const { a } = world.pair({ proxyQueueBytesMax: 100_000, responseTimeoutMs: 1_000_000 });
    world.network.clogged.add(world.connectionOf("proxy").other!);
    let accepted = 0;
    while (a.transport.sendProxyRequest(2, proxyRequest(accepted, ["SET", "k", "x".repeat(1000)]))) {
      accepted++;
      if (accepted % 10 === 0) world.clock.advance(1);
    }
    expect(accepted).toBeGreaterThan(100);
    expect(a.transport.statistics(2)!.queuedBytes).toBeLessThanOrEqual(100_000);
  });

  test("loses its proxy link when the answers it leaves unread are too many", () => {
    const { a, b } = world.pair({ proxyQueueBytesMax: 100_000, responseTimeoutMs: 1_000_000 });
    a.transport.sendProxyRequest(2, proxyRequest(1));
    world.clock.advance(10);
    const { session } = b.listener.requests[0]!;
    world.network.clogged.add(world.connectionOf("proxy"));
    let sent = 0;
    while (
      b.transport.sendProxyResponse(session, { kind: "reply", requestId: 1, bytes: Buffer.alloc(20_000) })
    ) {
      world.clock.advance(1);
      sent++;
    }
    expect(sent).toBeGreaterThan(5);
    expect(session.open).toBeFalse();
    expect(b.listener.events).toEqual([]);
    world.clock.advance(10);
    expect(b.listener.events).toEqual(["session of 1 closed", "disconnected 1 proxy incoming"]);
    world.network.clogged.clear();
    world.clock.advance(10);
    expect(a.listener.events).toContain("proxy link to 2 down");
  });
});

describe("dropQueuedEntries()", () => {
  test("drops what has not begun to leave, and the link if a frame is half sent", () => {
    const { a, b } = world.pair({ responseTimeoutMs: 1_000_000 });
    world.network.bufferBytes = 50_000;
    const bulk = world.connectionOf("bulk");
    const view = Buffer.alloc(30_000, 1);
    a.records = [view];
    world.network.clogged.add(bulk.other!);
    for (let i = 0; i < 3; i++) a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }));
    a.transport.dropQueuedEntries();
    view.fill(2);
    world.clock.advance(0);
    expect(a.listener.events).toEqual(["disconnected 2 bulk outgoing"]);
    world.network.clogged.clear();
    world.clock.advance(500);
    // The first message had left whole; of the second, which had begun, nothing is delivered.
    expect(b.listener.messages.map(({ records }) => records![0])).toEqual([1]);
  });

  test("leaves a link alone on which nothing waits", () => {
    const { a } = world.pair();
    a.records = [Buffer.alloc(64)];
    a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }));
    a.transport.dropQueuedEntries();
    world.clock.advance(50);
    expect(a.listener.events).toEqual([]);
  });

  test("if it is forgotten, the receiver refuses the entries that changed", () => {
    const { a, b } = world.pair({ responseTimeoutMs: 1_000_000 });
    const bulk = world.connectionOf("bulk");
    const view = Buffer.alloc(200_000, 1);
    a.records = [view];
    world.network.clogged.add(bulk.other!);
    a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }));
    view.fill(2);
    world.network.clogged.clear();
    bulk.other!.scheduleDelivery();
    world.clock.advance(100);
    expect(b.listener.messages).toEqual([]);
    expect(b.logger.notices.at(-1)).toContain("checksum");
  });
});
