// What must hold once all faults have ended, whatever they were (invariant 18): the cluster comes back by itself, soon.
//
//   faults end ──► connected ──► first write ──► rest
//
// *Connected* is the moment from which on a majority of the voters runs, the running members have their links to each
// other, none of which is dead without their knowing, and what a cut had held back is there. How long that may take
// follows from the settings: a dead link is noticed by its silence, and who could not connect tries again within a second.
// *First write*: a leader has acknowledged a write, at most three election timeouts after that. (A follower waits one to
// two of them before it asks for an election, and an election that ends in a tie is held again.)
// *Rest*: nothing is under way any more, every machine is a member or has left, and all members have applied the same.

import { channels } from "../../src/peer/hello.ts";
import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import type { Operator } from "./operator.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Swarm } from "./swarm.ts";
import { textOf, type VirtualClient } from "./virtual-client.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import type { VirtualProcess } from "./virtual-process.ts";
import type { VirtualWorld } from "./virtual-world.ts";
import type { Workload } from "./workload.ts";

export interface LivenessParts {
  readonly world: VirtualWorld;
  readonly swarm: Swarm;
  readonly supervisor: Supervisor;
  readonly operator: Operator;
  readonly workload: Workload;
}

/** How long each took, in milliseconds. */
export interface Recovery {
  /** From the end of the faults until all were connected. */
  readonly connectedMs: number;
  /** From then on until a write was acknowledged; 0 when one was before. */
  readonly firstWriteMs: number;
  /** From the end of the faults until all was at rest. */
  readonly restMs: number;
}

const lookEveryMs = 5;
const electionTimeouts = 3;
/** The longest pause between two attempts to connect (outgoing-link.ts), twice as one attempt may just have begun. */
const reconnectMsMax = 2 * 1000;
const restLimitMs = 40_000;

export class Liveness {
  readonly #parts: LivenessParts;
  readonly #startMs: number;

  /** To be made when the faults have ended. */
  constructor(parts: LivenessParts) {
    this.#parts = parts;
    this.#startMs = parts.world.time.nowMs;
  }

  /** Lets time pass until all is at rest; throws when that, or anything on the way, takes too long. */
  run(): Recovery {
    const { world, swarm, supervisor, workload } = this.#parts;
    supervisor.hurry();
    // What it has sent still has to be answered; a calm that is full of load would be most of the work.
    workload.stop();
    const probe = new Probe(world, swarm.electionTimeoutMs);
    const before = workload.counts.acknowledged;
    const isWritten = (): boolean => probe.isAcknowledged || workload.counts.acknowledged > before;
    let writtenAtMs = -1;
    const look = (): void => {
      if (writtenAtMs < 0 && isWritten()) writtenAtMs = world.time.nowMs;
    };
    this.#until("all are connected", this.#connectLimitMs, () => (look(), this.#areConnected()));
    const connectedAtMs = world.time.nowMs;
    const writeLimitMs = electionTimeouts * swarm.electionTimeoutMs;
    this.#until("a write is acknowledged", writeLimitMs, () => (look(), writtenAtMs >= 0));
    probe.stop();
    this.#until("every client has its answers", restLimitMs, () => workload.openCount === 0);
    this.#until("all is at rest", restLimitMs, () => this.#isAtRest());
    return {
      connectedMs: connectedAtMs - this.#startMs,
      firstWriteMs: Math.max(0, writtenAtMs - connectedAtMs),
      restMs: world.time.nowMs - this.#startMs,
    };
  }

  get #connectLimitMs(): number {
    const { world, swarm } = this.#parts;
    const { responseTimeoutMs, connectionTimeoutMs, network } = swarm;
    // What a slow disk has begun it ends slowly.
    const busyMs = Math.max(...world.machines.map(({ process }) => process?.busyForMs ?? 0));
    // A link is dropped after two response timeouts of silence, looked at four times in one.
    return (
      busyMs + 2.5 * responseTimeoutMs + 2 * connectionTimeoutMs + network.lateMsMax + reconnectMsMax + 1000
    );
  }

  #until(what: string, limitMs: number, condition: () => boolean): void {
    const { world, supervisor, operator } = this.#parts;
    const deadlineMs = world.time.nowMs + limitMs;
    while (!condition()) {
      if (world.time.nowMs >= deadlineMs) {
        const open = operator.isIdle ? "" : `; the operator: ${operator.describe()}`;
        throw new Error(
          `liveness: not within ${Math.round(limitMs)} ms: ${what}; ${world.describe()}${open}`,
        );
      }
      supervisor.look();
      world.run(lookEveryMs);
    }
  }

  #areConnected(): boolean {
    const { world, swarm } = this.#parts;
    const members = this.#members();
    const names = new Set(members.map(({ name }) => name));
    if (members.length === 0 || world.time.nowMs < this.#startMs + swarm.network.lateMsMax) return false;
    if (world.network.hasDeadUnnoticed(names)) return false;
    return members.every(({ process }) => {
      const status = process?.node.raftStatus();
      if (status === undefined || process?.isStandingStill === true) return false;
      const running = status.peers.filter((peer) => names.has(peer.host));
      const voters = running.filter(({ voting }) => voting).length + (status.voting === true ? 1 : 0);
      return (
        2 * voters > status.votingNodeCount && running.every(({ host }) => this.#areLinked(process, host))
      );
    });
  }

  /** Whether all the links that a node has with each other node are open from `process` to `host`. */
  #areLinked(process: VirtualProcess | null, host: string): boolean {
    return process !== null && this.#parts.world.network.openLinks(process.name, host) >= channels.length;
  }

  /** Machines with a node that belongs to the cluster, as far as that is known. */
  #members(): VirtualMachine[] {
    return this.#parts.world.running.filter(({ process }) => process?.node.state === "up");
  }

  #isAtRest(): boolean {
    const { world, supervisor, operator } = this.#parts;
    if (!operator.isIdle) return false;
    const leader = world.leader?.process?.node;
    if (leader === undefined) return false;
    const { lastAppliedIndex, currentIndex, commitIndex } = leader.raftStatus().log;
    if (lastAppliedIndex !== currentIndex || commitIndex !== currentIndex) return false;
    const hosts = new Set(leader.slots().map(({ host }) => host));
    for (const machine of world.machines) {
      if (supervisor.isHeld(machine)) return false;
      if (!hosts.has(machine.name)) {
        // Removed, and told so; or it was removed while it was away and will be told.
        if (machine.isRunning && machine.process?.node.state === "up") return false;
        continue;
      }
      const status = machine.process?.node.raftStatus();
      if (status === undefined || status.voting !== true || machine.process?.isStandingStill === true)
        return false;
      if (status.leaderId !== leader.nodeId || status.log.lastAppliedIndex !== lastAppliedIndex) return false;
      if (machine.process?.node.openRequests !== 0 || status.proxy.outstanding !== 0) return false;
    }
    return true;
  }
}

/** A client that tries everywhere until somebody has acknowledged its write. */
class Probe {
  isAcknowledged = false;
  readonly #world: VirtualWorld;
  readonly #patienceMs: number;
  #isOver = false;
  #next = 0;
  #client: VirtualClient | null = null;

  constructor(world: VirtualWorld, patienceMs: number) {
    this.#world = world;
    this.#patienceMs = patienceMs;
    this.#try(null);
  }

  stop(): void {
    this.#isOver = true;
    this.#client?.close();
  }

  #try(wanted: string | null): void {
    if (this.#isOver) return;
    const { running, time } = this.#world;
    const target = wanted ?? running[this.#next++ % Math.max(1, running.length)]?.name;
    if (target === undefined) return void time.after(retryMs, () => this.#try(null));
    const client = this.#world.connect(target);
    this.#client = client;
    let isOpen = true;
    const settle = (reply: ReplyValue | null): void => {
      if (!isOpen) return;
      isOpen = false;
      timer.cancel();
      client.close();
      const text = reply === null ? "" : textOf(reply);
      if (text === "OK") this.isAcknowledged = true;
      else time.after(retryMs, () => this.#try(/^-MOVED \d+ (\w+):/.exec(text)?.[1] ?? null));
    };
    const timer = time.after(this.#patienceMs, () => settle(null));
    client.send(["SET", "probe", "1"], settle);
  }
}

const retryMs = 2;
