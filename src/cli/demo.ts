// `vlot demo`: a whole cluster on this machine from one command, for the first five minutes. Each node is a process of
// its own, of this same executable, so that killing one of them shows what the cluster is for.

import { relative } from "node:path";
import { ConfigError, startExitStatus } from "../config/config-error.ts";
import { systemClock } from "../node/system-clock.ts";
import { askNode, reportOf } from "./ask-node.ts";
import { numberFlag, subcommandFlags } from "./flags.ts";

interface DemoNode {
  readonly port: number;
  readonly process: Bun.Subprocess;
}

const startTimeoutMs = 15_000;
const pollMs = 50;
const stopTimeoutMs = 1500;

/** Runs the cluster until Ctrl-C; its data stays for the next time. */
export async function demo(args: readonly string[]): Promise<number> {
  const { flags } = subcommandFlags("demo", args, ["nodes", "port", "dir", "help"], 0);
  if (flags.has("help")) {
    console.log("Usage: vlot demo [--nodes 3] [--port 6379] [--dir vlot-demo]");
    return 0;
  }
  const count = numberFlag("nodes", flags.get("nodes") ?? "3", 1, 9);
  const firstPort = numberFlag("port", flags.get("port") ?? "6379", 1, 65_535 - count);
  const directory = flags.get("dir") ?? "vlot-demo";
  await refuseTakenPorts(firstPort, count);

  const nodes: DemoNode[] = [];
  let stopping = false;
  const stopped = new Promise<number>((resolve) => {
    const stop = (): void => {
      // npm may deliver a signal twice.
      if (stopping) return;
      stopping = true;
      console.log(`\nStopping the cluster; its data stays in ${directory}`);
      void stopAll(nodes).then(() => resolve(0));
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
    // The terminal was closed.
    process.on("SIGHUP", stop);
  });
  try {
    for (let i = 0; i < count && !stopping; i++) {
      const node = startNode(firstPort, i, directory);
      nodes.push(node);
      // A node that is new joins before the next one does; one that comes back needs the others to find its leader.
      await Promise.race([until(node, isVoting), stopped]);
    }
    await Promise.race([Promise.all(nodes.map((node) => until(node, knowsLeader))), stopped]);
  } catch (error) {
    await stopAll(nodes);
    throw error;
  }
  if (!stopping) console.log(welcome(nodes, directory));
  for (const node of nodes) void watch(node, () => stopping);
  return stopped;
}

function startNode(firstPort: number, position: number, directory: string): DemoNode {
  const port = firstPort + position;
  const dir = `${directory}/n${position + 1}`;
  const start = position === 0 ? ["--init"] : ["--join", `127.0.0.1:${firstPort}`];
  const flags = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    dir,
    "--logfile",
    `${dir}.log`,
    ...start,
  ];
  const command = [...selfCommand(), ...flags];
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "inherit", stderr: "inherit", detached: true });
  return { port, process: child };
}

/** How to run this program once more: the executable alone when compiled, else the interpreter with the script. */
function selfCommand(): string[] {
  return Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];
}

async function refuseTakenPorts(firstPort: number, count: number): Promise<void> {
  for (let port = firstPort; port < firstPort + count; port++) {
    const reply = await askNode({ host: "127.0.0.1", port }, null, ["PING"]);
    if (reply.kind === "unreachable" && reply.reason !== "timed out") continue;
    const what = `port ${port} is in use: stop what listens there, or choose others with --port`;
    throw new ConfigError("CONFLICT", what, startExitStatus);
  }
}

type Fields = ReadonlyMap<string, string>;

function isVoting(fields: Fields): boolean {
  return fields.get("raft_is_voting") === "yes";
}

function knowsLeader(fields: Fields): boolean {
  return isVoting(fields) && Number(fields.get("raft_leader_id")) > 0;
}

async function until(node: DemoNode, holds: (fields: Fields) => boolean): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + startTimeoutMs;
  for (;;) {
    const { fields } = await reportOf({ host: "127.0.0.1", port: node.port }, null);
    if (holds(fields)) return;
    const ended = node.process.exitCode !== null;
    if (ended || systemClock.monotonicMs() > deadlineMs) {
      const what = ended ? `ended with status ${node.process.exitCode}` : "did not join in time";
      throw new ConfigError(
        "CONFLICT",
        `the node on port ${node.port} ${what}; see its log file`,
        startExitStatus,
      );
    }
    await new Promise<void>((resolve) => void systemClock.after(pollMs, resolve));
  }
}

async function watch(node: DemoNode, isStopping: () => boolean): Promise<void> {
  const status = await node.process.exited;
  if (!isStopping())
    console.log(`The node on port ${node.port} has ended: ${node.process.signalCode ?? `status ${status}`}`);
}

/** Asks all to end, and waits until they have. One that is paused, or waits for clients to move to the others, is ended. */
async function stopAll(nodes: readonly DemoNode[]): Promise<void> {
  for (const node of nodes) node.process.kill("SIGTERM");
  const patience = systemClock.after(stopTimeoutMs, () => {
    for (const node of nodes) node.process.kill("SIGKILL");
  });
  await Promise.all(nodes.map((node) => node.process.exited));
  patience.cancel();
}

function welcome(nodes: readonly DemoNode[], directory: string): string {
  const [first, , third] = nodes;
  const last = (third ?? first)?.port;
  const list = nodes
    .map(({ port, process: child }) => `  127.0.0.1:${port}   process ${child.pid}`)
    .join("\n");
  return `
A cluster of ${nodes.length} runs on this machine, its data is in ${directory}:
${list}

Try it, in another terminal:
  redis-cli -p ${first?.port} INCR counter:1
  redis-cli -p ${last} INCR counter:1                               (MOVED to the leader, or the next number)
  redis-cli -p ${last} RAFT.CONFIG SET follower-proxy yes           (from now on any node serves)
  redis-cli -p ${last} INCR counter:1
  redis-cli -p ${first?.port} RAFT.INFO
  kill -9 ${first?.process.pid}                                              (a majority goes on without it)
  ${relative(process.cwd(), process.execPath)} status 127.0.0.1:${last}

Ctrl-C ends it.
`;
}
