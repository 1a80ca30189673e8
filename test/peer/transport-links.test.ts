import { beforeEach, describe, expect, test } from "bun:test";
import { encodeFrame, frameType } from "../../src/peer/frame.ts";
import { peerVersion, refusals } from "../../src/peer/hello.ts";
import type { Hello } from "../../src/peer/hello.ts";
import { encodeMessage } from "../../src/peer/message-codec.ts";
import { FakeEnd } from "./fake-network.ts";
import { appendEntries, appendEntriesResponse, heartbeat } from "./messages.ts";
import { TestWorld, clusterId, proxyRequest, quiet } from "./test-world.ts";

let world = new TestWorld();

beforeEach(() => {
  world = new TestWorld();
});

describe("a hello", () => {
  const hello: Hello = { version: peerVersion, clusterId, from: 7, to: 1, channel: "control" };

  test("is refused for another version, cluster or node, a bad source or a removed one, in this order", () => {
    const a = world.node({ id: 1 });
    const { transport } = a;
    expect(transport.refusal(hello)).toBeNull();
    expect(transport.refusal({ ...hello, version: peerVersion + 1, clusterId: "x" })).toBe(refusals.version);
    expect(transport.refusal({ ...hello, clusterId: clusterId.replace("0", "1"), to: 9 })).toBe(
      refusals.cluster,
    );
    a.known.set(7, "removed");
    expect(transport.refusal({ ...hello, to: 9 })).toBe(refusals.target);
    for (const from of [0, -1, 1, 1.5, 2 ** 31, Number.NaN]) {
      expect(transport.refusal({ ...hello, from })).toBe(refusals.source);
    }
    expect(transport.refusal(hello)).toBe(refusals.removed);
    a.known.set(7, "member");
    expect(transport.refusal(hello)).toBeNull();
  });

  test("that was answered and is refused meanwhile gives no link", () => {
    const a = world.node({ id: 1 });
    const end = new FakeEnd(world.network, "fake");
    expect(a.transport.accept(end, hello)).not.toBeNull();
    a.known.set(7, "removed");
    expect(a.transport.accept(end, hello)).toBeNull();
  });

  test("to a node of another cluster or with another id is tried again and logged once", () => {
    const a = world.node({ id: 1 });
    const b = world.node({ id: 2, clusterId: clusterId.replace("0", "1") });
    const c = world.node({ id: 3 });
    a.transport.setMembers([b.member, c.memberAt(4)]);
    world.clock.advance(5000);
    expect(a.listener.events).toEqual([]);
    const statistics = a.transport.statistics(2)!;
    expect(statistics.state).toBe("connect_error");
    expect(statistics.connectErrors).toBeGreaterThan(5);
    expect(a.logger.notices.filter((line) => line.includes(refusals.cluster))).toHaveLength(3);
    expect(a.logger.notices.filter((line) => line.includes(refusals.target))).toHaveLength(3);
    // It gets in as soon as the right node is there.
    const right = world.node({ id: 2 });
    world.clock.advance(2000);
    expect(a.transport.statistics(2)).toMatchObject({ state: "connected", connectOks: 1 });
    expect(right.listener.events).toEqual([]);
  });

  test("to a node that has yet to take up its place waits for it, which is no error", () => {
    const a = world.node({ id: 1 });
    world.network.listen("10.0.0.2", 2, (end) => {
      end.write(Buffer.from("-NOCLUSTER No Raft Cluster (joining now)\r\n"));
      return quiet;
    });
    a.transport.setMembers([{ id: 2, host: "10.0.0.2", port: 2, voting: false }]);
    world.clock.advance(1000);
    expect(a.transport.statistics(2)).toMatchObject({
      state: "disconnected",
      connectErrors: 0,
      connectOks: 0,
    });
    expect(a.logger.notices).toEqual([]);
  });

  test("carries the cluster's password, and a wrong one is an error that says so", () => {
    const a = world.node({ id: 1, options: { credentials: { user: "default", password: "s3cret \xff" } } });
    const b = world.node({ id: 2, password: "s3cret \xff" });
    a.transport.setMembers([b.member]);
    world.clock.advance(50);
    expect(a.transport.statistics(2)!.state).toBe("connected");
    for (const end of world.network.openConnections) end.cut();
    a.options.credentials = { user: "default", password: "other" };
    world.clock.advance(2000);
    expect(a.transport.statistics(2)!.state).toBe("connect_error");
    expect(a.logger.notices.at(-1)).toContain("WRONGPASS");
    a.options.credentials = null;
    world.clock.advance(2000);
    expect(a.logger.notices.at(-1)).toContain("NOAUTH Authentication required.");
  });

  test("may be answered in one chunk with the first frames", () => {
    const a = world.node({ id: 1 });
    const response = appendEntriesResponse(2, 1);
    world.network.listen("10.0.0.1", 2, (end) => {
      const frames = encodeFrame(frameType.appendEntriesResponse, encodeMessage(response), []);
      end.write(Buffer.concat([Buffer.from("+OK\r\n"), ...frames]));
      return quiet;
    });
    world.network.chunkBytes = () => 1000;
    a.transport.setMembers([{ id: 2, host: "10.0.0.1", port: 2, voting: true }]);
    world.clock.advance(20);
    // The control and the bulk link; on the proxy link it is out of place.
    expect(a.listener.messages.map(({ message }) => message)).toEqual([response, response]);
    expect(a.logger.notices).toHaveLength(1);
    expect(a.logger.notices[0]).toContain("does not belong on a proxy link");
  });

  test("that is never answered, answered with garbage or without an end is given up", () => {
    const answers = { silence: "", garbage: "hello there\r\n", endless: "+".repeat(2000) };
    const reasons = {
      silence: "no answer to the hello",
      garbage: "unexpected answer",
      endless: "endless answer",
    };
    for (const kind of ["silence", "garbage", "endless"] as const) {
      const a = world.node({ id: 1 });
      world.network.listen("10.0.0.1", 2, (end) => {
        end.write(Buffer.from(answers[kind]));
        return quiet;
      });
      a.transport.setMembers([{ id: 2, host: "10.0.0.1", port: 2, voting: true }]);
      world.clock.advance(3010);
      expect(a.logger.notices.join("\n")).toContain(reasons[kind]);
      expect(a.listener.events).toEqual([]);
      a.transport.stop();
      world.clock.advance(10);
      expect(world.network.openConnections).toEqual([]);
    }
  });
});

describe("a link that breaks", () => {
  test("is reported on both sides and opened again", () => {
    const { a, b } = world.pair();
    world.connectionOf("control").cut();
    expect(a.listener.events).toEqual(["disconnected 2 control outgoing"]);
    expect(b.listener.events).toEqual(["disconnected 1 control incoming"]);
    expect(a.transport.statistics(2)).toMatchObject({ state: "disconnected", connectOks: 1 });
    world.clock.advance(300);
    expect(a.listener.events).toEqual(["disconnected 2 control outgoing", "connected 2 control"]);
    expect(a.transport.statistics(2)).toMatchObject({ state: "connected", connectOks: 2, connectErrors: 0 });
    expect(a.transport.send(heartbeat(1, 2))).toBeTrue();
  });

  test("in the middle of a frame delivers nothing of it, and the next link starts afresh", () => {
    const { a, b } = world.pair();
    world.network.chunkBytesMax = 700;
    a.records = [Buffer.alloc(100_000, 1)];
    a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }));
    world.clock.advance(20);
    world.connectionOf("bulk").cut();
    world.clock.advance(500);
    world.network.chunkBytesMax = 64 * 1024;
    expect(b.listener.messages).toEqual([]);
    a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2, round: 2 }));
    world.clock.advance(500);
    expect(b.listener.messages).toHaveLength(1);
    expect(b.listener.messages[0]!.message).toMatchObject({ round: 2 });
  });

  test("is noticed while sending without calling the listener from inside send()", () => {
    const { a } = world.pair();
    // The connection is closed below, but its event has yet to come.
    const end = world.connectionOf("control");
    end.write = () => -1;
    expect(a.transport.send(heartbeat(1, 2))).toBeTrue();
    expect(a.listener.events).toEqual([]);
    expect(a.transport.send(heartbeat(1, 2))).toBeFalse();
    world.clock.advance(0);
    expect(a.listener.events).toEqual(["disconnected 2 control outgoing"]);
  });

  test("is tried again after pauses that grow from the reconnect interval to a second", () => {
    const { a } = world.pair();
    world.network.refuse("10.0.0.1", 2);
    let attempts = 0;
    const connect = world.network.connect.bind(world.network);
    world.network.connect = (...args) => {
      attempts++;
      return connect(...args);
    };
    for (const end of world.network.openConnections) end.cut();
    world.clock.advance(99);
    expect(attempts).toBe(0);
    world.clock.advance(1000);
    expect(attempts).toBeGreaterThanOrEqual(3 * 3);
    world.clock.advance(9000);
    attempts = 0;
    world.clock.advance(100_000);
    // Three links, each pausing between 100 ms and a second.
    expect(attempts).toBeGreaterThan(3 * 100);
    expect(attempts).toBeLessThan(3 * 300);
    expect(a.transport.statistics(2)!.connectErrors).toBeGreaterThan(100);
    expect(a.logger.notices.filter((line) => line.includes("ECONNREFUSED"))).toHaveLength(3);
  });

  test("and comes back at once keeps its pauses short only if it was of use", () => {
    const a = world.node({ id: 1 });
    let accepted = 0;
    world.network.listen("10.0.0.1", 2, (end) => {
      accepted++;
      end.write(Buffer.from("+OK\r\ngarbage garbage garbage"));
      return quiet;
    });
    a.transport.setMembers([{ id: 2, host: "10.0.0.1", port: 2, voting: true }]);
    world.clock.advance(100_000);
    expect(accepted).toBeLessThan(3 * 300);
  });
});

describe("a link that works again", () => {
  test("starts with the shortest pause when it breaks once more", () => {
    const { a } = world.pair();
    for (const end of world.network.openConnections) end.cut();
    world.network.silent = true;
    world.clock.advance(30_000);
    world.network.silent = false;
    world.clock.advance(10_000);
    expect(a.transport.statistics(2)!.state).toBe("connected");
    world.network.openConnections.forEach((end) => end.cut());
    world.clock.advance(110);
    expect(a.transport.statistics(2)!.state).toBe("connected");
  });
});

describe("silence", () => {
  test("ends a link on both sides after twice the response timeout, and only then", () => {
    const { a, b } = world.pair();
    world.clock.advance(60_000);
    expect(a.listener.events).toEqual([]);
    expect(b.listener.events).toEqual([]);
    world.network.silent = true;
    world.clock.advance(1700);
    expect(a.listener.events).toEqual([]);
    world.clock.advance(1000);
    expect(a.listener.events).toHaveLength(4);
    expect(b.listener.events).toHaveLength(4);
    expect(a.logger.notices.join("\n")).toContain("nothing heard for");
    world.network.silent = false;
    world.clock.advance(5000);
    expect(a.transport.statistics(2)!.state).toBe("connected");
  });

  test("that is this process's own fault ends nothing", () => {
    const { a, b } = world.pair();
    world.clock.advance(1000);
    world.clock.stall(10_000);
    world.clock.advance(5000);
    expect(a.listener.events).toEqual([]);
    expect(b.listener.events).toEqual([]);
  });

  test("does not end a link on which a large frame crawls", () => {
    const { a, b } = world.pair();
    world.network.bufferBytes = 1000;
    world.network.chunkBytesMax = 20;
    a.records = [Buffer.alloc(200_000, 1)];
    a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 2 }));
    world.clock.advance(10_000);
    expect(b.listener.messages).toEqual([]);
    world.clock.advance(20_000);
    expect(b.listener.messages).toHaveLength(1);
    expect(a.listener.events).toEqual([]);
    expect(b.listener.events).toEqual([]);
  });
});

describe("links opened twice", () => {
  test("the newer one wins, and nobody is told of a loss", () => {
    const { a, b } = world.pair();
    const twin = world.node({ id: 1, port: 50 });
    twin.transport.setMembers([b.member]);
    world.clock.advance(50);
    expect(b.listener.events.filter((event) => event.startsWith("disconnected"))).toEqual([]);
    expect(a.listener.events).toContain("disconnected 2 control outgoing");
    expect(b.transport.send(appendEntriesResponse(2, 1))).toBeTrue();
    world.clock.advance(10);
    expect(twin.listener.messages).toHaveLength(1);
  });

  test("a proxy session ends with its link: no answer reaches the newer one", () => {
    const { a, b } = world.pair();
    a.transport.sendProxyRequest(2, proxyRequest(1));
    world.clock.advance(10);
    const { session } = b.listener.requests[0]!;
    a.transport.stop();
    const reborn = world.node({ id: 1 });
    reborn.transport.setMembers([b.member]);
    world.clock.advance(50);
    expect(b.listener.events).toContain("session of 1 closed");
    expect(session.open).toBeFalse();
    expect(b.transport.sendProxyResponse(session, { kind: "notExecuted", requestId: 1 })).toBeFalse();
    world.clock.advance(50);
    expect(reborn.listener.responses).toEqual([]);
  });
});

describe("members", () => {
  test("that move are connected to at their new address", () => {
    const { a, b } = world.pair();
    a.transport.sendProxyRequest(2, proxyRequest(1));
    world.clock.advance(10);
    const moved = world.node({ id: 2, port: 22 });
    a.transport.setMembers([moved.member]);
    expect(a.listener.events).toEqual([]);
    world.clock.advance(50);
    expect(a.listener.events.toSorted()).toEqual([
      "connected 2 bulk",
      "connected 2 control",
      "connected 2 proxy",
      "proxy link to 2 down",
    ]);
    a.transport.send(heartbeat(1, 2));
    world.clock.advance(10);
    expect(moved.listener.messages).toHaveLength(1);
    expect(b.listener.messages).toEqual([]);
  });

  test("that stay keep their links", () => {
    const { a, b } = world.pair();
    const before = world.network.openConnections;
    a.transport.setMembers([{ ...b.member, voting: false }]);
    world.clock.advance(500);
    expect(world.network.openConnections).toEqual(before);
  });

  test("that leave can still be told, for a while, and keep the links that they opened", () => {
    const { a, b } = world.pair();
    b.transport.setMembers([a.member]);
    world.clock.advance(50);
    a.listener.clear();
    b.listener.clear();
    a.transport.setMembers([a.member]);
    world.clock.advance(100);
    expect(a.transport.statistics(2)).toBeNull();
    expect(a.transport.sendProxyRequest(2, proxyRequest(1))).toBeFalse();
    // Half of the removal: the node that leaves may be the leader that commits it.
    expect(b.transport.send(heartbeat(2, 1))).toBeTrue();
    expect(a.transport.sendRemovedNotice(2, 17)).toBeTrue();
    world.clock.advance(100);
    expect(a.listener.messages).toHaveLength(1);
    expect(b.listener.events).toContain("removed says 1 at 17");
    expect(b.listener.events.filter((event) => event.includes("control"))).toEqual([]);
    world.clock.advance(5000);
    expect(b.listener.events).toContain("disconnected 1 control incoming");
    expect(a.transport.sendRemovedNotice(2, 17)).toBeFalse();
  });

  test("that come back before they were let go are connected anew", () => {
    const { a, b } = world.pair();
    a.transport.setMembers([]);
    a.transport.setMembers([b.member]);
    world.clock.advance(10_000);
    expect(a.transport.statistics(2)).toMatchObject({ state: "connected", connectOks: 1 });
    expect(world.network.openConnections).toHaveLength(3);
  });

  test("that were removed and come back hear so: at their hello, or at their open link", () => {
    const { a, b } = world.pair();
    b.known.set(1, "removed");
    world.clock.advance(1000);
    expect(a.listener.events).toContain("removed says 2 at 0");
    expect(a.transport.statistics(2)!.state).not.toBe("connected");
  });
});

test("stop() ends attempts to connect, and those that were still to come", () => {
  for (const waitMs of [0, 50, 5000]) {
    const a = world.node({ id: 1 });
    a.transport.setMembers([{ id: 9, host: "10.0.0.1", port: 9, voting: true }]);
    world.clock.advance(waitMs);
    a.transport.stop();
    expect(world.clock.pendingTimers).toBe(0);
  }
});

test("stop() from inside an event delivers nothing more of the same chunk", () => {
  const { a, b } = world.pair();
  b.listener.onMessage = () => b.transport.stop();
  a.transport.send(heartbeat(1, 2, 1));
  a.transport.send(heartbeat(1, 2, 2));
  world.clock.advance(50);
  expect(b.listener.messages).toHaveLength(1);
});

test("stop() closes all links, sets no timer more and calls nobody", () => {
  const { a, b } = world.pair();
  b.transport.setMembers([a.member]);
  world.clock.advance(50);
  a.transport.stop();
  b.transport.stop();
  a.listener.clear();
  b.listener.clear();
  world.clock.advance(10_000);
  expect(world.network.openConnections).toEqual([]);
  expect(a.listener.events).toEqual([]);
  expect(b.listener.events).toEqual([]);
  expect(world.clock.pendingTimers).toBe(0);
});
