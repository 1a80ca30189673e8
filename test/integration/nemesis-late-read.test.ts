// Found by the nemesis: a key that is read after its deadline, by a client that asks while the write that set the deadline
// is still on its way to a majority.

import { expect } from "bun:test";
import { PeerNetwork } from "../nemesis/peer-network.ts";
import { Cluster } from "../support/cluster.ts";
import { scenario } from "../support/scenario.ts";

const lineMs = 150;
const lifeMs = 50;

scenario(
  "a key is not read after its deadline, also when the write that set it takes longer",
  40,
  async (place) => {
    const network = new PeerNetwork();
    place.atEnd(() => network.close());
    const cluster = await Cluster.form(place, 3, { network });
    const leader = await cluster.leader();
    const [writer, reader] = [await leader.connect(), await leader.connect()];
    for (const other of cluster.others(leader)) {
      network.setRule(leader.name, other.name, { kind: "delayed", delayMs: lineMs });
      network.setRule(other.name, leader.name, { kind: "delayed", delayMs: lineMs });
    }
    for (const key of ["a", "b", "c"]) {
      const deadlineMs = Date.now() + lifeMs;
      const written = writer.ask("SET", key, "v", "PXAT", String(deadlineMs));
      await Bun.sleep(2 * lifeMs);
      expect(Date.now()).toBeGreaterThan(deadlineMs);
      const read = reader.ask("GET", key);
      expect([await written, await read]).toEqual(["OK", null]);
    }
  },
);
