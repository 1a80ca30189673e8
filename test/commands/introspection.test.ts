import { describe, expect, test } from "bun:test";
import { serveTests } from "./serving-each.ts";

const { ask, bytes, serving } = serveTests();

const getEntry2 =
  "*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@string\r\n+@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n" +
  "$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n";
const getEntry3 =
  "*10\r\n$3\r\nget\r\n:2\r\n~2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n~3\r\n+@read\r\n+@string\r\n+@fast\r\n~0\r\n~1\r\n%3\r\n$5\r\nflags\r\n~2\r\n+RO\r\n+access\r\n" +
  "$12\r\nbegin_search\r\n%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n%1\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n%3\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n~0\r\n";

describe("COMMAND INFO", () => {
  test("gives redis-server's bytes for GET in both protocols", async () => {
    expect(await bytes("COMMAND INFO get", `*1\r\n${getEntry2}`)).toBe(`*1\r\n${getEntry2}`);
    await ask("HELLO", "3");
    expect(await bytes("COMMAND INFO GET", `*1\r\n${getEntry3}`)).toBe(`*1\r\n${getEntry3}`);
  });

  test("gives redis-server's bytes for a subcommand, and nil for what does not exist", async () => {
    const expected =
      "*2\r\n*10\r\n$9\r\nclient|id\r\n:2\r\n*3\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n*2\r\n+@slow\r\n+@connection\r\n*0\r\n*0\r\n*0\r\n$-1\r\n";
    expect(await bytes("COMMAND INFO client|id nope", expected)).toBe(expected);
    expect(await ask("COMMAND", "INFO", "get|foo", "client|nope", "client|id|x")).toEqual([null, null, null]);
  });

  test("holds subcommands in the container's tenth element", async () => {
    const [entry] = (await ask("COMMAND", "INFO", "config")) as unknown[][];
    expect(entry!.slice(0, 7)).toEqual(["config", -2, [], 0, 0, 0, ["@slow"]]);
    const names = (entry![9] as unknown[][]).map(([name]) => name);
    expect(names.toSorted()).toEqual([
      "config|get",
      "config|help",
      "config|resetstat",
      "config|rewrite",
      "config|set",
    ]);
    const set = (entry![9] as unknown[][]).find(([name]) => name === "config|set");
    expect(set!.slice(1, 8)).toEqual([
      -4,
      ["admin", "noscript", "loading", "stale"],
      0,
      0,
      0,
      ["@admin", "@slow", "@dangerous"],
      ["request_policy:all_nodes", "response_policy:all_succeeded"],
    ]);
  });

  test("without names gives every command, as COMMAND does; COUNT counts them", async () => {
    const all = (await ask("COMMAND")) as unknown[];
    expect(await ask("COMMAND", "INFO")).toEqual(all);
    expect(await ask("COMMAND", "COUNT")).toBe(all.length);
    expect(all.length).toBe(serving.router.commands.commands.length);
  });

  test("gives old clients the key range of several specifications", async () => {
    const ranges = ((await ask("COMMAND", "INFO", "mset", "rename", "lcs", "ping")) as unknown[][]).map(
      (entry) => entry.slice(3, 6),
    );
    expect(ranges).toEqual([
      [1, -1, 2],
      [1, 2, 1],
      [1, 2, 1],
      [0, 0, 0],
    ]);
  });
});

test("COMMAND DOCS documents commands, containers and subcommands", async () => {
  await ask("HELLO", "3");
  expect(await ask("COMMAND", "DOCS", "get", "nope")).toEqual({
    get: {
      summary: expect.any(String),
      since: "1.0.0",
      group: "string",
      complexity: "O(1)",
      arguments: [{ name: "key", type: "key", display_text: "key", key_spec_index: 0 }],
    },
  });
  const docs = (await ask("COMMAND", "DOCS", "client", "client|reply")) as Record<
    string,
    Record<string, object>
  >;
  expect(Object.keys(docs)).toEqual(["client", "client|reply"]);
  expect(docs["client"]!["subcommands"]).toHaveProperty("client|kill");
  expect(docs["client|reply"]!["arguments"]).toMatchObject([
    { name: "action", type: "oneof", arguments: [{ name: "on", type: "pure-token", token: "ON" }, {}, {}] },
  ]);
});

describe("COMMAND DOCS", () => {
  const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
  const bulks = (...texts: string[]): string => texts.map(bulk).join("");
  const facts = ["summary", "Returns the mapping of cluster slots to nodes.", "since", "3.0.0"];
  facts.push("group", "cluster", "complexity", "O(N) where N is the total number of Cluster nodes");
  const deprecation = bulks("deprecated_since", "7.0.0", "replaced_by", "`CLUSTER SHARDS`");
  const changes = [
    `*2\r\n${bulks("4.0.0", "Shows the IDs of nodes.")}`,
    `*2\r\n${bulks("7.0.0", "Shows further facts of a node's address.")}`,
  ].join("");

  test.each([
    ["2", "*2\r\n", "*16\r\n", "*"],
    ["3", "%1\r\n", "%8\r\n", "~"],
  ])("gives deprecation and history in redis-server's order and types, RESP%s", async (...form) => {
    const [protocol, answer, documented, set] = form;
    const docs = `${bulks(...facts)}${bulk("doc_flags")}${set}1\r\n+deprecated\r\n${deprecation}`;
    const history = `${bulk("history")}${set}2\r\n${changes}`;
    const expected = `${answer}${bulk("cluster|slots")}${documented}${docs}${history}`;
    await ask("HELLO", protocol);
    expect(await bytes("COMMAND DOCS cluster|slots", expected)).toBe(expected);
  });

  test("flags what only nodes say to each other", async () => {
    await ask("HELLO", "3");
    const docs = (await ask("COMMAND", "DOCS", "raft.peer", "raft.info")) as Record<string, object>;
    expect(docs["raft.peer"]).toMatchObject({ doc_flags: ["syscmd"] });
    expect(docs["raft.info"]).not.toHaveProperty("doc_flags");
  });
});

test("COMMAND LIST filters", async () => {
  const all = (await ask("COMMAND", "LIST")) as string[];
  expect(all).toContain("client");
  expect(all).toContain("client|id");
  expect(
    ((await ask("COMMAND", "LIST", "FILTERBY", "PATTERN", "client|set*")) as string[]).toSorted(),
  ).toEqual(["client|setinfo", "client|setname"]);
  expect(await ask("COMMAND", "LIST", "FILTERBY", "MODULE", "x")).toEqual([]);
  expect(await ask("COMMAND", "LIST", "FILTERBY", "ACLCAT", "nope")).toEqual([]);
  const dangerous = (await ask("COMMAND", "LIST", "filterby", "aclcat", "dangerous")) as string[];
  expect(dangerous).toContain("config|set");
  expect(dangerous).toContain("shutdown");
  expect(dangerous).not.toContain("get");
  expect(await ask("COMMAND", "LIST", "FILTERBY", "FOO", "x")).toBe("-ERR syntax error");
  expect(await ask("COMMAND", "LIST", "FILTERBY", "FOO")).toBe("-ERR syntax error");
});

test.each([
  [["GETKEYS", "GET", "a"], ["a"]],
  [
    ["GETKEYS", "mset", "a", "1", "b", "2"],
    ["a", "b"],
  ],
  [["GETKEYS", "OBJECT", "encoding", "k"], ["k"]],
  [["GETKEYS", "PING"], "-ERR The command has no key arguments"],
  [["GETKEYS", "CONFIG", "GET", "x"], "-ERR The command has no key arguments"],
  [["GETKEYS", "nope"], "-ERR Invalid command specified"],
  [["GETKEYS", "CLIENT", "nope"], "-ERR Invalid command specified"],
  [["GETKEYS", "OBJECT"], "-ERR The command has no key arguments"],
  [["GETKEYS", "object|encoding", "ENCODING", "k"], "-ERR Invalid command specified"],
  [["GETKEYS", "get", "a", "b"], "-ERR Invalid number of arguments specified for command"],
  [["GETKEYS"], "-ERR wrong number of arguments for 'command|getkeys' command"],
  [["GETKEYSANDFLAGS", "GET", "a"], [["a", ["RO", "access"]]]],
  [["GETKEYSANDFLAGS", "SET", "a", "b"], [["a", ["OW", "update"]]]],
  [["GETKEYSANDFLAGS", "SET", "a", "b", "get"], [["a", ["RW", "access", "update"]]]],
  [["FOO"], "-ERR unknown subcommand 'FOO'. Try COMMAND HELP."],
])("COMMAND %j", async (args, expected) => {
  expect(await ask("COMMAND", ...(args as string[]))).toEqual(expected);
});

test("HELP of every container has Redis' frame", async () => {
  for (const container of ["CLIENT", "COMMAND", "CONFIG", "CLUSTER"]) {
    const lines = (await ask(container, "HELP")) as string[];
    expect(lines[0]).toBe(`${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
    expect(lines.slice(-2)).toEqual(["HELP", "    Prints this help."]);
  }
});
