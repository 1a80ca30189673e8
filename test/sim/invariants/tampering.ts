// Worlds to tamper with, and what the invariants say to that.

import { expect } from "bun:test";
import { assert } from "../../../src/base/assert.ts";
import type { ClusterMember } from "../../../src/node/cluster-member.ts";
import { VirtualWorld, type WorldOptions } from "../virtual-world.ts";
import { type PromiseNumber, Violation } from "./violation.ts";
import type { WorldInvariants } from "./world-invariants.ts";

export interface Watched {
  readonly world: VirtualWorld;
  readonly invariants: WorldInvariants;
}

function watched(options: Partial<WorldOptions> = {}): Watched {
  const world = new VirtualWorld({ seed: 1, machines: 3, ...options });
  return { world, invariants: world.invariants };
}

/** A cluster of three that has been quiet for a while, led by n1. */
export function formed(options: Partial<WorldOptions> = {}): Watched {
  const made = watched(options);
  made.world.formCluster();
  made.world.expectCall("n1", ["SET", "key", "first"], /^OK$/);
  made.world.run(1500);
  expect(made.world.leader?.name).toBe("n1");
  return made;
}

export function memberOn(world: VirtualWorld, name: string): ClusterMember {
  const member = world.machine(name).process?.node.member ?? null;
  assert(member !== null, `a member on ${name}`);
  return member;
}

/** The violation that `act` brings to light; null when there is none. */
export function violationIn(act: () => void): Violation | null {
  try {
    act();
    return null;
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return error;
  }
}

/** The number of the promise that is found broken while `act` runs; null for none. */
export function broken(act: () => void): PromiseNumber | null {
  return violationIn(act)?.promise ?? null;
}

/** What a write on n1 breaks, or what comes soon after. */
export function brokenByWrite(world: VirtualWorld): PromiseNumber | null {
  return broken(() => {
    world.call("n1", ["SET", "key", "second"]);
    world.run(500);
  });
}
