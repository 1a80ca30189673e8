import { beforeEach, describe, expect, test } from "bun:test";
import { plain } from "../server/test-client.ts";
import { serveTests } from "./serving-each.ts";

const fixture = serveTests();
const { ask, bytes, serving } = fixture;
const { cluster } = serving;
const clusterId = "0123456789abcdef0123456789abcdef";

beforeEach(() => {
  cluster.asked.length = 0;
  cluster.waiting.length = 0;
  cluster.outcome = { error: null };
  cluster.stateErrorText = null;
  cluster.leaderErrorText = null;
});

describe("RAFT.CLUSTER", () => {
  test("INIT answers OK and the id, given or not", async () => {
    const expected = `+OK ${clusterId}\r\n`;
    expect(await bytes("RAFT.CLUSTER INIT", expected)).toBe(expected);
    expect(await ask("RAFT.CLUSTER", "i", "x".repeat(32))).toBe(`OK ${"x".repeat(32)}`);
    expect(cluster.asked).toEqual(["init random", `init ${"x".repeat(32)}`]);
  });

  test("JOIN waits for the node, and what the client sends meanwhile waits too", async () => {
    cluster.outcome = null;
    fixture.client.write("RAFT.CLUSTER JOIN 10.0.0.1:6379 [::1]:6380 name.example:1\r\nPING\r\n");
    while (cluster.waiting.length === 0) await Bun.sleep(1);
    await Bun.sleep(5);
    expect(fixture.client.receivedBytes).toBe(0);
    cluster.waiting[0]!(null);
    expect(plain(await fixture.client.reply())).toBe("OK");
    expect(plain(await fixture.client.reply())).toBe("PONG");
    expect(cluster.asked).toEqual(["join 10.0.0.1 6379, ::1 6380, name.example 1"]);
  });

  test.each([
    [["INIT", "short"], "-ERR cluster id must be 32 characters"],
    [["INIT", "x".repeat(30) + "\r\n"], "-ERR cluster id must be 32 characters"],
    [["INIT", "x".repeat(31) + " "], "-ERR cluster id must be 32 characters"],
    [["INIT", "a", "b"], "-ERR wrong number of arguments for 'raft.cluster' command"],
    [["JOIN"], "-ERR wrong number of arguments for 'raft.cluster' command"],
    [["JOIN", "nowhere"], "-ERR invalid node address"],
    [["JOIN", "host:0"], "-ERR invalid node address"],
    [["JOIN", "host:65536"], "-ERR invalid node address"],
    [["JOIN", ":6379"], "-ERR invalid node address"],
    [["JOIN", "ho st:6379"], "-ERR invalid node address"],
    [["LEAVE"], "-RAFT.CLUSTER supports INIT / JOIN only"],
    [[""], "-RAFT.CLUSTER supports INIT / JOIN only"],
    [[], "-ERR wrong number of arguments for 'raft.cluster' command"],
  ])("RAFT.CLUSTER %j", async (args, expected) => {
    expect(await ask("RAFT.CLUSTER", ...(args as string[]))).toBe(expected);
    expect(cluster.asked).toEqual([]);
  });

  test("the node's refusal comes through", async () => {
    cluster.outcome = { error: "ERR Already cluster member" };
    expect(await ask("RAFT.CLUSTER", "INIT")).toBe("-ERR Already cluster member");
    expect(await ask("RAFT.CLUSTER", "JOIN", "h:1")).toBe("-ERR Already cluster member");
  });
});

describe("RAFT.NODE", () => {
  test("ADD answers the id and the cluster's id, REMOVE answers OK", async () => {
    const expected = `*2\r\n:5\r\n+${clusterId}\r\n`;
    expect(await bytes("RAFT.NODE ADD 5 10.0.0.1:6379", expected)).toBe(expected);
    expect(await ask("RAFT.NODE", "A", "0", "h:1")).toEqual([0, clusterId]);
    expect(await ask("RAFT.NODE", "R", "3")).toBe("OK");
    expect(cluster.asked).toEqual(["add 5 10.0.0.1 6379", "add 0 h 1", "remove 3"]);
  });

  test("REPLACE answers as ADD does; REMOVE keeps the beginnings that both have", async () => {
    expect(await ask("RAFT.NODE", "REPLACE", "3", "5", "[::1]:7", clusterId)).toEqual([5, clusterId]);
    expect(await ask("RAFT.NODE", "rep", "3", "0", "h:1")).toEqual([0, clusterId]);
    expect(await ask("RAFT.NODE", "RE", "3")).toBe("OK");
    expect(cluster.asked).toEqual(["replace 3 by 5 ::1 7", "replace 3 by 0 h 1", "remove 3"]);
  });

  test.each([
    [["ADD", "-1", "h:1"], "-ERR invalid node id"],
    [["ADD", "x", "h:1"], "-ERR invalid node id"],
    [["ADD", "2147483648", "h:1"], "-ERR invalid node id"],
    [["ADD", "1", "h"], "-ERR invalid node address"],
    [["ADD", "1", "h:1", "another"], "-ERR this cluster has another cluster-name"],
    [["ADD", "1", "h:1", "", "x"], "-ERR wrong number of arguments for 'raft.node' command"],
    [["ADD", "1"], "-ERR wrong number of arguments for 'raft.node' command"],
    [["REMOVE", "0"], "-ERR invalid node id"],
    [["REMOVE", "x"], "-ERR invalid node id"],
    [["REMOVE"], "-ERR wrong number of arguments for 'raft.node' command"],
    [["REPLACE", "3", "4"], "-ERR wrong number of arguments for 'raft.node' command"],
    [["REPLACE", "3", "4", "h:1", clusterId, "x"], "-ERR wrong number of arguments for 'raft.node' command"],
    [["REPLACE", "0", "4", "h:1"], "-ERR invalid node id"],
    [["REPLACE", "3", "-1", "h:1"], "-ERR invalid node id"],
    [["REPLACE", "3", "4", "h"], "-ERR invalid node address"],
    [["REPLACE", "3", "4", "h:1", "another"], "-ERR this cluster has another id"],
    [["FOO"], "-ERR RAFT.NODE supports ADD / REMOVE / REPLACE only"],
  ])("RAFT.NODE %j", async (args, expected) => {
    expect(await ask("RAFT.NODE", ...args)).toBe(expected);
    expect(cluster.asked).toEqual([]);
  });

  test("the state is checked first, then the leader, then the arguments", async () => {
    cluster.leaderErrorText = "MOVED 0 10.0.0.1:6379";
    expect(await ask("RAFT.NODE", "REMOVE", "x")).toBe("-MOVED 0 10.0.0.1:6379");
    cluster.stateErrorText = "NOCLUSTER No Raft Cluster";
    expect(await ask("RAFT.NODE", "REMOVE", "x")).toBe("-NOCLUSTER No Raft Cluster");
    expect(await ask("RAFT.TRANSFER_LEADER")).toBe("-NOCLUSTER No Raft Cluster");
    expect(await ask("RAFT.TIMEOUT_NOW")).toBe("-NOCLUSTER No Raft Cluster");
  });
});

test("RAFT.TRANSFER_LEADER and RAFT.TIMEOUT_NOW", async () => {
  expect(await ask("RAFT.TRANSFER_LEADER")).toBe("OK");
  expect(await ask("RAFT.TRANSFER_LEADER", "9")).toBe("OK");
  expect(await ask("RAFT.TRANSFER_LEADER", "x")).toBe("-ERR invalid target node id");
  expect(await ask("RAFT.TRANSFER_LEADER", "1", "2")).toStartWith("-ERR wrong number of arguments");
  expect(await ask("RAFT.TIMEOUT_NOW")).toBe("OK");
  cluster.outcome = { error: "ERR not leader" };
  expect(await ask("RAFT.TRANSFER_LEADER")).toBe("-ERR not leader");
  expect(cluster.asked).toEqual(["transfer 0", "transfer 9", "timeout now", "transfer 0"]);
});

test("RAFT.CONFIG GET and SET, with RedisRaft's texts", async () => {
  expect(await ask("RAFT.CONFIG", "GET", "election-timeout")).toEqual(["election-timeout", "1000"]);
  expect(await ask("RAFT.CONFIG", "SET", "election-timeout", "1500")).toBe("OK");
  expect(await ask("CONFIG", "GET", "raft.election-timeout")).toEqual(["raft.election-timeout", "1500"]);
  expect(await ask("RAFT.CONFIG", "SET", "election-timeout", "0")).toBe(
    "-ERR invalid 'election-timeout' value: argument must be between 1 and 2147483647 inclusive",
  );
  expect(await ask("RAFT.CONFIG", "SET", "nope", "1")).toBe("-ERR invalid parameter 'nope'");
  expect(await ask("RAFT.CONFIG", "SET", "dir", "/")).toBe("-ERR 'dir' only supported at load time");
  expect(await ask("RAFT.CONFIG", "FOO", "x")).toBe(
    "-ERR wrong number of arguments for 'raft.config' command",
  );
});

test("RAFT.DEBUG", async () => {
  expect(await ask("RAFT.DEBUG", "EXEC", "get", "k")).toBe("get k");
  expect(await ask("RAFT.DEBUG", "USED_NODE_IDS")).toEqual([7, 8, 2_147_483_647]);
  expect(await ask("RAFT.DEBUG", "DIGEST")).toEqual([42, "abcd"]);
  expect(await ask("RAFT.DEBUG", "nope")).toBe("-ERR invalid debug subcommand");
  const specs: unknown[] = [];
  for (const name of ["get", "SET", "config", "ping", "nope"])
    specs.push(await ask("RAFT.DEBUG", "COMMANDSPEC", name));
  expect(specs).toEqual([2, 4, 1024, 16, "-ERR unknown command"]);
});
