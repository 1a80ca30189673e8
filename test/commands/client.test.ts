import { describe, expect, test } from "bun:test";
import { plain } from "../server/test-client.ts";
import { until } from "../support/until.ts";
import { serveTests } from "./serving-each.ts";

const fixture = serveTests();
const { ask, bytes, serving } = fixture;

describe("CLIENT INFO and LIST", () => {
  test("show Redis 7.2's fields in Redis' order", async () => {
    await ask("CLIENT", "SETNAME", "me");
    await ask("CLIENT", "SETINFO", "lib-name", "jedis");
    await ask("CLIENT", "SETINFO", "LIB-VER", "5.1");
    const line = String(await ask("CLIENT", "INFO"));
    const names = line
      .trimEnd()
      .split(" ")
      .map((field) => field.slice(0, field.indexOf("=")));
    expect(names).toEqual(
      "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver".split(
        " ",
      ),
    );
    expect(line).toMatch(
      new RegExp(
        `^id=\\d+ addr=127\\.0\\.0\\.1:\\d+ laddr=127\\.0\\.0\\.1:${serving.port} fd=\\d+ name=me age=0 idle=0 flags=N db=0 .* cmd=client\\|info user=default redir=-1 resp=2 lib-name=jedis lib-ver=5\\.1\\n$`,
      ),
    );
  });

  test("answer verbatim text in RESP3", async () => {
    await ask("HELLO", "3");
    const reply = await fixture.client.ask("CLIENT", "INFO");
    expect(reply).toMatchObject({ kind: "verbatim", format: "txt" });
  });

  test("LIST shows all, or those of a type or with the given ids", async () => {
    const other = await serving.connect();
    const id = plain(await other.ask("CLIENT", "ID"));
    const lines = async (...args: string[]): Promise<string[]> =>
      String(await ask("CLIENT", "LIST", ...args))
        .split("\n")
        .filter((line) => line !== "");
    expect((await lines()).length).toBe(serving.server.clientCount);
    expect((await lines("TYPE", "normal")).length).toBe(serving.server.clientCount);
    expect(await lines("TYPE", "pubsub")).toEqual([]);
    expect(await lines("type", "SLAVE")).toEqual([]);
    const chosen = await lines("ID", String(id), "999999");
    expect(chosen.length).toBe(1);
    expect(chosen[0]).toStartWith(`id=${id} `);
    other.close();
  });

  test.each([
    [["LIST", "TYPE", "foo"], "-ERR Unknown client type 'foo'"],
    [["LIST", "ID", "abc"], "-ERR Invalid client ID"],
    [["LIST", "ID", "9223372036854775807"], ""],
    [["LIST", "ID"], "-ERR syntax error"],
    [["LIST", "FOO"], "-ERR syntax error"],
    [["LIST", "FOO", "BAR"], "-ERR syntax error"],
  ])("CLIENT %j", async (args, expected) => {
    expect(await ask("CLIENT", ...args)).toBe(expected);
  });
});

test.each([
  [["SETNAME", "a b"], "-ERR Client names cannot contain spaces, newlines or special characters."],
  [["SETNAME", "a\n"], "-ERR Client names cannot contain spaces, newlines or special characters."],
  [["SETNAME", "\xe9"], "-ERR Client names cannot contain spaces, newlines or special characters."],
  [["SETINFO", "LIB-NAME", "a b"], "-ERR lib-name cannot contain spaces, newlines or special characters."],
  [["SETINFO", "foo", "a"], "-ERR Unrecognized option 'foo'"],
  [["REPLY", "maybe"], "-ERR syntax error"],
  [["NO-EVICT", "maybe"], "-ERR syntax error"],
  [["NO-TOUCH", "off"], "OK"],
  [["GETREDIR"], -1],
  [["foo"], "-ERR unknown subcommand 'foo'. Try CLIENT HELP."],
  [["ID", "3"], "-ERR wrong number of arguments for 'client|id' command"],
  [["KILL"], "-ERR wrong number of arguments for 'client|kill' command"],
  [["MAINT_NOTIFICATIONS", "ON"], "-ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP."],
])("CLIENT %j", async (args, expected) => {
  expect(await ask("CLIENT", ...args)).toBe(expected);
});

test("CLIENT without a subcommand", async () => {
  expect(await ask("CLIENT")).toBe("-ERR wrong number of arguments for 'client' command");
});

test("SETNAME and GETNAME; the empty name is none", async () => {
  expect(await ask("CLIENT", "GETNAME")).toBe(null);
  expect(await ask("CLIENT", "SETNAME", "me")).toBe("OK");
  expect(await ask("CLIENT", "GETNAME")).toBe("me");
  expect(await ask("CLIENT", "SETNAME", "")).toBe("OK");
  expect(await bytes("CLIENT GETNAME", "$-1\r\n")).toBe("$-1\r\n");
});

test("the flags of LIST follow READONLY, NO-EVICT and NO-TOUCH", async () => {
  await ask("READONLY");
  await ask("CLIENT", "NO-EVICT", "on");
  await ask("CLIENT", "NO-TOUCH", "on");
  expect(await ask("CLIENT", "INFO")).toContain(" flags=reT ");
  await ask("READWRITE");
  expect(await ask("CLIENT", "INFO")).toContain(" flags=eT ");
});

test("TRACKINGINFO says that tracking is off, as Redis does to the byte", async () => {
  await ask("HELLO", "3");
  const expected =
    "%3\r\n$5\r\nflags\r\n~1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n";
  expect(await bytes("CLIENT TRACKINGINFO", expected)).toBe(expected);
});

describe("CLIENT KILL", () => {
  test("closes by address, old form", async () => {
    const other = await serving.connect();
    const address = /addr=(\S+)/.exec(String(plain(await other.ask("CLIENT", "INFO"))))?.[1];
    expect(await ask("CLIENT", "KILL", address!)).toBe("OK");
    await other.untilClosed();
    expect(await ask("CLIENT", "KILL", address!)).toBe("-ERR No such client");
  });

  test("closes by id, type, user and addresses, and counts", async () => {
    for (const filter of [
      (id: string) => ["ID", id],
      (_id: string, address: string) => ["ADDR", address],
      (id: string) => ["TYPE", "normal", "ID", id],
      (id: string) => ["USER", "default", "ID", id, "SKIPME", "yes"],
      (id: string) => ["LADDR", `127.0.0.1:${serving.port}`, "ID", id],
    ]) {
      const other = await serving.connect();
      const id = String(plain(await other.ask("CLIENT", "ID")));
      const address = /addr=(\S+)/.exec(String(plain(await other.ask("CLIENT", "INFO"))))?.[1];
      expect(await ask("CLIENT", "KILL", ...filter(id, address!))).toBe(1);
      await other.untilClosed();
    }
  });

  test("spares the caller unless SKIPME no, and then answers it first", async () => {
    const id = String(await ask("CLIENT", "ID"));
    expect(await ask("CLIENT", "KILL", "ID", id)).toBe(0);
    fixture.client.write(`CLIENT KILL ID ${id} SKIPME no\r\nPING\r\n`);
    expect(plain(await fixture.client.reply())).toBe(1);
    await fixture.client.untilClosed();
    expect(fixture.client.received.endsWith(":1\r\n")).toBe(true);
    await until("the caller is gone", () => serving.server.clientById(Number(id)) === undefined);
  });

  test.each([
    [["ID", "0"], "-ERR client-id should be greater than 0"],
    [["ID", "abc"], "-ERR client-id should be greater than 0"],
    [["ID", "99999"], 0],
    [["ID", "9223372036854775807"], 0],
    [["TYPE", "foo"], "-ERR Unknown client type 'foo'"],
    [["TYPE", "replica"], 0],
    [["USER", "nope"], "-ERR No such user 'nope'"],
    [["SKIPME", "maybe"], "-ERR syntax error"],
    [["FOO", "bar"], "-ERR syntax error"],
    [["ID", "1", "ADDR"], "-ERR syntax error"],
  ])("CLIENT KILL %j", async (args, expected) => {
    expect(await ask("CLIENT", "KILL", ...args)).toBe(expected);
  });
});
