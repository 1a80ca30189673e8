// The network of the nemesis with plain sockets for nodes: what is cut is cut, and only that; what was held arrives.

import { afterEach, expect, test } from "bun:test";
import { encodeRequest } from "../../src/resp/request-encoder.ts";
import { until } from "../support/until.ts";
import { PeerNetwork } from "./peer-network.ts";

/** A node that takes what it is sent and remembers it. */
class Endpoint {
  readonly port: number;
  received = "";
  closedCount = 0;
  readonly #listener: Bun.TCPSocketListener<undefined>;
  #socket: Bun.Socket<undefined> | null = null;

  constructor() {
    this.#listener = Bun.listen<undefined>({
      hostname: "127.0.0.1",
      port: 0,
      data: undefined,
      socket: {
        open: (socket) => {
          this.#socket = socket;
        },
        data: (_socket, bytes) => {
          this.received += bytes.toString("latin1");
        },
        close: () => {
          this.closedCount++;
        },
      },
    });
    this.port = this.#listener.port;
  }

  get isConnected(): boolean {
    return this.#socket !== null;
  }

  say(text: string): void {
    this.#socket?.write(text);
  }

  stop(): void {
    this.#listener.stop(true);
  }
}

/** The node `a`, as the one that dials. */
class Dialler {
  received = "";
  isClosed = false;
  #socket: Bun.Socket<undefined> | null = null;

  static async dial(port: number): Promise<Dialler> {
    const dialler = new Dialler();
    dialler.#socket = await Bun.connect<undefined>({
      hostname: "127.0.0.1",
      port,
      data: undefined,
      socket: {
        data: (_socket, bytes) => {
          dialler.received += bytes.toString("latin1");
        },
        close: () => {
          dialler.isClosed = true;
        },
      },
    });
    return dialler;
  }

  say(text: string | Buffer): void {
    this.#socket?.write(text);
  }

  /** Sends as much as the line takes; how much that was. */
  write(bytes: Buffer): number {
    return this.#socket?.write(bytes) ?? 0;
  }

  close(): void {
    this.#socket?.end();
  }
}

const endings: (() => void)[] = [];

afterEach(() => {
  for (const ending of endings.splice(0)) ending();
});

interface Pair {
  readonly network: PeerNetwork;
  /** The node that is dialled. */
  readonly b: Endpoint;
  readonly hello: Buffer;
  dial(): Promise<Dialler>;
}

function pair(): Pair {
  const network = new PeerNetwork();
  const b = new Endpoint();
  const entrance = network.open("b", b.port);
  const own = network.open("a", 1);
  endings.push(
    () => network.close(),
    () => b.stop(),
  );
  const hello = encodeRequest(["RAFT.PEER", "1", "c".repeat(32), "7", "8", "bulk", `127.0.0.1:${own}`]);
  return { network, b, hello, dial: () => Dialler.dial(entrance) };
}

async function connected({ dial, hello, b }: Pair): Promise<Dialler> {
  const a = await dial();
  a.say(hello);
  await until("the hello arrives", () => b.received.length === hello.length);
  b.received = "";
  return a;
}

/** Something was sent; nothing of it may have arrived when all that is under way has. */
async function quiet(): Promise<void> {
  await Bun.sleep(30);
}

test("bytes pass both ways, and a hello in two pieces too", async () => {
  const { b, dial, hello } = pair();
  const a = await dial();
  a.say(hello.subarray(0, 20));
  await quiet();
  a.say(hello.subarray(20));
  await until("the hello arrives", () => b.received === hello.toString("latin1"));
  b.say("+OK\r\n");
  await until("the answer arrives", () => a.received === "+OK\r\n");
});

test("a cut holds back one direction only; healed, it delivers what it held, in order", async () => {
  const both = pair();
  const { network, b } = both;
  const a = await connected(both);
  network.cut("a", "b");
  a.say("one ");
  b.say("back");
  await until("the other direction is open", () => a.received === "back");
  a.say("two");
  await quiet();
  expect(b.received).toBe("");
  network.heal();
  await until("all arrives", () => b.received === "one two");
});

test("behind a cut nobody hears that the other has gone", async () => {
  const both = pair();
  const { network, b } = both;
  const a = await connected(both);
  network.cutBoth("a", "b");
  a.say("last words");
  a.close();
  await quiet();
  expect(b.closedCount).toBe(0);
  network.heal();
  await until("the end arrives", () => b.closedCount === 1);
  expect(b.received).toBe("last words");
});

test("a cut swallows an attempt to connect", async () => {
  const { network, b, dial, hello } = pair();
  network.cut("a", "b");
  const a = await dial();
  a.say(hello);
  await quiet();
  expect([b.isConnected, a.isClosed]).toEqual([false, false]);
  network.heal();
  await until("it comes about", () => b.received.length === hello.length);
});

test("a delay holds each chunk for its time", async () => {
  const both = pair();
  const { network, b } = both;
  const a = await connected(both);
  network.setRule("a", "b", { kind: "delayed", delayMs: 60 });
  const sentMs = performance.now();
  a.say("late");
  await until("it arrives", () => b.received === "late");
  expect(performance.now() - sentMs).toBeGreaterThanOrEqual(60);
});

test("a reset ends both sides, and what is held is lost", async () => {
  const both = pair();
  const { network, b } = both;
  const a = await connected(both);
  network.cut("a", "b");
  a.say("lost");
  await quiet();
  network.resetHeld();
  network.heal();
  await until("both have ended", () => a.isClosed && b.closedCount === 1);
  expect(b.received).toBe("");
});

test("a torn connection ends in the middle of what is sent next", async () => {
  const both = pair();
  const { network, b } = both;
  const a = await connected(both);
  network.tear("b", "a");
  a.say("12345678");
  await until("both have ended", () => a.isClosed && b.closedCount === 1);
  expect(b.received).toBe("1234");
});

test("to connect to a node that is down fails", async () => {
  const { b, dial, hello } = pair();
  b.stop();
  const a = await dial();
  a.say(hello);
  await until("it fails", () => a.isClosed);
});

test("a node that hangs is no longer sent to without end", async () => {
  const both = pair();
  const { network, b } = both;
  const a = await connected(both);
  network.cut("a", "b");
  const chunk = Buffer.alloc(256 * 1024, "x");
  let refused = 0;
  for (let sent = 0; sent < 200 && refused < 20; sent++) {
    refused = a.write(chunk) < chunk.length ? refused + 1 : 0;
    await Bun.sleep(1);
  }
  expect(refused).toBe(20);
  network.heal();
  await until("it goes on", () => b.received.length > chunk.length);
});
