import { expect, test } from "bun:test";
import { serveTests } from "./serving-each.ts";

const fixture = serveTests();
const { ask, bytes } = fixture;

test("HELLO answers as Redis does, an array in RESP2 and a map in RESP3", async () => {
  const id = String(await ask("CLIENT", "ID"));
  const fields = (proto: number, header: string): string =>
    `${header}$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.7\r\n$5\r\nproto\r\n:${proto}\r\n$2\r\nid\r\n:${id}\r\n` +
    "$4\r\nmode\r\n$7\r\ncluster\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n";
  expect(await bytes("HELLO", fields(2, "*14\r\n"))).toBe(fields(2, "*14\r\n"));
  expect(await bytes("HELLO 3", fields(3, "%7\r\n"))).toBe(fields(3, "%7\r\n"));
  expect(await bytes("HELLO", fields(3, "%7\r\n"))).toBe(fields(3, "%7\r\n"));
  expect(await bytes("HELLO 2", fields(2, "*14\r\n"))).toBe(fields(2, "*14\r\n"));
});

test("HELLO on a node that does not lead says replica", async () => {
  fixture.serving.cluster.leading = false;
  expect(await ask("HELLO", "3")).toMatchObject({ role: "replica" });
  fixture.serving.cluster.leading = true;
});

test.each([
  [["HELLO", "4"], "-NOPROTO unsupported protocol version"],
  [["HELLO", "abc"], "-ERR Protocol version is not an integer or out of range"],
  [["HELLO", "3", "FOO"], "-ERR Syntax error in HELLO option 'FOO'"],
  [["HELLO", "3", "AUTH", "a"], "-ERR Syntax error in HELLO option 'AUTH'"],
  [["HELLO", "3", "AUTH", "a", "b"], "-WRONGPASS invalid username-password pair or user is disabled."],
  [
    ["HELLO", "3", "SETNAME", "a b"],
    "-ERR Client names cannot contain spaces, newlines or special characters.",
  ],
  [
    ["AUTH", "a"],
    "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
  ],
  [["AUTH", "default", "x"], "OK"],
  [["AUTH", "a", "b"], "-WRONGPASS invalid username-password pair or user is disabled."],
  [["AUTH", "a", "b", "c"], "-ERR syntax error"],
  [["AUTH"], "-ERR wrong number of arguments for 'auth' command"],
  [["SELECT", "abc"], "-ERR value is not an integer or out of range"],
  [["SELECT", "2147483648"], "-ERR value is out of range, value must between -2147483648 and 2147483647"],
  [["SELECT", "-2147483648"], "-ERR DB index is out of range"],
  [["SELECT", "16"], "-ERR DB index is out of range"],
  [["SELECT", "-1"], "-ERR DB index is out of range"],
  [["PING", "a", "b"], "-ERR wrong number of arguments for 'ping' command"],
  [["ECHO"], "-ERR wrong number of arguments for 'echo' command"],
  [["ECHO", ""], ""],
])("%j", async (args, expected) => {
  expect(await ask(...args)).toBe(expected);
  // A refused HELLO changes nothing.
  expect(await ask("CLIENT", "GETNAME")).toBe(null);
});

test("SELECT separates the databases of one connection", async () => {
  expect(await ask("SET", "k", "zero")).toBe("OK");
  expect(await ask("SELECT", "9")).toBe("OK");
  expect(await ask("GET", "k")).toBe(null);
  expect(await ask("SELECT", "0")).toBe("OK");
  expect(await ask("GET", "k")).toBe("zero");
});

test("RESET brings back the state of a new connection, but for the library's name", async () => {
  await ask("HELLO", "3", "SETNAME", "me");
  await ask("SELECT", "3");
  await ask("READONLY");
  await ask("CLIENT", "NO-TOUCH", "ON");
  await ask("CLIENT", "SETINFO", "LIB-NAME", "lib");
  expect(await bytes("RESET", "+RESET\r\n")).toBe("+RESET\r\n");
  const line = String(await ask("CLIENT", "INFO"));
  expect(line).toContain(" name= ");
  expect(line).toContain(" flags=N db=0 ");
  expect(line).toEndWith(" resp=2 lib-name=lib lib-ver=\n");
});
