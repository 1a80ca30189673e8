// Where a keyspace stands in its history: one object shared by the keyspace and all its databases.

export class Timeline {
  /** The keyspace's clock: the stamp of the newest applied entry, milliseconds since 1970. Deadlines are judged by it. */
  clockMs = 0;
  /** Counts changes; each key remembers the revision of its last one. */
  revision = 0;
  /**
   * The time at which accesses are noted (OBJECT IDLETIME): the clock for a write, the node's own time for a read, 0 for a
   * read that shall leave no trace.
   */
  accessMs = 0;
}
