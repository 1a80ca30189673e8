import { describe, expect, test } from "bun:test";
import { keySlot } from "../../src/base/key-slot.ts";

describe("keySlot()", () => {
  // From the Redis Cluster specification, and CLUSTER KEYSLOT of redis-server 7.0.15.
  const slots: readonly [string, number][] = [
    ["", 0],
    ["foo", 12182],
    ["bar", 5061],
    ["123456789", 0x31c3],
    ["{user1000}.following", 3443],
    ["{user1000}.followers", 3443],
    ["user1000", 3443],
    ["foo{}{bar}", 8363],
    ["foo{{bar}}zap", 4015],
    ["{bar", 4015],
    ["foo{bar}{zap}", 5061],
    ["\xff\x00\x80", 7915],
  ];
  for (const [key, slot] of slots) {
    test(`puts ${JSON.stringify(key)} into ${slot}`, () => expect(keySlot(key)).toBe(slot));
  }
});
