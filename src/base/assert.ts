// Assertions stay on in production: a broken promise of our own must crash the node, which then recovers from its log,
// rather than let it go on with a state that nobody has thought about.

/** Thrown when vlot itself is wrong (never for bad input or a failing disk). */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws {@link AssertionError} unless `condition` holds; `expectation` says what should have held. */
export function assert(condition: boolean, expectation: string): asserts condition {
  if (!condition) throw new AssertionError(`expected: ${expectation}`);
}

/** Ends a `switch` over a union: it fails to compile when a case is missing, and throws if one slips through. */
export function unreachable(value: never): never {
  throw new AssertionError(`expected: no other case than those handled, got ${JSON.stringify(value)}`);
}
