import { expect, test } from "bun:test";
import { inapplicable } from "../../src/config/inapplicable.ts";
import { environmentNameOf, findOption, namesOf, options } from "../../src/config/options.ts";
import { parseValue } from "../../src/config/parse-value.ts";
import { Config } from "../../src/config/config.ts";

test("every name means one thing", () => {
  const names = [...options.flatMap(namesOf), ...inapplicable.keys()];
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  expect(names.filter((name) => name !== name.toLowerCase())).toEqual([]);
});

test("no two options share an environment variable", () => {
  expect(new Set(options.map(environmentNameOf)).size).toBe(options.length);
});

test.each(options.map((row) => [row.name, row] as const))("%s has a default within its bounds", (_, row) => {
  const parsed = parseValue(row, row.default, "");
  if ("error" in parsed) throw new Error(parsed.error);
  expect(parseValue(row, parsed.text, parsed.text)).toEqual(parsed);
});

test.each(options.map((row) => [row.name, row.help] as const))("%s is explained in sentences", (_, help) => {
  expect(help.length).toBeGreaterThan(20);
  expect(help).toMatch(/\.$/);
  expect(help).not.toMatch(/\n|TBD/);
});

// REDISRAFT.md, section 3, as CONFIG GET shows the values.
const raftDefaults: readonly (readonly [name: string, text: string, when: string])[] = [
  ["id", "0", "init"],
  ["addr", "", "init"],
  ["periodic-interval", "100", "runtime"],
  ["request-timeout", "200", "runtime"],
  ["election-timeout", "1000", "runtime"],
  ["connection-timeout", "3000", "runtime"],
  ["join-timeout", "120000", "runtime"],
  ["response-timeout", "1000", "runtime"],
  ["proxy-response-timeout", "10000", "runtime"],
  ["reconnect-interval", "100", "runtime"],
  ["append-req-max-count", "2", "runtime"],
  ["append-req-max-size", "2097152", "runtime"],
  ["snapshot-req-max-count", "32", "runtime"],
  ["snapshot-req-max-size", "65536", "runtime"],
  ["log-max-file-size", "128000000", "runtime"],
  ["log-fsync", "yes", "runtime"],
  ["follower-proxy", "no", "runtime"],
  ["quorum-reads", "yes", "runtime"],
  ["cluster-user", "default", "runtime"],
  ["cluster-password", "", "runtime"],
  ["loglevel", "notice", "runtime"],
];

test.each(raftDefaults)("raft.%s has RedisRaft's default", (name, text, when) => {
  const row = findOption(`raft.${name}`);
  expect(row?.when).toBe(when as "init");
  expect(new Config().getMatching([`raft.${name}`])).toEqual([[`raft.${name}`, text]]);
});

const raftOnly = [
  "log-filename",
  "slot-config",
  "external-sharding",
  "shardgroup-update-interval",
  "log-max-cache-size",
  "sharding",
  "tls-enabled",
  "ignored-commands",
  "scan-size",
  "trace",
];

test.each(raftOnly)("raft.%s, which means nothing here, is known all the same", (name) => {
  expect(findOption(`raft.${name}`)).toBeUndefined();
  expect(new Config().getMatching([`raft.${name}`])).toHaveLength(1);
  expect(new Config().getMatching([name])).toHaveLength(1);
});

test("RedisRaft's old names mean the same options", () => {
  expect(findOption("raft-log-fsync")?.name).toBe("log-fsync");
  expect(findOption("raft-interval")?.name).toBe("periodic-interval");
  expect(findOption("raft-response-timeout")?.name).toBe("response-timeout");
  expect(findOption("raft-log-max-file-size")?.name).toBe("log-max-file-size");
});

test("what is Redis' alone has no raft. name", () => {
  expect(findOption("raft.port")).toBeUndefined();
  expect(new Config().getMatching(["raft.save"])).toEqual([]);
});
