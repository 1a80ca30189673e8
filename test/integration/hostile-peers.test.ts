// Those who speak the nodes' own protocol on the one port, on the built executable: without the password they get nowhere,
// and with it, or where there is none, whatever they say ends at most their own link. Meanwhile honest clients are served.

import { expect } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { encodeFrame, frameType } from "../../src/peer/frame.ts";
import { channels, peerVersion } from "../../src/peer/hello.ts";
import { encodeRequest, encodeRequests } from "../../src/resp/request-encoder.ts";
import { Forgery } from "../hostile/forgery.ts";
import { Cluster } from "../support/cluster.ts";
import { CounterLoad } from "../support/counter-load.ts";
import { RespClient } from "../support/resp-client.ts";
import { type Place, scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const megabyte = 1024 * 1024;
/** More than this above what it was, and something grows with what strangers send. */
const growthMax = 160 * megabyte;
const password = "correct horse";

interface Ids {
  readonly dbid: string;
  readonly from: string;
  readonly to: string;
}

async function idsOf(cluster: Cluster): Promise<Ids> {
  const [first, second] = cluster.nodes as [VlotProcess, VlotProcess, VlotProcess];
  return {
    dbid: await second.field("dbid"),
    from: await first.field("node_id"),
    to: await second.field("node_id"),
  };
}

function hello({ dbid, from, to }: Ids, channel = "control"): string[] {
  return ["RAFT.PEER", String(peerVersion), dbid, from, to, channel];
}

const timeoutNow = Buffer.concat(encodeFrame(frameType.timeoutNow, [1, 2, 3], []));

scenario(`without the password nobody passes for a node (SEED=${seed})`, 40, async (place) => {
  const flags = ["--election-timeout", "3000"];
  const cluster = await Cluster.form(place, 3, { flags, password });
  const [leader, node] = cluster.nodes as [VlotProcess, VlotProcess, VlotProcess];
  const ids = await idsOf(cluster);
  const noAuth = "-NOAUTH Authentication required.";
  const wrongPass = "-WRONGPASS invalid username-password pair or user is disabled.";
  const open = (): Promise<RespClient> => place.connect(node.port);

  for (const channel of channels) {
    const client = await open();
    expect(await client.ask(...hello(ids, channel))).toBe(noAuth);
    expect(await client.ask("AUTH", "default", "wrong")).toBe(wrongPass);
    expect(await client.ask("AUTH", "nobody", password)).toBe(wrongPass);
    expect(await client.ask(...hello(ids, channel))).toBe(noAuth);
    // Refused: what follows are commands still, and a frame is none (to Redis' eye the beginning of a line).
    client.send(timeoutNow);
  }
  for (const args of [
    ["RAFT.NODE", "REMOVE", ids.to],
    ["RAFT.NODE", "ADD", "77", "127.0.0.1:1"],
    ["RAFT.TIMEOUT_NOW"],
    ["RAFT.TRANSFER_LEADER"],
    ["RAFT.CONFIG", "SET", "follower-proxy", "yes"],
    ["RAFT.DEBUG", "EXEC", "FLUSHALL"],
    ["RAFT.BOOTSTRAP", "PROMISE", "127.0.0.1:1"],
    ["RAFT.CLUSTER", "INIT"],
    ["RAFT.INFO"],
  ])
    expect([args, await (await open()).ask(...args)]).toEqual([args, noAuth]);

  const client = await open();
  expect(await client.ask("AUTH", Buffer.from(password).toString("latin1"))).toBe("OK");
  const wrong: [Partial<Ids>, RegExp][] = [
    [{ dbid: "f".repeat(32) }, /^-ERR wrong cluster id$/],
    [{ dbid: "" }, /^-ERR wrong cluster id$/],
    [{ to: ids.from }, /^-ERR wrong target node id$/],
    [{ from: ids.to }, /^-ERR invalid source node id$/],
  ];
  for (const id of ["0", "-1", "2147483648", "NaN", "1e3", "", " 1", "9007199254740993"])
    wrong.push([{ from: id }, /^-ERR/], [{ to: id }, /^-ERR/]);
  for (const [change, answer] of wrong)
    expect(await client.ask(...hello({ ...ids, ...change }))).toMatch(answer);
  expect(await client.ask(...hello(ids), "1.2.3.4:5", "one too many")).toMatch(/^-ERR/);
  expect(await client.ask("RAFT.PEER", "0", ...hello(ids).slice(2))).toMatch(
    /^-ERR unsupported peer protocol/,
  );
  expect(await client.ask("RAFT.PEER", "9007199254740993", ...hello(ids).slice(2))).toMatch(/^-ERR/);
  expect(await client.ask(...hello(ids, "snapshot\r\n"))).toMatch(/^-ERR/);
  // In the middle of a pipeline: what stands before is answered before, what follows are frames, and a second hello is none.
  const replies = Promise.all([client.next(), client.next()]);
  client.send(encodeRequests([["PING"], hello({ ...ids, from: "4711" }), hello(ids), ["PING"]]));
  expect(await replies).toEqual([
    { kind: "simple", text: "PONG" },
    { kind: "simple", text: "OK" },
  ]);
  await client.ended;
  expect(await leader.field("current_term")).toBe("1");
  expect(await node.field("num_nodes")).toBe("3");
});

/** A link of an impostor: what comes back is nobody's business. */
async function link(place: Place, node: VlotProcess, command: readonly string[]): Promise<Bun.Socket> {
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: node.port,
    socket: { data: () => undefined, error: () => undefined },
  });
  place.atEnd(() => socket.terminate());
  socket.write(encodeRequest(command));
  return socket;
}

scenario(
  `frames of any size, shape and pace cost no more than their link (SEED=${seed})`,
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3, { flags: ["--follower-proxy", "yes"] });
    const node = cluster.nodes[1] as VlotProcess;
    const pids = cluster.nodes.map(({ pid }) => pid);
    const ids = await idsOf(cluster);
    const load = new CounterLoad({ ports: cluster.ports, clients: 3 });
    place.atEnd(() => load.abandon());
    await load.more(100);
    const beforeBytes = node.residentBytes;
    const random = new SeededRandom(seed);
    const sizes = [0, 7, 8, 11, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
    const held: Bun.Socket[] = [];
    for (let at = 0; at < 120; at++) {
      const from = random.below(4) === 0 ? ids.from : String(1000 + at);
      const channel = channels[at % 3] ?? "control";
      const socket = await link(place, node, hello({ ...ids, from }, channel));
      const prefix = Buffer.from([
        0,
        0,
        0,
        0,
        1,
        2,
        3,
        4,
        1 + random.below(9),
        1,
        random.below(200),
        random.below(2),
      ]);
      prefix.writeUInt32LE(sizes[random.below(sizes.length)] ?? 0, 0);
      const term = 1 + random.below(5);
      const places = [{ index: 0, term: 0, stampMs: 0, crc: 0 }];
      const membership = { members: [], usedIds: [] };
      const forgery = new Forgery({
        random,
        from: Number(from),
        to: Number(ids.to),
        term,
        places,
        membership,
      });
      // Only harmless lies here: a proxied command and an answer that nobody asked for.
      const frame =
        random.below(2) === 0
          ? forgery.proxyRequests([["PING"], ["GET", "k"], ["NOSUCH"]])
          : forgery.proxyResponses();
      const bytes = Buffer.concat(encodeFrame(frame.type, frame.fields, frame.body));
      const choice = random.below(4);
      if (choice === 0) socket.write(Buffer.concat([prefix, Buffer.alloc(64 * 1024, 7)]));
      else if (choice === 1) socket.write(bytes);
      else if (choice === 2) socket.write(bytes.subarray(0, random.below(bytes.length)));
      else for (let byte = 0; byte < 20; byte++) socket.write(bytes.subarray(byte, byte + 1));
      if (random.below(2) === 0) socket.terminate();
      else held.push(socket);
    }
    await load.more(50);
    for (const socket of held) socket.terminate();
    await load.more(50);
    await load.stop();
    const leader = await cluster.settled();
    await load.verify((...args) => leader.ask(...args));
    expect(cluster.nodes.map(({ pid, isRunning }) => (isRunning ? pid : 0))).toEqual(pids);
    expect(node.residentBytes - beforeBytes).toBeLessThan(growthMax);
  },
);

scenario(`crowds and floods pass (SEED=${seed})`, 60, async (place) => {
  const cluster = await Cluster.form(place, 3, { flags: ["--election-timeout", "3000"] });
  const node = cluster.nodes[0] as VlotProcess;
  const pid = node.pid;
  const load = new CounterLoad({ ports: cluster.ports, clients: 3 });
  place.atEnd(() => load.abandon());
  await load.more(100);
  const beforeBytes = node.residentBytes;
  const crowd: Bun.Socket[] = [];
  for (let wave = 0; wave < 20; wave++)
    crowd.push(...(await Promise.all(Array.from({ length: 100 }, () => link(place, node, ["PING"])))));
  await load.more(20);
  for (const socket of crowd) socket.terminate();
  // Lengths that no memory holds.
  for (const claim of [
    "*9007199254740993\r\n",
    "*1\r\n$9007199254740993\r\n",
    "*4294967295\r\n",
    "*1\r\n$4294967295\r\n",
    "*-2\r\n",
  ]) {
    const client = await place.connect(node.port);
    client.send(Buffer.from(claim));
    if (claim !== "*-2\r\n") await client.ended.catch(() => undefined);
  }
  // A pipeline whose answers nobody reads, and one whose answers somebody does.
  const deaf = await link(place, node, ["PING"]);
  deaf.pause();
  const big = "x".repeat(64 * 1024);
  deaf.write(encodeRequests(Array.from({ length: 2000 }, () => ["ECHO", big])));
  const client = await place.connect(node.port, { timeoutMs: 30_000 });
  const replies = await client.askAll(
    Array.from({ length: 60_000 }, (_, at) => ["SET", `flood:${at % 100}`, String(at)]),
  );
  expect(new Set(replies)).toEqual(new Set(["OK"]));
  deaf.terminate();
  await load.more(50);
  await load.stop();
  const leader = await cluster.settled();
  await load.verify((...args) => leader.ask(...args));
  expect(load.unknown).toEqual([]);
  expect([node.pid, await leader.field("current_term")]).toEqual([pid, "1"]);
  await until("the memory is back", () => node.residentBytes - beforeBytes < growthMax, 5000);
});
