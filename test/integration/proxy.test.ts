// follower-proxy on the built executable: any node serves any client, and no client can tell which it talks to.

import { describe, expect } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import { plain } from "../server/test-client.ts";
import { Cluster, leaderAmong } from "../support/cluster.ts";
import type { RespClient } from "../support/resp-client.ts";
import { scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";

const flags = ["--follower-proxy", "yes"];
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));

/** What one client's own keys hold, by the commands it has sent. */
class Model {
  readonly #values = new Map<string, string>();
  readonly #random: SeededRandom;
  readonly #owner: string;
  #written = 0;

  constructor(owner: string, random: SeededRandom) {
    this.#owner = owner;
    this.#random = random;
  }

  /** A random command, and the reply that is right at this place of the order. */
  next(): { readonly args: string[]; readonly reply: unknown } {
    const key = `${this.#owner}:${this.#random.below(3)}`;
    const token = `<${this.#owner}.${this.#written++}>`;
    const before = this.#values.get(key);
    switch (this.#random.below(5)) {
      case 0:
        this.#values.set(key, token);
        return { args: ["SET", key, token], reply: "OK" };
      case 1: {
        const value = (before ?? "") + token;
        this.#values.set(key, value);
        return { args: ["APPEND", key, token], reply: value.length };
      }
      case 2:
        this.#values.delete(key);
        return { args: ["GETDEL", key], reply: before ?? null };
      default:
        return { args: ["GET", key], reply: before ?? null };
    }
  }
}

async function checkOrder(client: RespClient, model: Model, pipelines: number): Promise<void> {
  for (let pipeline = 0; pipeline < pipelines; pipeline++) {
    const steps = Array.from({ length: 40 }, () => model.next());
    expect(await client.askAll(steps.map(({ args }) => args))).toEqual(steps.map(({ reply }) => reply));
  }
}

describe("with follower-proxy", () => {
  scenario("replies keep their RESP3 types on every node, and their RESP2 forms", 30, async (place) => {
    const cluster = await Cluster.form(place, 3, { flags });
    const leader = await cluster.leader();
    await leader.ask("MSET", "a", "ohmytext", "b", "mynewtext", "n", "5");
    const commands = [
      ["LCS", "a", "b", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN"],
      ["GET", "nothing"],
      ["MGET", "a", "nothing", "b"],
      ["INCRBYFLOAT", "f", "0"],
      ["INCR", "a"],
      ["SCAN", "0", "MATCH", "none"],
      ["OBJECT", "ENCODING", "n"],
      ["SET", "a", "x", "BAD"],
      ["GET"],
      ["NOSUCH", "a"],
    ];
    for (const protocol of ["2", "3"]) {
      const replies: ReplyValue[][] = [];
      for (const node of cluster.nodes) {
        const client = await node.connect();
        expect(await client.ask("HELLO", protocol)).not.toBeNull();
        replies.push(await client.pipeline(commands));
      }
      expect(replies[0]?.[0]?.kind).toBe(protocol === "2" ? "array" : "map");
      expect(replies[1]).toEqual(replies[0] ?? []);
      expect(replies[2]).toEqual(replies[0] ?? []);
    }
  });

  scenario(
    `many clients at once get their own replies in their own order (SEED=${seed})`,
    40,
    async (place) => {
      const cluster = await Cluster.form(place, 3, { flags });
      const random = new SeededRandom(seed);
      const work: Promise<void>[] = [];
      for (let at = 0; at < 30; at++) {
        const node = cluster.nodes[at % 3];
        const client = await node?.connect();
        if (client === undefined) throw new Error("three nodes");
        work.push(checkOrder(client, new Model(`c${at}`, new SeededRandom(random.below(2 ** 31))), 25));
      }
      await Promise.all(work);
      // The followers have passed on what they were sent, and nothing is left over.
      const leader = await cluster.leader();
      for (const node of cluster.others(leader)) {
        expect(Number(await node.field("proxy_reqs"))).toBeGreaterThanOrEqual(10 * 25 * 40);
        expect(await node.field("proxy_outstanding_reqs")).toBe("0");
        expect(await node.field("proxy_failed_responses")).toBe("0");
      }
    },
  );

  scenario("what a client wrote through one node it reads through any other", 30, async (place) => {
    const cluster = await Cluster.form(place, 3, { flags });
    const clients = await Promise.all(cluster.nodes.map((node) => node.connect()));
    for (let round = 0; round < 100; round++) {
      expect(await clients[round % 3]?.ask("SET", "k", String(round))).toBe("OK");
      const found = await Promise.all(clients.map((client) => client.ask("GET", "k")));
      expect(found).toEqual([String(round), String(round), String(round)]);
    }
  });

  for (const ending of ["killed", "stopped", "made to hand over"] as const) {
    scenario(
      `a leader ${ending} amid proxied writes: each is answered once and done at most once`,
      60,
      async (place) => {
        const cluster = await Cluster.form(place, 3, { flags });
        const leader = await cluster.leader();
        const survivors = cluster.others(leader);
        const clients = await Promise.all([...survivors, ...survivors].map((node) => node.connect(20_000)));
        let isOver = false;
        const written = clients.map((client, at) => appendUntil(client, `log:${at}`, () => isOver));
        await until("writes flow", async () => Number(await leader.field("commit_index")) > 60);
        if (ending === "killed") await leader.kill();
        else if (ending === "stopped") expect(await leader.stop()).toBe(0);
        else expect(await leader.ask("RAFT.TRANSFER_LEADER")).toBe("OK");
        const successor = await leaderAmong(survivors);
        const reached = Number(await successor.field("commit_index"));
        await until(
          "writes flow again",
          async () => Number(await successor.field("commit_index")) > reached + 60,
        );
        isOver = true;
        for (const [at, answers] of (await Promise.all(written)).entries()) {
          checkAppended(String(await successor.ask("GET", `log:${at}`)), answers, ending);
        }
      },
    );
  }
});

interface Answer {
  readonly token: string;
  readonly reply: ReplyValue;
}

/** Appends tokens in pipelines, and reads between them, until told to end. */
async function appendUntil(client: RespClient, key: string, isOver: () => boolean): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  while (!isOver()) {
    const tokens = Array.from({ length: 10 }, () => `<${next++}>`);
    const commands = tokens.flatMap((token) => [
      ["APPEND", key, token],
      ["GET", key],
    ]);
    const replies = await client.pipeline(commands);
    for (const [at, token] of tokens.entries()) {
      const reply = replies[2 * at];
      const read = replies[2 * at + 1];
      if (reply === undefined || read === undefined) throw new Error("a reply to each command");
      answers.push({ token, reply });
      if (reply.kind === "integer" && read.kind === "bulk") expect(read.text.endsWith(token)).toBe(true);
    }
  }
  return answers;
}

function checkAppended(value: string, answers: readonly Answer[], ending: string): void {
  const found: string[] = value.match(/<\d+>/g) ?? [];
  const counts = new Map<string, number>();
  for (const token of found) counts.set(token, (counts.get(token) ?? 0) + 1);
  for (const { token, reply } of answers) {
    const count = counts.get(token) ?? 0;
    const shown = { token, reply: plain(reply) };
    if (reply.kind === "integer") expect({ ...shown, count }).toEqual({ ...shown, count: 1 });
    else if (reply.kind === "error" && reply.text.startsWith("TIMEOUT "))
      expect(count).toBeLessThanOrEqual(1);
    else expect({ ...shown, count }).toEqual({ reply: "-CLUSTERDOWN No raft leader", token, count: 0 });
    // Only the end of the old leader's process leaves doubt.
    if (ending !== "killed") expect(shown).toEqual({ token, reply: expect.any(Number) });
  }
  // In the order of sending.
  expect(found).toEqual(found.toSorted((a, b) => Number(a.slice(1, -1)) - Number(b.slice(1, -1))));
}
