// One flipped byte in the middle of a node's log: the node has itself replaced, by itself, and afterwards the cluster
// survives the loss of another one.

import { expect } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cluster } from "../support/cluster.ts";
import { scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";
import type { VlotProcess } from "../support/vlot-process.ts";

const keyCount = 200;

async function write(node: VlotProcess, prefix: string): Promise<void> {
  const client = await node.connect();
  for (let number = 0; number < keyCount; number++)
    expect(await client.call("SET", `${prefix}${number}`, `value ${number}`)).toMatchObject({ text: "OK" });
}

async function expectAll(node: VlotProcess, prefix: string): Promise<void> {
  const client = await node.connect();
  for (let number = 0; number < keyCount; number++)
    expect(await client.call("GET", `${prefix}${number}`)).toMatchObject({ text: `value ${number}` });
}

/** Flips a bit in the middle of what is written in the node's log. */
function flipByte(node: VlotProcess): void {
  const directory = join(node.directory, "node", "log");
  const name = readdirSync(directory).find((entry) => entry.endsWith(".segment")) ?? "";
  const path = join(directory, name);
  const bytes = readFileSync(path);
  const at = bytes.indexOf("value 100");
  expect(at).toBeGreaterThan(0);
  bytes[at] = (bytes[at] as number) ^ 0x20;
  writeFileSync(path, bytes);
}

scenario(
  "a node whose log is damaged comes back by itself, as a new one with all data",
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    const leader = await cluster.leader();
    await write(leader, "before:");
    const [damaged, other] = cluster.others(leader) as [VlotProcess, VlotProcess];
    const oldId = await damaged.field("node_id");
    expect(await damaged.stop()).toBe(0);
    flipByte(damaged);
    await write(leader, "meanwhile:");

    // Switched off, it says what is damaged, and ends.
    damaged.launch(["--repair", "no"]);
    expect(await damaged.exited).toBe(4);
    expect(damaged.log).toMatch(
      /the log is damaged: entry \d+ at offset \d+ of \S+\.segment .*RAFT\.NODE REMOVE/,
    );

    await damaged.start();
    await cluster.settled();
    const newId = await damaged.field("node_id");
    expect(newId).not.toBe(oldId);
    expect(damaged.log).toContain(`asks the cluster to replace it by node ${newId}`);
    expect(readdirSync(damaged.directory).sort()).toEqual(["LOCK", `damaged-${oldId}`, "node"]);
    expect(await leader.field("num_voting_nodes")).toBe("3");

    await other.kill();
    await write(leader, "with one lost:");
    await leader.kill();
    await other.start();
    const next = await until("a leader of the two", () => cluster.leader());
    for (const prefix of ["before:", "meanwhile:", "with one lost:"]) await expectAll(next, prefix);
  },
);

scenario(
  "a node without term and vote waits for the others, says so, and ends on SIGTERM",
  60,
  async (place) => {
    const cluster = await Cluster.form(place, 3);
    const leader = await cluster.leader();
    const [damaged, other] = cluster.others(leader) as [VlotProcess, VlotProcess];
    await write(leader, "k:");
    await damaged.kill();
    const hardState = join(damaged.directory, "node", "hard-state");
    writeFileSync(hardState, readFileSync(hardState).fill(0x5a));
    await other.kill();
    await leader.kill();

    await damaged.start();
    expect(await damaged.field("state")).toBe("replacing");
    expect(await damaged.ask("GET", "k:1")).toMatch(/^-CLUSTERDOWN /);
    await until("it says why it waits", () => /Not replaced yet, .*ECONNREFUSED/.test(damaged.log));
    expect(await damaged.stop()).toBe(0);

    await Promise.all([leader.start(), other.start(), damaged.start()]);
    await expectAll(await cluster.settled(), "k:");
    expect(await damaged.field("state")).toBe("up");
  },
);
