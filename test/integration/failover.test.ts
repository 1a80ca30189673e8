// What the cluster promises when its processes die or hang, on the built executable: nothing that was acknowledged is
// lost, nothing is done twice, no old value is read, and a dead leader is replaced within two election timeouts.

import { expect } from "bun:test";
import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import { plain } from "../server/test-client.ts";
import { Cluster, leaderAmong } from "../support/cluster.ts";
import { CounterLoad } from "../support/counter-load.ts";
import { FollowingClient } from "../support/following-client.ts";
import { isUnanswered } from "../support/resp-client.ts";
import { type Place, scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";

const electionTimeoutMs = 1000;
const clients = 8;

function startLoad(place: Place, cluster: Cluster): CounterLoad {
  const load = new CounterLoad({ ports: cluster.ports, clients });
  place.atEnd(() => load.abandon());
  return load;
}

scenario(
  "a killed leader is replaced within two election timeouts, and no acknowledged write is lost",
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    const load = startLoad(place, cluster);
    for (let round = 0; round < 3; round++) {
      await load.more(300);
      const leader = await cluster.leader();
      await leader.kill();
      const killedAtMs = performance.now();
      await load.more(50);
      expect(load.pauseAfter(killedAtMs)).toBeLessThan(2 * electionTimeoutMs);
      await leader.start();
      await cluster.settled();
    }
    await load.stop();
    const leader = await cluster.settled();
    await load.verify((...args) => leader.ask(...args));
  },
);

scenario("all nodes killed at once come back with everything acknowledged", 60, async (place) => {
  const cluster = await Cluster.form(place, 3);
  const load = startLoad(place, cluster);
  for (let round = 0; round < 2; round++) {
    await load.more(400);
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await cluster.settled();
  }
  await load.more(20);
  await load.stop();
  const leader = await cluster.settled();
  await load.verify((...args) => leader.ask(...args));
});

scenario(
  "without a majority nothing is acknowledged and nothing read, until one node returns",
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3, { flags: ["--leader-wait-timeout", "300"] });
    const leader = await cluster.leader();
    expect(await leader.ask("SET", "k", "before")).toBe("OK");
    const [second, third] = cluster.others(leader);
    if (second === undefined || third === undefined) throw new Error("three nodes");

    const early = await leader.connect();
    await Promise.all([second.kill(), third.kill()]);
    // While it still believes that it leads: neither may be answered with success.
    const pending = early.pipeline([
      ["SET", "k", "after"],
      ["GET", "k"],
    ]);
    await until("the leader steps down", async () => (await leader.field("role")) !== "leader");
    for (const reply of await pending)
      expect(reply.kind === "error" ? reply.text : reply).toMatch(/^(TIMEOUT|CLUSTERDOWN) /);
    const late = await leader.connect();
    expect(await late.ask("SET", "k", "late")).toBe("-CLUSTERDOWN No raft leader");
    expect(await late.ask("GET", "k")).toBe("-CLUSTERDOWN No raft leader");

    await second.start();
    const client = new FollowingClient({ ports: [leader.port, second.port] });
    place.atEnd(() => client.close());
    // The write of unknown outcome may have been done; what was refused was not.
    const found = await client.call("GET", "k");
    expect(["before", "after"]).toContain(found.kind === "answered" ? String(plain(found.reply)) : found.why);
    expect(await client.call("SET", "k", "again")).toEqual({
      kind: "answered",
      reply: { kind: "simple", text: "OK" },
    });
    await third.start();
    await cluster.settled();
  },
);

scenario(
  "a leader that hung serves no stale read, and says of its open writes what is true",
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    for (let round = 0; round < 3; round++) {
      const old = await cluster.leader();
      const survivors = cluster.others(old);
      const writer = await old.connect(20_000);
      const readers = await Promise.all(Array.from({ length: 4 }, () => old.connect(20_000)));
      expect(await writer.ask("SET", "k", `old ${round}`)).toBe("OK");
      old.pause();
      // On their way into a process that does not run: its kernel takes them.
      const openWrite = settle(writer.call("SET", "k", `open ${round}`));
      const openReads = readers.map((reader) => settle(reader.call("GET", "k")));

      const client = new FollowingClient({ ports: survivors.map((node) => node.port), replyTimeoutMs: 3000 });
      place.atEnd(() => client.close());
      const written = await until("a write through another leader", async () => {
        const outcome = await client.call("SET", "k", `new ${round}`);
        return outcome.kind === "answered" ? outcome.reply : null;
      });
      expect(written).toEqual({ kind: "simple", text: "OK" });

      old.resume();
      const reads = [...openReads, ...readers.map((reader) => settle(reader.call("GET", "k")))];
      for (const read of await Promise.all(reads)) {
        if (read.kind === "error") expect(read.text).toMatch(/^(MOVED|CLUSTERDOWN|TIMEOUT) /);
        else expect(read).not.toEqual({ kind: "bulk", text: `old ${round}` });
      }
      const answer = await openWrite;
      const final = await (await cluster.settled()).ask("GET", "k");
      if (answer.kind === "simple") expect(final).toBe(`open ${round}`);
      // Refused is not done. A timeout says nothing, so either is true.
      else if (answer.kind === "error" && /^(MOVED|CLUSTERDOWN) /.test(answer.text))
        expect(final).toBe(`new ${round}`);
      else expect(answer).toEqual({ kind: "error", text: "TIMEOUT not committed yet" });
    }
  },
);

scenario(
  "writes that a hung leader had taken up are answered once it is known what became of them",
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    const old = await cluster.leader();
    const survivors = cluster.others(old);
    const writer = await old.connect(20_000);
    const writes = 200;
    // The followers hang first, so that the leader takes the writes up and cannot commit them.
    for (const node of survivors) node.pause();
    const open = Array.from({ length: writes }, (_, at) => settle(writer.call("SET", `open:${at}`, "x")));
    await until("the writes are in the leader's log", async () => {
      const info = await old.info();
      return Number(info?.get("current_index")) > Number(info?.get("commit_index"));
    });
    old.pause();
    for (const node of survivors) node.resume();
    const successor = await leaderAmong(survivors);
    old.resume();
    const answers = await Promise.all(open);
    const leader = await cluster.settled();
    expect(leader).toBe(successor);
    for (const [at, answer] of answers.entries()) {
      const isThere = (await leader.ask("EXISTS", `open:${at}`)) === 1;
      // Success is done, a redirection is not done, and a timeout promises nothing.
      if (answer.kind === "simple") expect([at, isThere]).toEqual([at, true]);
      else if (answer.kind === "error" && /^(MOVED|CLUSTERDOWN) /.test(answer.text))
        expect([at, isThere]).toEqual([at, false]);
      else expect(answer).toEqual({ kind: "error", text: "TIMEOUT not committed yet" });
    }
  },
);

/** The reply; a lost connection as an error reply that says that nothing is known. */
async function settle(call: Promise<ReplyValue>): Promise<ReplyValue> {
  try {
    return await call;
  } catch (error) {
    if (isUnanswered(error)) return { kind: "error", text: `${error.name} ${error.message}` };
    throw error;
  }
}
