import { describe, expect, test } from "bun:test";
import { batchProblem } from "../../src/node/batch.ts";
import { readEntries } from "../../src/node/received-entries.ts";
import { StateMachine } from "../../src/node/state-machine.ts";
import type { AppendEntries } from "../../src/raft/types.ts";
import type { Log } from "../../src/storage/log.ts";
import { batchOf, type ForgedPlace, recordOf } from "../hostile/forgery.ts";
import { newLog, plainEntry } from "../storage/log-fixture.ts";
import { MemoryDisk } from "../storage/memory-disk.ts";
import { commands } from "./recording-requester.ts";

const machine = new StateMachine(commands);
const clock = 3;
const command = 2;

/** Five entries of term 1, with stamps from 1001 on. */
function someLog(): Log {
  const log = newLog(new MemoryDisk());
  log.append([1, 2, 3, 4, 5].map((index) => plainEntry(index, 1, "clock")));
  return log;
}

function placeOf(log: Log, index: number): ForgedPlace {
  return { index, term: log.termAt(index), stampMs: 1000 + index, crc: log.crcAt(index) };
}

interface Forged {
  readonly term?: number;
  readonly stampMs?: number;
  readonly crc?: number;
  readonly kind?: number;
  readonly body?: Uint8Array;
}

/** What becomes of one entry behind `prevLogIndex`. */
function received(log: Log, prevLogIndex: number, forged: Forged, prevLogTerm = 1): string {
  const { term = 1, stampMs = 2000, kind = clock, body = new Uint8Array(0) } = forged;
  const crc = forged.crc ?? placeOf(log, prevLogIndex).crc;
  const record = recordOf({ index: prevLogIndex + 1, term, stampMs, crc }, kind, body);
  const entries = readEntries(requestOf(prevLogIndex, prevLogTerm), record, log, (bytes) =>
    machine.bodyProblem(bytes),
  );
  return typeof entries === "string" ? entries : "taken";
}

function requestOf(prevLogIndex: number, prevLogTerm: number): AppendEntries {
  const rest = { from: 2, to: 1, term: 9, leaderCommit: 0, round: 0, entries: [] };
  return { kind: "AppendEntries", ...rest, prevLogIndex, prevLogTerm, lastEntryIndex: prevLogIndex + 1 };
}

describe("readEntries()", () => {
  test("takes what continues the log, what is there already, and what stands where this log cannot tell", () => {
    const log = someLog();
    expect(received(log, 5, {})).toBe("taken");
    expect(received(log, 5, { stampMs: 1005 })).toBe("taken");
    expect(received(log, 3, { term: 2 })).toBe("taken");
    expect(received(log, 3, { stampMs: 1004 })).toBe("taken");
    expect(received(log, 3, { crc: 99, term: 2 }, 7)).toBe("taken");
  });

  test("refuses a stamp before that of the entry which it follows", () => {
    const log = someLog();
    expect(received(log, 5, { stampMs: 1004 })).toBe("the stamp of entry 6 goes back");
    expect(received(log, 2, { stampMs: 1001, term: 2 })).toBe("the stamp of entry 3 goes back");
  });

  test("refuses another entry of an index and term that are in the log", () => {
    const log = someLog();
    expect(received(log, 3, { stampMs: 1007 })).toBe("entry 4 of term 1 is another one here");
    expect(received(log, 3, { crc: 99 }, 7)).toBe("entry 4 of term 1 is another one here");
  });

  test("refuses what does not follow the log's own bytes", () => {
    expect(received(someLog(), 5, { crc: 99 })).toContain("does not follow the record before it");
  });

  test("refuses commands that could not be executed", () => {
    const log = someLog();
    const taken = (body: Uint8Array): string => received(log, 5, { kind: command, body });
    expect(taken(batchOf(0, ["SET", "k", "v"]))).toBe("taken");
    expect(taken(batchOf(15, ["set", "k", "v", "NX"]))).toBe("taken");
    const none = "entry 6: a command that no leader logs";
    for (const args of [
      ["GET", "k"],
      ["NOSUCH"],
      ["SET", "k"],
      ["RAFT.INFO"],
      ["OBJECT", "FREQ", "k"],
      [""],
      [],
    ])
      expect(taken(batchOf(0, args))).toBe(none);
    expect(taken(batchOf(16, ["SET", "k", "v"]))).toBe(none);
    expect(taken(new Uint8Array(0))).toBe("entry 6: a batch of format undefined");
  });
});

test("batchProblem() finds every cut and bears every byte", () => {
  const body = Buffer.concat([batchOf(0, ["SET", "k", "v"]), batchOf(3, ["DEL", "a", "b"]).subarray(1)]);
  const yes = (): boolean => true;
  expect(batchProblem(body, yes)).toBeNull();
  const wholeAt = [1, batchOf(0, ["SET", "k", "v"]).length];
  for (let length = 0; length < body.length; length++)
    expect(batchProblem(body.subarray(0, length), yes) === null).toBe(wholeAt.includes(length));
  for (let at = 0; at < body.length; at++) {
    for (const byte of [0, 1, 2, 0x7f, 0xff]) {
      const changed = Buffer.from(body);
      changed[at] = byte;
      batchProblem(changed, yes);
    }
  }
});
