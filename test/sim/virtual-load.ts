// Clients at work in a virtual world: each sends short pipelines of appends to a list of its own, reads of it, increments
// and reads of a counter that all share, follows redirections, and checks every answer.

import { assert } from "../../src/base/assert.ts";
import { SeededRandom } from "../../src/base/random.ts";
import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import { CounterHistory } from "./counter-history.ts";
import { ListHistory } from "./list-history.ts";
import { textOf, type VirtualClient } from "./virtual-client.ts";
import type { VirtualProcess } from "./virtual-process.ts";
import type { VirtualWorld } from "./virtual-world.ts";
import type { Workload, WorkloadCounts } from "./workload.ts";

const counterKey = "counter";
const pipelineMax = 12;
const gapMsMax = 1;
/** Then another list is begun, so that reading stays cheap. */
const listLengthMax = 25;
const pauseMsMax = 30;
const lookEveryMs = 100;
const impatientMs = 300;
const attemptsMax = 5;
const connectionLost: ReplyValue = { kind: "error", text: "connection lost" };

/** Errors that promise that nothing was executed. */
const refusals = /^-(MOVED|CLUSTERDOWN|NOCLUSTER|LOADING|THROTTLED|MISCONF) /;
/** Errors that promise nothing. */
const unknowns = /^-TIMEOUT /;

export class VirtualLoad implements Workload {
  readonly counter = new CounterHistory();
  readonly lists: ListHistory[] = [];
  /** Connections that ended with commands open. */
  lost = 0;
  /** Answers by their code, `-MOVED` and so on. */
  readonly errors = new Map<string, number>();
  readonly #world: VirtualWorld;
  readonly #sessions: Session[] = [];

  constructor(world: VirtualWorld, clients: number) {
    this.#world = world;
    for (let number = 1; number <= clients; number++) this.#sessions.push(new Session(world, this));
  }

  /** A list that nobody has used. */
  newList(): ListHistory {
    const list = new ListHistory(`list:${this.lists.length + 1}`);
    this.lists.push(list);
    return list;
  }

  start(): void {
    for (const session of this.#sessions) session.start();
  }

  stop(): void {
    for (const session of this.#sessions) session.stopSending();
  }

  get openCount(): number {
    return this.#sessions.reduce((sum, { openCount }) => sum + openCount, 0);
  }

  /** Sends no more, and lets time pass until all that was sent is answered. */
  finish(): void {
    this.stop();
    this.#world.runUntil("every command is answered", () => this.openCount === 0);
  }

  check(): void {
    this.checkFinally();
  }

  get counts(): WorkloadCounts {
    const sent = this.lists.reduce((sum, list) => sum + list.sent, this.counter.sent);
    return { sent, acknowledged: this.acknowledged, unknown: this.unknown };
  }

  /** Reads everything once more, from whoever leads then. */
  checkFinally(): void {
    const operation = this.counter.read();
    const [count, ...values] = this.#readFinally([counterKey, ...this.lists.map(({ key }) => key)]);
    this.counter.wasRead(operation, countOf(count as ReplyValue));
    this.lists.forEach((list, at) => list.wasRead(list.sent, textOf(values[at] as ReplyValue)));
  }

  #readFinally(keys: readonly string[]): ReplyValue[] {
    for (let attempt = 1; ; attempt++) {
      const replies: ReplyValue[] = [];
      const client = this.#world.connect(this.#world.leader?.name ?? "n1");
      for (const key of keys) client.send(["GET", key], (reply) => replies.push(reply ?? connectionLost));
      this.#world.runUntil("all is read", () => client.openCount === 0);
      client.close();
      // A transfer that was asked for earlier may still come about.
      if (replies.every(({ kind }) => kind !== "error") || attempt === attemptsMax) return replies;
      this.#world.settle();
    }
  }

  get acknowledged(): number {
    return this.lists.reduce((sum, list) => sum + list.acknowledged, this.counter.acknowledged);
  }

  get unknown(): number {
    return this.lists.reduce((sum, list) => sum + list.unknown, 0);
  }

  noteError(text: string): void {
    const code = text.split(" ", 1)[0] as string;
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}

class Session {
  readonly #world: VirtualWorld;
  readonly #load: VirtualLoad;
  readonly #random: SeededRandom;
  #list: ListHistory;
  #client: VirtualClient | null = null;
  #server: VirtualProcess | null = null;
  #target: string;
  #sending = false;
  /** How long it waits for answers; half of the clients wait for ever. */
  readonly #patienceMs: number;
  #answeredAtMs = 0;

  constructor(world: VirtualWorld, load: VirtualLoad) {
    this.#world = world;
    this.#load = load;
    this.#list = load.newList();
    this.#random = new SeededRandom(world.random.uint32());
    this.#target = this.#anyMachine();
    this.#patienceMs = load.lists.length % 2 === 0 ? Infinity : impatientMs;
  }

  get openCount(): number {
    return this.#client?.openCount ?? 0;
  }

  start(): void {
    this.#sending = true;
    this.#pauseThenSend();
    this.#watchServer();
  }

  stopSending(): void {
    this.#sending = false;
  }

  #anyMachine(): string {
    const { machines } = this.#world;
    return (machines[this.#random.below(machines.length)] as { name: string }).name;
  }

  #pauseThenSend(): void {
    this.#world.time.after(this.#random.below(pauseMsMax), () => {
      if (this.#sending) this.#sendPipeline();
    });
  }

  /** Gives up a connection whose server died without a word, or which takes too long, and goes elsewhere. */
  #watchServer(): void {
    const client = this.#client;
    const isDead = client !== null && this.#world.machine(client.target).process !== this.#server;
    const isLate = this.openCount > 0 && this.#world.time.nowMs - this.#answeredAtMs > this.#patienceMs;
    if (isDead || isLate) client?.close();
    if (this.#sending || this.openCount > 0) this.#world.time.after(lookEveryMs, () => this.#watchServer());
  }

  /** Sends some commands, together or with pauses as short as the network's, whatever the answers to those before. */
  #sendPipeline(): void {
    if (this.#client === null || this.#client.isOver) {
      this.#client = this.#world.connect(this.#target);
      this.#server = this.#world.machine(this.#target).process;
    }
    const client = this.#client;
    this.#answeredAtMs = this.#world.time.nowMs;
    const isTogether = this.#random.below(3) === 0;
    let unsent = 1 + this.#random.below(pipelineMax);
    let open = 0;
    const answered = (): void => {
      if (--open + unsent === 0) this.#pauseThenSend();
    };
    const next = (): void => {
      // Over meanwhile: what is left of the pipeline is not sent.
      const isOver = client.isOver || !this.#sending;
      unsent = isOver ? 0 : unsent - 1;
      open++;
      if (isOver) return answered();
      this.#sendOne(client, answered);
      if (unsent === 0) return;
      if (isTogether) next();
      else this.#world.time.after(this.#random.below(gapMsMax * 1000) / 1000, next);
    };
    next();
  }

  #sendOne(client: VirtualClient, answered: () => void): void {
    if (this.#list.sent >= listLengthMax) this.#list = this.#load.newList();
    const list = this.#list;
    const kind = this.#random.below(10);
    if (kind < 4) {
      const { number, token } = list.send();
      this.#send(client, ["APPEND", list.key, token], answered, {
        value: (reply) => list.appended(number, integerOf(reply)),
        refused: () => list.wasRefused(number),
        unknown: () => list.isUnknown(number),
      });
    } else if (kind < 7) {
      const { sent } = list;
      this.#send(client, ["GET", list.key], answered, {
        value: (reply) => list.wasRead(sent, textOf(reply)),
      });
    } else if (kind < 8) {
      const operation = this.#load.counter.increment();
      this.#send(client, ["INCR", counterKey], answered, {
        value: (reply) => this.#load.counter.incremented(operation, integerOf(reply)),
      });
    } else {
      const operation = this.#load.counter.read();
      this.#send(client, ["GET", counterKey], answered, {
        value: (reply) => this.#load.counter.wasRead(operation, countOf(reply)),
      });
    }
  }

  #send(client: VirtualClient, args: readonly string[], answered: () => void, outcome: Outcomes): void {
    client.send(args, (reply) => {
      const text = reply === null ? "" : textOf(reply);
      this.#answeredAtMs = this.#world.time.nowMs;
      if (reply === null) this.#load.lost++;
      if (reply === null || unknowns.test(text)) outcome.unknown?.();
      else if (refusals.test(text)) outcome.refused?.();
      else if (text.startsWith("-"))
        throw new Error(`${client.target} answered ${args.join(" ")} with ${text}`);
      else outcome.value(reply);
      if (text.startsWith("-")) this.#load.noteError(text);
      this.#choose(client, text);
      answered();
    });
  }

  /** Goes elsewhere after a redirection, an error, or a lost connection. */
  #choose(client: VirtualClient, text: string): void {
    if (text !== "" && !text.startsWith("-")) return;
    const moved = /^-MOVED \d+ (\w+):/.exec(text)?.[1];
    this.#target = moved ?? this.#anyMachine();
    // What else is under way on this connection is still answered there.
    if (client.openCount === 0) client.close();
  }
}

interface Outcomes {
  value(reply: ReplyValue): void;
  refused?(): void;
  unknown?(): void;
}

function integerOf(reply: ReplyValue): number {
  assert(reply.kind === "integer", `an integer for an answer, not ${textOf(reply)}`);
  return Number(reply.value);
}

/** What a read of the counter gives; one that does not exist is 0. */
function countOf(reply: ReplyValue): number {
  if (reply.kind === "nil") return 0;
  const count = Number(textOf(reply));
  assert(reply.kind === "bulk" && Number.isInteger(count), `a count for an answer, not ${textOf(reply)}`);
  return count;
}
