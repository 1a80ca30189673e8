// Each invariant is broken on purpose, in a world of production nodes of which one is tampered with, and exactly that
// one is reported; and histories with all kinds of faults break none, while much is looked at.

import { describe, expect, test } from "bun:test";
import { assert } from "../../../src/base/assert.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import type { Message } from "../../../src/raft/types.ts";
import { noReply } from "../../../src/resp/no-reply.ts";
import { bodyBytesAt, recordSizeBytes } from "../../../src/storage/record.ts";
import { segmentHeaderBytes } from "../../../src/storage/segment.ts";
import { ChosenFaults } from "../chosen-faults.ts";
import { clockFaultKinds, processFaultKinds } from "../fault-kinds.ts";
import { testHistories } from "../histories.ts";
import { VirtualWorld } from "../virtual-world.ts";
import { CheckedLoad } from "../workload/checked-load.ts";
import { broken, brokenByWrite, formed, memberOn, violationIn } from "./tampering.ts";

const hardStatePath = "/data/node/hard-state";
const segmentPath = "/data/node/log/0000000000000001.segment";

describe("the invariants of a world notice", () => {
  test("nothing, while nothing is wrong", () => {
    const { world, invariants } = formed();
    expect(brokenByWrite(world)).toBeNull();
    invariants.checkAtRest();
  });

  test("2: a node that speaks in a term which its disk does not have", () => {
    const { world } = formed();
    world.machine("n2").disk.replace(hardStatePath, new Uint8Array(8192));
    expect(brokenByWrite(world)).toBe(2);
  });

  test("nothing when its disk loses the term in which a running node speaks", () => {
    const { world } = formed();
    world.machine("n2").damage((disk) => {
      for (const copy of [0, 4096]) disk.damage(hardStatePath, copy + 30, 1);
    });
    expect(brokenByWrite(world)).toBeNull();
  });

  test("2: a node that speaks in a later term than its disk had before it was damaged", () => {
    const { world } = formed();
    const machine = world.machine("n2");
    machine.damage((disk) => {
      for (const copy of [0, 4096]) disk.damage(hardStatePath, copy + 30, 1);
    });
    world.machine("n1").kill();
    world.runUntil("another leader", () => memberOn(world, "n2").raft.currentTerm > 1, 5000);
    // Until it has nothing more to store.
    world.run(6000);
    machine.disk.replace(hardStatePath, new Uint8Array(8192));
    expect(broken(() => world.run(1000))).toBe(2);
  });

  test("2: a node that starts again without its vote", () => {
    const { world } = formed();
    const machine = world.machine("n1");
    machine.kill();
    const bytes = Uint8Array.from(machine.disk.read(hardStatePath) ?? []);
    for (const offset of [0, 4096]) {
      const copy = new DataView(bytes.buffer, offset, 128);
      copy.setUint32(12, 0, true);
      copy.setUint32(124, Bun.hash.crc32(bytes.subarray(offset, offset + 124)), true);
    }
    machine.disk.replace(hardStatePath, bytes);
    expect(broken(() => machine.start())).toBe(2);
  });

  test("3: two logs that tell different histories", () => {
    const { world } = formed();
    const { log } = memberOn(world, "n2").replica;
    const crcAt = log.crcAt.bind(log);
    const { lastIndex } = log;
    log.crcAt = (index) => (index > lastIndex ? crcAt(index) + 1 : crcAt(index));
    expect(brokenByWrite(world)).toBe(3);
  });

  test("6: a log that loses what is committed", () => {
    const { world } = formed();
    const { log } = memberOn(world, "n2").replica;
    log.truncateAfter(log.lastIndex - 1);
    expect(broken(() => world.run(500))).toBe(6);
  });

  test("6: a log in which others take the place of committed entries", () => {
    const { world } = formed();
    const { log } = memberOn(world, "n2").replica;
    const { lastIndex } = log;
    const append = log.append.bind(log);
    const crcAt = log.crcAt.bind(log);
    log.append = (entries) => {
      append(entries);
      log.crcAt = (index) => (index <= lastIndex ? crcAt(index) + 1 : crcAt(index));
    };
    expect(brokenByWrite(world)).toBe(6);
  });

  for (const name of ["n1", "n2"]) {
    test(`7: a sync that is reported before it is done, on ${name === "n1" ? "the leader" : "a follower"}`, () => {
      const { world } = formed();
      const { raft, replica } = memberOn(world, name);
      const append = replica.log.append.bind(replica.log);
      replica.log.append = (entries) => {
        append(entries);
        raft.stable(replica.log.lastIndex, replica.log.termAt(replica.log.lastIndex));
      };
      const violation = violationIn(() => world.call("n1", ["SET", "key", "second"]));
      expect(violation?.promise).toBe(7);
      expect(violation?.message).toContain(`${name} counts its log as stored`);
    });
  }

  test("7: a write that is acknowledged and in no entry", () => {
    const { world } = formed();
    const { replica } = memberOn(world, "n1");
    replica.submitWrite = (request) => {
      request.requester.reply.simple("OK");
      request.requester.answered(request);
      return true;
    };
    expect(brokenByWrite(world)).toBe(7);
  });

  test("7: committed entries that are gone from the disks of a majority", () => {
    const { world, invariants } = formed();
    for (const name of ["n2", "n3"]) {
      world.machine(name).cutPower();
      const { disk } = world.machine(name);
      disk.replace(segmentPath, (disk.read(segmentPath) ?? new Uint8Array()).slice(0, segmentHeaderBytes));
    }
    expect(broken(() => invariants.checkAtRest())).toBe(7);
  });

  test("5: a node that starts again without what was committed and on its disk", () => {
    const { world } = formed();
    const machine = world.machine("n2");
    world.call("n1", ["SET", "key", "second"]);
    world.run(100);
    machine.kill();
    machine.disk.replace(segmentPath, withoutRecordsFrom(machine.disk.read(segmentPath), -1));
    expect(broken(() => machine.start())).toBe(5);
  });

  test("8: a replica that has applied what no log says", () => {
    const { world, invariants } = formed();
    world.machine("n3").process?.node.executeLocally(["SET", "key", "other"], noReply);
    expect(broken(() => invariants.checkAtRest())).toBe(8);
    expect(brokenByWrite(world)).toBe(8);
  });

  test("8: a replica that is behind when all should be at rest", () => {
    const { world, invariants } = formed();
    world.network.cut("n1", "n3");
    world.call("n1", ["SET", "key", "second"]);
    expect(broken(() => invariants.checkAtRest())).toBe(8);
  });

  test("8: a replica whose own log tells another story", () => {
    const { world, invariants } = formed();
    const { log } = memberOn(world, "n3").replica;
    const body = log.body.bind(log);
    log.body = (index) => Uint8Array.from(body(index), (byte) => (byte === 0x66 ? 0x67 : byte));
    const violation = violationIn(() => invariants.checkAtRest());
    expect(violation?.promise).toBe(8);
    expect(violation?.message).toContain("a replay of its own log");
  });

  test("8: a replica that applies what is not committed", () => {
    const { world } = formed();
    world.machine("n2").kill();
    world.machine("n3").kill();
    const { stateMachine, log } = memberOn(world, "n1").replica;
    stateMachine.beginEntry(log.lastIndex + 1, log.lastStampMs);
    expect(broken(() => world.run(100))).toBe(8);
  });

  test("10: a leader that nobody has voted for", () => {
    const { world } = formed();
    const { raft } = memberOn(world, "n2");
    world.machine("n1").cutPower();
    const step = raft.step.bind(raft);
    // The answers of others to its questions are forged, and what they really say is not heard.
    raft.step = (message, nowMs) => (message.kind === "RequestVoteResponse" ? null : step(message, nowMs));
    world.machine("n3").kill();
    world.runUntil("n2 asks for votes", () => raft.role === "pre-candidate");
    expect(
      broken(() => {
        for (const preVote of [true, false]) {
          const term = raft.currentTerm + (preVote ? 1 : 0);
          const [from = 0] = raft.membership.members.filter(({ id }) => id !== raft.id).map(({ id }) => id);
          step(
            { kind: "RequestVoteResponse", from, to: raft.id, term, preVote, voteGranted: true },
            world.time.nowMs,
          );
          world.run(20);
        }
      }),
    ).toBe(10);
  });

  test("11: a read that is answered without asking whether the leader still leads", () => {
    const { world } = formed();
    memberOn(world, "n1").raft.requestRead = () => 0;
    expect(broken(() => world.call("n1", ["GET", "key"]))).toBe(11);
  });

  test("11: a read that is answered from an old state", () => {
    const { world } = formed();
    memberOn(world, "n1").raft.requestRead = () => 0;
    for (const other of ["n2", "n3"]) {
      world.network.cut("n1", other);
      world.network.cut(other, "n1");
    }
    const read = world.connect("n1");
    world.runUntil("another leader", () => world.leader?.name !== "n1", 5000);
    const client = world.connect(world.leader?.name ?? "");
    client.send(["SET", "key", "second"], () => undefined);
    const { stateMachine } = memberOn(world, "n1").replica;
    world.run(200);
    // The old leader has stepped down by now; as a leader that does not know, it answers all the same.
    const node = world.machine("n1").process?.node;
    assert(node !== undefined, "n1 runs");
    Object.defineProperty(node, "disposition", { get: () => "serve" });
    node.submitRead = (request) => {
      stateMachine.read(request.command, request.args, request.dbIndex, {
        reply: request.requester.reply,
        nowMs: 0,
      });
      request.requester.answered(request);
    };
    const violation = violationIn(() => {
      read.send(["GET", "key"], () => undefined);
      world.run(100);
    });
    expect(violation?.promise).toBe(11);
    expect(violation?.message).toContain("n1 answers GET key from entry");
  });

  test("12: a bad record that is taken into a log", () => {
    const { world } = formed();
    const { log } = memberOn(world, "n2").replica;
    const append = log.append.bind(log);
    log.append = (entries) => {
      append(entries);
      const [record] = log.records(log.lastIndex, log.lastIndex);
      if (record !== undefined) record[50] = (record[50] ?? 0) ^ 1;
    };
    expect(brokenByWrite(world)).toBe(12);
  });

  test("12: a node that takes damage for the end of its log", () => {
    const { world } = formed();
    const machine = world.machine("n2");
    for (const value of ["second", "third", "fourth"]) world.call("n1", ["SET", "key", value]);
    world.run(100);
    machine.kill();
    const bytes = machine.disk.read(segmentPath);
    const offset = offsetsOf(bytes).at(-3) ?? 0;
    machine.damage((disk) => disk.damage(segmentPath, offset + 60, 1));
    machine.disk.replace(segmentPath, withoutRecordsFrom(bytes, -3));
    expect(broken(() => machine.start())).toBe(12);
  });

  test("19: a healthy leader that is deposed by one node", () => {
    const { world } = formed();
    const leader = memberOn(world, "n1");
    const message: Message = {
      kind: "RequestVoteResponse",
      from: memberOn(world, "n2").id,
      to: leader.id,
      term: leader.raft.currentTerm + 1,
      preVote: false,
      voteGranted: false,
    };
    expect(
      broken(() => {
        leader.replica.receive(message, null);
        world.run(10);
      }),
    ).toBe(19);
  });

  test("19: a healthy leader that leaves office by itself", () => {
    const { world } = formed();
    const { raft } = memberOn(world, "n1");
    expect(
      broken(() => {
        raft.tick(world.time.nowMs + 10_000);
        world.run(10);
      }),
    ).toBe(19);
  });

  test("no deposition long after a leader that was not well has left office", () => {
    const { world } = formed();
    const { raft } = memberOn(world, "n1");
    const tick = raft.tick.bind(raft);
    world.machine("n1").process?.standStill(150);
    world.run(300);
    expect(raft.role).toBe("leader");
    tick(world.time.nowMs + 10_000);
    for (const name of ["n1", "n2", "n3"]) memberOn(world, name).raft.tick = () => undefined;
    world.run(4000);
    expect([raft.role, raft.currentTerm]).toEqual(["follower", 1]);
    tick(world.time.nowMs + 20_000);
    world.run(100);
    expect(raft.currentTerm).toBe(2);
  });

  test("no depositions where something was wrong, or somebody wanted them", () => {
    const { world, invariants } = formed();
    world.call("n1", ["RAFT.TRANSFER_LEADER"]);
    world.runUntil("another leader", () => world.leader !== undefined && world.leader.name !== "n1");
    world.run(1500);
    const { leader } = world;
    leader?.process?.standStill(2000);
    world.run(1500);
    expect(world.leader?.name).not.toBe(leader?.name ?? "");
    world.leader?.kill();
    world.run(1000);
    world.settle();
    expect(invariants.counts.termChanges).toBeGreaterThan(1);
  });

  test("no change of a term when wall clocks jump by an hour", () => {
    const { world } = formed();
    for (const [name, jumpMs] of [
      ["n1", 3_600_000],
      ["n2", -3_600_000],
      ["n1", -7_200_000],
    ] as const) {
      world.machine(name).wallOffsetMs = jumpMs;
      expect(brokenByWrite(world)).toBeNull();
      expect(memberOn(world, "n1").raft.currentTerm).toBe(1);
    }
  });
});

const faultKinds = [
  ...processFaultKinds,
  ...clockFaultKinds,
  "isolate",
  "halves",
  "deafen",
  "reset",
] as const;

function underFaults(
  seed: number,
  isWatched: boolean,
  proxy: boolean,
): { world: VirtualWorld; counts: Record<string, number> } {
  const settings = { "follower-proxy": proxy ? "yes" : "no" };
  const world = new VirtualWorld({ seed, machines: 3, settings, isWatched });
  world.formCluster();
  const load = new CheckedLoad(world, 3);
  const faults = new ChosenFaults(world, faultKinds);
  load.start();
  faults.run(1500, 200);
  faults.end();
  world.settle();
  load.finish();
  return { world, counts: isWatched ? world.invariants.counts : {} };
}

testHistories(
  "the invariants hold under all faults",
  8,
  (seed) => underFaults(seed, true, seed % 2 === 0).counts,
);

test("who watches a world changes nothing in it", () => {
  const seed = new SeededRandom(5).uint32();
  expect(underFaults(seed, true, true).world.trace.hash).toBe(
    underFaults(seed, false, true).world.trace.hash,
  );
});

/** Where the records of a segment begin. */
function offsetsOf(bytes: Uint8Array | null): number[] {
  assert(bytes !== null, "a segment");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const offsets: number[] = [];
  for (let offset = segmentHeaderBytes; view.getUint32(offset + 8, true) !== 0;) {
    offsets.push(offset);
    offset += recordSizeBytes(bodyBytesAt(view, offset));
  }
  return offsets;
}

/** The segment as it was before the record at `position` of its list was written. */
function withoutRecordsFrom(bytes: Uint8Array | null, position: number): Uint8Array {
  const cut = Uint8Array.from(bytes ?? []);
  return cut.fill(0, offsetsOf(bytes).at(position) ?? 0);
}
