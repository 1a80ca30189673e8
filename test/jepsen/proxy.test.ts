// The proxy: nodes that did not answer for long, answers that said "not done" for what was done, and answers that came to
// somebody else.

import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { ChosenFaults } from "../sim/chosen-faults.ts";
import { testHistories } from "../sim/histories.ts";
import { textOf, type VirtualClient } from "../sim/virtual-client.ts";
import { usualNetwork } from "../sim/virtual-network.ts";
import type { VirtualWorld } from "../sim/virtual-world.ts";
import { ask, clusterOf, leaderOf, othersThan, refusal, sendAll, unknown } from "./scene.ts";

const electionTimeoutMs = 300;

for (const proxy of ["no", "yes"]) {
  test(`redisraft #21: all nodes answer or redirect as soon as the cluster is formed (proxy ${proxy})`, () => {
    const world = clusterOf(21, 5, { "follower-proxy": proxy });
    for (const { name } of world.machines) {
      const answers = sendAll(world, name, "SET k v", "GET k");
      world.run(electionTimeoutMs);
      const isServed = proxy === "yes" || name === leaderOf(world);
      expect([name, answers.length]).toEqual([name, 2]);
      if (isServed) expect(answers).toEqual(["OK", "v"]);
      else for (const answer of answers) expect(answer).toMatch(/^-MOVED \d+ n1:6379$/);
    }
  });
}

// Its cause: heartbeats and clients' commands shared a connection. Here commands take seconds to get through.
test("redisraft #21: heartbeats do not wait behind what clients send, nor behind entries", () => {
  const world = clusterOf(22, 3, { "follower-proxy": "yes" });
  const leader = leaderOf(world);
  const [follower = ""] = othersThan(world, leader);
  const { currentTerm } = world.machine(leader).process!.node;
  world.network.character = { ...usualNetwork, pipeBytes: 256 };
  const answers = sendAll(world, follower, `SET big ${"x".repeat(400_000)}`);
  world.run(3000);
  expect([leaderOf(world), world.leader?.process?.node.currentTerm]).toEqual([leader, currentTerm]);
  for (const { name } of world.machines) expect(ask(world, name, "PING")).toBe("PONG");
  world.network.character = usualNetwork;
  world.runUntil("the answer", () => answers.length > 0);
  expect(answers[0]).toMatch(/^(OK|-TIMEOUT no reply from leader)$/);
});

// The entry gets out to the others, and what they say does not come back: the next leader commits it.
testHistories("redisraft #23: no error says that a write is not done which is done later", 12, (seed) => {
  const world = clusterOf(seed, 3, { "follower-proxy": seed % 2 === 0 ? "yes" : "no" });
  const leader = leaderOf(world);
  for (const other of othersThan(world, leader)) world.network.cut(other, leader);
  const tokens = Array.from({ length: 5 }, (_, at) => `${at},`);
  const answers = sendAll(world, leader, ...tokens.map((token) => `APPEND list ${token}`));
  world.runUntil("all are answered", () => answers.length === tokens.length);
  world.settle();
  const list = ask(world, leaderOf(world), "GET list");
  expect(tokens.filter((token, at) => refusal.test(answers[at] ?? "") && list.includes(token))).toEqual([]);
  expect(tokens.filter((token, at) => /^\d+$/.test(answers[at] ?? "") && !list.includes(token))).toEqual([]);
  return { answered: answers.length, unknown: answers.filter((answer) => unknown.test(answer)).length };
});

/** Commands of client `number`, each with the only answers that can be meant for it. */
function ownCommands(number: number): readonly [string, RegExp][] {
  const key = `own:${number}`;
  const value = `value_of_${number}`;
  return [
    [`SET ${key} ${value}`, /^OK$/],
    [`GET ${key}`, new RegExp(`^(${value}|\\(nil\\))$`)],
    [`STRLEN ${key}`, new RegExp(`^(0|${value.length})$`)],
    [`APPEND log:${number} ${"x".repeat(number + 1)}`, /^\d+$/],
    [`LCS ${key} ${key}`, new RegExp(`^(${value})?$`)],
    [`GET ${key} ${key}`, /^-ERR wrong number of arguments for 'get' command$/],
  ];
}

/** A client that goes from node to node and knows its own answers. */
class OwnClient {
  readonly counts = { answered: 0, failed: 0 };
  readonly #world: VirtualWorld;
  readonly #random: SeededRandom;
  readonly #number: number;
  #client: VirtualClient;
  #appendedBytes = 0;

  constructor(world: VirtualWorld, random: SeededRandom, number: number) {
    this.#world = world;
    this.#random = random;
    this.#number = number;
    this.#client = this.#connect();
    this.#sendSome();
  }

  #connect(): VirtualClient {
    return this.#world.connect(`n${1 + this.#random.below(3)}`);
  }

  #sendSome(): void {
    if (this.#client.isOver) this.#client = this.#connect();
    const commands = ownCommands(this.#number);
    for (let sent = 1 + this.#random.below(6); sent > 0; sent--) {
      const [command, own] = commands[this.#random.below(commands.length)] as [string, RegExp];
      this.#client.send(command.split(" "), (reply) => {
        this.#check(command, own, reply === null ? "lost" : textOf(reply));
      });
    }
    this.#world.time.after(this.#random.below(20), () => this.#sendSome());
  }

  #check(command: string, own: RegExp, answer: string): void {
    if (refusal.test(answer) || unknown.test(answer)) {
      this.counts.failed++;
      return;
    }
    this.counts.answered++;
    expect([command, answer, own.test(answer)]).toEqual([command, answer, true]);
    if (!command.startsWith("APPEND")) return;
    expect(Number(answer) % (this.#number + 1)).toBe(0);
    expect(Number(answer)).toBeGreaterThan(this.#appendedBytes);
    this.#appendedBytes = Number(answer);
  }
}

testHistories("redisraft #26: every answer is that to the client's own command", 5, (seed) => {
  const world = clusterOf(seed, 3, { "follower-proxy": "yes" });
  const random = new SeededRandom(world.random.uint32());
  const clients = Array.from({ length: 6 }, (_, number) => new OwnClient(world, random, number));
  const faults = new ChosenFaults(world, ["transfer", "reset", "kill"]);
  faults.run(1200, 100);
  faults.end();
  world.settle();
  return { answered: clients.reduce((sum, { counts }) => sum + counts.answered, 0) / 10 };
});
