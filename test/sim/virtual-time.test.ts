import { describe, expect, test } from "bun:test";
import { MachineClocks, type Timed, VirtualClock, VirtualTime } from "./virtual-time.ts";

function clockOf(): { time: VirtualTime; clocks: MachineClocks; clock: VirtualClock } {
  const time = new VirtualTime();
  const clocks = new MachineClocks(time);
  const process: Timed = { run: (callback) => callback(), busyMs: 0 };
  return { time, clocks, clock: new VirtualClock(time, process, clocks) };
}

describe("VirtualClock", () => {
  test("goes as fast as its machine's clocks, and never back when that changes", () => {
    const { time, clocks, clock } = clockOf();
    time.runUntil(100);
    expect(clock.monotonicMs()).toBe(100);
    clocks.rate = 2;
    expect(clock.monotonicMs()).toBe(100);
    time.runUntil(150);
    expect(clock.monotonicMs()).toBe(200);
    clocks.rate = 0.5;
    time.runUntil(250);
    expect(clock.monotonicMs()).toBe(250);
  });

  test("shows a busy process no time that it takes back when the rate changes meanwhile", () => {
    const time = new VirtualTime();
    const clocks = new MachineClocks(time);
    const process = { run: (callback: () => void) => callback(), busyMs: 1000 };
    const clock = new VirtualClock(time, process, clocks);
    clocks.rate = 2;
    expect(clock.monotonicMs()).toBe(2000);
    time.runUntil(500);
    clocks.rate = 1;
    time.runUntil(1000);
    process.busyMs = 0;
    expect(clock.monotonicMs()).toBe(2000);
    time.runUntil(1100);
    expect(clock.monotonicMs()).toBe(2100);
  });

  test("fires no timer early by its own time, whatever becomes of its rate", () => {
    for (const [before, after] of [
      [1, 0.5],
      [2, 0.5],
      [0.5, 2],
    ] as const) {
      const { time, clocks, clock } = clockOf();
      clocks.rate = before;
      const firedAtMs: number[] = [];
      clock.after(100, () => firedAtMs.push(clock.monotonicMs()));
      time.runUntil(20);
      clocks.rate = after;
      time.runUntil(1000);
      expect(firedAtMs.length).toBe(1);
      expect(firedAtMs[0]).toBeGreaterThanOrEqual(100 - 1e-3);
    }
  });

  test("cancels a timer that was put off", () => {
    const { time, clocks, clock } = clockOf();
    const timer = clock.after(100, () => expect.unreachable());
    time.runUntil(50);
    clocks.rate = 0.5;
    time.runUntil(120);
    timer.cancel();
    time.runUntil(1000);
  });

  test("moves the wall clock alone when that jumps", () => {
    const { time, clocks, clock } = clockOf();
    const before = clock.wallMs();
    clocks.wallOffsetMs = 3_600_000;
    time.runUntil(10);
    expect([clock.wallMs() - before, clock.monotonicMs()]).toEqual([3_600_010, 10]);
  });
});
