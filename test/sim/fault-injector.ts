// What goes wrong in a history of the simulator, drawn by chance from the kinds of its swarm. The fault model:
//
// Network. Between any two machines each direction may be cut for a while; packets are lost and sent again, delayed up to
//   longer than an election timeout, cut anywhere. TCP keeps the order of one connection and never delivers twice within
//   it; connections are reset (also in the middle of a frame), forgotten without a word, or left half open by a machine
//   that lost its power, and what a cut held back arrives long after it healed. Messages are not forged or changed: an
//   address may be another cluster's node by now, which is honest about it. Clients are reached whatever the peers are.
//
// Process. Killed, or without power, at any moment, in the middle of any operation of the disk, in the middle of a
//   recovery, one or all at once; stopped for longer than any timeout; told to end; started twice. Started again later.
//
// Disk. A power cut keeps of what was not synced any part, in sectors or parts of them, in any order, and of the
//   directory's changes likewise (memory-disk.ts). A sync or a write fails, space runs out and comes back, syncs take
//   longer than an election timeout. Bits flip, sectors cannot be read, a disk comes back empty. A disk does not lie
//   about a sync that it says was done; and what flips is a record that the disk proves to have been synced, unless the
//   run asks for more (kindsBeyondThePromise in fault-kinds.ts).
//
// Clock. Wall clocks jump by hours and mean nothing. Monotonic clocks go at half to twice the speed of the others' and
//   never back.
//
// Operator. Machines join, are removed (the leader too), come back, are replaced; leadership is handed over, elections
//   are called: at any moment, one such change at a time.
//
// Budget. Whatever passes may happen to all machines at once. What is lost for good (a disk that was wiped, damage in what
//   a node has vouched for) is lost on a minority of the voters only, until those are replaced; no node is removed
//   meanwhile. That is all that Raft promises to survive, and all of it.

import { clockFaults } from "./clock-faults.ts";
import { diskFaults } from "./disk-faults.ts";
import type { FaultContext } from "./fault-context.ts";
import type { FaultKind, Strike } from "./fault-kinds.ts";
import { membershipFaults } from "./membership-faults.ts";
import { networkFaults } from "./network-faults.ts";
import { processFaults } from "./process-faults.ts";

export class FaultInjector {
  /** How often each kind has struck. */
  readonly counts = new Map<FaultKind, number>();
  readonly #context: FaultContext;
  readonly #strikes: Readonly<Record<FaultKind, Strike>>;
  /** Each kind as often as its weight says. */
  readonly #kinds: readonly FaultKind[];

  constructor(context: FaultContext) {
    this.#context = context;
    this.#strikes = {
      ...networkFaults(context),
      ...processFaults(context),
      ...diskFaults(context),
      ...clockFaults(context),
      ...membershipFaults(context),
    };
    this.#kinds = [...context.swarm.faults].flatMap(([kind, weight]) => Array(weight).fill(kind));
  }

  /** Lets one fault strike, if there is anything to strike. */
  strike(): void {
    const kind = this.#context.pick(this.#kinds);
    if (kind === undefined) return;
    this.#context.world.trace.event("----", kind);
    if (this.#strikes[kind]()) this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** Ends them all: the network is whole, disks are as they should be, clocks go as they should, processes go on. */
  end(): void {
    const { world, swarm } = this.#context;
    world.trace.event("----", "all faults end");
    this.#context.endAll();
    world.network.heal();
    world.network.character = { ...swarm.network, lossEvery: 0 };
    for (const machine of world.machines) {
      machine.disk.mend();
      machine.diskSpeed = swarm.diskSpeed;
      machine.clocks.rate = 1;
      machine.process?.goOn();
    }
  }
}
