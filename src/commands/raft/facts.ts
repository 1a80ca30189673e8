// What all RAFT.* commands have in common.

/** Spread into each: administration, possible in every state of the node. */
export const raftFacts = {
  since: "0.1.0",
  group: "raft",
  complexity: "O(1)",
  flags: ["admin", "noscript", "loading", "stale"],
  keySpecs: [],
  scope: "local",
} as const;
