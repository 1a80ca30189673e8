import { beforeEach, describe, expect, test } from "bun:test";
import { TestWorld, proxyRequest } from "./test-world.ts";

let world = new TestWorld();

beforeEach(() => {
  world = new TestWorld();
});

describe("clients' traffic", () => {
  test("requests of one turn share a frame and keep their order; the answers come back", () => {
    const { a, b } = world.pair();
    const end = world.connectionOf("proxy");
    let writes = 0;
    const write = end.write.bind(end);
    end.write = (bytes) => {
      writes++;
      return write(bytes);
    };
    for (let id = 1; id <= 50; id++) expect(a.transport.sendProxyRequest(2, proxyRequest(id))).toBeTrue();
    a.transport.sendProxyClientClosed(2, 9);
    world.clock.advance(10);
    expect(writes).toBe(1);
    expect(
      b.listener.requests.map(({ item }) => (item.kind === "request" ? item.requestId : -item.clientId)),
    ).toEqual([...Array.from({ length: 50 }, (_, i) => i + 1), -9]);
    const { session } = b.listener.requests[0]!;
    expect(session.from).toBe(1);
    expect(b.transport.sendProxyResponse(session, { kind: "unknownOutcome", requestId: 1 })).toBeTrue();
    expect(
      b.transport.sendProxyResponse(session, { kind: "reply", requestId: 2, bytes: Buffer.from("+OK\r\n") }),
    ).toBeTrue();
    world.clock.advance(10);
    expect(a.listener.responses).toEqual([
      { kind: "unknownOutcome", requestId: 1 },
      { kind: "reply", requestId: 2, bytes: new Uint8Array(Buffer.from("+OK\r\n")) },
    ]);
  });

  test("requests that had not left when the link ended come back as not executed, the others do not", () => {
    const { a } = world.pair();
    a.transport.sendProxyRequest(2, proxyRequest(1));
    world.clock.advance(10);
    a.transport.sendProxyRequest(2, proxyRequest(2));
    world.connectionOf("proxy").cut();
    world.clock.advance(0);
    expect(a.listener.responses).toEqual([{ kind: "notExecuted", requestId: 2 }]);
    expect(a.listener.events).toEqual(["proxy link to 2 down", "disconnected 2 proxy outgoing"]);
    expect(a.transport.sendProxyRequest(2, proxyRequest(3))).toBeFalse();
  });

  test("a request larger than any frame is refused, a reply larger than any frame has an unknown outcome", () => {
    const { a, b } = world.pair({ frameBytesMax: 10_000 });
    expect(a.transport.sendProxyRequest(2, proxyRequest(1, ["SET", "k", "x".repeat(10_000)]))).toBeFalse();
    // Together they are too large for one frame, and take two.
    expect(a.transport.sendProxyRequest(2, proxyRequest(2, ["SET", "k", "x".repeat(6000)]))).toBeTrue();
    expect(a.transport.sendProxyRequest(2, proxyRequest(3, ["SET", "k", "x".repeat(6000)]))).toBeTrue();
    world.clock.advance(10);
    expect(b.listener.requests).toHaveLength(2);
    const { session } = b.listener.requests[0]!;
    expect(
      b.transport.sendProxyResponse(session, { kind: "reply", requestId: 2, bytes: Buffer.alloc(10_000) }),
    ).toBeTrue();
    world.clock.advance(10);
    expect(a.listener.responses).toEqual([{ kind: "unknownOutcome", requestId: 2 }]);
  });
});
