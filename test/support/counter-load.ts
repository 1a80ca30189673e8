// Clients that count, one key each, as fast as they are answered, and remember what they were told: so that whatever
// happens to the nodes meanwhile, it can be said which writes must be there and which may be.

import { expect } from "bun:test";
import { FollowingClient } from "./following-client.ts";

export interface CounterLoadOptions {
  /** Of the nodes to write to. */
  readonly ports: readonly number[];
  readonly clients: number;
  /** How long a client waits for one reply. */
  readonly replyTimeoutMs?: number;
  /** See `FollowingClientOptions`. */
  readonly route?: (port: number) => number;
}

interface Counter {
  readonly key: string;
  readonly client: FollowingClient;
  attempts: number;
  acknowledged: number;
  /** The highest value that was acknowledged. */
  value: number;
}

export class CounterLoad {
  /** When each acknowledgement came, in milliseconds of `performance.now`. */
  readonly acknowledgedAtMs: number[] = [];
  /** Why outcomes were unknown. */
  readonly unknown: string[] = [];
  readonly #counters: Counter[];
  readonly #work: Promise<void>;
  #stopping = false;

  constructor(options: CounterLoadOptions) {
    const { clients, ...clientOptions } = options;
    this.#counters = Array.from({ length: clients }, (_, at) => ({
      key: `counter:${at}`,
      client: new FollowingClient(clientOptions),
      attempts: 0,
      acknowledged: 0,
      value: 0,
    }));
    this.#work = Promise.all(this.#counters.map((counter) => this.#count(counter))).then(() => undefined);
    // Whoever stops the load hears of it; until then it is not lost.
    this.#work.catch(() => undefined);
  }

  get acknowledgedCount(): number {
    return this.acknowledgedAtMs.length;
  }

  /** Resolves when so many more acknowledgements have come. */
  async more(count: number, timeoutMs = 15_000): Promise<void> {
    const goal = this.acknowledgedCount + count;
    const deadlineMs = performance.now() + timeoutMs;
    while (this.acknowledgedCount < goal) {
      if (performance.now() > deadlineMs) throw new Error(`no ${count} more writes in ${timeoutMs} ms`);
      await Promise.race([Bun.sleep(5), this.#work]);
      if (this.#stopping) throw new Error("the load has been stopped");
    }
  }

  /** Milliseconds from `momentMs` to the first acknowledgement after it. */
  pauseAfter(momentMs: number): number {
    return (this.acknowledgedAtMs.find((atMs) => atMs > momentMs) ?? Number.POSITIVE_INFINITY) - momentMs;
  }

  /** Ends the load; what is under way is waited for. */
  async stop(): Promise<void> {
    this.#stopping = true;
    try {
      await this.#work;
    } finally {
      for (const { client } of this.#counters) client.close();
    }
  }

  /** Ends the load at once. */
  abandon(): void {
    this.#stopping = true;
    for (const { client } of this.#counters) client.close();
  }

  /** Every acknowledged write is there, and none was done twice. */
  async verify(ask: (...args: string[]) => Promise<unknown>): Promise<void> {
    for (const { key, attempts, acknowledged, value } of this.#counters) {
      const found = Number((await ask("GET", key)) ?? 0);
      const shown = { key, found, attempts, acknowledged, value };
      expect({ ...shown, isThere: found >= Math.max(acknowledged, value) }).toEqual({
        ...shown,
        isThere: true,
      });
      expect({ ...shown, isOnce: found <= attempts }).toEqual({ ...shown, isOnce: true });
    }
  }

  async #count(counter: Counter): Promise<void> {
    while (!this.#stopping) {
      counter.attempts++;
      const outcome = await counter.client.call("INCR", counter.key);
      if (outcome.kind === "unknown") {
        this.unknown.push(outcome.why);
        continue;
      }
      const { reply } = outcome;
      if (reply.kind !== "integer") throw new Error(`INCR was answered with ${JSON.stringify(reply)}`);
      const value = Number(reply.value);
      if (value <= counter.value)
        throw new Error(`${counter.key} went from ${counter.value} to ${value}: a write was lost`);
      counter.value = value;
      counter.acknowledged++;
      this.acknowledgedAtMs.push(performance.now());
    }
  }
}
