import { describe, expect, test } from "bun:test";
import { callRemote, type RemoteAnswer } from "../../src/node/remote-call.ts";
import { plainStation, usualNetwork } from "../sim/virtual-network.ts";
import { VirtualClock } from "../sim/virtual-time.ts";
import { bulk, ok, ScriptedNetwork } from "./scripted-node.ts";

const timeoutMs = 1000;

function call(world: ScriptedNetwork, args: readonly string[], password?: string): RemoteAnswer[] {
  const station = plainStation("caller");
  const answers: RemoteAnswer[] = [];
  const credentials = password === undefined ? null : { user: "default", password };
  const clock = new VirtualClock(world.time, station);
  const network = world.network.of(station);
  callRemote({ network, clock, host: "n1", port: 6379, credentials, args, timeoutMs }, (answer) =>
    answers.push(answer),
  );
  return answers;
}

describe("callRemote()", () => {
  test("gives the reply, whatever its size and however it is cut", () => {
    const world = new ScriptedNetwork();
    world.network.character = { ...usualNetwork, pipeBytes: 1024 * 1024 };
    const big = "x".repeat(300_000);
    world.listen("n1", () => bulk(big));
    const answers = call(world, ["GET", "k"]);
    world.run(500);
    expect(answers).toEqual([{ kind: "reply", value: { kind: "bulk", text: big } }]);
  });

  test("logs in first, and gives the command's own reply", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", (line) => (line.startsWith("AUTH") ? ok : bulk("v")));
    const answers = call(world, ["GET", "k"], "secret");
    world.run(500);
    expect(world.heard).toEqual(["n1: AUTH default secret", "n1: GET k"]);
    expect(answers).toEqual([{ kind: "reply", value: { kind: "bulk", text: "v" } }]);
  });

  test("gives the error of a login that fails", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", () => "-WRONGPASS invalid\r\n");
    const answers = call(world, ["GET", "k"], "wrong");
    world.run(500);
    expect(answers).toEqual([{ kind: "reply", value: { kind: "error", text: "WRONGPASS invalid" } }]);
  });

  test("is unreachable when nobody listens, or the machine is off", () => {
    const world = new ScriptedNetwork();
    world.network.switchOn("n1");
    const refused = call(world, ["PING"]);
    world.run(500);
    expect(refused).toEqual([{ kind: "unreachable", reason: "ECONNREFUSED" }]);
    world.network.switchOff("n1");
    const silent = call(world, ["PING"]);
    world.run(999);
    expect(silent).toEqual([]);
    world.run(500);
    expect(silent.map(({ kind }) => kind)).toEqual(["unreachable"]);
  });

  test("is lost when the connection ends or nothing comes in time: the command may have been executed", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", () => "close");
    const closed = call(world, ["PING"]);
    world.run(500);
    expect(closed).toEqual([{ kind: "lost", reason: "connection closed" }]);
    world.listen("n1", () => null);
    const silent = call(world, ["PING"]);
    world.run(2000);
    expect(silent).toEqual([{ kind: "lost", reason: "timed out" }]);
  });

  test("is lost when the answer is no RESP", () => {
    const world = new ScriptedNetwork();
    world.listen("n1", () => "HTTP/1.1 400 Bad Request\r\n");
    const answers = call(world, ["PING"]);
    world.run(500);
    expect(answers.map(({ kind }) => kind)).toEqual(["lost"]);
  });
});
