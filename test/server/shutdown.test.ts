import { afterEach, describe, expect, test } from "bun:test";
import { Serving } from "./serving.ts";
import { plain } from "./test-client.ts";

let serving: Serving | null = null;

afterEach(() => {
  serving?.close();
  serving = null;
});

describe("SHUTDOWN", () => {
  test("a leader hands over, goes on answering while clients stay, and ends when they have left", async () => {
    serving = new Serving({ config: ["shutdown-drain-timeout", "10000"] });
    const { cluster } = serving;
    cluster.outcome = null;
    const client = await serving.connect();
    client.send("SHUTDOWN");
    const other = await serving.connect();
    expect(plain(await other.ask("PING"))).toBe("PONG");
    expect(cluster.asked).toEqual(["transfer 0"]);
    cluster.leading = false;
    cluster.waiting[0]!(null);
    expect(plain(await other.ask("PING"))).toBe("PONG");
    other.close();
    // Who asked waits for nothing else, and so is not waited for.
    await serving.ended.promise;
    await client.untilClosed();
  });

  test("the drain ends after shutdown-drain-timeout, and closes who is left", async () => {
    serving = new Serving({ config: ["shutdown-drain-timeout", "100"] });
    serving.cluster.outcome = null;
    const client = await serving.connect();
    client.send("SHUTDOWN", "NOSAVE");
    const other = await serving.connect();
    await other.ask("PING");
    serving.cluster.leading = false;
    serving.cluster.waiting[0]!(null);
    await serving.ended.promise;
    await client.untilClosed();
    expect(client.received).toBe("");
    await other.untilClosed();
  });

  test("NOW does not wait for clients, nor does a node that was not the leader", async () => {
    for (const [leads, words] of [
      [true, ["SHUTDOWN", "now"]],
      [false, ["SHUTDOWN"]],
    ] as const) {
      serving = new Serving({ config: ["shutdown-drain-timeout", "60000"] });
      serving.cluster.leading = leads;
      const client = await serving.connect();
      client.send(...words);
      await serving.ended.promise;
      await client.untilClosed();
    }
  });

  test("ABORT takes it back, and who asked for it gets Redis' error", async () => {
    serving = new Serving();
    serving.cluster.outcome = null;
    const client = await serving.connect();
    const other = await serving.connect();
    expect(plain(await other.ask("SHUTDOWN", "ABORT"))).toBe("-ERR No shutdown in progress.");
    client.send("SHUTDOWN");
    client.write("PING\r\n");
    while (serving.cluster.waiting.length === 0) await Bun.sleep(1);
    expect(plain(await other.ask("SHUTDOWN", "ABORT"))).toBe("OK");
    expect(plain(await client.reply())).toBe("-ERR Errors trying to SHUTDOWN. Check logs.");
    expect(plain(await client.reply())).toBe("PONG");
    expect(serving.shutdown.isUnderWay).toBe(false);
    // The handover of the attempt that was taken back comes too late to end anything, also a second attempt.
    client.send("SHUTDOWN", "NOW");
    while (serving.cluster.waiting.length === 1) await Bun.sleep(1);
    serving.cluster.waiting[0]!(null);
    expect(plain(await other.ask("PING"))).toBe("PONG");
    serving.cluster.waiting[1]!(null);
    await serving.ended.promise;
  });

  test("words that contradict each other or are unknown are syntax errors", async () => {
    serving = new Serving();
    const client = await serving.connect();
    for (const words of [["SAVE", "NOSAVE"], ["ABORT", "NOW"], ["foo"]]) {
      expect(plain(await client.ask("SHUTDOWN", ...words))).toBe("-ERR syntax error");
    }
    expect(serving.shutdown.isUnderWay).toBe(false);
  });
});
