import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";

interface ModelKey {
  value: string;
  deadlineMs: number;
  version: number;
}

describe("Database", () => {
  test("agrees with a plain map through random changes, expiry included", () => {
    const seed = Number(process.env.SEED ?? 17);
    const random = new SeededRandom(seed);
    const keyspace = new Keyspace(1);
    const db = keyspace.db(0);
    const model = new Map<string, ModelKey>();
    let nowMs = 1000;
    for (let step = 0; step < 20_000; step++) {
      const key = `k${random.below(300)}`;
      changeBoth({ db, model, key, nowMs, random });
      if (random.below(20) === 0) {
        nowMs += random.below(50);
        keyspace.beginEntry(nowMs);
        for (const [name, entry] of model) if (entry.deadlineMs <= nowMs) model.delete(name);
      }
      if (step % 500 === 0) expectSame(db, model);
    }
    expectSame(db, model);
  });

  test("find() and read() note the access, read() and inspect() count it, peek() does neither", () => {
    const keyspace = new Keyspace(1);
    const db = keyspace.db(0);
    const seen = (look: (key: string) => unknown): number[] => {
      keyspace.beginEntry(1000);
      const entry = db.set("k", "v");
      keyspace.beginRead(5000);
      keyspace.counters.reset();
      for (const key of ["k", "k", "nokey"]) look(key);
      return [entry.accessedMs, keyspace.counters.hits, keyspace.counters.misses];
    };
    expect(seen((key) => db.peek(key))).toEqual([1000, 0, 0]);
    expect(seen((key) => db.inspect(key))).toEqual([1000, 2, 1]);
    expect(seen((key) => db.find(key))).toEqual([5000, 0, 0]);
    expect(seen((key) => db.read(key))).toEqual([5000, 2, 1]);
  });

  test("a read that shall leave no trace notes no access, but touch() does; the next write does again", () => {
    const keyspace = new Keyspace(1);
    const db = keyspace.db(0);
    keyspace.beginEntry(1000);
    const entry = db.set("k", "v");
    keyspace.beginRead(5000, true);
    db.read("k");
    expect(entry.accessedMs).toBe(1000);
    db.touch("k", 5000);
    expect(entry.accessedMs).toBe(5000);
    keyspace.beginEntry(6000);
    keyspace.beginRead(7000, true);
    keyspace.beginCommand();
    expect(db.set("new", "v").accessedMs).toBe(6000);
  });

  test("set() keeps the place in the order of creation and drops deadline and encoding", () => {
    const db = new Keyspace(1).db(0);
    const entry = db.set("k", "a");
    db.set("later", "");
    db.setExpiry(entry, 5000);
    entry.rawEncoded = true;
    expect(db.set("k", "b")).toBe(entry);
    expect({ ...entry }).toMatchObject({
      value: "b",
      sequence: 1,
      expireAtMs: 0,
      rawEncoded: false,
      version: 4,
    });
    expect(db.volatileSize).toBe(0);
  });

  test("replaceValue() keeps the deadline", () => {
    const db = new Keyspace(1).db(0);
    const entry = db.set("k", "a");
    db.setExpiry(entry, 5000);
    db.replaceValue(entry, 7);
    expect(entry.value).toBe(7);
    expect(entry.expireAtMs).toBe(5000);
    expect(db.nextDeadlineMs).toBe(5000);
  });

  test("every change takes a revision of its own", () => {
    const keyspace = new Keyspace(2);
    const db = keyspace.db(0);
    const entry = db.set("k", "a");
    const changes = [
      () => db.set("k", "b"),
      () => db.replaceValue(entry, "c"),
      () => db.changed(entry),
      () => db.setExpiry(entry, 9000),
      () => db.clearExpiry(entry),
      () => keyspace.db(1).set("k", ""),
      () => keyspace.swap(0, 1),
      () => db.remove("k"),
      () => db.clear(),
    ];
    for (const change of changes) {
      const revision = keyspace.revision;
      change();
      expect(keyspace.revision).toBe(revision + 1);
    }
    expect(entry.version).toBe(6);
    const revision = keyspace.revision;
    db.remove("absent");
    db.clearExpiry(entry);
    db.find("k");
    db.scan(0, 10);
    expect(keyspace.revision).toBe(revision);
  });

  test("setExpiry() with a deadline that has come removes the key there and then", () => {
    const keyspace = new Keyspace(1);
    const db = keyspace.db(0);
    keyspace.beginEntry(1000);
    for (const deadlineMs of [-5, 0, 999, 1000]) {
      db.setExpiry(db.set("k", "v"), deadlineMs);
      expect([db.size, db.volatileSize, keyspace.nextDeadlineMs]).toEqual([0, 0, Infinity]);
    }
    db.setExpiry(db.set("k", "v"), 1001);
    expect(db.size).toBe(1);
  });

  test("averageTtl() is the mean of what volatile keys have left, none counting below zero", () => {
    const db = new Keyspace(1).db(0);
    expect(db.averageTtl(0)).toBe(0);
    db.setExpiry(db.set("a", ""), 1000);
    db.setExpiry(db.set("b", ""), 2001);
    db.set("c", "");
    expect(db.averageTtl(500)).toBe(1000);
    expect(db.averageTtl(1500)).toBe(250);
  });

  test("averageTtl() of many keys is near the mean", () => {
    const db = new Keyspace(1).db(0);
    for (let count = 1; count <= 50_000; count++) db.setExpiry(db.set(String(count), ""), count);
    expect(Math.abs(db.averageTtl(0) - 25_000)).toBeLessThan(2500);
  });
});

interface Change {
  readonly db: Database;
  readonly model: Map<string, ModelKey>;
  readonly key: string;
  readonly nowMs: number;
  readonly random: SeededRandom;
}

function changeBoth({ db, model, key, nowMs, random }: Change): void {
  const modelled = model.get(key);
  const entry = db.find(key);
  switch (random.below(6)) {
    case 0:
    case 1: {
      const value = `v${random.below(1000)}`;
      model.set(key, { value, deadlineMs: Infinity, version: db.set(key, value).version });
      break;
    }
    case 2:
      expect(db.remove(key)).toBe(model.delete(key));
      break;
    case 3:
      if (entry === undefined || modelled === undefined) break;
      modelled.deadlineMs = nowMs + 1 + random.below(200);
      db.setExpiry(entry, modelled.deadlineMs);
      modelled.version = entry.version;
      break;
    case 4:
      if (entry === undefined || modelled === undefined) break;
      modelled.deadlineMs = Infinity;
      db.clearExpiry(entry);
      modelled.version = entry.version;
      break;
    default:
      if (entry === undefined || modelled === undefined) break;
      modelled.value = `r${random.below(1000)}`;
      db.replaceValue(entry, modelled.value);
      modelled.version = entry.version;
  }
}

function expectSame(db: Database, model: ReadonlyMap<string, ModelKey>): void {
  const found = new Map<string, ModelKey>();
  for (const entry of db.entries()) {
    const deadlineMs = entry.expireAtMs === 0 ? Infinity : entry.expireAtMs;
    found.set(entry.key, { value: String(entry.value), deadlineMs, version: entry.version });
    expect(db.find(entry.key)).toBe(entry);
  }
  expect(new Map([...found].sort())).toEqual(new Map([...model].sort()));
  expect(db.size).toBe(model.size);
  const deadlines = [...model.values()]
    .map((entry) => entry.deadlineMs)
    .filter((deadline) => deadline < Infinity);
  expect(db.volatileSize).toBe(deadlines.length);
  expect(db.nextDeadlineMs).toBe(Math.min(Infinity, ...deadlines));
}
