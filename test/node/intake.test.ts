import { describe, expect, test } from "bun:test";
import { CommandTable } from "../../src/commands/table.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { forEachCommand } from "../../src/node/batch.ts";
import { type Batch, batchBytesMax, Intake } from "../../src/node/intake.ts";
import { Request, type Requester } from "../../src/node/request.ts";
import { noReply } from "../../src/resp/no-reply.ts";
import { recordHeaderBytes } from "../../src/storage/record.ts";

const commands = new CommandTable();

class TestRequester implements Requester {
  readonly noTouch = false;
  readonly reply = noReply;
  pendingReads = 0;
  pendingWrites = 0;
  pendingProxied = 0;
  readonly answers: Request[] = [];

  answered(request: Request): void {
    this.answers.push(request);
  }

  takeBack(): void {
    throw new Error("nothing is taken back here");
  }

  answeredByLeader(): void {
    throw new Error("there is no proxy here");
  }
}

function requestOf(requester: Requester, ...args: string[]): Request {
  const found = commands.lookup(args);
  if (found.kind === "error" || found.command.scope !== "data")
    throw new Error(`no data command ${args.join(" ")}`);
  return new Request(requester, found.command, args, 0, found.isWrite);
}

function commandsIn({ record }: Batch): string[][] {
  const commandsFound: string[][] = [];
  if (record !== null)
    forEachCommand(record.subarray(recordHeaderBytes), (_, args) => commandsFound.push(args));
  return commandsFound;
}

describe("Intake", () => {
  test("keeps a read behind the requester's write in the same batch", () => {
    const intake = new Intake();
    const client = new TestRequester();
    const write = requestOf(client, "SET", "a", "1");
    const read = requestOf(client, "GET", "a");
    expect(intake.addWrite(write)).toBe(true);
    intake.addRead(read);
    expect(intake.takeBatch().requests).toEqual([write, read]);
    expect(client).toMatchObject({ pendingReads: 0, pendingWrites: 2 });
  });

  test("moves the requester's reads of this turn in front of its write, and nobody else's", () => {
    const intake = new Intake();
    const [client, other] = [new TestRequester(), new TestRequester()];
    const read = requestOf(client, "GET", "a");
    const foreign = requestOf(other, "GET", "a");
    const write = requestOf(client, "SET", "a", "1");
    intake.addRead(read);
    intake.addRead(foreign);
    expect(intake.addWrite(write)).toBe(true);
    expect(intake.takeBatch().requests).toEqual([read, write]);
    expect(intake.takeReads()).toEqual([foreign]);
  });

  test("does not take a write while a read of the requester is under way in a round", () => {
    const intake = new Intake();
    const client = new TestRequester();
    intake.addRead(requestOf(client, "GET", "a"));
    intake.takeReads();
    expect(intake.addWrite(requestOf(client, "SET", "a", "1"))).toBe(false);
    expect(intake.isBatchEmpty).toBe(true);
  });

  test("does not attach a read to a batch while an older read of the requester is in a round", () => {
    const intake = new Intake();
    const [client, other] = [new TestRequester(), new TestRequester()];
    intake.addWrite(requestOf(client, "SET", "a", "1"));
    intake.takeBatch();
    intake.addRead(requestOf(client, "GET", "a"));
    intake.takeReads();
    intake.addWrite(requestOf(other, "SET", "b", "1"));
    const second = requestOf(client, "GET", "b");
    intake.addRead(second);
    expect(intake.takeReads()).toEqual([second]);
  });

  test("lets all reads of a requester wait for the clock when one of them must", () => {
    const intake = new Intake();
    const [client, other] = [new TestRequester(), new TestRequester()];
    const reads = ["GET a", "GET due", "GET b"].map((line) => requestOf(client, ...line.split(" ")));
    const foreign = requestOf(other, "GET", "a");
    for (const read of reads) intake.addRead(read);
    intake.addRead(foreign);
    expect(intake.moveDueReads((read) => read.args[1] === "due")).toEqual([foreign]);
    expect(intake.takeBatch()).toEqual({ kind: "clock", record: null, requests: reads });
  });

  test("keeps reads that must wait for the clock here while older ones are in a round", () => {
    const intake = new Intake();
    const client = new TestRequester();
    intake.addRead(requestOf(client, "GET", "a"));
    intake.takeReads();
    const due = requestOf(client, "GET", "due");
    intake.addRead(due);
    expect(intake.moveDueReads(() => true)).toEqual([]);
    expect(intake.isBatchEmpty).toBe(true);
    expect(intake.hasReads).toBe(true);
  });

  test("keeps what comes in while a batch is on its way into the log", () => {
    const intake = new Intake();
    const [client, other] = [new TestRequester(), new TestRequester()];
    const [first, second] = [requestOf(client, "SET", "a", "1"), requestOf(other, "SET", "b", "2")];
    intake.addWrite(first);
    const leaving = intake.takeBatch();
    intake.addWrite(second);
    expect([leaving.requests, commandsIn(leaving)]).toEqual([[first], [["SET", "a", "1"]]]);
    intake.clear();
    const next = intake.takeBatch();
    expect([next.requests, commandsIn(next)]).toEqual([[second], [["SET", "b", "2"]]]);
    intake.clear();
    expect(intake.takeBatch()).toEqual({ kind: "clock", record: null, requests: [] });
  });

  test("begins another batch when one is full, and keeps the order over both", () => {
    const intake = new Intake();
    const [client, other] = [new TestRequester(), new TestRequester()];
    const huge = requestOf(client, "SET", "huge", "x".repeat(batchBytesMax));
    const [read, write, last] = [
      requestOf(client, "GET", "huge"),
      requestOf(other, "SET", "b", "2"),
      requestOf(client, "SET", "c", "3"),
    ];
    intake.addWrite(huge);
    intake.addRead(read);
    expect(intake.isBatchFull).toBe(false);
    intake.addWrite(write);
    intake.addWrite(last);
    expect([intake.isBatchFull, intake.batchSizeBytes > batchBytesMax]).toEqual([true, true]);
    const first = intake.takeBatch();
    expect([first.requests, commandsIn(first)[0]?.[1]]).toEqual([[huge, read], "huge"]);
    intake.clear();
    expect([intake.isBatchFull, intake.isBatchEmpty]).toEqual([false, false]);
    const second = intake.takeBatch();
    expect(second.requests).toEqual([write, last]);
    expect(commandsIn(second)).toEqual([[...write.args], [...last.args]]);
    intake.clear();
    expect(intake.isBatchEmpty).toBe(true);
  });

  test("gives back what all batches hold, in order", () => {
    const intake = new Intake();
    const client = new TestRequester();
    const requests = [
      requestOf(client, "SET", "huge", "x".repeat(batchBytesMax)),
      requestOf(client, "SET", "b", "2"),
      requestOf(client, "GET", "b"),
    ];
    intake.addWrite(requests[0]!);
    intake.addWrite(requests[1]!);
    intake.addRead(requests[2]!);
    expect(intake.takeAll()).toEqual(requests);
    expect(intake.isBatchEmpty).toBe(true);
    expect(intake.takeBatch().record).toBeNull();
  });

  const seed = Number(process.env.SEED ?? 1);
  test(`answers each requester in its order, whatever the turns bring (SEED=${seed})`, () => {
    for (let run = 0; run < 200; run++) new OrderModel(new SeededRandom(seed * 1000 + run)).play();
  });
});

/** A leader reduced to its order of execution: batches apply in order, rounds are answered in order, in any mixture. */
class OrderModel {
  readonly #random: SeededRandom;
  readonly #intake = new Intake();
  readonly #clients = [new TestRequester(), new TestRequester(), new TestRequester()];
  readonly #sent = new Map<TestRequester, Request[]>(this.#clients.map((client) => [client, []]));
  readonly #batches: (readonly Request[])[] = [];
  readonly #rounds: { readonly reads: readonly Request[]; readonly after: number }[] = [];
  #proposed = 0;
  #applied = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  play(): void {
    for (let step = 0; step < 60; step++) this.#step();
    while (!this.#isDone()) this.#finishTurn();
    for (const client of this.#clients) expect(client.answers).toEqual(this.#sent.get(client) ?? []);
  }

  #step(): void {
    const client = this.#clients[this.#random.below(this.#clients.length)] as TestRequester;
    switch (this.#random.below(6)) {
      case 0:
      case 1:
        return this.#submit(requestOf(client, "INCR", "a"), client);
      case 2:
      case 3:
        return this.#submit(requestOf(client, "GET", this.#random.below(4) === 0 ? "due" : "a"), client);
      case 4:
        return this.#turn();
      default:
        return this.#random.below(2) === 0 ? this.#apply() : this.#answerRound();
    }
  }

  #submit(request: Request, client: TestRequester): void {
    if (!request.isWrite) this.#intake.addRead(request);
    else if (!this.#intake.addWrite(request)) return;
    this.#sent.get(client)?.push(request);
  }

  #turn(): void {
    const reads = this.#intake.moveDueReads((read) => read.args[1] === "due");
    if (reads.length > 0) {
      const waits = reads.some(({ requester }) => requester.pendingWrites > 0);
      this.#rounds.push({ reads, after: waits ? this.#proposed : this.#applied });
    }
    if (this.#intake.isBatchEmpty) return;
    this.#batches.push(this.#intake.takeBatch().requests);
    this.#intake.clear();
    this.#proposed++;
  }

  #apply(): void {
    const batch = this.#batches.shift();
    if (batch === undefined) return;
    this.#applied++;
    for (const request of batch) {
      request.requester.pendingWrites--;
      request.requester.answered(request);
    }
  }

  #answerRound(): void {
    const round = this.#rounds[0];
    if (round === undefined || round.after > this.#applied) return;
    this.#rounds.shift();
    for (const read of round.reads) {
      read.requester.pendingReads--;
      read.requester.answered(read);
    }
  }

  #finishTurn(): void {
    this.#turn();
    this.#answerRound();
    this.#apply();
  }

  #isDone(): boolean {
    const idle = this.#intake.isBatchEmpty && !this.#intake.hasReads;
    return idle && this.#batches.length === 0 && this.#rounds.length === 0;
  }
}
