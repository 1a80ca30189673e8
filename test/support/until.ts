// Waiting for something to become true of processes that cannot tell: by asking often, never by a guess of how long it
// will take.

const pauseMs = 15;

/**
 * The first result of `probe` that is neither null nor false. Throws, naming `what` and the last thing that `probe`
 * threw, when there was none in time.
 */
export async function until<T>(
  what: string,
  probe: () => T | null | false | Promise<T | null | false>,
  timeoutMs = 15_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  let problem: unknown = null;
  for (;;) {
    try {
      const result = await probe();
      if (result !== null && result !== false) return result;
      problem = null;
    } catch (error) {
      problem = error;
    }
    if (performance.now() > deadlineMs) break;
    await Bun.sleep(pauseMs);
  }
  throw new Error(`${what} did not come about in ${timeoutMs} ms`, { cause: problem });
}
