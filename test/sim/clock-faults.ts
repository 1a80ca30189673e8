// Clocks that are off. The wall clock may jump by hours and mean nothing; the monotonic clock never goes back, but may
// go faster or slower than those of the others, which moves elections and must decide nothing.

import type { FaultContext } from "./fault-context.ts";
import type { ClockFaultKind, Strike } from "./fault-kinds.ts";

const jumpMsMax = 3 * 3_600_000;
const skewMsMax = 2000;

export function clockFaults(context: FaultContext): Readonly<Record<ClockFaultKind, Strike>> {
  const { random } = context;
  const setWall = (limitMs: number): boolean => {
    const machine = context.pick(context.world.machines);
    if (machine !== undefined) machine.wallOffsetMs = random.below(2 * limitMs) - limitMs;
    return machine !== undefined;
  };
  const tick = (rate: number): boolean => {
    const machine = context.victim();
    if (machine === undefined) return false;
    machine.clocks.rate = rate;
    context.lasting(() => (machine.clocks.rate = 1));
    return true;
  };
  return {
    "wall-jump": () => setWall(jumpMsMax),
    "wall-skew": () => setWall(skewMsMax),
    "fast-ticks": () => tick(1 + random.below(100) / 100),
    "slow-ticks": () => tick(0.5 + random.below(50) / 100),
  };
}
