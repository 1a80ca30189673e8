// One client of the load: it sends steps, alone or in pipelines, to whoever takes them, follows redirections, and says of
// each step what its reply says. It never sends a step again: what was refused is over, and what is unknown stays so.

import type { Random } from "../../src/base/random.ts";
import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import { encodeRequests } from "../../src/resp/request-encoder.ts";
import { isUnanswered, RespClient } from "../support/resp-client.ts";
import { type OpenStep, type Step, type Verdict, verdictOf } from "../workload/step.ts";
import type { Findings } from "./findings.ts";
import type { Statistics } from "./statistics.ts";

export interface LoadClientOptions {
  readonly number: number;
  readonly random: Random;
  readonly findings: Findings;
  readonly statistics: Statistics;
  /** Nodes to choose from; may grow. */
  readonly ports: () => readonly number[];
  /** The node's own port for one in a redirection. */
  readonly route: (port: number) => number;
  /** How long it waits for the replies to what it sent. */
  readonly patienceMs: number;
}

interface Sent {
  readonly step: Step;
  readonly open: OpenStep;
  verdict: Verdict | "open";
  /** Resolves with the reply, or when it can come no more. */
  readonly ended: Promise<void>;
}

/** How long a connection that its client has given up may still bring its commands to the node. */
const abandonedMs = 20_000;
const pauseMs = 20;
/** After so long a client sends more although it has no reply yet. */
const impatientMs = 200;
/** Of so many exchanges one is the last on its connection. */
const hopOneIn = 200;

export class LoadClient {
  readonly #options: LoadClientOptions;
  #connection: RespClient | null = null;
  /** Text of the last refusal in this exchange. */
  #refusal = "";

  constructor(options: LoadClientOptions) {
    this.#options = options;
  }

  /**
   * Sends the steps in one write and waits until each has ended. While it waits for long it sends what `more` gives, on the
   * same connection, for a node that wakes up reads those together with what it was sent before. True if all were executed.
   */
  async exchange(steps: readonly Step[], more?: () => Step): Promise<boolean> {
    const { random, ports } = this.#options;
    this.#connection ??= await this.#connect(ports()[random.below(ports().length)] ?? 0);
    const connection = this.#connection;
    if (connection === null || connection.isClosed) {
      this.#leave();
      await Bun.sleep(pauseMs);
      return false;
    }
    this.#refusal = "";
    const deadlineMs = performance.now() + this.#options.patienceMs;
    const sent = this.#send(connection, steps);
    for (;;) {
      await within(impatientMs, Promise.all(sent.map(({ ended }) => ended)));
      const isOpen = sent.some(({ verdict }) => verdict === "open");
      if (!isOpen || performance.now() > deadlineMs) break;
      if (more !== undefined) sent.push(...this.#send(connection, [more()]));
    }
    for (const each of sent) this.#end(each, "unknown");
    await this.#turn(sent);
    return sent.every(({ verdict }) => verdict === "answered");
  }

  close(): void {
    this.#leave();
  }

  #send(connection: RespClient, steps: readonly Step[]): Sent[] {
    const nowMs = performance.now();
    const sent = steps.map((step): Sent => {
      const each: Sent = {
        step,
        open: step.sent(this.#options.number, nowMs),
        verdict: "open",
        ended: connection.next().then(
          (reply) => this.#answered(each, reply),
          (error: unknown) => this.#failed(each, error),
        ),
      };
      return each;
    });
    connection.send(encodeRequests(steps.map(({ args }) => args)));
    return sent;
  }

  /** Decides with whom to go on. */
  async #turn(sent: readonly Sent[]): Promise<void> {
    const { random, route } = this.#options;
    if (sent.some(({ verdict }) => verdict === "unknown")) {
      // Half of the time what was sent is left to be executed later: whoever gives up need not tell the node.
      if (random.below(2) === 0) this.#leave();
      this.#connection = null;
    } else if (this.#refusal !== "") {
      this.#leave();
      const port = Number(/^MOVED \d+ .*:(\d+)$/.exec(this.#refusal)?.[1] ?? 0);
      if (port === 0) await Bun.sleep(pauseMs);
      else this.#connection = await this.#connect(route(port));
    } else if (random.below(hopOneIn) === 0) this.#leave();
  }

  async #connect(port: number): Promise<RespClient | null> {
    try {
      return await RespClient.connect(port, { timeoutMs: abandonedMs });
    } catch (error) {
      if (isUnanswered(error)) return null;
      throw error;
    }
  }

  #answered(sent: Sent, reply: ReplyValue): void {
    const { findings, statistics } = this.#options;
    if (sent.verdict !== "open") return;
    const verdict = verdictOf(reply);
    if (verdict !== "answered") {
      if (verdict === "refused" && reply.kind === "error") this.#refusal = reply.text;
      return this.#end(sent, verdict);
    }
    sent.verdict = "answered";
    const nowMs = performance.now();
    statistics.ended("answered");
    if (sent.open.answered(reply, nowMs)) {
      if (sent.step.isWrite) statistics.acknowledgedWrite(nowMs);
      return;
    }
    findings.add(`${sent.step.args.join(" ")} was answered with ${JSON.stringify(reply)}`);
    sent.open.unknown();
  }

  #failed(sent: Sent, error: unknown): void {
    if (!isUnanswered(error)) this.#options.findings.add(`a connection broke: ${String(error)}`);
    this.#end(sent, "unknown");
  }

  #end(sent: Sent, verdict: "refused" | "unknown"): void {
    if (sent.verdict !== "open") return;
    sent.verdict = verdict;
    if (verdict === "refused") sent.open.refused();
    else sent.open.unknown();
    this.#options.statistics.ended(verdict === "refused" ? (this.#refusal.split(" ")[0] ?? "") : "unknown");
  }

  #leave(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}

/** Resolves with the work, or after the time. */
async function within(timeMs: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, timeMs);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}
