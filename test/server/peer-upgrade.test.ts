import { afterEach, expect, test } from "bun:test";
import type { PeerHello } from "../../src/commands/context.ts";
import type { PeerConnection } from "../../src/server/peer-connection.ts";
import { encodeRequest } from "../../src/resp/request-encoder.ts";
import { Serving } from "./serving.ts";
import { plain } from "./test-client.ts";

let serving: Serving | null = null;

afterEach(() => {
  serving?.close();
  serving = null;
});

test("RAFT.PEER turns the connection over, with the bytes behind the command and none before +OK", async () => {
  const heard: string[] = [];
  const hellos: PeerHello[] = [];
  let link: PeerConnection | null = null;
  let closed = false;
  serving = new Serving({
    acceptPeer: (connection, hello) => {
      link = connection;
      hellos.push(hello);
      return {
        data: (chunk) => void heard.push(Buffer.from(chunk).toString("latin1")),
        drain: () => undefined,
        closed: () => void (closed = true),
      };
    },
  });
  const client = await serving.connect();
  const hello = encodeRequest(["RAFT.PEER", "1", "c".repeat(32), "8", "7", "bulk", "10.0.0.1:6380"]).toString(
    "latin1",
  );
  client.write(`PING\r\n${hello}*1\r\n$4\r\nPI`);
  expect(plain(await client.reply())).toBe("PONG");
  expect(plain(await client.reply())).toBe("OK");
  while (heard.join("").length < 10) await Bun.sleep(1);
  client.write("frames");
  while (heard.join("").length < 16) await Bun.sleep(1);
  expect(heard.join("")).toBe("*1\r\n$4\r\nPIframes");
  expect(hellos).toEqual([
    { version: 1, clusterId: "c".repeat(32), from: 8, to: 7, channel: "bulk", address: "10.0.0.1:6380" },
  ]);
  expect(serving.server.clientCount).toBe(0);
  expect(serving.server.info(["clients"])).toContain("cluster_connections:1\r\n");
  expect(link!.write(Buffer.from("+x\r\n"))).toBe(4);
  expect(plain(await client.reply())).toBe("x");
  client.close();
  while (!closed) await Bun.sleep(1);
  expect(serving.server.info(["clients"])).toContain("cluster_connections:0\r\n");
});

test("another node gets in when clients fill the server, and nobody else", async () => {
  const nothing = { data: () => undefined, drain: () => undefined, closed: () => undefined };
  serving = new Serving({ config: ["maxclients", "1", "requirepass", "p"], acceptPeer: () => nothing });
  const client = await serving.connect();
  expect(plain(await client.ask("AUTH", "p"))).toBe("OK");
  const node = await serving.connect();
  expect(plain(await node.ask("AUTH", "default", "p"))).toBe("OK");
  expect(plain(await node.ask("RAFT.PEER", "1", "c".repeat(32), "8", "7", "bulk"))).toBe("OK");
  const full = "-ERR max number of clients reached\r\n";
  const talking = await serving.connect();
  talking.write("AUTH p\r\nSET a 1\r\nSET b 1\r\n");
  await talking.untilClosed();
  expect(talking.received).toBe(`+OK\r\n${full}`);
  const silent = await serving.connect();
  await silent.untilClosed();
  expect(silent.received).toBe(full);
  expect(serving.server.statistics.connectionsRejected).toBe(2);
  expect(serving.router.taken).toBe(0);
  expect(node.isClosed).toBe(false);
  client.close();
  while (serving.server.clientCount > 0) await Bun.sleep(1);
  expect(plain(await (await serving.connect()).ask("AUTH", "p"))).toBe("OK");
});

test("RAFT.PEER is refused with the cluster's reason, and the connection stays a client's", async () => {
  serving = new Serving();
  serving.cluster.peerErrorText = "ERR wrong cluster id";
  const client = await serving.connect();
  const args = ["RAFT.PEER", "1", "c".repeat(32), "8", "7", "control"];
  expect(plain(await client.ask(...args))).toBe("-ERR wrong cluster id");
  expect(plain(await client.ask("RAFT.PEER", "1", "c", "8", "7", "sideways"))).toBe("-ERR invalid argument");
  expect(plain(await client.ask("RAFT.PEER", "1", "c", "0", "7", "bulk"))).toBe("-ERR invalid argument");
  expect(plain(await client.ask("RAFT.PEER", "1"))).toStartWith("-ERR wrong number of arguments");
  expect(plain(await client.ask("PING"))).toBe("PONG");
  expect(serving.cluster.asked).toEqual(["peer 8 7 control 1 -"]);
});

test("a link that the transport does not take after all is closed", async () => {
  serving = new Serving({ acceptPeer: () => null });
  const client = await serving.connect();
  client.send("RAFT.PEER", "1", "c".repeat(32), "8", "7", "proxy");
  await client.untilClosed();
  expect(client.received).toBe("+OK\r\n");
  expect(serving.server.clientCount).toBe(0);
});
