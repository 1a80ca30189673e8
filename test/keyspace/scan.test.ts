import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";

/** All names that a walk in steps of `count` returns; `between` runs after each step. */
function walk(db: Database, count: number, between: (step: number) => void = () => undefined): string[] {
  const names: string[] = [];
  let cursor = 0;
  let steps = 0;
  do {
    const step = db.scan(cursor, count);
    for (const entry of step.entries) names.push(entry.key);
    cursor = step.cursor;
    steps += 1;
    between(steps);
  } while (cursor !== 0);
  return names;
}

describe("Database.scan()", () => {
  test("returns all keys once, from the newest to the oldest, in steps of COUNT", () => {
    const db = new Keyspace(1).db(0);
    for (let index = 0; index < 1200; index++) db.set(`k${index}`, "");
    const names = walk(db, 7);
    expect(names).toEqual(Array.from({ length: 1200 }, (_, index) => `k${1199 - index}`));
    expect(db.scan(0, 10)).toMatchObject({ cursor: 1190 });
    expect(db.scan(1190, 10).entries[0]?.key).toBe("k1189");
  });

  test("ends with a cursor of 0 when the last step takes all that is left", () => {
    const db = new Keyspace(1).db(0);
    expect(db.scan(0, 10)).toEqual({ cursor: 0, entries: [] });
    for (let index = 0; index < 10; index++) db.set(`k${index}`, "");
    expect(db.scan(0, 10).cursor).toBe(0);
    expect(db.scan(0, 9).cursor).toBe(1);
  });

  test("returns every key that is there throughout exactly once, and no new one, under any changes", () => {
    const seed = Number(process.env.SEED ?? 23);
    const random = new SeededRandom(seed);
    for (let round = 0; round < 30; round++) {
      const db = new Keyspace(1).db(0);
      for (let index = 0; index < 500; index++) db.set(`k${index}`, "");
      const stable = new Set(Array.from({ length: 500 }, (_, index) => `k${index}`));
      const created = new Set<string>();
      const names = walk(db, 1 + random.below(40), (step) => {
        for (let change = random.below(30); change > 0; change--) {
          const key = `k${random.below(500)}`;
          stable.delete(key);
          db.remove(key);
        }
        // Overwriting leaves a key in its place; what comes anew does not prolong the walk.
        for (let change = 0; change < 20; change++) {
          const key = `k${random.below(500)}`;
          if (db.find(key) !== undefined) db.set(key, "again");
          db.set(`new${step}-${change}`, "");
          created.add(`new${step}-${change}`);
        }
      });
      expect(names.length).toBe(new Set(names).size);
      for (const name of stable) expect(names).toContain(name);
      expect(names.filter((name) => created.has(name))).toEqual([]);
    }
  });

  test("takes cursors past the newest key, of removed keys and below the oldest", () => {
    const db = new Keyspace(1).db(0);
    for (let index = 1; index <= 5; index++) db.set(`k${index}`, "");
    db.remove("k1");
    db.remove("k4");
    expect(db.scan(Number.MAX_SAFE_INTEGER, 10).entries.map((entry) => entry.key)).toEqual([
      "k5",
      "k3",
      "k2",
    ]);
    expect(db.scan(4, 1)).toMatchObject({ cursor: 2 });
    expect(db.scan(1, 10)).toEqual({ cursor: 0, entries: [] });
  });

  test("goes on at the same key after the databases were swapped there and back", () => {
    const keyspace = new Keyspace(2);
    for (let index = 0; index < 20; index++) keyspace.db(0).set(`k${index}`, "");
    const { cursor } = keyspace.db(0).scan(0, 5);
    keyspace.swap(0, 1);
    expect(keyspace.db(1).scan(cursor, 1).entries[0]?.key).toBe("k14");
    keyspace.swap(1, 0);
    expect(keyspace.db(0).scan(cursor, 1).entries[0]?.key).toBe("k14");
  });
});
