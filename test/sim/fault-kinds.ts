// The names of all faults, by family. What each does stands with the family's code.

export const networkFaultKinds = [
  "isolate",
  "halves",
  "mute",
  "deafen",
  "cut-link",
  "bridge",
  "ring",
  "reset",
  "tear-frame",
  "forget-connection",
  "degrade",
  "foreign-node",
] as const;
export type NetworkFaultKind = (typeof networkFaultKinds)[number];

export const processFaultKinds = [
  "kill",
  "kill-in-operation",
  "power-cut",
  "power-cut-in-operation",
  "power-cut-of-all",
  "crash-in-recovery",
  "pause",
  "terminate",
  "second-start",
] as const;
export type ProcessFaultKind = (typeof processFaultKinds)[number];

export const diskFaultKinds = [
  "flip-in-log",
  "flip-at-log-end",
  "flip-in-unproven",
  "zeros-in-unproven",
  "flip-hard-state",
  "flip-both-hard-states",
  "flip-identity",
  "flip-truncation-note",
  "unreadable-sector",
  "sync-error",
  "write-error",
  "disk-full",
  "slow-disk",
  "wiped-disk",
] as const;
export type DiskFaultKind = (typeof diskFaultKinds)[number];

export const clockFaultKinds = ["wall-jump", "wall-skew", "fast-ticks", "slow-ticks"] as const;
export type ClockFaultKind = (typeof clockFaultKinds)[number];

export const membershipFaultKinds = [
  "join",
  "remove",
  "remove-leader",
  "re-add",
  "transfer",
  "election",
] as const;
export type MembershipFaultKind = (typeof membershipFaultKinds)[number];

export type FaultKind =
  NetworkFaultKind | ProcessFaultKind | DiskFaultKind | ClockFaultKind | MembershipFaultKind;

/**
 * Struck only when asked for: a sector of a record that was synced, while nothing else on the disk says so yet (the newest
 * batch, for at most a second after the last write), reads as zeros. Recovery takes it for a write that never came to its
 * end, cuts it and lets the node vote, so that one damaged disk may cost an acknowledged write.
 */
export const kindsBeyondThePromise: readonly FaultKind[] = ["zeros-in-unproven"];

const allFaultKinds: readonly FaultKind[] = [
  ...networkFaultKinds,
  ...processFaultKinds,
  ...diskFaultKinds,
  ...clockFaultKinds,
  ...membershipFaultKinds,
];

/** What histories draw from. */
export const faultKinds: readonly FaultKind[] = allFaultKinds.filter(
  (kind) => !kindsBeyondThePromise.includes(kind),
);

/** Lets a fault of its kind strike; false when there was nothing to strike. */
export type Strike = () => boolean;
