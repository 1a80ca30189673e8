import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";

describe("Keyspace.beginEntry()", () => {
  test("moves the clock forward and never back", () => {
    const keyspace = new Keyspace(1);
    keyspace.beginEntry(500);
    keyspace.beginEntry(400);
    expect(keyspace.clockMs).toBe(500);
  });

  test("a key is gone when its deadline is at the clock, and there a millisecond before", () => {
    const keyspace = new Keyspace(1);
    const db = keyspace.db(0);
    db.setExpiry(db.set("k", "v"), 1000);
    keyspace.beginEntry(999);
    expect(db.find("k")?.value).toBe("v");
    keyspace.beginEntry(1000);
    expect(db.find("k")).toBeUndefined();
    expect(db.size).toBe(0);
    expect(keyspace.nextDeadlineMs).toBe(Infinity);
  });

  test("frees at most a thousand keys an entry, and shows none of the others meanwhile", () => {
    const keyspace = new Keyspace(2);
    const db = keyspace.db(1);
    for (let index = 0; index < 2500; index++) db.setExpiry(db.set(`k${index}`, ""), 1000 + (index % 5));
    db.set("stays", "");
    keyspace.beginEntry(2000);
    expect(db.size).toBe(1501);
    expect(db.volatileSize).toBe(1500);
    expect(db.find("k4")).toBeUndefined();
    expect(db.remove("k9")).toBe(false);
    expect([...db.entries()].map((entry) => entry.key)).toEqual(["stays"]);
    const names = new Set<string>();
    for (let cursor = 0; ;) {
      const step = db.scan(cursor, 100);
      for (const entry of step.entries) names.add(entry.key);
      cursor = step.cursor;
      if (cursor === 0) break;
    }
    expect([...names]).toEqual(["stays"]);
    const random = new SeededRandom(1);
    for (let draw = 0; draw < 20; draw++) expect(db.randomEntry(random)?.key).toBe("stays");
    // The next deadline is past, so that the leader goes on proposing clock entries until all are freed.
    expect(keyspace.nextDeadlineMs).toBeLessThanOrEqual(keyspace.clockMs);
    keyspace.beginEntry(2000);
    keyspace.beginEntry(2000);
    expect(db.size).toBe(1);
    expect(keyspace.nextDeadlineMs).toBe(Infinity);
  });

  test("commands go on where their entry stopped, so that no load leaves more and more behind", () => {
    const keyspace = new Keyspace(2);
    const db = keyspace.db(0);
    const commandsPerEntry = 3000;
    for (let entry = 1; entry <= 20; entry++) {
      keyspace.beginEntry(entry * 10);
      for (let command = 0; command < commandsPerEntry; command++) {
        keyspace.beginCommand();
        db.setExpiry(db.set(`${entry} ${command}`, ""), entry * 10 + 10);
      }
      expect(db.size).toBeLessThanOrEqual(2 * commandsPerEntry);
    }
    expect(keyspace.counters.expired).toBe(19 * commandsPerEntry);
    // Nothing is due that has not been freed: commands have nothing more to do.
    keyspace.beginCommand();
    expect(db.size).toBe(commandsPerEntry);
  });

  test("draws any of the few live keys among many that wait to be freed", () => {
    const keyspace = new Keyspace(1);
    const db = keyspace.db(0);
    for (let index = 0; index < 20_000; index++) {
      const entry = db.set(`k${index}`, "");
      if (index !== 10_000 && index !== 19_999) db.setExpiry(entry, 10);
    }
    keyspace.beginEntry(10);
    const random = new SeededRandom(2);
    const drawn = new Set(Array.from({ length: 20 }, () => db.randomEntry(random)?.key));
    expect([...drawn].sort()).toEqual(["k10000", "k19999"]);
  });

  test("draws no random key when all stored ones wait to be freed", () => {
    const keyspace = new Keyspace(1);
    const db = keyspace.db(0);
    for (let index = 0; index < 1100; index++) db.setExpiry(db.set(`k${index}`, ""), 10);
    keyspace.beginEntry(10);
    expect(db.size).toBe(100);
    expect(db.randomEntry(new SeededRandom(1))).toBeUndefined();
  });

  test("a name whose old key waits to be freed can be taken anew, as a new key", () => {
    const keyspace = new Keyspace(1);
    const db = keyspace.db(0);
    for (let index = 0; index < 1500; index++) db.setExpiry(db.set(`k${index}`, "old"), 10);
    keyspace.beginEntry(10);
    const entry = db.set("k1400", "new");
    expect(entry.sequence).toBe(1501);
    expect(entry.expireAtMs).toBe(0);
    keyspace.beginEntry(10);
    expect([...db.entries()]).toEqual([entry]);
    expect(db.size).toBe(1);
  });

  test("frees in the order of deadline, database and sequence", () => {
    const keyspace = new Keyspace(3);
    const expectedVersions: string[] = [];
    for (const index of [2, 0, 1]) {
      for (const name of ["a", "b"]) keyspace.db(index).setExpiry(keyspace.db(index).set(name, ""), 100);
    }
    keyspace.db(2).setExpiry(keyspace.db(2).set("first", ""), 50);
    // One more than an entry frees: what is left over must be the last one of the order.
    for (let index = 0; index < 994; index++)
      keyspace.db(0).setExpiry(keyspace.db(0).set(`k${index}`, ""), 90);
    keyspace.beginEntry(100);
    for (const db of keyspace.databases) {
      for (const entry of db.storedEntries()) expectedVersions.push(`${db.index} ${entry.key}`);
    }
    expect(expectedVersions).toEqual(["2 b"]);
  });
});

describe("Keyspace", () => {
  test("isExpiredAt() says whether a read must wait for the clock", () => {
    const keyspace = new Keyspace(1);
    const db = keyspace.db(0);
    db.setExpiry(db.set("k", ""), 1000);
    db.set("for ever", "");
    keyspace.beginEntry(500);
    expect(keyspace.isExpiredAt(0, "k", 999)).toBe(false);
    expect(keyspace.isExpiredAt(0, "k", 1000)).toBe(true);
    expect(keyspace.isExpiredAt(0, "for ever", 1e15)).toBe(false);
    expect(keyspace.isExpiredAt(0, "absent", 1e15)).toBe(false);
    keyspace.beginEntry(1000);
    expect(keyspace.isExpiredAt(0, "k", 2000)).toBe(false);
  });

  test("swap() swaps keys, deadlines and sequences, and a database with itself to no effect", () => {
    const keyspace = new Keyspace(3);
    keyspace.db(0).setExpiry(keyspace.db(0).set("k", "zero"), 1000);
    keyspace.db(2).set("k", "two");
    keyspace.db(2).set("other", "");
    keyspace.swap(0, 2);
    expect(keyspace.db(0).find("k")?.value).toBe("two");
    expect(keyspace.db(2).find("k")?.value).toBe("zero");
    expect(keyspace.db(2).nextDeadlineMs).toBe(1000);
    const before = keyspace.digest();
    keyspace.swap(1, 1);
    expect(keyspace.digest()).toBe(before);
    keyspace.beginEntry(1000);
    expect(keyspace.db(2).find("k")).toBeUndefined();
    expect(keyspace.db(0).set("new", "").sequence).toBe(3);
    expect(keyspace.db(2).set("new", "").sequence).toBe(2);
  });

  test("clear() empties all databases and forgets their deadlines", () => {
    const keyspace = new Keyspace(2);
    for (const db of keyspace.databases) db.setExpiry(db.set("k", ""), 1000);
    keyspace.clear();
    expect(keyspace.databases.map((db) => db.size)).toEqual([0, 0]);
    expect(keyspace.nextDeadlineMs).toBe(Infinity);
    expect(keyspace.db(0).set("k", "").sequence).toBe(2);
  });
});

describe("Keyspace.digest()", () => {
  /** A keyspace after some entries, the last change being `last`. */
  function built(last: (keyspace: Keyspace) => void = () => undefined): Keyspace {
    const keyspace = new Keyspace(2);
    keyspace.beginEntry(100);
    const db = keyspace.db(0);
    db.set("a", "1");
    db.set("b", 2);
    const entry = db.set("c", "text");
    db.setExpiry(entry, 9000);
    keyspace.db(1).set("a", "\xff\x00");
    last(keyspace);
    return keyspace;
  }

  test("is the same after the same entries, whatever was read in between", () => {
    const read = built((keyspace) => {
      keyspace.beginRead(5000);
      keyspace.db(0).find("a");
      keyspace.db(0).scan(0, 10);
      keyspace.db(0).randomEntry(new SeededRandom(1));
    });
    expect(read.digest()).toBe(built().digest());
    expect(read.digest()).toMatch(/^[0-9a-f]{40}$/);
  });

  const changes: readonly [what: string, change: (keyspace: Keyspace) => void][] = [
    ["a value", (keyspace) => (keyspace.db(0).peek("a")!.value = "3")],
    ["the form of a value", (keyspace) => (keyspace.db(0).peek("a")!.value = 1)],
    ["an encoding", (keyspace) => (keyspace.db(0).peek("a")!.rawEncoded = true)],
    ["a deadline", (keyspace) => (keyspace.db(0).peek("c")!.expireAtMs = 9001)],
    ["a version", (keyspace) => (keyspace.db(0).peek("c")!.version += 1)],
    ["the clock", (keyspace) => keyspace.beginEntry(101)],
    ["an emptied database", (keyspace) => keyspace.db(1).clear()],
    ["a removed key", (keyspace) => keyspace.db(0).remove("a")],
    ["the databases' places", (keyspace) => keyspace.swap(0, 1)],
  ];

  test.each(changes)("tells apart %s", (_what, change) => {
    expect(built(change).digest()).not.toBe(built().digest());
  });

  test("tells apart where a name ends and its value begins", () => {
    const one = new Keyspace(1);
    one.db(0).set("a", "\xff\x00");
    const other = new Keyspace(1);
    other.db(0).set("a\xff", "\x00");
    expect(one.digest()).not.toBe(other.digest());
  });

  test("tells the order of creation apart, and the sequence to come", () => {
    const one = new Keyspace(1);
    one.db(0).set("a", "");
    one.db(0).set("b", "");
    const other = new Keyspace(1);
    other.db(0).set("b", "");
    other.db(0).set("a", "");
    expect(one.digest()).not.toBe(other.digest());
    // Both are empty after three changes, but the next key gets another sequence.
    const twoCreated = new Keyspace(1);
    twoCreated.db(0).set("a", "");
    twoCreated.db(0).set("b", "");
    twoCreated.db(0).clear();
    const oneCreated = new Keyspace(1);
    oneCreated.db(0).set("a", "");
    oneCreated.db(0).set("a", "");
    oneCreated.db(0).clear();
    expect(oneCreated.revision).toBe(twoCreated.revision);
    expect(oneCreated.digest()).not.toBe(twoCreated.digest());
  });
});
