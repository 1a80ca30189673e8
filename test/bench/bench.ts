// `npm run bench`: three vlot nodes beside one redis-server with `appendfsync always`, on the same disk, in one run.
// Absolute figures say little on a shared machine, so the servers take turns and the ratio of the medians comes first.
//
//     bun test/bench/bench.ts [--rounds 3] [--nodes 3] [--json file]
//
// Ends with status 1 when a figure misses what is promised of it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import minimist from "minimist";
import { vlotExecutable } from "../support/executable.ts";
import { freePorts } from "../support/free-ports.ts";
import { redisCli } from "../support/redis-cli.ts";
import { until } from "../support/until.ts";

interface Work {
  readonly name: string;
  readonly test: "set" | "get";
  readonly clients: number;
  readonly pipeline: number;
  readonly requests: number;
  /** What is compared: requests a second, or the median latency. */
  readonly by: "throughput" | "latency";
  /** The least ratio of throughputs, or the greatest of latencies; null when nothing is promised. */
  readonly promised: number | null;
}

interface Figure {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const works: readonly Work[] = [
  {
    name: "SET, 50 clients, pipeline 16",
    test: "set",
    clients: 50,
    pipeline: 16,
    requests: 300_000,
    by: "throughput",
    promised: 0.4,
  },
  {
    name: "SET, 50 clients",
    test: "set",
    clients: 50,
    pipeline: 1,
    requests: 40_000,
    by: "throughput",
    promised: null,
  },
  {
    name: "SET, 1 client",
    test: "set",
    clients: 1,
    pipeline: 1,
    requests: 4_000,
    by: "latency",
    promised: 2.5,
  },
  {
    name: "GET, 50 clients, pipeline 16",
    test: "get",
    clients: 50,
    pipeline: 16,
    requests: 400_000,
    by: "throughput",
    promised: null,
  },
  {
    name: "GET, 50 clients",
    test: "get",
    clients: 50,
    pipeline: 1,
    requests: 80_000,
    by: "throughput",
    promised: null,
  },
  {
    name: "GET, 1 client",
    test: "get",
    clients: 1,
    pipeline: 1,
    requests: 8_000,
    by: "latency",
    promised: null,
  },
];

const valueBytes = 128;
const keyCount = 100_000;

const flags = minimist<{ rounds?: string; nodes?: string; json?: string }>(Bun.argv.slice(2), {
  string: ["rounds", "nodes", "json"],
});
const rounds = Number(flags.rounds ?? "3");
const nodeCount = Number(flags.nodes ?? "3");
const folder = mkdtempSync(join(tmpdir(), "vlot-bench-"));
const children: Bun.Subprocess[] = [];
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});
process.on("SIGINT", () => process.exit(130));
process.exit(await run());

async function run(): Promise<number> {
  const [redisPort = 0, ...vlotPorts] = freePorts(1 + nodeCount);
  await startRedis(redisPort);
  await startVlot(vlotPorts);
  const figures = new Map<Work, { redis: Figure[]; vlot: Figure[] }>();
  for (const work of works) figures.set(work, { redis: [], vlot: [] });
  for (let round = 1; round <= rounds; round++) {
    for (const work of works) {
      console.error(`round ${round} of ${rounds}: ${work.name}`);
      figures.get(work)?.redis.push(await measure(redisPort, work));
      figures.get(work)?.vlot.push(await measure(vlotPorts[0] ?? 0, work));
    }
  }
  const rows = works.map((work) => rowOf(work, figures.get(work) ?? { redis: [], vlot: [] }));
  console.log(table(rows));
  if (flags.json !== undefined)
    writeFileSync(flags.json, `${JSON.stringify({ nodes: nodeCount, rounds, rows }, null, 2)}\n`);
  return rows.some(({ kept }) => kept === false) ? 1 : 0;
}

async function startRedis(port: number): Promise<void> {
  const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
  spawn(["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--dir", folder, ...durable]);
  await answering(port);
}

async function startVlot(ports: readonly number[]): Promise<void> {
  const executable = vlotExecutable();
  const [first] = ports;
  for (const port of ports) {
    spawn([executable, "--port", String(port), "--bind", "127.0.0.1", "--dir", join(folder, String(port))]);
    await answering(port);
    const command = port === first ? ["INIT"] : ["JOIN", `127.0.0.1:${first}`];
    await redisCli(port, "RAFT.CLUSTER", ...command);
  }
}

function spawn(command: string[]): void {
  children.push(Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" }));
}

async function answering(port: number): Promise<void> {
  await until(`an answer on port ${port}`, async () => (await redisCli(port, "PING")) === "PONG");
}

async function measure(port: number, work: Work): Promise<Figure> {
  const { test, clients, pipeline, requests } = work;
  const load = ["-t", test, "-c", String(clients), "-P", String(pipeline), "-n", String(requests)];
  const data = ["-d", String(valueBytes), "-r", String(keyCount), "--csv"];
  const child = Bun.spawn(["redis-benchmark", "-p", String(port), ...load, ...data], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const lines = (await new Response(child.stdout).text()).trim().split("\n");
  const header = cells(lines[0] ?? "");
  const values = cells(lines.at(-1) ?? "");
  const cell = (name: string): number => Number(values[header.indexOf(name)]);
  return { perSecond: cell("rps"), p50Ms: cell("p50_latency_ms"), p99Ms: cell("p99_latency_ms") };
}

function cells(line: string): string[] {
  return line.split(",").map((cell) => cell.replaceAll('"', ""));
}

interface Row {
  readonly name: string;
  readonly ratio: number;
  readonly promised: number | null;
  readonly kept: boolean | null;
  readonly redis: Figure;
  readonly vlot: Figure;
}

function rowOf(
  work: Work,
  figures: { readonly redis: readonly Figure[]; readonly vlot: readonly Figure[] },
): Row {
  const redis = medians(figures.redis);
  const vlot = medians(figures.vlot);
  const ratio = work.by === "throughput" ? vlot.perSecond / redis.perSecond : vlot.p50Ms / redis.p50Ms;
  const { name, promised } = work;
  const kept = promised === null ? null : work.by === "throughput" ? ratio >= promised : ratio <= promised;
  return { name, ratio, promised, kept, redis, vlot };
}

function medians(figures: readonly Figure[]): Figure {
  const median = (values: number[]): number =>
    values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  return {
    perSecond: median(figures.map(({ perSecond }) => perSecond)),
    p50Ms: median(figures.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(figures.map(({ p99Ms }) => p99Ms)),
  };
}

function table(rows: readonly Row[]): string {
  const lines = [
    `vlot, ${nodeCount} nodes, log-fsync yes, quorum reads : redis-server, appendfsync always; ${valueBytes} bytes, medians of ${rounds}`,
    "",
    "| work | ratio | promised | vlot /s | redis /s | vlot p50 ms | redis p50 ms | vlot p99 ms | redis p99 ms |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
  ];
  for (const { name, ratio, promised, kept, redis, vlot } of rows) {
    const promise = promised === null ? "" : `${promised} ${kept === true ? "kept" : "MISSED"}`;
    const figures = [vlot.perSecond, redis.perSecond].map((value) => Math.round(value).toLocaleString("en"));
    const latencies = [vlot.p50Ms, redis.p50Ms, vlot.p99Ms, redis.p99Ms].map((value) => value.toFixed(3));
    lines.push(`| ${[name, ratio.toFixed(2), promise, ...figures, ...latencies].join(" | ")} |`);
  }
  return lines.join("\n");
}
