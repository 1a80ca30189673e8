// Passwords on the built executable: clients need requirepass, nodes need cluster-password, and who has neither gets
// nowhere and disturbs nobody.

import { expect } from "bun:test";
import { Cluster } from "../support/cluster.ts";
import { freePorts } from "../support/free-ports.ts";
import { scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import { VlotProcess } from "../support/vlot-process.ts";

const password = "correct horse \u00e9";
const noAuth = "-NOAUTH Authentication required.";

scenario("a cluster with passwords serves those who know them", 30, async (place) => {
  const cluster = await Cluster.form(place, 3, { password });
  const leader = await cluster.leader();
  const stranger = await place.connect(leader.port);
  const dbid = await leader.field("dbid");
  for (const command of [
    ["GET", "k"],
    ["SET", "k", "v"],
    ["RAFT.INFO"],
    ["RAFT.CLUSTER", "INIT"],
    ["RAFT.NODE", "REMOVE", await leader.field("node_id")],
    ["RAFT.DEBUG", "EXEC", "SET", "k", "v"],
    ["RAFT.PEER", "1", dbid, "1", await leader.field("node_id"), "control"],
    ["RAFT.BOOTSTRAP", "STATE"],
    ["CONFIG", "GET", "requirepass"],
    ["SHUTDOWN"],
  ]) {
    expect(await stranger.ask(...command)).toBe(noAuth);
  }
  expect(await stranger.ask("AUTH", "wrong")).toBe(
    "-WRONGPASS invalid username-password pair or user is disabled.",
  );
  expect(await stranger.ask("GET", "k")).toBe(noAuth);
  expect(await stranger.ask("AUTH", Buffer.from(password).toString("latin1"))).toBe("OK");
  expect(await stranger.ask("SET", "k", "v")).toBe("OK");
});

scenario("a node with a wrong cluster-password cannot join", 30, async (place) => {
  const cluster = await Cluster.form(place, 1, { password });
  const [n1] = cluster.nodes as [VlotProcess];
  for (const [at, flags] of [["--cluster-password", "wrong"], []].entries()) {
    const [port = 0] = freePorts(1);
    const node = new VlotProcess(place, { name: `stranger${at}`, port, flags });
    await node.start();
    expect(await node.ask("RAFT.CLUSTER", "JOIN", n1.address)).toBe(
      "-ERR failed to connect to cluster for join, please check log",
    );
    expect(node.log).toMatch(/WRONGPASS|NOAUTH/);
    expect(await node.field("state")).toBe("uninitialized");
  }
  expect(await n1.field("num_nodes")).toBe("1");
});

scenario(
  "a member that lost its cluster-password disturbs nobody, and is back once it has it",
  40,
  async (place) => {
    const cluster = await Cluster.form(place, 3, { password });
    const leader = await cluster.leader();
    const [member] = cluster.others(leader) as [VlotProcess, VlotProcess];
    const term = await leader.field("current_term");
    await member.kill();
    await member.start(["--cluster-password", "wrong", "--election-timeout", "200"]);
    await until("it is refused", () => member.log.includes("WRONGPASS"));
    // It stands for election again and again by now, unheard.
    await until("it has tried", async () => Number(await leader.ask("INCR", "n")) > 80);
    expect(await leader.field("current_term")).toBe(term);
    expect(await leader.field("role")).toBe("leader");
    await member.kill();
    await member.start();
    expect(await cluster.settled()).toBe(leader);
    expect(await member.field("current_term")).toBe(term);
  },
);
