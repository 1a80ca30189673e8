import { expect, test } from "bun:test";
import { Config, type Origin } from "../../src/config/config.ts";

const fromTest: Origin = { kind: "flag", detail: "--test" };

test("get() gives values of the row's own type", () => {
  const config = new Config();
  const port: number = config.get("port");
  const fsync: boolean = config.get("log-fsync");
  const level: "debug" | "verbose" | "notice" | "warning" = config.get("loglevel");
  expect([port, fsync, level]).toEqual([6379, true, "notice"]);
  expect(config.get("bind")).toEqual(["*", "-::*"]);
  expect(config.get("addr")).toBeNull();
  expect(config.get("log-segment-size")).toBe(64 * 1024 * 1024);
  expect(config.get("client-output-buffer-limit").replica).toEqual({
    hardBytes: 256 * 1024 * 1024,
    softBytes: 64 * 1024 * 1024,
    softSeconds: 60,
  });
});

test("set() changes an option under any of its names, in any case", () => {
  const config = new Config();
  const proxy = config.watch("follower-proxy");
  expect(config.set(["raft.follower-proxy", "yes"])).toBeNull();
  expect(proxy()).toBe(true);
  expect(config.set(["FOLLOWER-PROXY", "No"])).toBeNull();
  expect(proxy()).toBe(false);
  expect(config.set(["raft-log-fsync", "no"])).toBeNull();
  expect(config.get("log-fsync")).toBe(false);
  expect(config.origin("log-fsync").kind).toBe("set");
});

const failures: readonly (readonly [what: string, args: readonly string[], error: string])[] = [
  ["no value", ["timeout"], "ERR syntax error"],
  ["nothing", [], "ERR syntax error"],
  [
    "an unknown name",
    ["raft.nope", "1"],
    "ERR Unknown option or number of arguments for CONFIG SET - 'raft.nope'",
  ],
  [
    "a number out of range",
    ["raft.election-timeout", "0"],
    "ERR CONFIG SET failed (possibly related to argument 'raft.election-timeout') - argument must be between 1 and 2147483647 inclusive",
  ],
  [
    "a number out of range under the bare name",
    ["ELECTION-timeout", "2147483648"],
    "ERR CONFIG SET failed (possibly related to argument 'election-timeout') - argument must be between 1 and 2147483647 inclusive",
  ],
  [
    "a word for a boolean",
    ["raft.log-fsync", "maybe"],
    "ERR CONFIG SET failed (possibly related to argument 'raft.log-fsync') - argument must be 'yes' or 'no'",
  ],
  [
    "a word for a memory value",
    ["log-max-file-size", "1.5mb"],
    "ERR CONFIG SET failed (possibly related to argument 'log-max-file-size') - argument must be a memory value",
  ],
  [
    "an immutable option",
    ["port", "3"],
    "ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable config",
  ],
  [
    "the same option twice under two names",
    ["log-fsync", "no", "raft.log-fsync", "no"],
    "ERR CONFIG SET failed (possibly related to argument 'raft.log-fsync') - duplicate parameter",
  ],
  [
    "an address without a port",
    ["addr", "localhost"],
    "ERR CONFIG SET failed (possibly related to argument 'addr') - argument must be an address, such as 10.0.0.1:6379",
  ],
  [
    "an address with a host that no membership can hold",
    ["addr", `${"h".repeat(256)}:6379`],
    "ERR CONFIG SET failed (possibly related to argument 'addr') - argument must be an address, such as 10.0.0.1:6379",
  ],
  [
    "a promise that vlot does not keep",
    ["appendonly", "yes"],
    "ERR CONFIG SET failed (possibly related to argument 'appendonly') - this setting has no effect in vlot: every acknowledged write is in the Raft log on disk, and snapshots are made as the log grows",
  ],
];

test.each(failures)("set() refuses %s", (_, args, error) => {
  const config = new Config();
  const before = config.getMatching(["*"]);
  expect(config.set(args)).toBe(error);
  expect(config.getMatching(["*"])).toEqual(before);
});

test("set() changes all or nothing", () => {
  const config = new Config();
  expect(config.set(["timeout", "7", "loglevel", "loud"])).toContain("'loglevel'");
  expect(config.get("timeout")).toBe(0);
  expect(config.set(["timeout", "7", "loglevel", "debug", "save", ""])).toBeNull();
  expect(config.get("timeout")).toBe(7);
});

test("set() leaves alone what may change only before INIT and JOIN, once part of a cluster", () => {
  const config = new Config();
  expect(config.set(["raft.id", "7"])).toBeNull();
  config.markPartOfCluster();
  expect(config.set(["raft.id", "8"])).toBe(
    "ERR CONFIG SET failed (possibly related to argument 'raft.id') - Configuration change is not allowed after init/join for this parameter",
  );
  expect(config.get("id")).toBe(7);
  expect(config.set(["raft.election-timeout", "500"])).toBeNull();
});

test("onChange() tells once all of one CONFIG SET is in place, and only of changes", () => {
  const config = new Config();
  const told: string[] = [];
  config.onChange("timeout", (value) => told.push(`timeout ${value} ${config.get("loglevel")}`));
  config.onChange("loglevel", (value) => told.push(`loglevel ${value}`));
  config.set(["timeout", "5", "loglevel", "debug"]);
  config.set(["timeout", "5"]);
  config.set(["timeout", "6", "loglevel", "loud"]);
  expect(told).toEqual(["timeout 5 debug", "loglevel debug"]);
});

test("client-output-buffer-limit changes the classes it names", () => {
  const config = new Config();
  expect(config.set(["client-output-buffer-limit", "pubsub 1kb 1k 3"])).toBeNull();
  expect(config.text("client-output-buffer-limit")).toBe(
    "normal 0 0 0 slave 268435456 67108864 60 pubsub 1024 1000 3",
  );
  expect(config.set(["client-output-buffer-limit", "normal 1 0 0 replica 2 0 0"])).toBeNull();
  expect(config.text("client-output-buffer-limit")).toBe("normal 1 0 0 slave 2 0 0 pubsub 1024 1000 3");
});

test("latency-tracking-info-percentiles takes numbers from 0 to 100, with Redis' errors", () => {
  const config = new Config();
  const name = "latency-tracking-info-percentiles";
  for (const [text, shown] of [
    ["50 99.99 1e1 +5", "50 99.99 10 5"],
    ["1.123456789", "1.123457"],
    ["", ""],
  ] as const) {
    expect(config.set([name, text])).toBeNull();
    expect(config.text(name)).toBe(shown);
  }
  for (const text of ["1  2", " 1", "nan", "Infinity", "x"]) {
    expect(config.set([name, text])).toEndWith("- Invalid latency-tracking-info-percentiles parameters");
  }
  for (const text of ["100.1", "50 -1"]) {
    expect(config.set([name, text])).toEndWith(
      "- latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
    );
  }
});

test("getMatching() knows both styles of names", () => {
  const config = new Config();
  const names = (pattern: string, style: "redis" | "raft"): string[] =>
    config.getMatching([pattern], style).map(([name]) => name);
  expect(names("raft.*-timeout", "redis")).toContain("raft.election-timeout");
  expect(names("election-*", "redis")).toEqual(["election-timeout"]);
  expect(names("*election*", "redis")).toEqual(["raft.election-timeout"]);
  expect(names("RAFT.LOG-F*", "redis")).toEqual(["raft.log-fsync"]);
  expect(names("*loglevel", "redis")).toEqual(["loglevel", "raft.loglevel"]);
  expect(names("*", "raft")).toContain("follower-proxy");
  expect(names("*", "raft").filter((name) => name.includes(".") || name === "port")).toEqual([]);
  expect(names("PORT", "redis")).toEqual(["PORT"]);
  expect(names("nope", "redis")).toEqual([]);
  expect(config.getMatching(["port", "por?", "timeout"])).toEqual([
    ["port", "6379"],
    ["timeout", "0"],
  ]);
});

test("the password between nodes is shown only to who asks for it by name", () => {
  const config = new Config();
  config.load("cluster-password", "secret", fromTest);
  expect(config.getMatching(["raft.*", "*", "cluster-*"]).flat()).not.toContain("secret");
  expect(config.getMatching(["raft.cluster-password"])).toEqual([["raft.cluster-password", "secret"]]);
});

test("settings without effect read as what is true here, and keep what tunes nothing", () => {
  const config = new Config();
  expect(config.getMatching(["save", "appendonly", "maxmemory-policy"])).toEqual([
    ["save", ""],
    ["appendonly", "no"],
    ["maxmemory-policy", "noeviction"],
  ]);
  expect(config.set(["hz", "100", "timeout", "1"])).toBeNull();
  expect(config.getMatching(["hz"])).toEqual([["hz", "100"]]);
});

test("load() sets what CONFIG SET may not, and says what is wrong", () => {
  const config = new Config();
  expect(config.load("port", "3", fromTest)).toBeNull();
  expect(config.get("port")).toBe(3);
  expect(config.origin("port")).toEqual(fromTest);
  expect(config.load("port", "70000", fromTest)).toBe("argument must be between 0 and 65535 inclusive");
});

test("join takes commas and spaces, host names, IPv6, and a default port", () => {
  const config = new Config();
  expect(config.load("join", "a:1, b [::1]:7,[fe80::1%eth0]", fromTest)).toBeNull();
  expect(config.get("join")).toEqual([
    { host: "a", port: 1 },
    { host: "b", port: 6379 },
    { host: "::1", port: 7 },
    { host: "fe80::1%eth0", port: 6379 },
  ]);
  expect(config.text("join")).toBe("a:1,b:6379,[::1]:7,[fe80::1%eth0]:6379");
  for (const bad of ["a:0", "a:65536", "::1", "a:b", "http://a:1", "[::1", "a:1:2"]) {
    expect(config.load("join", bad, fromTest)).toContain("argument must be addresses");
  }
});

test("a path is a native string, a password a byte string", () => {
  const config = new Config();
  const bytes = Buffer.from("/données", "utf8").toString("latin1");
  config.load("dir", bytes, fromTest);
  config.load("requirepass", bytes, fromTest);
  expect(config.get("dir")).toBe("/données");
  expect(config.get("requirepass")).toBe(bytes);
  expect(config.load("dir", "a\0b", fromTest)).not.toBeNull();
});

test("getMatching() gives each name once, however often and in whatever case it was asked for", () => {
  const config = new Config();
  expect(config.getMatching(["TIMEOUT", "timeout", "time*", "Timeout"])).toEqual([["TIMEOUT", "0"]]);
  expect(config.getMatching(["time*", "TIMEOUT"])).toEqual([["timeout", "0"]]);
});
