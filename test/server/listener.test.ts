import { expect, test } from "bun:test";
import { silentLogger } from "../../src/base/logger.ts";
import { Listener, ListenError } from "../../src/server/listener.ts";

function listen(bind: readonly string[], port = 0): Listener<undefined> {
  return new Listener<undefined>({ bind, port, handlers: { data: () => undefined }, logger: silentLogger });
}

async function connects(hostname: string, port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname, port, socket: { data: () => undefined } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}

test("Listener listens on IPv4 and IPv6 at one port of the kernel's choice", async () => {
  const listener = listen(["127.0.0.1", "-::1"]);
  expect(listener.port).toBeGreaterThan(0);
  expect(await connects("127.0.0.1", listener.port)).toBe(true);
  expect(await connects("::1", listener.port)).toBe(true);
  listener.stop();
  expect(await connects("127.0.0.1", listener.port)).toBe(false);
});

test("Listener takes names, and an address with - that this machine does not have", async () => {
  const listener = listen(["-192.0.2.1", "localhost"]);
  expect(await connects("localhost", listener.port)).toBe(true);
  listener.stop();
});

test("Listener refuses an address that this machine does not have, and frees what it had", async () => {
  const first = listen(["127.0.0.1"]);
  const { port } = first;
  first.stop();
  expect(() => listen(["127.0.0.1", "192.0.2.1"], port)).toThrow(
    `Could not create server TCP listening socket 192.0.2.1:${port}: EADDRNOTAVAIL`,
  );
  listen(["127.0.0.1"], port).stop();
});

test("Listener refuses a port that is taken", () => {
  const first = listen(["127.0.0.1"]);
  try {
    listen(["127.0.0.1"], first.port);
    throw new Error("two listeners on one port");
  } catch (error) {
    expect(error).toBeInstanceOf(ListenError);
    expect((error as ListenError).code).toBe("EADDRINUSE");
  } finally {
    first.stop();
  }
});

test("Listener refuses to listen nowhere", () => {
  expect(() => listen(["-192.0.2.1"])).toThrow(ListenError);
});
