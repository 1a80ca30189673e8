import { beforeEach, describe, expect, test } from "bun:test";
import { viewOf } from "../server/fake-cluster.ts";
import { serveTests } from "./serving-each.ts";

const { ask, bytes, serving } = serveTests();
const { cluster } = serving;
const clusterId = "0123456789abcdef0123456789abcdef";
const leader = `${clusterId}00000008`;
const self = `${clusterId}00000007`;

beforeEach(() => {
  cluster.clusterId = clusterId;
  cluster.stateErrorText = null;
  cluster.members = [
    viewOf(8, 6380, { leader: true }),
    viewOf(7, 6379, { myself: true }),
    viewOf(9, 6381, { connected: false }),
  ];
});

test("CLUSTER SLOTS gives all slots to the leader, first, as Redis does to the byte", async () => {
  await ask("HELLO", "3");
  const node = (port: number, name: string): string =>
    `*4\r\n$9\r\n127.0.0.1\r\n:${port}\r\n$40\r\n${name}\r\n%0\r\n`;
  const expected = `*1\r\n*5\r\n:0\r\n:16383\r\n${node(6380, leader)}${node(6379, self)}${node(6381, `${clusterId}00000009`)}`;
  expect(await bytes("CLUSTER SLOTS", expected)).toBe(expected);
});

test("CLUSTER SHARDS is one shard with roles and health", async () => {
  await ask("HELLO", "3");
  const node = (id: string, port: number, role: string, health: string): object => ({
    id,
    port,
    ip: "127.0.0.1",
    endpoint: "127.0.0.1",
    role,
    "replication-offset": 10,
    health,
  });
  expect(await ask("CLUSTER", "SHARDS")).toEqual([
    {
      slots: [0, 16383],
      nodes: [
        node(leader, 6380, "master", "online"),
        node(self, 6379, "replica", "online"),
        node(`${clusterId}00000009`, 6381, "replica", "fail"),
      ],
    },
  ]);
});

test("CLUSTER NODES puts the slots on the master's line only", async () => {
  expect(await ask("CLUSTER", "NODES")).toBe(
    `${leader} 127.0.0.1:6380@6380 master - 0 0 3 connected 0-16383\n` +
      `${self} 127.0.0.1:6379@6379 myself,slave ${leader} 0 0 3 connected\n` +
      `${clusterId}00000009 127.0.0.1:6381@6381 slave ${leader} 0 0 3 disconnected\n`,
  );
});

describe("CLUSTER INFO", () => {
  test("is ok while a leader is known", async () => {
    expect(await ask("CLUSTER", "INFO")).toBe(
      "cluster_enabled:1\r\ncluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n" +
        "cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_known_nodes:3\r\ncluster_size:1\r\n" +
        "cluster_current_epoch:3\r\ncluster_my_epoch:3\r\n",
    );
  });

  test("says fail without a leader, and shows the last one in its place", async () => {
    cluster.members = [viewOf(8, 6380), viewOf(7, 6379, { myself: true })];
    expect(await ask("CLUSTER", "INFO")).toContain("cluster_state:fail\r\n");
    expect(await ask("CLUSTER", "NODES")).toStartWith(`${leader} 127.0.0.1:6380@6380 master - `);
  });

  test("before INIT nothing is assigned, and there are no nodes to show", async () => {
    cluster.clusterId = "";
    cluster.stateErrorText = "NOCLUSTER No Raft Cluster";
    expect(await ask("CLUSTER", "INFO")).toContain(
      "cluster_state:fail\r\ncluster_slots_assigned:0\r\ncluster_slots_ok:0\r\n",
    );
    for (const word of ["SLOTS", "SHARDS", "NODES", "MYID"]) {
      expect(await ask("CLUSTER", word)).toBe("-NOCLUSTER No Raft Cluster");
    }
  });
});

test("CLUSTER MYID and KEYSLOT", async () => {
  expect(await ask("CLUSTER", "MYID")).toBe(self);
  expect(await ask("CLUSTER", "KEYSLOT", "a")).toBe(15495);
  expect(await ask("CLUSTER", "KEYSLOT", "{user1000}.following")).toBe(3443);
  expect(await ask("CLUSTER", "KEYSLOT")).toBe(
    "-ERR wrong number of arguments for 'cluster|keyslot' command",
  );
  expect(await ask("CLUSTER", "FOO")).toBe("-ERR unknown subcommand 'FOO'. Try CLUSTER HELP.");
});

test("READONLY, READWRITE and ASKING are accepted", async () => {
  for (const word of ["READONLY", "READWRITE", "ASKING"]) expect(await ask(word)).toBe("OK");
});
