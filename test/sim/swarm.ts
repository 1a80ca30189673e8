// What one seed plays with: the size of the cluster, its settings, the character of its network and disks, and the kinds
// of faults that strike, with their weights. Kinds are left out at random (swarm testing: Groce et al., "Swarm Testing",
// ISSTA 2012), because faults of one kind often keep those of another from getting anywhere.
//
// Left out on purpose are `quorum-reads no` and `log-fsync no`: they promise less.

import { SeededRandom } from "../../src/base/random.ts";
import { type FaultKind, faultKinds } from "./fault-kinds.ts";
import type { DiskSpeed } from "./virtual-machine.ts";
import { type NetworkCharacter, usualNetwork } from "./virtual-network.ts";
import type { Settings } from "./virtual-process.ts";

export interface Swarm {
  readonly machines: number;
  readonly settings: Settings;
  /** Machines whose followers pass commands on. */
  readonly proxies: ReadonlySet<string>;
  readonly network: NetworkCharacter;
  readonly diskSpeed: DiskSpeed;
  readonly tearsSectors: boolean;
  readonly clients: number;
  /** Kinds that strike, with their weights. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** Longest pause between two faults. */
  readonly faultPauseMsMax: number;
  readonly safetyMs: number;
  readonly electionTimeoutMs: number;
  readonly responseTimeoutMs: number;
  readonly connectionTimeoutMs: number;
}

export function drawSwarm(seed: number, kinds: readonly FaultKind[] = faultKinds): Swarm {
  const draw = new Draw(seed);
  const electionTimeoutMs = draw.between(150, 1000);
  const responseTimeoutMs = draw.between(100, 2 * electionTimeoutMs);
  const connectionTimeoutMs = draw.between(100, 800);
  const machines = draw.of([1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7]);
  return {
    machines,
    electionTimeoutMs,
    responseTimeoutMs,
    connectionTimeoutMs,
    settings: {
      // Keeps machines that are to join from a foreign node at a member's address (network-faults.ts).
      "cluster-name": "simulated",
      "election-timeout": String(electionTimeoutMs),
      "request-timeout": String(draw.between(electionTimeoutMs / 10, electionTimeoutMs / 3)),
      "response-timeout": String(responseTimeoutMs),
      "connection-timeout": String(connectionTimeoutMs),
      "reconnect-interval": String(draw.between(5, 100)),
      "periodic-interval": String(draw.between(10, electionTimeoutMs / 4)),
      "leader-wait-timeout": String(draw.of([100, 500, 1500, 3000])),
      "proxy-response-timeout": String(draw.of([300, 1000, 4000])),
      "append-req-max-count": String(draw.between(1, 4)),
      "append-req-max-size": draw.of(["1", "200", "1kb", "64kb", "2mb"]),
      "log-segment-size": draw.of(["4kb", "4kb", "16kb", "64kb", "256kb"]),
      "log-max-file-size": draw.of(["1kb", "16kb", "1mb"]),
      "max-uncommitted-size": draw.of(["1mb", "256mb"]),
      "shutdown-drain-timeout": String(draw.of([0, 300])),
      repair: draw.of(["yes", "yes", "no"]),
    },
    proxies: drawProxies(draw),
    network: drawNetwork(draw, electionTimeoutMs),
    diskSpeed: { backgroundMsMax: draw.of([0.2, 2, 10]), loopMsMax: draw.of([0, 0.5, 2, 5]) },
    tearsSectors: draw.chance(50),
    clients: draw.between(1, 5),
    faults: drawFaults(draw, kinds),
    faultPauseMsMax: draw.of([100, 200, 400, 1000]),
    safetyMs: draw.between(800, 2500),
  };
}

const machinesMax = 12;

function drawProxies(draw: Draw): Set<string> {
  const percent = draw.of([0, 50, 100]);
  const proxies = new Set<string>();
  for (let number = 1; number <= machinesMax; number++) if (draw.chance(percent)) proxies.add(`n${number}`);
  return proxies;
}

function drawNetwork(draw: Draw, electionTimeoutMs: number): NetworkCharacter {
  return {
    ...usualNetwork,
    // A round trip is well below the election timeout, or the cluster would be set up wrongly.
    delayMsMax: draw.of([0.2, 0.5, 2, electionTimeoutMs / 30]),
    slowEvery: draw.of([0, 100, 500]),
    slowMsMax: electionTimeoutMs / draw.of([5, 20]),
    lossEvery: draw.of([0, 0, 0, 1000, 100]),
    cutEvery: draw.of([0, 4, 4, 2]),
    pipeBytes: draw.of([300, 4096, 65_536]),
    lateMsMax: draw.of([1, 100, 3 * electionTimeoutMs]),
    duplicateEvery: draw.of([0, 0, 20]),
  };
}

function drawFaults(draw: Draw, kinds: readonly FaultKind[]): Map<FaultKind, number> {
  const faults = new Map<FaultKind, number>();
  const percent = draw.of([15, 30, 60, 100]);
  for (const kind of kinds) if (draw.chance(percent)) faults.set(kind, draw.of([1, 2, 5]));
  return faults;
}

class Draw {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** An integer in [`low`, `high`]. */
  between(low: number, high: number): number {
    const [from, to] = [Math.ceil(low), Math.floor(high)];
    return from + this.#random.below(to - from + 1);
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.#random.below(items.length)] as Item;
  }

  chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }
}
