import { expect, test } from "bun:test";
import { refusalOf } from "../../src/server/admission.ts";

const open = { clientCount: 0, clientCountMax: 2, loopbackOnly: false };

test.each(["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])(
  "refusalOf() lets %s in, protected or not",
  (address) => {
    expect(refusalOf(address, open)).toBeNull();
    expect(refusalOf(address, { ...open, loopbackOnly: true })).toBeNull();
  },
);

test.each(["10.0.0.1", "128.0.0.1", "fe80::1", "::ffff:10.0.0.1"])(
  "refusalOf() keeps %s out when protected",
  (address) => {
    expect(refusalOf(address, open)).toBeNull();
    expect(refusalOf(address, { ...open, loopbackOnly: true })).toStartWith(
      "DENIED Redis is running in protected mode",
    );
  },
);

test("refusalOf() keeps everybody out when maxclients are connected", () => {
  expect(refusalOf("127.0.0.1", { ...open, clientCount: 1 })).toBeNull();
  expect(refusalOf("127.0.0.1", { ...open, clientCount: 2 })).toBe("ERR max number of clients reached");
  // Who is kept out for this reason may still become a link.
  expect(refusalOf("10.0.0.1", { clientCount: 2, clientCountMax: 2, loopbackOnly: true })).toStartWith(
    "DENIED ",
  );
});
