// The clients at work: each sends what its generator says, as fast as it is answered, alone or in pipelines, until told to
// stop.

import { SeededRandom } from "../../src/base/random.ts";
import type { LoadFamily } from "../workload/family.ts";
import type { Step } from "../workload/step.ts";
import type { Findings } from "./findings.ts";
import type { Fleet } from "./fleet.ts";
import { LoadClient } from "./load-client.ts";
import type { Statistics } from "./statistics.ts";

export interface LoadOptions {
  readonly fleet: Fleet;
  readonly clients: number;
  readonly seed: number;
  readonly findings: Findings;
  readonly statistics: Statistics;
}

const pipelineMax = 12;
/**
 * How long clients wait for the replies to what they sent, by turns: some give up soon, others outwait a node that hangs.
 * Those only read, so that no write of theirs holds a reading back.
 */
const patience = [700, 1500, 4000] as const;

interface Worker {
  readonly number: number;
  readonly random: SeededRandom;
  readonly client: LoadClient;
}

export class Load {
  readonly #options: LoadOptions;
  readonly #workers: Worker[];
  #work: Promise<void>[] = [];
  #isStopping = false;
  #tokens = 0;

  constructor(options: LoadOptions) {
    const { fleet, clients, seed, findings, statistics } = options;
    this.#options = options;
    this.#workers = Array.from({ length: clients }, (_, number) => {
      const random = new SeededRandom(seed + 1 + number);
      const patienceMs = patience[number % patience.length] as number;
      const ports = (): readonly number[] => fleet.ports;
      const route = (port: number): number => fleet.network.nodePort(port);
      return {
        number,
        random,
        client: new LoadClient({ number, random, findings, statistics, ports, route, patienceMs }),
      };
    });
  }

  start(families: readonly LoadFamily[]): void {
    this.#isStopping = false;
    this.#options.statistics.start(performance.now());
    this.#work = this.#workers.map((worker) => this.#labour(worker, families));
  }

  /** Resolves when all that was sent has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#options.statistics.stop(performance.now());
    await Promise.all(this.#work);
  }

  /** One command after the other until each is answered; nothing else goes on. False if one is not in time. */
  async insist(steps: readonly (() => Step)[], timeoutMs: number): Promise<boolean> {
    const client = this.#workers[0]?.client;
    const deadlineMs = performance.now() + timeoutMs;
    for (const step of steps) {
      for (let isDone = false; !isDone;) {
        if (client === undefined || performance.now() > deadlineMs) return false;
        isDone = await client.exchange([step()]);
      }
    }
    return true;
  }

  close(): void {
    for (const { client } of this.#workers) client.close();
  }

  async #labour(worker: Worker, families: readonly LoadFamily[]): Promise<void> {
    const { number, random, client } = worker;
    const read = (): Step => {
      const family = families[random.below(families.length)] as LoadFamily;
      return family.read(random.below(family.objects));
    };
    const work = (): Step => {
      const family = families[random.below(families.length)] as LoadFamily;
      return family.plan(random.below(family.objects), `${number}.${this.#tokens++}`);
    };
    const next = number % patience.length === patience.length - 1 ? read : work;
    while (!this.#isStopping) {
      const count = random.below(2) === 0 ? 1 : 1 + random.below(pipelineMax);
      await client.exchange(Array.from({ length: count }, next), read);
    }
  }
}
