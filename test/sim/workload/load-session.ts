// One client at work in a virtual world: it sends short pipelines of steps, follows redirections, gives up servers that
// died or take too long, and says of each step how it ended. It never sends a step again.

import type { SeededRandom } from "../../../src/base/random.ts";
import type { ReplyValue } from "../../../src/resp/reply-parser.ts";
import { type OpenStep, type Step, verdictOf } from "../../workload/step.ts";
import { textOf, type VirtualClient } from "../virtual-client.ts";
import type { VirtualProcess } from "../virtual-process.ts";
import type { VirtualWorld } from "../virtual-world.ts";

export interface SessionOptions {
  readonly number: number;
  readonly world: VirtualWorld;
  readonly random: SeededRandom;
  /** How long it waits for answers; Infinity for ever, as long as the server lives. */
  readonly patienceMs: number;
  readonly nextStep: () => Step;
  /** A time that is later than all it gave before. */
  readonly now: () => number;
  readonly ended: (step: Step, ending: Ending) => void;
}

export type Ending =
  | { readonly kind: "answered"; readonly reply: ReplyValue }
  /** `text` is the error, empty when the connection was lost. */
  | { readonly kind: "refused" | "unknown"; readonly text: string };

const pipelineMax = 12;
const gapMsMax = 1;
const pauseMsMax = 30;
const lookEveryMs = 100;

export class LoadSession {
  readonly #options: SessionOptions;
  #client: VirtualClient | null = null;
  #server: VirtualProcess | null = null;
  #target: string;
  #sending = false;
  #answeredAtMs = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#target = this.#anyMachine();
  }

  get openCount(): number {
    return this.#client?.openCount ?? 0;
  }

  start(): void {
    this.#sending = true;
    this.#pauseThenSend();
    this.#watchServer();
  }

  stop(): void {
    this.#sending = false;
  }

  #anyMachine(): string {
    const { world, random } = this.#options;
    return (world.machines[random.below(world.machines.length)] as { name: string }).name;
  }

  #pauseThenSend(): void {
    const { world, random } = this.#options;
    world.time.after(random.below(pauseMsMax), () => {
      if (this.#sending) this.#sendPipeline();
    });
  }

  #watchServer(): void {
    const { world, patienceMs } = this.#options;
    const client = this.#client;
    const isDead = client !== null && world.machine(client.target).process !== this.#server;
    const isLate = this.openCount > 0 && world.time.nowMs - this.#answeredAtMs > patienceMs;
    if (isDead || isLate) client?.close();
    if (this.#sending || this.openCount > 0) world.time.after(lookEveryMs, () => this.#watchServer());
  }

  /** Sends some steps, together or with pauses as short as the network's, whatever the answers to those before. */
  #sendPipeline(): void {
    const { world, random } = this.#options;
    if (this.#client === null || this.#client.isOver) {
      this.#client = world.connect(this.#target);
      this.#server = world.machine(this.#target).process;
    }
    const client = this.#client;
    this.#answeredAtMs = world.time.nowMs;
    const isTogether = random.below(3) === 0;
    let unsent = 1 + random.below(pipelineMax);
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
      this.#send(client, this.#options.nextStep(), answered);
      if (unsent === 0) return;
      if (isTogether) next();
      else world.time.after(random.below(gapMsMax * 1000) / 1000, next);
    };
    next();
  }

  #send(client: VirtualClient, step: Step, answered: () => void): void {
    const { number, now, world } = this.#options;
    const open = step.sent(number, now());
    client.send(step.args, (reply) => {
      this.#answeredAtMs = world.time.nowMs;
      this.#options.ended(step, this.#end(client, open, reply));
      answered();
    });
  }

  #end(client: VirtualClient, open: OpenStep, reply: ReplyValue | null): Ending {
    const verdict = reply === null ? "unknown" : verdictOf(reply);
    if (reply !== null && verdict === "answered") {
      if (open.answered(reply, this.#options.now())) return { kind: "answered", reply };
      throw new Error(`${client.target} gave a reply that this command cannot have: ${textOf(reply)}`);
    }
    const text = reply === null ? "" : textOf(reply);
    this.#goElsewhere(client, text);
    if (verdict === "refused") open.refused();
    else open.unknown();
    return { kind: verdict === "refused" ? "refused" : "unknown", text };
  }

  /** After a redirection, an error, or a lost connection. */
  #goElsewhere(client: VirtualClient, text: string): void {
    this.#target = /^-MOVED \d+ (\w+):/.exec(text)?.[1] ?? this.#anyMachine();
    // What else is under way on this connection is still answered there.
    if (client.openCount === 0) client.close();
  }
}
