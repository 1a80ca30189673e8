import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { BatchBuilder } from "../../src/node/batch.ts";
import { StateMachine } from "../../src/node/state-machine.ts";
import { noReply } from "../../src/resp/no-reply.ts";
import { ReplyBuffer } from "../../src/resp/reply-buffer.ts";
import { commands, RecordingRequester } from "./recording-requester.ts";

const startMs = 1_700_000_000_000;
const requester = new RecordingRequester();

function newMachine(): StateMachine {
  return new StateMachine(commands);
}

/** A line's command run as a leader runs it: decoded once, and reads between the writes. */
function runOnLeader(machine: StateMachine, line: string): void {
  const { command, args, isWrite } = requester.request(line);
  if (isWrite) machine.run(command, args, 0, noReply);
  else machine.read(command, args, 0, { reply: noReply, nowMs: startMs + 999 });
}

/** The same from the log: the writes alone, from their bytes. */
function runOnFollower(machine: StateMachine, lines: readonly string[]): void {
  const builder = new BatchBuilder(0);
  for (const line of lines) if (requester.request(line).isWrite) builder.add(0, line.split(" "));
  machine.runBody(builder.record());
}

describe("StateMachine", () => {
  test("gives the same state by the leader's way and by the followers'", () => {
    const lines = [
      "SET a 1 PX 500",
      "SET short v PX 15",
      "GET a",
      "INCR a",
      "APPEND b xyz",
      "RANDOMKEY",
      "INCRBYFLOAT f 0.1",
      "SET c v",
      "RENAME c d",
      "COPY d e",
      "PEXPIRE b 900",
      "SCAN 0",
      "SETRANGE d 3 abc",
      "MSETNX n 1 a 2",
    ];
    const leader = newMachine();
    const follower = newMachine();
    const random = new SeededRandom(1);
    for (let index = 1; index <= 300; index++) {
      const entry = Array.from(
        { length: 1 + random.below(8) },
        () => lines[random.below(lines.length)] as string,
      );
      const stampMs = startMs + index * 10;
      leader.beginEntry(index, stampMs);
      for (const line of entry) runOnLeader(leader, line);
      follower.beginEntry(index, stampMs);
      runOnFollower(follower, entry);
      expect([index, leader.keyspace.digest()]).toEqual([index, follower.keyspace.digest()]);
    }
    expect(leader.keyspace.counters.expired).toBeGreaterThan(0);
  });

  test("frees the same keys by both ways when more are due than an entry frees at once", () => {
    const leader = newMachine();
    const follower = newMachine();
    const entries = [
      Array.from({ length: 1500 }, (_, index) => `SET k${index} v PX 10`),
      Array.from({ length: 100 }, (_, index) => `${index % 2 ? "GET" : "INCR"} n`),
    ];
    for (const [at, entry] of entries.entries()) {
      for (const machine of [leader, follower]) machine.beginEntry(at + 1, startMs + at * 10);
      for (const line of entry) runOnLeader(leader, line);
      runOnFollower(follower, entry);
      expect(leader.keyspace.digest()).toBe(follower.keyspace.digest());
    }
    expect(leader.keyspace.counters.expired).toBe(1100);
  });

  test("draws the same random numbers for a logged command, whatever was read before it", () => {
    const drawn: number[] = [];
    const drawnByWrites: unknown[][] = [];
    const drawing = {
      ...requester.request("SET k v").command,
      run: ({ random }: { random: { below(bound: number): number } }) =>
        void drawn.push(random.below(2 ** 53), random.below(2 ** 53)),
    };
    const reading = { ...requester.request("GET k").command, run: drawing.run };
    for (const readsBefore of [0, 3]) {
      const machine = newMachine();
      machine.beginEntry(1, startMs);
      for (let read = 0; read < readsBefore; read++)
        machine.read(reading, ["GET", "k"], 0, { reply: noReply, nowMs: startMs });
      drawn.length = 0;
      machine.run(drawing, ["SET", "k", "v"], 0, noReply);
      machine.read(reading, ["GET", "k"], 0, { reply: noReply, nowMs: startMs });
      machine.run(drawing, ["SET", "k", "v"], 0, noReply);
      drawnByWrites.push([drawn[0], drawn[1], drawn[4], drawn[5]]);
    }
    expect(drawnByWrites[0]).toEqual(drawnByWrites[1]);
    expect(new Set(drawnByWrites[0]).size).toBe(4);
  });

  test("applies entries in order, each once", () => {
    const machine = newMachine();
    machine.beginEntry(1, startMs);
    expect(() => machine.beginEntry(1, startMs)).toThrow("entries applied in order");
    expect(() => machine.beginEntry(3, startMs)).toThrow("entries applied in order");
  });

  test("takes the time of a write from its entry, and that of a read from whoever asks", () => {
    const machine = newMachine();
    machine.beginEntry(1, startMs);
    runOnLeader(machine, "SET k v PX 500");
    const reply = new ReplyBuffer();
    const { command, args } = requester.request("PTTL k");
    machine.read(command, args, 0, { reply, nowMs: startMs + 200 });
    machine.read(command, args, 0, { reply, nowMs: startMs - 3_600_000 });
    machine.run(command, args, 0, reply);
    expect(Buffer.from(reply.takeAll()).toString()).toBe(":300\r\n:500\r\n:500\r\n");
  });

  test("stops at a logged command that it does not know", () => {
    const machine = newMachine();
    machine.beginEntry(1, startMs);
    const builder = new BatchBuilder(0);
    builder.add(0, ["NOSUCH", "k"]);
    expect(() => machine.runBody(builder.record())).toThrow("the logged command NOSUCH known here");
  });
});
