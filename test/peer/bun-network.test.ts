import { afterEach, describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { systemClock } from "../../src/node/system-clock.ts";
import { BunNetwork } from "../../src/peer/bun-network.ts";
import type { Connection, ConnectionHandlers, DialHandlers } from "../../src/peer/connection.ts";
import { Transport } from "../../src/peer/transport.ts";
import { defaultTransportOptions } from "../../src/peer/transport-options.ts";
import { silentLogger } from "../../src/base/logger.ts";
import { Acceptor, listen } from "./acceptor.ts";
import { appendEntries, appendEntriesResponse, heartbeat } from "./messages.ts";
import { RecordingListener } from "./recording-listener.ts";
import { quiet } from "./test-world.ts";

type Accept = (connection: Connection) => ConnectionHandlers;

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Listens until the test is over; returns the port. */
function listenOn(accept: Accept, hostname?: string): number {
  const listener = listen(accept, hostname);
  cleanups.push(() => listener.stop(true));
  return listener.port;
}

/** What becomes of an attempt to connect. */
function dial(
  host: string,
  port: number,
  timeoutMs = 2000,
): Promise<{ events: string[]; connection: Connection | null }> {
  return new Promise((done) => {
    const events: string[] = [];
    const handlers: DialHandlers = {
      resolved: () => events.push("resolved"),
      connected: (connection) => {
        events.push("connected");
        done({ events, connection });
      },
      failed: (reason) => {
        events.push(reason);
        done({ events, connection: null });
      },
      data: (chunk) => events.push(`data ${chunk.length}`),
      drain: () => events.push("drain"),
      closed: () => events.push("closed"),
    };
    new BunNetwork(systemClock).connect(host, port, timeoutMs, handlers);
    events.push("returned");
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 2000 && !condition(); round++) await Bun.sleep(2);
  expect(condition()).toBeTrue();
}

describe("BunNetwork", () => {
  test("connects to an address, and to a name after resolving it", async () => {
    const port = listenOn(() => quiet);
    const direct = await dial("127.0.0.1", port);
    expect(direct.events).toEqual(["returned", "connected"]);
    expect(direct.connection!.remoteAddress).toBe("127.0.0.1");
    const named = await dial("localhost", port);
    expect(named.events).toEqual(["returned", "resolved", "connected"]);
    direct.connection!.close();
    named.connection!.close();
  });

  test("connects to an IPv6 address", async () => {
    const port = listenOn(() => quiet, "::1");
    const { events, connection } = await dial("::1", port);
    expect(events.at(-1)).toBe("connected");
    connection!.close();
  });

  test("says why it cannot connect", async () => {
    const port = listenOn(() => quiet);
    cleanups.pop()!();
    Bun.gc(true);
    const unused = port;
    expect((await dial("127.0.0.1", unused)).events).toEqual(["returned", "ECONNREFUSED"]);
    const unknown = await dial("no-such-host.invalid", 1);
    expect(unknown.events.at(-1)).toStartWith("cannot resolve no-such-host.invalid: ");
    expect((await dial("127.0.0.1", 70_000)).connection).toBeNull();
  });

  test("tells the end of a connection from either side, and write() answers -1 then", async () => {
    const accepted: Connection[] = [];
    let closedThere = 0;
    const port = listenOn((connection) => {
      accepted.push(connection);
      return { ...quiet, closed: () => void closedThere++ };
    });
    const first = await dial("127.0.0.1", port);
    await until(() => accepted.length === 1);
    accepted[0]!.close();
    await until(() => first.events.includes("closed"));
    expect(first.connection!.write(Buffer.from("x"))).toBe(-1);
    first.connection!.close();
    const second = await dial("127.0.0.1", port);
    await until(() => accepted.length === 2);
    second.connection!.close();
    await until(() => closedThere === 2);
  });

  test("cancel() silences the attempt", async () => {
    let accepted = 0;
    let ended = 0;
    const port = listenOn(() => {
      accepted++;
      return { ...quiet, closed: () => void ended++ };
    });
    const events: string[] = [];
    const note = (event: string) => () => void events.push(event);
    const handlers: DialHandlers = {
      resolved: note("resolved"),
      connected: note("connected"),
      failed: note("failed"),
      data: note("data"),
      drain: note("drain"),
      closed: note("closed"),
    };
    for (const host of ["127.0.0.1", "localhost"])
      new BunNetwork(systemClock).connect(host, port, 50, handlers).cancel();
    await until(() => accepted === ended && accepted >= 1);
    await Bun.sleep(60);
    expect(events).toEqual([]);
  });

  test("write() takes a part when the other side does not read, and drain says when to go on", async () => {
    let reading: { socket: import("bun").Socket<unknown> } | null = null;
    let received = 0;
    const listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => {
          socket.pause();
          reading = { socket };
        },
        data: (_socket, chunk) => {
          received += chunk.length;
        },
      },
    });
    cleanups.push(() => listener.stop(true));
    const { events, connection } = await dial("127.0.0.1", listener.port);
    const block = new Uint8Array(1024 * 1024);
    let written = 0;
    for (let taken = block.length; taken === block.length && written < 2 ** 30; written += taken) {
      taken = connection!.write(block);
    }
    expect(written).toBeLessThan(100 * 1024 * 1024);
    expect(events).not.toContain("drain");
    await until(() => reading !== null);
    reading!.socket.resume();
    await until(() => events.includes("drain"));
    await until(() => received === written);
    connection!.close();
  });
});

describe("two transports over loopback", () => {
  function node(id: number, records: readonly Uint8Array[] = []) {
    const listener = new RecordingListener();
    const transport: Transport = new Transport(
      {
        clusterId: "c".repeat(32),
        nodeId: id,
        clock: systemClock,
        network: new BunNetwork(systemClock),
        random: new SeededRandom(id),
        logger: silentLogger,
        options: { ...defaultTransportOptions, credentials: { user: "default", password: "pass" } },
      },
      listener,
      { recordsOf: () => records, isKnown: () => "unknown" },
    );
    cleanups.push(() => transport.stop());
    const port = listenOn((connection) => new Acceptor(connection, () => transport, "pass"));
    return { id, listener, transport, port, member: { id, host: "localhost", port, voting: true } };
  }

  test("exchange messages, entries of many megabytes and clients' traffic", async () => {
    const large = new Uint8Array(24 * 1024 * 1024).fill(7);
    const a = node(1, [large.subarray(0, 1000), large.subarray(1000)]);
    const b = node(2);
    a.transport.setMembers([a.member, b.member]);
    await until(() => a.listener.events.length === 3);
    expect(a.transport.send(appendEntries(1, 2, { prevLogIndex: 1, lastEntryIndex: 3 }))).toBeTrue();
    expect(a.transport.send(heartbeat(1, 2))).toBeTrue();
    await until(() => b.listener.messages.length === 2);
    // The heartbeat did not wait for the entries.
    expect(b.listener.messages[0]!.message).toEqual(heartbeat(1, 2));
    expect(Buffer.from(b.listener.messages[1]!.records!).equals(large)).toBeTrue();
    expect(b.transport.send(appendEntriesResponse(2, 1))).toBeTrue();
    await until(() => a.listener.messages.length === 1);
    const args = ["SET", "k\xff\x80", "\xe9".repeat(3_000_000)];
    const request = {
      kind: "request",
      requestId: 1,
      clientId: 1,
      dbIndex: 0,
      protocol: 3,
      noTouch: false,
      user: "default",
      args,
    } as const;
    expect(a.transport.sendProxyRequest(2, request)).toBeTrue();
    await until(() => b.listener.requests.length === 1);
    expect(b.listener.requests[0]!.item).toEqual(request);
    b.transport.sendProxyResponse(b.listener.requests[0]!.session, {
      kind: "reply",
      requestId: 1,
      bytes: large,
    });
    await until(() => a.listener.responses.length === 1);
    const response = a.listener.responses[0]!;
    expect(response.kind === "reply" && Buffer.from(response.bytes).equals(large)).toBeTrue();
  });

  test("find each other again after one has gone and come back at the same port", async () => {
    const a = node(1);
    const b = node(2);
    a.transport.setMembers([b.member]);
    await until(() => a.listener.events.length === 3);
    b.transport.stop();
    await until(() => a.listener.events.filter((event) => event.endsWith("outgoing")).length === 3);
    a.listener.clear();
    await until(() => a.listener.events.filter((event) => event.startsWith("connected")).length >= 3);
    expect(a.transport.send(heartbeat(1, 2))).toBeTrue();
    await until(() => b.listener.messages.length === 1);
  });
});

test("an exception of a handler ends the process, as any other does", async () => {
  const script = `
    import { BunNetwork } from "${import.meta.dir}/../../src/peer/bun-network.ts";
    import { systemClock } from "${import.meta.dir}/../../src/node/system-clock.ts";
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { open: (s) => void s.write("x"), data() {} } });
    const nothing = () => undefined;
    new BunNetwork(systemClock).connect("127.0.0.1", listener.port, 1000, {
      resolved: nothing, connected: nothing, failed: nothing, drain: nothing, closed: nothing,
      data() { throw new Error("broken promise"); },
    });
    setTimeout(() => process.exit(0), 2000);
  `;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "pipe" });
  const errors = await new Response(child.stderr).text();
  expect(await child.exited).not.toBe(0);
  expect(errors).toContain("broken promise");
});
