// What strangers send to a node's one port, on the built executable: noise, lies and silence. The nodes stay up, stay
// small, serve everybody else meanwhile, and hold no election over it.

import { describe, expect } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { encodeFrame, frameType, type FrameType } from "../../src/peer/frame.ts";
import type { HeaderField } from "../../src/peer/header-codec.ts";
import { peerVersion } from "../../src/peer/hello.ts";
import { encodeRequest } from "../../src/resp/request-encoder.ts";
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
/** Long enough that a busy machine alone causes no election: one that comes about is the attack's doing. */
const calm = ["--election-timeout", "3000"];
/** Longest time without a served client. */
const pauseMaxMs = 2000;

interface Attack {
  readonly cluster: Cluster;
  readonly random: SeededRandom;
  /** A connection to the node attacked now. */
  readonly open: () => Promise<RespClient>;
}

/** Makes the attack on each node in turn while others are served, and checks that it was in vain. */
function withstands(title: string, attack: (attack: Attack) => Promise<void>): void {
  scenario(`${title} (SEED=${seed})`, 60, async (place) => {
    const cluster = await Cluster.form(place, 3, { flags: calm });
    const load = new CounterLoad({ ports: cluster.ports, clients: 4 });
    place.atEnd(() => load.abandon());
    await load.more(200);
    const before = new Map(cluster.nodes.map((node) => [node, { pid: node.pid, bytes: node.residentBytes }]));
    const random = new SeededRandom(seed);
    for (const node of cluster.nodes) {
      await attack({ cluster, random, open: () => openHostile(place, node) });
      expect(await node.ask("PING")).toBe("PONG");
    }
    await load.more(50);
    await load.stop();
    const leader = await cluster.settled();
    await load.verify((...args) => leader.ask(...args));
    expect(load.unknown).toEqual([]);
    expect(longestPause(load)).toBeLessThan(pauseMaxMs);
    expect(await leader.field("current_term")).toBe("1");
    for (const [node, { pid, bytes }] of before) {
      expect(node.pid).toBe(pid);
      expect({ node: node.name, grown: node.residentBytes - bytes < growthMax }).toEqual({
        node: node.name,
        grown: true,
      });
    }
  });
}

async function openHostile(place: Place, node: VlotProcess): Promise<RespClient> {
  return place.connect(node.port);
}

function longestPause(load: CounterLoad): number {
  const at = load.acknowledgedAtMs;
  return at.reduce((longest, moment, index) => Math.max(longest, moment - (at[index - 1] ?? moment)), 0);
}

function randomBytes(random: SeededRandom, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = random.below(256);
  return bytes;
}

function frame(type: FrameType, fields: readonly HeaderField[]): Buffer {
  return Buffer.concat(encodeFrame(type, fields, []));
}

function mutated(random: SeededRandom, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  for (let change = random.below(4); change >= 0; change--)
    copy[random.below(copy.length)] = random.below(256);
  return random.below(3) === 0 ? copy.subarray(0, random.below(copy.length)) : copy;
}

describe("a node withstands", () => {
  withstands("noise", async ({ random, open }) => {
    for (let connection = 0; connection < 150; connection++) {
      const client = await open();
      client.send(randomBytes(random, 1 + random.below(8192)));
      if (random.below(2) === 0) client.close();
    }
  });

  withstands("commands with a few bytes changed", async ({ random, open }) => {
    const samples = [
      ["SET", "hostile", "value", "EX", "100"],
      ["RAFT.NODE", "ADD", "x", "127.0.0.1:notaport"],
      ["CLIENT", "KILL", "ID", "999999999"],
      ["HELLO", "3", "AUTH", "default", "x"],
    ].map(encodeRequest);
    for (let connection = 0; connection < 40; connection++) {
      const client = await open();
      for (let sent = 0; sent < 50; sent++)
        client.send(mutated(random, samples[random.below(samples.length)] as Buffer));
      client.halfClose();
    }
  });

  withstands("hellos of nodes that are none", async ({ cluster, random, open }) => {
    const [first, second] = cluster.nodes as [VlotProcess, VlotProcess, VlotProcess];
    const [dbid, from, to] = [
      await first.field("dbid"),
      await first.field("node_id"),
      await second.field("node_id"),
    ];
    const words = [
      dbid,
      from,
      to,
      "1",
      "0",
      "-1",
      "2147483648",
      "control",
      "bulk",
      "proxy",
      "",
      "x".repeat(5000),
    ];
    const word = (): string => words[random.below(words.length)] ?? "";
    for (let connection = 0; connection < 60; connection++) {
      const client = await open();
      // Version 0 does not exist, so however well the rest fits it is no hello.
      client.send(encodeRequest(["RAFT.PEER", "0", word(), word(), word(), word(), word()]));
      client.send(
        encodeRequest([
          "RAFT.PEER",
          String(peerVersion),
          word().replace(dbid, "f".repeat(32)),
          word(),
          word(),
          "control",
        ]),
      );
      client.send(frame(frameType.requestVote, [random.below(100), true, 3, 4]));
    }
  });

  withstands("claims of a size that never comes", async ({ open }) => {
    for (let connection = 0; connection < 60; connection++) {
      const client = await open();
      const claim = [
        "*2147483647\r\n",
        "*2\r\n$536870912\r\nx",
        "*1048576\r\n$1\r\nx\r\n",
        "GET ".padEnd(60_000, "x"),
      ];
      client.send(Buffer.from(claim[connection % claim.length] ?? ""));
    }
  });

  withstands("connections that say nothing, or little by little, or stop listening", async ({ open }) => {
    const clients = await Promise.all(Array.from({ length: 200 }, open));
    const slow = encodeRequest(["SET", "slow", "x"]);
    for (let at = 0; at < slow.length - 1; at++)
      for (const client of clients.slice(0, 50)) client.send(slow.subarray(at, at + 1));
    for (const client of clients.slice(50, 100)) client.halfClose();
    for (const client of clients.slice(100, 150)) client.close();
  });
});

scenario(
  "frames that are none, from who has passed for a node, end that link and nothing else",
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    const [n1, n2] = cluster.nodes as [VlotProcess, VlotProcess, VlotProcess];
    const [dbid, from, to] = [await n1.field("dbid"), await n1.field("node_id"), await n2.field("node_id")];
    const random = new SeededRandom(seed);
    const good = frame(frameType.alive, []);
    const vote = frame(frameType.requestVote, [1, 2, 3, true]);
    for (let connection = 0; connection < 60; connection++) {
      const client = await place.connect(n2.port);
      const channel = ["control", "bulk", "proxy"][connection % 3] ?? "";
      expect(await client.ask("RAFT.PEER", String(peerVersion), dbid, from, to, channel)).toBe("OK");
      const huge = Buffer.from([0xff, 0xff, 0xff, 0x3f, 0, 0, 0, 0, 1, 1, 4, 0]);
      const lies = [
        randomBytes(random, 300),
        mutated(random, good),
        mutated(random, vote),
        huge,
        Buffer.concat([good, vote]),
      ];
      client.send(lies[connection % lies.length] ?? good);
      if (connection % 2 === 0) client.close();
    }
    // Without a password whoever reaches the port may pass for a node, and cost the links of the true one; the cluster
    // finds back.
    const leader = await cluster.settled();
    expect(await leader.ask("SET", "k", "v")).toBe("OK");
    expect(n2.isRunning).toBe(true);
  },
);

scenario("connections that are gone before they are taken cost nothing", 30, async (place) => {
  const cluster = await Cluster.form(place, 1);
  const [node] = cluster.nodes as [VlotProcess];
  const pid = node.pid;
  node.pause();
  const clients = await Promise.all(Array.from({ length: 50 }, () => place.connect(node.port)));
  for (const client of clients) client.close();
  node.resume();
  expect(await until("an answer", () => node.ask("PING"))).toBe("PONG");
  expect(node.pid).toBe(pid);
  expect(node.isRunning).toBe(true);
});
