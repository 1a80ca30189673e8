// What the keyspace costs: `bun test/bench/keyspace.ts [keys]`. Memory a key and operations a second, with keys and values
// cut from a receive buffer as the parser cuts them. The same for a bare Map, as the floor.

import { SeededRandom } from "../../src/base/random.ts";
import { databaseCount, Keyspace } from "../../src/keyspace/keyspace.ts";

const count = Number(process.argv[2] ?? 1_000_000);
const valueBytes = 64;
const buffer = Buffer.alloc(256, "x");

/** A fresh byte string, in no relation to any other. */
function nameOf(index: number): string {
  const text = `key:${index}`;
  return buffer.latin1Slice(0, buffer.latin1Write(text, 0));
}

function freshValue(): string {
  return buffer.latin1Slice(0, valueBytes);
}

function bytesInUse(): number {
  Bun.gc(true);
  return process.memoryUsage().rss;
}

function measure(title: string, operations: number, run: () => void): void {
  const startedNs = Bun.nanoseconds();
  run();
  const ns = (Bun.nanoseconds() - startedNs) / operations;
  console.log(
    `${title.padEnd(44)}${ns.toFixed(0).padStart(6)} ns   ${(1e3 / ns).toFixed(2).padStart(6)} M/s`,
  );
}

const names = Array.from({ length: count }, (_, index) => nameOf(index));
const random = new SeededRandom(1);
const shuffled = Array.from({ length: count }, () => nameOf(random.below(count)));

let keyspace = new Keyspace(databaseCount);
let db = keyspace.db(0);
keyspace.beginEntry(1000);
const before = bytesInUse();
measure("set() of new keys, value made", count, () => {
  for (const name of names) db.set(name, freshValue());
});
console.log(
  `memory a key with ${valueBytes} bytes of value, name excluded: ${Math.round((bytesInUse() - before) / count)} bytes`,
);
measure("find() in random order", count, () => {
  for (const name of shuffled) db.find(name);
});
measure("set() of keys that are there", count, () => {
  for (const name of shuffled) db.set(name, 7);
});
measure("setExpiry() in random order of deadlines", count, () => {
  for (const entry of db.entries()) db.setExpiry(entry, 2000 + random.below(1_000_000));
});
measure("scan() in steps of 10, a key", count, () => {
  for (let cursor = 0; ;) {
    cursor = db.scan(cursor, 10).cursor;
    if (cursor === 0) break;
  }
});
measure("randomEntry()", count, () => {
  for (let draw = 0; draw < count; draw++) db.randomEntry(random);
});
measure("remove() of half, in random order", count, () => {
  for (const name of shuffled) db.remove(name);
});
measure("digest(), a key", db.size, () => {
  keyspace.digest();
});
const volatileCount = db.size;
measure("beginEntry(), a key that expires", volatileCount, () => {
  while (keyspace.nextDeadlineMs < Infinity) keyspace.beginEntry(5_000_000);
});

keyspace = new Keyspace(databaseCount);
db = keyspace.db(0);
const map = new Map<string, string>();
const beforeMap = bytesInUse();
measure("Map: set() of new keys, value made", count, () => {
  for (const name of names) map.set(name, freshValue());
});
console.log(`memory a key of a bare Map: ${Math.round((bytesInUse() - beforeMap) / count)} bytes`);
