// What the scenes of these tests begin with: a small virtual cluster, whoever leads it, and clients that note what they
// are told.

import type { ReplyValue } from "../../src/resp/reply-parser.ts";
import { textOf } from "../sim/virtual-client.ts";
import type { Settings } from "../sim/virtual-process.ts";
import { VirtualWorld } from "../sim/virtual-world.ts";

/** Where everybody in a virtual network listens. */
export const port = 6379;

/** Answers that promise that nothing was done. */
export const refusal = /^-(MOVED|CLUSTERDOWN|NOCLUSTER|LOADING|THROTTLED) ?/;
/** Answers that promise nothing, and the loss of the connection. */
export const unknown = /^(-TIMEOUT |lost$)/;

export function clusterOf(seed: number, machines: number, settings: Settings = {}): VirtualWorld {
  const world = new VirtualWorld({ seed, machines, settings });
  world.formCluster();
  return world;
}

export function leaderOf(world: VirtualWorld): string {
  return world.leader?.name ?? "";
}

export function othersThan(world: VirtualWorld, name: string): string[] {
  return world.machines.map((machine) => machine.name).filter((other) => other !== name);
}

/** Nothing gets from `name` to the other machines any more, nor back. */
export function cutOff(world: VirtualWorld, name: string): void {
  for (const other of othersThan(world, name)) {
    world.network.cut(name, other);
    world.network.cut(other, name);
  }
}

/** The answers to commands sent over one connection, as they come in. */
export function sendAll(world: VirtualWorld, target: string, ...commands: string[]): string[] {
  const client = world.connect(target);
  const answers: string[] = [];
  for (const command of commands)
    client.send(command.split(" "), (reply) => answers.push(reply === null ? "lost" : textOf(reply)));
  return answers;
}

/** One command, answered; a lost connection is "lost". */
export function ask(world: VirtualWorld, target: string, command: string): string {
  const answers = sendAll(world, target, command);
  world.runUntil(`${target} answers ${command}`, () => answers.length > 0);
  return answers[0] ?? "lost";
}

const askEveryMs = 2;

/** Asks every running node the same, again and again for so long, each on a new connection; calls back with answers. */
export function askAllFor(world: VirtualWorld, forMs: number, command: string, heard: Heard): void {
  for (let ms = 0; ms < forMs; ms += askEveryMs) {
    for (const { name } of world.running) {
      const client = world.connect(name);
      client.send(command.split(" "), (reply: ReplyValue | null) => {
        heard(reply === null ? "lost" : textOf(reply), name);
        client.close();
      });
    }
    world.run(askEveryMs);
  }
}

type Heard = (answer: string, machine: string) => void;
