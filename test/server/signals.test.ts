import { expect, test } from "bun:test";
import { silentLogger } from "../../src/base/logger.ts";
import { systemClock } from "../../src/node/system-clock.ts";
import { handleSignals, Shutdown } from "../../src/server/shutdown.ts";

/** A process of a node that takes its time to hand over. */
function processUnderTest(): {
  readonly seen: string[];
  readonly exits: number[];
  readonly release: () => void;
} {
  const seen: string[] = [];
  const exits: number[] = [];
  const shutdown = new Shutdown({
    clock: systemClock,
    logger: silentLogger,
    drainTimeoutMs: () => 1000,
    clientCount: () => 0,
    openRequests: () => 0,
    isLeading: () => true,
    prepare: () => void seen.push("hand over"),
    end: () => void seen.push("end"),
  });
  const release = handleSignals({
    logger: silentLogger,
    shutdown,
    reopenLog: () => void seen.push("reopen"),
    exit: (status) => void exits.push(status),
  });
  return { seen, exits, release };
}

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)("%s shuts down in order, the second time at once with status %d", (signal, status) => {
  const { seen, exits, release } = processUnderTest();
  try {
    process.emit(signal);
    expect([seen, exits]).toEqual([["hand over"], []]);
    process.emit(signal);
    expect([seen, exits]).toEqual([["hand over"], [status]]);
  } finally {
    release();
  }
});

test("SIGHUP reopens the log and nothing else", () => {
  const { seen, exits, release } = processUnderTest();
  try {
    process.emit("SIGHUP");
    expect([seen, exits]).toEqual([["reopen"], []]);
  } finally {
    release();
  }
  expect(process.listenerCount("SIGHUP")).toBe(0);
});
