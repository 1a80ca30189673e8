import { afterEach, describe, expect, test } from "bun:test";
import { createConnection } from "node:net";
import type { Logger } from "../../src/base/logger.ts";
import { encodeRequest, encodeRequests } from "../../src/resp/request-encoder.ts";
import type { ClientSocket } from "../../src/server/peer-connection.ts";
import { Serving, type ServingOptions } from "./serving.ts";
import { plain } from "./test-client.ts";

let serving: Serving | null = null;

function serve(options?: ServingOptions): Serving {
  serving = new Serving(options);
  return serving;
}

afterEach(() => {
  serving?.close();
  serving = null;
});

/** Waits for something without an event of its own. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(1);
}

function recordingLogger(lines: string[]): Logger {
  const record = (message: string): void => void lines.push(message);
  return { debug: record, verbose: record, notice: record, warning: record };
}

/** The socket of a client that takes a thousand bytes whenever it is told to go on. */
class SlowSocket implements ClientSocket {
  readonly remoteAddress = "127.0.0.1";
  readonly remotePort = 1;
  readonly localAddress = "127.0.0.1";
  readonly localPort = 2;
  takenBytes = 0;
  isEnded = false;

  write(bytes: Uint8Array): number {
    const taken = Math.min(1000, bytes.length);
    this.takenBytes += taken;
    return taken;
  }

  end(): void {
    this.isEnded = true;
  }

  pause(): void {}
  resume(): void {}
}

describe("order of replies", () => {
  test("local and data commands mixed in one pipeline are answered in order", async () => {
    const client = await serve().connect();
    const sent = "SET a 1\r\nPING\r\nGET a\r\nECHO x\r\nnosuch\r\nINCR a\r\nINCR a\r\nPING y\r\n";
    const expected =
      "+OK\r\n+PONG\r\n$1\r\n1\r\n$1\r\nx\r\n-ERR unknown command 'nosuch', with args beginning with: \r\n:2\r\n:3\r\n$1\r\ny\r\n";
    expect(await client.exchange(sent, expected)).toBe(expected);
  });

  test("a local command waits for data commands that are not answered yet", async () => {
    const { router } = serve();
    router.holds = true;
    const client = await serving!.connect();
    client.write("SET a 1\r\nPING\r\n");
    await until(() => router.pending.length === 1);
    await Bun.sleep(5);
    expect(client.receivedBytes).toBe(0);
    router.answerAll();
    expect(plain(await client.reply())).toBe("OK");
    expect(plain(await client.reply())).toBe("PONG");
  });

  test("a command that the dispatcher does not take is offered again on resume", async () => {
    const { router, server } = serve();
    router.stalls = true;
    const client = await serving!.connect();
    client.write("SET a 1\r\nSET a 2\r\nGET a\r\n");
    await until(() => [...server.clients].some((one) => one.isStalled));
    router.stalls = false;
    for (const one of server.clients) one.resume();
    expect([plain(await client.reply()), plain(await client.reply()), plain(await client.reply())]).toEqual([
      "OK",
      "OK",
      "2",
    ]);
  });

  test("commands taken back are dispatched anew, before newer ones and in their order", async () => {
    const { router } = serve();
    router.holds = true;
    const client = await serving!.connect();
    client.write("APPEND a 1\r\nAPPEND a 2\r\nAPPEND a 3\r\nPING\r\n");
    await until(() => router.pending.length === 3);
    // The second time only two come back: the first has been answered.
    router.takeAllBack();
    await until(() => router.pending.length === 3);
    const [first, ...others] = router.pending.splice(0);
    router.pending.push(first!);
    router.answerAll();
    router.pending.push(...others);
    router.takeAllBack();
    router.holds = false;
    client.write("GET a\r\n");
    const replies: unknown[] = [];
    for (let count = 0; count < 5; count++) replies.push(plain(await client.reply()));
    expect(replies).toEqual([1, 2, 3, "PONG", "123"]);
  });

  test("a pipeline longer than a turn's share is answered whole, and another client in between", async () => {
    const { router } = serve();
    const client = await serving!.connect();
    const other = await serving!.connect();
    const count = 5000;
    client.write("ECHO hello\r\n".repeat(count));
    expect(plain(await other.ask("PING"))).toBe("PONG");
    for (let at = 0; at < count; at++) expect(plain(await client.reply())).toBe("hello");
    expect(router.taken).toBe(0);
  });

  test("bytes one by one", async () => {
    const client = await serve().connect();
    for (const byte of encodeRequest(["SET", "k", "v"])) {
      client.write(String.fromCharCode(byte));
      await Bun.sleep(0);
    }
    expect(plain(await client.reply())).toBe("OK");
  });
});

describe("CLIENT REPLY", () => {
  test("OFF drops every reply, ON itself is answered", async () => {
    const client = await serve().connect();
    client.write("CLIENT REPLY OFF\r\nPING\r\nSET a 1\r\nnosuch\r\nCLIENT REPLY ON\r\nGET a\r\n");
    expect(plain(await client.reply())).toBe("OK");
    expect(plain(await client.reply())).toBe("1");
  });

  test("SKIP drops the next reply only, be it of a local or of a data command", async () => {
    const client = await serve().connect();
    client.write("CLIENT REPLY SKIP\r\nSET a 1\r\nGET a\r\nCLIENT REPLY SKIP\r\nPING\r\nPING x\r\n");
    expect(plain(await client.reply())).toBe("1");
    expect(plain(await client.reply())).toBe("x");
  });

  test("RESET ends OFF and is answered, as in Redis; after SKIP it is the command without a reply", async () => {
    const client = await serve().connect();
    client.write("CLIENT REPLY OFF\r\nPING\r\nRESET\r\nECHO a\r\n");
    expect(plain(await client.reply())).toBe("RESET");
    expect(plain(await client.reply())).toBe("a");
    client.write("CLIENT REPLY SKIP\r\nRESET\r\nECHO b\r\n");
    expect(plain(await client.reply())).toBe("b");
  });

  test("SKIP while OFF changes nothing", async () => {
    const client = await serve().connect();
    client.write("CLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\nCLIENT REPLY ON\r\n");
    expect(plain(await client.reply())).toBe("OK");
    expect(plain(await client.ask("PING"))).toBe("PONG");
  });
});

describe("the end of a connection", () => {
  test("QUIT answers, closes, and drops what came after it", async () => {
    const client = await serve().connect();
    client.write("QUIT\r\nPING\r\n");
    await client.untilClosed();
    expect(client.received).toBe("+OK\r\n");
  });

  test.each([
    ["SET a 1\r\n", "+OK\r\n"],
    ["SET a 1\r\nPING\r\n", "+OK\r\n+PONG\r\n"],
  ])("a client that ends its side still gets the answers to what it has sent: %j", async (sent, expected) => {
    const { router } = serve();
    router.holds = true;
    // Bun's own sockets close both sides at once.
    const socket = createConnection({ host: "127.0.0.1", port: serving!.port, allowHalfOpen: true });
    let received = "";
    socket.on("data", (chunk) => (received += chunk));
    const ended = new Promise((resolve) => socket.on("end", resolve));
    socket.end(sent);
    await until(() => router.pending.length === 1);
    await Bun.sleep(5);
    router.answerAll();
    await ended;
    expect(received).toBe(expected);
  });

  test.each(["POST / HTTP/1.1\r\nSET a 1\r\n", "GET /\r\nHost: localhost:6379\r\nSET a 1\r\n"])(
    "a web page that makes a browser talk to us is cut off before a command of its runs: %j",
    async (sent) => {
      const lines: string[] = [];
      const { router } = serve({ logger: recordingLogger(lines) });
      const client = await serving!.connect();
      client.write(sent);
      await client.untilClosed();
      expect(client.received).not.toContain("+OK");
      expect(plain(await (await serving!.connect()).ask("GET", "a"))).toBeNull();
      expect(router.taken).toBeLessThanOrEqual(2);
      expect(lines.filter((line) => line.startsWith("Possible SECURITY ATTACK detected."))).toHaveLength(1);
    },
  );

  test("a client that goes away is forgotten, and its open answers go nowhere", async () => {
    const { router, forgotten, server } = serve();
    router.holds = true;
    const client = await serving!.connect();
    client.write("SET a 1\r\n");
    await until(() => router.pending.length === 1);
    client.abort();
    await until(() => forgotten.length === 1);
    expect(server.clientCount).toBe(0);
    router.answerAll();
    expect(forgotten[0]!.pendingWrites).toBe(0);
    router.holds = false;
    const next = await serving!.connect();
    expect(plain(await next.ask("GET", "a"))).toBe("1");
  });

  test("a protocol error is told after the answers that are owed, then the connection ends", async () => {
    const { router } = serve();
    router.holds = true;
    const client = await serving!.connect();
    client.write("SET a 1\r\n*1\r\n!\r\n");
    await until(() => router.pending.length === 1);
    await Bun.sleep(5);
    expect(client.received).toBe("");
    router.answerAll();
    await client.untilClosed();
    expect(client.received).toBe("+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n");
  });
});

describe("limits", () => {
  test("a client that does not read its replies is closed past the hard limit, with a line in the log", async () => {
    const lines: string[] = [];
    const limits = "normal 1mb 0 0";
    const { server } = serve({
      logger: recordingLogger(lines),
      config: ["client-output-buffer-limit", limits],
    });
    const client = await serving!.connect();
    client.pause();
    await client.exchange("", "");
    client.send("SET", "big", "x".repeat(400_000));
    // Past what the kernel's buffers of both sides take, and 1 MB more.
    for (let count = 0; count < 40; count++) client.send("GET", "big");
    await until(() => server.clientCount === 0);
    expect(
      lines.some((line) =>
        line.endsWith("scheduled to be closed ASAP for overcoming of output buffer limits."),
      ),
    ).toBe(true);
    expect(server.statistics.outputBufferDisconnections).toBe(1);
  });

  test("the hard limit holds while many replies are written in one turn", async () => {
    const { server, router } = serve({ config: ["client-output-buffer-limit", "normal 80mb 0 0"] });
    router.holds = true;
    const client = await serving!.connect();
    client.pause();
    client.send("SET", "big", "x".repeat(1_000_000));
    client.write("GET big\r\n".repeat(300));
    await until(() => router.pending.length === 301);
    const [victim] = server.clients;
    router.answerAll();
    expect(server.clientCount).toBe(0);
    expect(victim!.outputBytes).toBeLessThan(85 * 1024 * 1024);
    expect(server.statistics.outputBufferDisconnections).toBe(1);
  });

  test("a client past the soft limit is closed only after the time", async () => {
    const { server } = serve({ config: ["client-output-buffer-limit", "normal 0 1mb 1"] });
    const client = await serving!.connect();
    client.pause();
    client.send("SET", "big", "x".repeat(400_000));
    for (let count = 0; count < 40; count++) client.send("GET", "big");
    await until(() => [...server.clients].some((one) => one.outputBytes > 1_048_576));
    const since = performance.now();
    await until(() => server.clientCount === 0);
    expect(performance.now() - since).toBeGreaterThan(900);
  });

  test("a slow reader gets every byte", async () => {
    const client = await serve().connect();
    await client.ask("SET", "big", "x".repeat(1_000_000));
    client.pause();
    for (let count = 0; count < 20; count++) client.send("GET", "big");
    await Bun.sleep(20);
    client.resume();
    for (let count = 0; count < 20; count++) {
      const reply = await client.reply();
      expect(reply.kind === "bulk" && reply.text.length).toBe(1_000_000);
    }
  });

  test("a command that does not end is cut off at client-query-buffer-limit", async () => {
    const lines: string[] = [];
    const { server } = serve({
      logger: recordingLogger(lines),
      config: ["client-query-buffer-limit", "1mb"],
    });
    const client = await serving!.connect();
    const command = encodeRequest(["SET", "k", "x".repeat(3_000_000)]).toString("latin1");
    client.write(command.slice(0, 2_000_000));
    await client.untilClosed();
    expect(server.statistics.queryBufferDisconnections).toBe(1);
    expect(lines.some((line) => line.startsWith("Closing client that reached max query buffer length"))).toBe(
      true,
    );
  });

  test("a stalled client's input is held back in the kernel instead of piling up", async () => {
    const { server, router } = serve();
    router.stalls = true;
    const client = await serving!.connect();
    const pipeline = encodeRequests(Array.from({ length: 200 }, () => ["SET", "k", "x".repeat(100_000)]));
    let sent = client.write(pipeline.toString("latin1"));
    await until(() => [...server.clients].some((one) => !one.isReading));
    const [stalled] = server.clients;
    await Bun.sleep(20);
    expect(stalled!.inputBytes).toBeLessThan(2_000_000);
    router.stalls = false;
    stalled!.resume();
    const expected = Math.floor(sent / (pipeline.length / 200));
    for (let count = 0; count < expected; count++) expect(plain(await client.reply())).toBe("OK");
    expect(expected).toBeGreaterThan(10);
  });

  test.each([
    { title: "maxclients", options: { config: ["maxclients", "2"] } },
    { title: "what the system has room for", options: { clientsPossible: 2 } },
  ])("one client over $title is told so and closed", async ({ options }) => {
    const { server } = serve(options);
    const first = await serving!.connect();
    const second = await serving!.connect();
    await Promise.all([first.ask("PING"), second.ask("PING")]);
    const third = await serving!.connect();
    await third.untilClosed();
    expect(third.received).toBe("-ERR max number of clients reached\r\n");
    expect(server.statistics.connectionsRejected).toBe(1);
    first.close();
    await until(() => server.clientCount === 1);
    expect(plain(await (await serving!.connect()).ask("PING"))).toBe("PONG");
  });

  test("an idle client is closed after timeout, one that waits is not", async () => {
    const { router } = serve({ config: ["timeout", "1"] });
    router.holds = true;
    const idle = await serving!.connect();
    const waiting = await serving!.connect();
    waiting.write("SET a 1\r\n");
    await idle.untilClosed();
    expect(waiting.isClosed).toBe(false);
    router.answerAll();
    expect(plain(await waiting.reply())).toBe("OK");
  });

  test("a client that reads a long reply slowly is not idle", async () => {
    const { server } = serve({ config: ["timeout", "1"] });
    const socket = new SlowSocket();
    const client = server.adopt(socket);
    client.received(Buffer.from(encodeRequest(["ECHO", "x".repeat(100_000)])));
    await until(() => socket.takenBytes > 0);
    const since = performance.now();
    while (performance.now() - since < 1600) {
      await Bun.sleep(100);
      client.drained();
    }
    expect(socket.isEnded).toBe(false);
    await until(() => socket.isEnded);
    expect(performance.now() - since).toBeGreaterThan(2500);
  });
});

describe("authentication", () => {
  test("with a password only AUTH, HELLO, QUIT and RESET run before it is given", async () => {
    const client = await serve({ config: ["requirepass", "secret"] }).connect();
    expect(plain(await client.ask("GET", "a"))).toBe("-NOAUTH Authentication required.");
    expect(plain(await client.ask("PING"))).toBe("-NOAUTH Authentication required.");
    expect(plain(await client.ask("nosuch"))).toStartWith("-ERR unknown command");
    expect(plain(await client.ask("HELLO", "3"))).toStartWith("-NOAUTH HELLO must be called with");
    expect(plain(await client.ask("AUTH", "wrong"))).toStartWith("-WRONGPASS");
    expect(plain(await client.ask("AUTH", "nobody", "secret"))).toStartWith("-WRONGPASS");
    expect(plain(await client.ask("AUTH", "secret"))).toBe("OK");
    expect(plain(await client.ask("PING"))).toBe("PONG");
    expect(plain(await client.ask("RESET"))).toBe("RESET");
    expect(plain(await client.ask("PING"))).toBe("-NOAUTH Authentication required.");
    const hello = plain(await client.ask("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "me"));
    expect(hello).toMatchObject({ proto: 3 });
    expect(plain(await client.ask("CLIENT", "GETNAME"))).toBe("me");
  });

  test("a password set at run time is asked of new connections only", async () => {
    const { port } = serve();
    const old = await serving!.connect();
    expect(plain(await old.ask("CONFIG", "SET", "requirepass", "p"))).toBe("OK");
    expect(plain(await old.ask("PING"))).toBe("PONG");
    const young = await serving!.connect();
    expect(plain(await young.ask("PING"))).toBe("-NOAUTH Authentication required.");
    expect(plain(await old.ask("CONFIG", "SET", "requirepass", ""))).toBe("OK");
    expect(plain(await young.ask("PING"))).toBe("PONG");
    expect(port).toBeGreaterThan(0);
  });
});
