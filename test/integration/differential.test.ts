// The commands of the built executable, behind its socket, against redis-server: what the tests of test/differential do
// with the command layer alone, here through parser, router, log and state machine.

import { expect } from "bun:test";
import { allCommands } from "../../src/commands/table.ts";
import { Comparison } from "../differential/comparison.ts";
import { CommandGenerator } from "../differential/generator.ts";
import { SocketTarget } from "../differential/socket-target.ts";
import { withRedis } from "../differential/with-redis.ts";
import { Cluster } from "../support/cluster.ts";
import { scenario } from "../support/scenario.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const count = Number(process.env["COUNT"] ?? 6000);

withRedis("the executable", (redis) => {
  for (const protocol of ["2", "3"]) {
    scenario(
      `answers as redis-server does over RESP${protocol} (SEED=${seed})`,
      60 + count / 200,
      async (place) => {
        const cluster = await Cluster.form(place, 1);
        const ours = await SocketTarget.connect("vlot", { host: "127.0.0.1", port: cluster.ports[0] ?? 0 });
        const theirs = await SocketTarget.connect("redis", { path: redis().socketPath });
        const clean = [["HELLO", protocol], ["FLUSHALL"]];
        await Promise.all([ours.exchange(clean), theirs.exchange(clean)]);
        const generator = new CommandGenerator(allCommands, seed + Number(protocol));
        const result = await new Comparison({ ours, theirs, generator, count, differencesMax: 5 }).run();
        expect(result.differences.join("\n\n")).toBe("");
        await Promise.all([ours.close(), theirs.close()]);
      },
    );
  }
});
