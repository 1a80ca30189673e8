// The reply that nobody reads: replicas that apply an entry whose client is connected elsewhere run the same handlers
// against this one. It knows nothing; every call is an empty function.

import type { Reply } from "./reply.ts";

class NoReply implements Reply {
  readonly protocol = 2;
  ok(): void {}
  simple(): void {}
  error(): void {}
  integer(): void {}
  bulk(): void {}
  nil(): void {}
  nilArray(): void {}
  array(): void {}
  map(): void {}
  set(): void {}
  push(): void {}
  double(): void {}
  boolean(): void {}
  bigNumber(): void {}
  verbatim(): void {}
}

/** Drops everything; has no state, so one serves all. */
export const noReply: Reply = new NoReply();
