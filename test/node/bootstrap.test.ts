import { describe, expect, test } from "bun:test";
import { silentLogger } from "../../src/base/logger.ts";
import { Bootstrap, bootstrapFields, type BootstrapState } from "../../src/node/bootstrap.ts";
import { plainStation } from "../sim/virtual-network.ts";
import { VirtualClock } from "../sim/virtual-time.ts";
import { bulk, ok, ScriptedNetwork } from "./scripted-node.ts";

/** A node that looks for its cluster, and what comes of it. */
class Looking {
  readonly world = new ScriptedNetwork();
  readonly events: string[] = [];
  readonly bootstrap: Bootstrap;
  state: BootstrapState;

  constructor(address: string, expected: number, hosts: readonly string[], promisedTo = "") {
    const station = plainStation(address);
    this.state = { member: false, address, nonce: `nonce of ${address}`, clusterName: "", promisedTo };
    this.bootstrap = new Bootstrap({
      network: this.world.network.of(station),
      clock: new VirtualClock(this.world.time, station),
      logger: silentLogger,
      credentials: null,
      addresses: hosts.map((host) => ({ host, port: 6379 })),
      expect: expected,
      self: () => this.state,
      storePromise: (founder) => {
        this.state = { ...this.state, promisedTo: founder };
      },
      found: () => void this.events.push("founds"),
      join: (addresses) => void this.events.push(`joins ${addresses.map(({ host }) => host).join(" ")}`),
    });
  }

  /** Another node; `promises` is its answer to PROMISE. */
  node(host: string, state: Partial<BootstrapState> = {}, promises: string | null = ok): void {
    const full = {
      member: false,
      address: `${host}:6379`,
      nonce: `nonce of ${host}:6379`,
      clusterName: "",
      promisedTo: "",
    };
    this.world.listen(host, (line) =>
      line.endsWith("STATE") ? stateReply({ ...full, ...state }) : promises,
    );
  }

  get promisesAsked(): string[] {
    return this.world.heard.filter((line) => line.includes("PROMISE"));
  }
}

function stateReply(state: BootstrapState): string {
  const fields = bootstrapFields(state);
  return `*${fields.length}\r\n${fields.map(bulk).join("")}`;
}

describe("Bootstrap", () => {
  test("founds once all expected nodes have promised to join, if its address is the lowest", () => {
    const looking = new Looking("n1:6379", 3, ["n1", "n2", "n3"]);
    looking.node("n1");
    looking.node("n2");
    looking.node("n3");
    looking.world.run(50);
    expect(looking.promisesAsked.toSorted()).toEqual([
      "n2: RAFT.BOOTSTRAP PROMISE n1:6379",
      "n3: RAFT.BOOTSTRAP PROMISE n1:6379",
    ]);
    expect([looking.events, looking.state.promisedTo]).toEqual([["founds"], "n1:6379"]);
  });

  test("founds alone when it expects nobody else", () => {
    const looking = new Looking("n1:6379", 1, []);
    looking.world.run(50);
    expect(looking.events).toEqual(["founds"]);
  });

  test("leaves it to a lower address", () => {
    const looking = new Looking("n2:6379", 2, ["n1"]);
    looking.node("n1");
    looking.world.run(1000);
    expect([looking.events, looking.promisesAsked, looking.state.promisedTo]).toEqual([[], [], ""]);
  });

  test("waits while it sees fewer than expected, or nodes of another name", () => {
    const looking = new Looking("n1:6379", 3, ["n1", "n2", "n3"]);
    looking.node("n1");
    looking.node("n2");
    looking.node("n3", { clusterName: "other" });
    looking.world.run(1000);
    expect([looking.events, looking.promisesAsked]).toEqual([[], []]);
  });

  test("joins members, whatever it has promised", () => {
    const looking = new Looking("n1:6379", 3, ["n2", "n3"], "n9:6379");
    looking.node("n2", { member: true });
    looking.node("n3");
    looking.world.run(50);
    expect(looking.events).toEqual(["joins n2"]);
  });

  test("founds nothing when a promise is refused or does not come", () => {
    for (const answer of ["-ERR no\r\n", null, "close"]) {
      const looking = new Looking("n1:6379", 3, ["n2", "n3"]);
      looking.node("n2");
      looking.node("n3", {}, answer);
      looking.world.run(1500);
      expect(looking.events).toEqual([]);
    }
  });

  test("founds nothing when it gave way while it asked", () => {
    const looking = new Looking("n2:6379", 3, ["n3", "n4"]);
    looking.node("n3");
    looking.node("n4", {}, null);
    looking.world.run(50);
    expect(looking.bootstrap.promise("n1:6379", [])).toBe(true);
    looking.node("n4");
    looking.world.run(3000);
    expect([looking.events, looking.state.promisedTo]).toEqual([[], "n1:6379"]);
  });

  test("tells those it asks which candidates have given way", () => {
    const looking = new Looking("n1:6379", 3, ["n2", "n3"]);
    looking.node("n2", { promisedTo: "n1:6379" });
    looking.node("n3", { promisedTo: "n3:6379" });
    looking.world.run(50);
    expect(looking.promisesAsked).toContain("n3: RAFT.BOOTSTRAP PROMISE n1:6379 n2:6379");
  });

  test("is over after stop()", () => {
    const looking = new Looking("n1:6379", 1, []);
    looking.bootstrap.stop();
    looking.world.run(1000);
    expect([looking.events, looking.bootstrap.promise("n1:6379", [])]).toEqual([[], false]);
  });
});

describe("Bootstrap.promise()", () => {
  const cases: readonly (readonly [
    given: string,
    asks: string,
    gaveWay: readonly string[],
    granted: boolean,
  ])[] = [
    ["", "n4:6379", [], true],
    ["n4:6379", "n4:6379", [], true],
    // To another candidate: only a lower one, and only when the first has given way.
    ["n4:6379", "n2:6379", [], false],
    ["n4:6379", "n2:6379", ["n4:6379"], true],
    ["n4:6379", "n6:6379", ["n4:6379"], false],
    // Its own candidacy it may give up itself, for a lower one.
    ["n5:6379", "n2:6379", [], true],
    ["n5:6379", "n6:6379", [], false],
  ];
  test.each(cases)(
    "given to %p, asked by %p, with %p out of the way: %p",
    (given, asks, gaveWay, granted) => {
      const looking = new Looking("n5:6379", 3, [], given);
      expect(looking.bootstrap.promise(asks, gaveWay)).toBe(granted);
      expect(looking.state.promisedTo).toBe(granted ? asks : given);
    },
  );
});
