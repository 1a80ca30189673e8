// A node that comes back without its files, or without knowing who it was.

import { describe, expect, test } from "bun:test";
import { idOf, stateOf, untilWhole } from "./node-lives.ts";
import { textOf } from "./virtual-client.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import { dataPath } from "./virtual-process.ts";
import { VirtualWorld } from "./virtual-world.ts";

describe("a node with a wiped disk never votes under its old id, and founds no second cluster", () => {
  const line = { join: "n1,n2,n3", "bootstrap-expect": "3" };

  test.each([
    ["join", { join: "n1,n2,n3" }],
    ["bootstrap-expect", line],
    ["its old id", { ...line, id: "3" }],
  ] as const)("with %s", (_, settings) => {
    const world = new VirtualWorld({
      seed: 21,
      machines: 3,
      settingsOf: (name) => (name === "n3" ? settings : { ...line, id: name.slice(1) }),
    });
    for (const name of ["n1", "n2"]) world.machine(name).start();
    world.machine("n3").start();
    untilWhole(world);
    const oldId = idOf(world.machine("n3"));
    const wiped = world.machine("n3");
    wiped.kill();
    wiped.wipe();
    wiped.start();
    world.run(5000);
    // The others know its address as that of a voter who is away: nobody can tell that it is wiped, but it is no member.
    expect([stateOf(wiped), idOf(wiped)]).not.toContain("up");
    expect(world.invariants.clusterIds.length).toBe(1);
    expect(world.leader?.process?.node.slots().find(({ host }) => host === "n3")?.id).toBe(oldId);
    world.expectCall(world.leader?.name ?? "", ["SET", "k", "v"], /^OK$/);
    if ("id" in settings) return;
    world.expectCall(world.leader?.name ?? "", ["RAFT.NODE", "REMOVE", String(oldId)], /^OK$/);
    untilWhole(world);
    expect(idOf(wiped)).not.toBe(oldId);
    expect(world.invariants.clusterIds.length).toBe(1);
  });

  test.each([
    ["IDENTITY_DAMAGED", "node/identity"],
    ["REPLACEMENT_DAMAGED", "replacement"],
  ])("nor one that does not know who it is: %s", (code, file) => {
    const codes: string[] = [];
    const failed = (_: VirtualMachine, error: Error & { code: string }): void => void codes.push(error.code);
    const world = new VirtualWorld({ seed: 23, machines: 3, settings: line, failed });
    for (const machine of world.machines) machine.start();
    untilWhole(world);
    const victim = world.machine("n3");
    victim.kill();
    victim.damage((disk) => {
      if (disk.read(`${dataPath}/${file}`) === null) disk.create(`${dataPath}/${file}`, 100).close();
      disk.damage(`${dataPath}/${file}`, 20, 1);
    });
    expect([victim.start(), codes]).toEqual([false, [code]]);
    expect(victim.disk.list(dataPath)).toContain("node");
  });

  test("nor does one whose leader is gone too, so that its vote would decide", () => {
    const world = new VirtualWorld({ seed: 22, machines: 3, settings: line });
    for (const machine of world.machines) machine.start();
    untilWhole(world);
    const { leader } = world;
    const [behind, wiped] = world.machines.filter((machine) => machine !== leader) as [
      VirtualMachine,
      VirtualMachine,
    ];
    behind.kill();
    world.expectCall(leader?.name ?? "", ["SET", "k", "v"], /^OK$/);
    leader?.cutPower();
    wiped.kill();
    wiped.wipe();
    behind.start();
    wiped.start();
    world.run(5000);
    expect([world.leader, world.invariants.clusterIds.length]).toEqual([undefined, 1]);
    leader?.start();
    world.runUntil(
      "the write",
      () => textOf(world.call(world.leader?.name ?? behind.name, ["GET", "k"])) === "v",
    );
  });
});
