// Which keys must be checked together: those that some operation names together, and all that are connected through others.

export interface KeyGroup {
  /** In the order of their first mention. */
  readonly keys: readonly string[];
  /** Where each stands among them. */
  readonly places: ReadonlyMap<string, number>;
}

/** The group of each key, given the keys that belong together. */
export function groupsOf(connected: Iterable<readonly string[]>): ReadonlyMap<string, KeyGroup> {
  // Disjoint sets with path halving; a key without parent stands for its set.
  const parents = new Map<string, string>();
  const rootOf = (key: string): string => {
    for (let at = key; ;) {
      const parent = parents.get(at);
      if (parent === undefined || parent === at) return at;
      const above = parents.get(parent) ?? parent;
      parents.set(at, above);
      at = above;
    }
  };
  for (const keys of connected) {
    for (const key of keys) {
      if (!parents.has(key)) parents.set(key, key);
      parents.set(rootOf(key), rootOf(keys[0] as string));
    }
  }
  const members = new Map<string, string[]>();
  for (const key of parents.keys()) {
    const root = rootOf(key);
    const keys = members.get(root);
    if (keys === undefined) members.set(root, [key]);
    else keys.push(key);
  }
  const groups = new Map<string, KeyGroup>();
  for (const keys of members.values()) {
    const group = { keys, places: new Map(keys.map((key, at) => [key, at])) };
    for (const key of keys) groups.set(key, group);
  }
  return groups;
}
