import { expect, test } from "bun:test";
import { ConfigError } from "../../src/config/config-error.ts";
import { parseArguments } from "../../src/config/load.ts";
import { served, surroundingsOf } from "./in-memory-files.ts";

test("a flag goes before the environment, that before the file, that before the default", () => {
  const file = { "v.conf": "timeout 1\nmaxclients 1\ncluster-announce-port 1\n" };
  const env = { VLOT_TIMEOUT: "2", VLOT_MAXCLIENTS: "2" };
  const { config, configFile, warnings } = served(["v.conf", "--timeout", "3"], file, env);
  expect([config.get("timeout"), config.get("maxclients"), config.get("cluster-announce-port")]).toEqual([
    3, 2, 1,
  ]);
  expect(config.origin("timeout")).toEqual({ kind: "flag", detail: "--timeout" });
  expect(config.origin("maxclients")).toEqual({ kind: "environment", detail: "VLOT_MAXCLIENTS" });
  expect(config.origin("cluster-announce-port")).toEqual({ kind: "file", detail: "v.conf:3" });
  expect(config.origin("port")).toEqual({ kind: "default", detail: "" });
  expect([configFile, warnings]).toEqual(["v.conf", []]);
});

const flags: readonly (readonly [what: string, argv: readonly string[], pattern: string, text: string])[] = [
  ["digits stay text", ["--requirepass", "007"], "requirepass", "007"],
  ["hexadecimal stays text", ["--requirepass", "0x10"], "requirepass", "0x10"],
  ["a dotted name is one name", ["--raft.follower-proxy", "yes"], "follower-proxy", "yes"],
  ["= joins name and value", ["--raft.id=12"], "id", "12"],
  ["only the first = counts", ["--requirepass=a=b"], "requirepass", "a=b"],
  ["a value may begin with a dash", ["--requirepass", "-abc"], "requirepass", "-abc"],
  ["a value may begin with two after =", ["--requirepass=--abc"], "requirepass", "--abc"],
  ["a value may be a short flag", ["--requirepass", "-h"], "requirepass", "-h"],
  ["a value may be empty", ["--requirepass", ""], "requirepass", ""],
  ["a value may be empty after =", ["--requirepass="], "requirepass", ""],
  ["a value may hold line ends", ["--requirepass", "a\nb"], "requirepass", "a\nb"],
  ["the words true and false are text", ["--requirepass", "false"], "requirepass", "false"],
  ["a boolean alone is yes", ["--follower-proxy", "--port", "1"], "follower-proxy", "yes"],
  ["lists take several words", ["--bind", "127.0.0.1", "-::1"], "bind", "127.0.0.1 -::1"],
  ["names are known in any case", ["--TimeOut", "5"], "timeout", "5"],
  ["the last of two counts", ["--timeout", "5", "--timeout", "6"], "timeout", "6"],
  ["join adds up", ["--join", "a:1", "--join=b:2,c:3"], "join", "a:1,b:2,c:3"],
  ["text beyond ASCII is UTF-8", ["--requirepass", "é"], "requirepass", "\xc3\xa9"],
];

test.each(flags)("on the command line %s", (_, argv, name, text) => {
  expect(served(argv).config.getMatching([name])).toEqual([[name, text]]);
});

const bad: readonly (readonly [argv: readonly string[], message: string])[] = [
  [["--electoin-timeout", "5"], "unknown flag --electoin-timeout (did you mean '--election-timeout'?)"],
  [["--raft.qourum-reads"], "unknown flag --raft.qourum-reads (did you mean '--raft.quorum-reads'?)"],
  [["--hepl"], "unknown flag --hepl (did you mean '--help'?)"],
  [["--frobnicate", "9"], "unknown flag --frobnicate"],
  [["--__proto__", "x"], "unknown flag --__proto__"],
  [["--constructor.prototype.x", "1"], "unknown flag --constructor.prototype.x"],
  [["--no-follower-proxy"], "unknown flag --no-follower-proxy: write --follower-proxy no"],
  [["-p", "7000"], "unknown flag -p: flags begin with two dashes"],
  [["--"], "unknown flag --: flags begin with two dashes"],
  [["--port=1", "x"], "unexpected argument 'x'"],
  [["a.conf", "b.conf"], "unexpected argument 'b.conf'"],
  [["--port"], "--port: needs a value"],
  [["--port", "1", "2"], "--port: takes one value, not 2"],
  [
    ["--port", "70000"],
    "--port: '70000' is not a value of 'port': argument must be between 0 and 65535 inclusive",
  ],
  [
    ["--raft.log-fsync", "on"],
    "--log-fsync: 'on' is not a value of 'log-fsync': argument must be 'yes' or 'no'",
  ],
  [
    ["--loglevel", "loud"],
    "--loglevel: 'loud' is not a value of 'loglevel': argument(s) must be one of the following: debug, verbose, notice, warning",
  ],
  [
    ["--daemonize", "yes"],
    "--daemonize: 'daemonize' cannot be used: vlot stays in the foreground: let systemd, a container or `&` put it in the background",
  ],
  [["--init", "--join", "a"], "init founds a new cluster and join enters an existing one: give one of them"],
  [
    ["--bootstrap-expect", "2", "--join", "a,b,c,d"],
    "bootstrap-expect 2 is not a majority of the 4 addresses in join: two clusters could come of it",
  ],
  [["--bootstrap-expect", "3"], "bootstrap-expect needs join, the addresses of the nodes to expect"],
];

test.each(bad)("%j is refused with exit status 2", (argv, message) => {
  const error = failureOf(() => served(argv, { "a.conf": "", "b.conf": "" }));
  expect(error.message).toBe(message);
  expect(error.exitStatus).toBe(2);
});

const badFiles: readonly (readonly [text: string, message: string])[] = [
  ["port 1\n\nprot 2\n", "v.conf, line 3: unknown option 'prot' (did you mean 'port'?)"],
  [
    "port 99999",
    "v.conf, line 1: '99999' is not a value of 'port': argument must be between 0 and 65535 inclusive",
  ],
  ["port 1 2", "v.conf, line 1: 'port' takes one value, not 2"],
  ["port", "v.conf, line 1: 'port' takes one value, not 0"],
  ['requirepass "abc', "v.conf, line 1: unbalanced quotes"],
  ['requirepass "abc"d', "v.conf, line 1: unbalanced quotes"],
  ["include", "v.conf, line 1: include needs one path"],
  [
    "include gone.conf",
    "cannot read the configuration file 'gone.conf': ENOENT: no such file or directory, open 'gone.conf'",
  ],
  ["# x\ninclude other.conf", "other.conf, line 2: unknown option 'b'"],
  [
    "rename-command FLUSHALL secret",
    "v.conf, line 1: 'rename-command' cannot be used: vlot does not rename commands, and leaving them as they are could open what this line closes",
  ],
  [
    "user ann on >secret",
    "v.conf, line 1: 'user' cannot be used: vlot has one user, `default`, whose password is requirepass; leaving out the others would change who may do what",
  ],
];

test.each(badFiles)("the file %j is refused with exit status 1", (text, message) => {
  const error = failureOf(() => served(["v.conf"], { "v.conf": text, "other.conf": "\nb 1" }));
  expect(error.message).toBe(message);
  expect(error.exitStatus).toBe(1);
});

test("a file that includes itself is refused", () => {
  const error = failureOf(() => served(["v.conf"], { "v.conf": "port 1\ninclude v.conf" }));
  expect(error.message).toBe("v.conf, line 2: includes are nested more than 16 deep");
});

test("files that include each other many times over end", () => {
  const twice = { "v.conf": "include a.conf\n".repeat(60), "a.conf": "include b.conf\n".repeat(60) };
  const error = failureOf(() => served(["v.conf"], { ...twice, "b.conf": "port 1\n".repeat(60) }));
  expect(error.message).toContain("more than 100000 directives");
});

test("a file may include others, by pattern too, and quote its values", () => {
  const files = {
    "v.conf": "\n# comment\nINCLUDE conf.d/*\nPort 7 \r\n\tinclude none/*\n",
    "conf.d/1.conf": `requirepass "a b\\x41\\"'"\nbind 1.2.3.4 ::1\nraft.follower-proxy yes`,
    "conf.d/2.conf": "client-output-buffer-limit pubsub 1 1 1\nclient-output-buffer-limit normal 2 2 2\n",
  };
  const { config } = served(["v.conf"], files);
  expect(config.get("port")).toBe(7);
  expect(config.get("requirepass")).toBe(`a bA"'`);
  expect(config.get("bind")).toEqual(["1.2.3.4", "::1"]);
  expect(config.get("follower-proxy")).toBe(true);
  expect(config.text("client-output-buffer-limit")).toBe(
    "normal 2 2 2 slave 268435456 67108864 60 pubsub 1 1 1",
  );
});

test("- is standard input, which cannot be rewritten", () => {
  const { config, configFile } = served(["-"], { "/dev/stdin": "port 7\n" });
  expect([config.get("port"), configFile]).toEqual([7, null]);
});

test("a misspelt subcommand is recognised", () => {
  const error = failureOf(() => served(["dmeo"]));
  expect(error.message).toEndWith("open 'dmeo' (did you mean 'demo'?)");
  expect(error.exitStatus).toBe(2);
});

test("a subcommand gets the rest of the line as it is", () => {
  expect(parseArguments(["demo", "--nodes", "5", "-x"], surroundingsOf({}))).toEqual({
    kind: "subcommand",
    name: "demo",
    args: ["--nodes", "5", "-x"],
  });
});

test.each([
  [["--help"], "help"],
  [["-h"], "help"],
  [["--port", "1", "--help"], "help"],
  [["--version"], "version"],
  [["-v"], "version"],
] as const)("%j asks for %s", (argv, kind) => {
  expect(parseArguments(argv, surroundingsOf({}))).toEqual({ kind });
});

test("--print-config still checks everything", () => {
  expect(served(["--print-config", "--port", "1"]).kind).toBe("print-config");
  expect(failureOf(() => served(["--print-config", "--port", "x"])).code).toBe("BAD_VALUE");
});

test("settings without effect are accepted, with one warning for each reason", () => {
  const { warnings } = served(["v.conf", "--loadmodule", "/redisraft.so", "a", "b"], {
    "v.conf": "save 900 1\nappendonly yes\nhz 10\nraft.log-max-cache-size 1mb\nsave 60 1\nmaxmemory 0\n",
  });
  expect(warnings).toEqual([
    "no effect: save, appendonly (every acknowledged write is in the Raft log on disk, and snapshots are made as the log grows)",
    "no effect: log-max-cache-size (entries are read from the mapped log, so there is no cache of them to limit)",
    "no effect: loadmodule (vlot loads no modules, and needs none: RedisRaft's commands and options are built in)",
  ]);
});

test("doubtful things are warned of", () => {
  const env = {
    VLOT_PROT: "1",
    VLOT_PORT: "tcp://10.0.0.1:6379",
    VLOT_SERVICE_HOST: "x",
    VLOT_PORT_6379_TCP: "x",
  };
  const { config, warnings } = served(
    ["--timeout", "1", "--timeout", "2", "--request-timeout", "900"],
    {},
    env,
  );
  expect(config.get("port")).toBe(6379);
  expect(warnings).toEqual([
    "environment variable VLOT_PROT is not an option of vlot (did you mean VLOT_PORT?)",
    "VLOT_PORT='tcp://10.0.0.1:6379' is taken for a Kubernetes service link and ignored",
    "--timeout is given 2 times: the last one, '2', counts",
    "request-timeout (900 ms) is more than half of election-timeout (1000 ms): one late heartbeat can cost the leader its place",
  ]);
});

test("a bad environment variable is named", () => {
  const error = failureOf(() => served([], {}, { VLOT_LOG_FSYNC: "perhaps" }));
  expect(error.message).toBe(
    "environment variable VLOT_LOG_FSYNC: 'perhaps' is not a value of 'log-fsync': argument must be 'yes' or 'no'",
  );
  expect(error.exitStatus).toBe(1);
});

function failureOf(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("a line of a file keeps bytes that only other alphabets count as blanks, and blanks that end no word", () => {
  const file = { "v.conf": " \trequirepass voil\xc3\xa0\r\ncluster-name a\vb\n\xa0" };
  expect(() => served(["v.conf"], file)).toThrow("line 3: unknown option '?'");
  const { config } = served(["v.conf"], { "v.conf": file["v.conf"].slice(0, -1) });
  expect(config.get("requirepass")).toBe("voil\xc3\xa0");
  expect(config.get("cluster-name")).toBe("a\vb");
});
