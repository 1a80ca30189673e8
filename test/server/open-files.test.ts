import { expect, test } from "bun:test";
import { clientsFor, openFilesIn, openFilesMax } from "../../src/server/open-files.ts";

test("openFilesIn() reads the soft limit, and knows when there is none", () => {
  const before = "Limit                     Soft Limit           Hard Limit           Units     \n";
  expect(
    openFilesIn(`${before}Max open files            1024                 524288               files     \n`),
  ).toBe(1024);
  expect(
    openFilesIn(`${before}Max open files            unlimited            unlimited            files     \n`),
  ).toBeNull();
  expect(openFilesIn("")).toBeNull();
});

test("openFilesMax() is this process's limit", () => {
  expect(openFilesMax()).toBeGreaterThan(64);
});

test("clientsFor() leaves files for the log and for links, and half of them at least for clients", () => {
  expect(clientsFor(10_240)).toBe(10_112);
  expect(clientsFor(1024)).toBe(896);
  expect(clientsFor(40)).toBe(20);
  expect(clientsFor(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
});
