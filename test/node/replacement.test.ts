// What a damaged node asks of the others, and what it makes of their answers.

import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { Config } from "../../src/config/config.ts";
import { Replacement } from "../../src/node/replacement.ts";
import { Entry } from "../../src/raft/types.ts";
import { DataDirectory } from "../../src/storage/data-directory.ts";
import { RecordingLogger } from "../peer/recording-logger.ts";
import { plainStation } from "../sim/virtual-network.ts";
import { MachineClocks, VirtualClock } from "../sim/virtual-time.ts";
import { commandEntry, smallSegmentBytes } from "../storage/log-fixture.ts";
import { MemoryDisk } from "../storage/memory-disk.ts";
import { ScriptedNetwork } from "./scripted-node.ts";

const clusterId = "0123456789abcdef0123456789abcdef";
const path = "/data";

/** A directory whose node, 1 of 1, 2 and 3, has a damaged log; or none of the other members in it. */
function damagedDirectory(disk: MemoryDisk): DataDirectory {
  const options = { disk, path, segmentSizeBytes: smallSegmentBytes, replacesDamaged: true };
  const directory = DataDirectory.open(options);
  const address = { host: "n1", port: 6379 };
  const { log, hardState } = directory.create({ clusterId, nodeId: 1, founder: null, address });
  hardState.save({ currentTerm: 1, votedFor: 0 });
  const members = [1, 2, 3].map((id) => ({ id, host: `n${id}`, port: 6379, voting: true }));
  const membership = { members, usedIds: [1, 2, 3] };
  for (const entry of [
    new Entry(1, 1, "membership", 0, membership, null),
    commandEntry(2, 1, "a"),
    commandEntry(3, 1, "b"),
  ]) {
    log.append([entry]);
    log.sync();
  }
  const offset = 128 + (log.records(1, 1)[0]?.length ?? 0) + 48;
  directory.close();
  disk.damage(`${path}/node/log/0000000000000001.segment`, offset, 1);
  return DataDirectory.open(options);
}

class Scene {
  readonly world = new ScriptedNetwork();
  readonly logger = new RecordingLogger();
  readonly disk = new MemoryDisk();
  readonly directory = damagedDirectory(this.disk);
  readonly happened: string[] = [];
  readonly replacement: Replacement;

  constructor(join = "") {
    const config = new Config();
    config.load("join", join, { kind: "flag", detail: "" });
    const station = plainStation("n1");
    this.replacement = new Replacement({
      directory: this.directory,
      config,
      clock: new VirtualClock(this.world.time, station, new MachineClocks(this.world.time)),
      logger: this.logger,
      random: new SeededRandom(1),
      network: this.world.network.of(station),
      events: {
        replaced: () => void this.happened.push("replaced"),
        removed: () => void this.happened.push("removed"),
        useDisk: (work) => work(),
      },
    });
  }

  /** The id that the damaged node asks for now, or has been given. */
  get newId(): number {
    return this.directory.replacement?.newId ?? this.directory.files?.identity.nodeId ?? 0;
  }

  get request(): string {
    return `RAFT.NODE REPLACE 1 ${this.newId} n1:6379 ${clusterId}`;
  }

  get accepted(): string {
    return `*2\r\n:${this.newId}\r\n+${clusterId}\r\n`;
  }
}

describe("Replacement", () => {
  test("asks the other members for the change that it has noted, until it is made", () => {
    const scene = new Scene();
    const note = scene.directory.replacement;
    expect(note).toMatchObject({ clusterId, oldId: 1, address: { host: "n1", port: 6379 } });
    expect(note?.others.map(({ host }) => host)).toEqual(["n2", "n3"]);
    scene.world.listen("n2", () => "-CLUSTERDOWN No raft leader\r\n");
    scene.world.listen("n3", () => "-MOVED 0 n2:6379\r\n");
    scene.world.run(3000);
    expect(scene.replacement.leader).toEqual({ host: "n2", port: 6379 });
    expect(scene.happened).toEqual([]);
    scene.world.listen("n2", () => scene.accepted);
    scene.world.run(1000);
    expect(scene.happened).toEqual(["replaced"]);
    expect(new Set(scene.world.heard)).toEqual(new Set([`n2: ${scene.request}`, `n3: ${scene.request}`]));
    expect(scene.newId).toBe(note?.newId ?? 0);
    expect(scene.disk.list(path)).toEqual(["LOCK", "damaged-1", "node"]);
    const count = scene.world.heard.length;
    scene.world.run(5000);
    expect(scene.world.heard.length).toBe(count);
  });

  test("says what is damaged, and each reason for waiting once", () => {
    const scene = new Scene();
    scene.world.listen("n2", () => "-CLUSTERDOWN No raft leader\r\n");
    scene.world.network.switchOn("n3");
    scene.world.run(5000);
    scene.world.listen("n3", () => "-ERR one voting change only\r\n");
    scene.world.run(5000);
    expect(scene.logger.notices).toEqual([
      expect.stringMatching(
        /the log is damaged: entry 2 at offset \d+ of .*had been synced.*\(wrong checksum\)\.$/,
      ),
      expect.stringMatching(/Node 1 does not vote or acknowledge any more: .* replace it by node \d+ here/),
      expect.stringContaining("n2:6379: CLUSTERDOWN No raft leader; n3:6379: ECONNREFUSED"),
      expect.stringContaining("n2:6379: CLUSTERDOWN No raft leader; n3:6379: ERR one voting change only"),
    ]);
  });

  test("asks those too that join names, but never itself, and nobody twice", () => {
    const scene = new Scene("n1,n3,n4");
    for (const host of ["n1", "n2", "n3", "n4"]) scene.world.listen(host, () => "-LOADING x\r\n");
    scene.world.run(300);
    expect(scene.world.heard).toEqual([
      `n2: ${scene.request}`,
      `n3: ${scene.request}`,
      `n4: ${scene.request}`,
    ]);
  });

  test("does not take itself for the leader, as one does that has not noticed its end", () => {
    const scene = new Scene();
    scene.world.listen("n1", () => "-CLUSTERDOWN This node\r\n");
    for (const host of ["n2", "n3"]) scene.world.listen(host, () => "-MOVED 0 n1:6379\r\n");
    scene.world.run(2000);
    expect(scene.replacement.leader).toBeNull();
  });

  test("draws another id, and notes it, when its own turns out to be somebody's", () => {
    const scene = new Scene();
    const first = scene.request;
    scene.world.listen("n2", (line) =>
      line === first ? "-ERR node id has already been used in this cluster\r\n" : scene.accepted,
    );
    scene.world.run(10_000);
    expect(scene.happened).toEqual(["replaced"]);
    expect(scene.request).not.toBe(first);
    expect(scene.world.heard.at(-1)).toBe(`n2: ${scene.request}`);
  });

  test("ends when the node was removed", () => {
    const scene = new Scene();
    scene.world.listen("n2", () => "-ERR node id has been removed from this cluster\r\n");
    scene.world.run(20_000);
    expect(scene.happened).toEqual(["removed"]);
    expect(scene.disk.list(path)).toEqual(["LOCK", "damaged-1"]);
  });

  test("is silent after stop()", () => {
    const scene = new Scene();
    scene.world.listen("n2", () => scene.accepted);
    scene.replacement.stop();
    scene.world.run(20_000);
    expect(scene.happened).toEqual([]);
  });

  test("goes on from the note alone", () => {
    const { directory, disk, newId } = new Scene();
    directory.close();
    const again = DataDirectory.open({
      disk,
      path,
      segmentSizeBytes: smallSegmentBytes,
      replacesDamaged: true,
    });
    expect([again.damage, again.replacement?.newId]).toEqual([null, newId]);
  });
});
