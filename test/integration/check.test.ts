// `vlot check` as an operator uses it, on the directory of a node that ran, was killed, and was damaged.

import { expect } from "bun:test";
import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Cluster } from "../support/cluster.ts";
import { runVlot } from "../support/run-vlot.ts";
import { scenario } from "../support/scenario.ts";
import type { VlotProcess } from "../support/vlot-process.ts";

/** Names, sizes and times of all files below `path`. */
function stateOf(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(path, name));
      return `${name} ${size} ${mtimeMs}`;
    });
}

function flipByte(path: string, offset: number): void {
  const byte = readFileSync(path)[offset] as number;
  const fd = openSync(path, "r+");
  writeSync(fd, new Uint8Array([byte ^ 0x40]), 0, 1, offset);
  closeSync(fd);
}

scenario(
  "check tells whether a directory is in use, sound, mendable, damaged or none at all",
  40,
  async (place) => {
    const cluster = await Cluster.form(place, 2);
    const node = await cluster.leader();
    const [other] = cluster.others(node) as [VlotProcess];
    for (let key = 0; key < 50; key++)
      expect(await node.ask("SET", `key:${key}`, "v".repeat(100))).toBe("OK");
    const id = await node.field("node_id");

    const busy = await runVlot(place, ["check", node.directory]);
    expect([busy.status, busy.output]).toEqual([3, ""]);
    expect(busy.errors).toContain("in use by a running server");
    await node.kill();
    await other.kill();

    const before = stateOf(node.directory);
    const sound = await runVlot(place, ["check", node.directory]);
    expect([sound.status, sound.errors]).toEqual([0, ""]);
    expect(sound.output).toContain(`node ${id} of cluster `);
    expect(sound.output).toMatch(/log: \d+ entries, 1 to \d+, the last of term \d+, in 1 segment of /);
    expect(sound.output).toContain(other.address);
    expect(sound.output).toContain("SOUND");
    const json = await runVlot(place, ["check", join(node.name, "node"), "--json"]);
    expect(JSON.parse(json.output)).toMatchObject({
      status: 0,
      kind: "node",
      node: { identity: { nodeId: Number(id) } },
      findings: [],
    });

    const hardState = join(node.directory, "node", "hard-state");
    flipByte(hardState, 4096 + 30);
    const mendable = await runVlot(place, ["check", node.directory]);
    expect(mendable.status).toBe(0);
    expect(mendable.output).toContain(`repair: ${hardState} at offset 4096`);
    flipByte(hardState, 4096 + 30);

    const segment = join(node.directory, "node", "log", "0000000000000001.segment");
    const offset = readFileSync(segment).indexOf("key:7");
    flipByte(segment, offset);
    const damaged = await runVlot(place, ["check", node.directory]);
    expect(damaged.status).toBe(4);
    const found =
      /entry (\d+) at offset (\d+) of (\S+) had been synced but does not read back \(wrong checksum\)/.exec(
        damaged.output,
      );
    expect(found?.[3]).toBe(segment);
    expect(offset - Number(found?.[2])).toBeWithin(1, 100);
    expect(damaged.output).toContain("RAFT.NODE REMOVE");
    flipByte(segment, offset);
    expect(stateOf(node.directory).length).toBe(before.length);
    expect((await runVlot(place, ["check", node.directory])).output).toBe(sound.output);

    rmSync(hardState);
    rmSync(join(node.directory, "node", "identity"));
    expect((await runVlot(place, ["check", node.directory])).status).toBe(4);
    expect((await runVlot(place, ["check", "nowhere"])).status).toBe(1);
    expect((await runVlot(place, ["check", segment])).status).toBe(1);
    expect((await runVlot(place, ["check"])).status).toBe(2);
    expect((await runVlot(place, ["check", node.directory, "--fix"])).status).toBe(2);
    const help = await runVlot(place, ["check", "--help"]);
    expect([help.status, help.output.includes("Exit status:")]).toEqual([0, true]);
  },
);

scenario("check leaves the files as they are, to the moment of their last change", 30, async (place) => {
  const cluster = await Cluster.form(place, 1);
  const [node] = cluster.nodes as [VlotProcess];
  expect(await node.ask("SET", "k", "v")).toBe("OK");
  expect(await node.stop()).toBe(0);
  const before = stateOf(node.directory);
  expect((await runVlot(place, ["check", node.directory])).output).toContain("SOUND.");
  expect(stateOf(node.directory)).toEqual(before);
  // And the node takes it up again.
  await node.start();
  expect(await node.ask("GET", "k")).toBe("v");
});
