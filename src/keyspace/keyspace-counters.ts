// What a node's keyspace counts for INFO. Each node counts for itself: none of this is replicated state, none of it is
// in the digest.

export class KeyspaceCounters {
  /** Lookups by reading commands that found their key. */
  hits = 0;
  /** Those that did not. */
  misses = 0;
  /** Keys freed because their deadline had passed. */
  expired = 0;

  reset(): void {
    this.hits = 0;
    this.misses = 0;
    this.expired = 0;
  }
}
