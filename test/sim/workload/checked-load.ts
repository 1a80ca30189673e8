// Clients at work in a virtual world on all families of objects that the checker has a model of, and their histories held
// against these models: invariants 13 to 17. Work goes in chapters, each with objects of its own, so that histories stay
// short enough to be judged however many outcomes are unknown.

import { assert } from "../../../src/base/assert.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import type { ReplyValue } from "../../../src/resp/reply-parser.ts";
import { familiesOf } from "../../workload/families/chapter-families.ts";
import type { LoadFamily } from "../../workload/family.ts";
import { type Step, verdictOf } from "../../workload/step.ts";
import { textOf } from "../virtual-client.ts";
import type { VirtualWorld } from "../virtual-world.ts";
import type { Workload, WorkloadCounts } from "../workload.ts";
import { type Ending, LoadSession } from "./load-session.ts";
import { SendingOrder } from "./sending-order.ts";
import { VirtualWallTimes } from "./virtual-wall-times.ts";

const chapterStepsMax = 600;
const impatientMs = 300;
const attemptsMax = 5;
/** Orders the calls and returns of one instant as they happened; far below a step of the world's time. */
const tickMs = 1e-7;

export class CheckedLoad implements Workload {
  /** Answers by their code, `-MOVED` and so on. */
  readonly errors = new Map<string, number>();
  readonly #world: VirtualWorld;
  readonly #wallTimes: VirtualWallTimes;
  readonly #random: SeededRandom;
  readonly #sessions: readonly LoadSession[];
  readonly #families: LoadFamily[] = [];
  readonly #order = new SendingOrder();
  #chapter: readonly LoadFamily[] = [];
  #chapters = 0;
  #stepsLeft = 0;
  #ticks = 0;
  #sent = 0;
  #acknowledged = 0;
  #unknown = 0;
  #undecided = 0;

  constructor(world: VirtualWorld, clients: number) {
    this.#world = world;
    this.#wallTimes = new VirtualWallTimes(world);
    this.#random = new SeededRandom(world.random.uint32());
    this.#sessions = Array.from({ length: clients }, (_, number) => {
      const random = new SeededRandom(world.random.uint32());
      return new LoadSession({
        number,
        world,
        random,
        patienceMs: number % 2 === 0 ? impatientMs : Infinity,
        nextStep: () => this.#nextStep(number, random),
        now: () => this.#now(),
        ended: (step, ending) => this.#ended(step, ending),
      });
    });
  }

  start(): void {
    for (const session of this.#sessions) session.start();
  }

  stop(): void {
    for (const session of this.#sessions) session.stop();
  }

  /** Sends no more, lets time pass until all that was sent is answered and the cluster is at rest, and checks. */
  finish(): void {
    this.stop();
    this.#world.runUntil("every command is answered", () => this.openCount === 0);
    this.#world.settle();
    this.check();
  }

  get openCount(): number {
    return this.#sessions.reduce((sum, { openCount }) => sum + openCount, 0);
  }

  get counts(): WorkloadCounts {
    return {
      sent: this.#sent,
      acknowledged: this.#acknowledged,
      unknown: this.#unknown,
      undecided: this.#undecided,
    };
  }

  check(): void {
    for (const family of this.#families) this.#readAll(family);
    for (const family of this.#families) {
      const result = family.check();
      if (result.kind === "violation")
        throw new Error(`13. the history of ${result.partition} has no order\n${result.explanation}`);
      if (result.kind === "undecided") this.#undecided++;
    }
  }

  #now(): number {
    return this.#world.time.nowMs + ++this.#ticks * tickMs;
  }

  #nextStep(client: number, random: SeededRandom): Step {
    if (this.#stepsLeft === 0) this.#beginChapter();
    this.#stepsLeft--;
    this.#sent++;
    const family = this.#chapter[random.below(this.#chapter.length)] as LoadFamily;
    return family.plan(random.below(family.objects), `${client}.${this.#sent}`);
  }

  #beginChapter(): void {
    this.#chapter = familiesOf(this.#chapters++, this.#random, this.#wallTimes);
    this.#families.push(...this.#chapter);
    this.#stepsLeft = chapterStepsMax;
  }

  #ended({ args, isWrite }: Step, ending: Ending): void {
    if (ending.kind === "answered") {
      if (isWrite) this.#acknowledged++;
      if (args[0] === "APPEND") this.#order.acknowledged(args[2] as string);
      return;
    }
    if (ending.kind === "unknown") this.#unknown++;
    if (ending.text === "") return;
    const code = ending.text.split(" ", 1)[0] as string;
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  /** Reads every object once more: what was acknowledged is there in the end (14), and nothing else (15). */
  #readAll(family: LoadFamily): void {
    for (let object = 0; object < family.objects; object++) {
      const reply = this.#readOne(() => family.read(object));
      if (family.name === "list" && reply.kind === "bulk") this.#order.check(reply.text);
    }
  }

  #readOne(read: () => Step): ReplyValue {
    const world = this.#world;
    for (let attempt = 1; ; attempt++) {
      const step = read();
      const open = step.sent(this.#sessions.length, this.#now());
      const reply = world.tryCall(world.leader?.name ?? "n1", step.args);
      if (reply !== null && open.answered(reply, this.#now())) return reply;
      assert(
        (reply === null || verdictOf(reply) === "refused") && attempt < attemptsMax,
        `${step.args.join(" ")} to be answered in the end, not with ${reply === null ? "nothing" : textOf(reply)}`,
      );
      open.refused();
      // A transfer that was asked for earlier may still come about.
      world.settle();
    }
  }
}
