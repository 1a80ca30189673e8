// The composition root: one process that serves clients as a node of a cluster. Everything that touches the machine
// (clock, disk, network, chance, signals, files of its own) is made here and handed in.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { LineLogger } from "./base/line-logger.ts";
import { SeededRandom } from "./base/random.ts";
import { redisVersion, vlotCommit, vlotVersion } from "./base/version.ts";
import { CommandTable } from "./commands/table.ts";
import type { Config } from "./config/config.ts";
import { rewriteConfigFile } from "./config/rewrite.ts";
import { advertisedAddress } from "./node/advertised-address.ts";
import { ClusterNode } from "./node/cluster-node.ts";
import { systemClock } from "./node/system-clock.ts";
import { BunNetwork } from "./peer/bun-network.ts";
import { ListenError } from "./server/listener.ts";
import { LogFile } from "./server/log-file.ts";
import { Router } from "./server/router.ts";
import { Server } from "./server/server.ts";
import { handleSignals, Shutdown } from "./server/shutdown.ts";
import { DiskError } from "./storage/disk.ts";
import { StorageError } from "./storage/errors.ts";
import { SystemDisk } from "./storage/system-disk.ts";

export interface ServeOptions {
  readonly config: Config;
  /** Null without one. */
  readonly configFile: string | null;
  /** To be logged first. */
  readonly warnings: readonly string[];
}

/** Exit statuses; README.md lists them. */
const status = { ok: 0, start: 1, foreignDirectory: 3, damaged: 4, disk: 6 } as const;

/** Starts the server; returns when it runs. Ends the process when it cannot start. */
export function serve({ config, configFile, warnings }: ServeOptions): void {
  const clock = systemClock;
  const logFile = new LogFile(config.get("logfile"));
  const logger = new LineLogger({
    pid: process.pid,
    write: (line) => logFile.write(line),
    wallMs: () => clock.wallMs(),
    level: config.get("loglevel"),
  });
  config.onChange("loglevel", (level) => {
    logger.level = level;
  });
  logger.notice(`vlot ${vlotVersion} (${vlotCommit}), speaks Redis ${redisVersion}, process ${process.pid}`);
  for (const warning of warnings) logger.warning(warning);

  const random = new SeededRandom(entropy());
  const commands = new CommandTable();
  const network = new BunNetwork(clock);
  const exit = (code: number): never => {
    removePidFile(config);
    process.exit(code);
  };
  const node = new ClusterNode({
    config,
    clock,
    logger,
    random,
    network,
    disk: new SystemDisk(),
    directory: config.get("dir"),
    commands,
    advertised: () => advertisedAddress(config, server.port),
    events: {
      changed: () => {
        logger.role = node.leading ? "M" : "S";
        router.resumeHeld();
      },
      repliesWritten: () => server.flush(),
      left: () => {
        server.close();
        exit(status.ok);
      },
      failed: (error) => {
        logger.warning(`Stopping at once: ${error.message}`);
        exit(statusOf(error));
      },
    },
  });
  const router = new Router({ commands, node, config, clock });
  const shutdown = new Shutdown({
    clock,
    logger,
    drainTimeoutMs: config.watch("shutdown-drain-timeout"),
    clientCount: () => server.clientCount,
    isLeading: () => node.leading,
    prepare: (done) => node.prepareShutdown(done),
    cancel: () => undefined,
    end: () => {
      server.close();
      node.stop();
      exit(status.ok);
    },
  });
  const server = new Server({
    config,
    clock,
    logger,
    commands,
    cluster: node,
    status: node,
    dispatcher: router,
    forget: (client) => {
      router.forget(client);
      node.forget(client);
    },
    acceptPeer: (connection, hello) => node.acceptPeer(connection, hello),
    shutdown,
    rewriteConfig: () => rewriteConfigFile(configFile, config),
    runId: hex(random, 40),
    configFile: configFile ?? "",
  });
  handleSignals({ logger, shutdown, reopenLog: () => logFile.reopen(), exit });
  try {
    server.listen();
    node.start();
  } catch (error) {
    if (!(error instanceof ListenError || error instanceof StorageError || error instanceof DiskError))
      throw error;
    logger.warning(error.message);
    if (config.get("logfile") !== "") console.error(`vlot: ${error.message}`);
    process.exit(statusOf(error));
  }
  writePidFile(config);
  logger.notice(`Ready to accept connections on port ${server.port}; data is in ${config.get("dir")}`);
}

function statusOf(error: Error): number {
  if (error instanceof DiskError) return status.disk;
  if (!(error instanceof StorageError)) return status.start;
  const foreign: readonly string[] = ["DIRECTORY_LOCKED", "FOREIGN_FILE", "NEWER_FORMAT"];
  return foreign.includes(error.code) ? status.foreignDirectory : status.damaged;
}

/** A seed that no other node draws. */
function entropy(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 11) * 0x1_0000_0000 + low;
}

function hex(random: SeededRandom, length: number): string {
  let text = "";
  while (text.length < length) text += random.below(16).toString(16);
  return text;
}

function writePidFile(config: Config): void {
  const path = config.get("pidfile");
  if (path === "") return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${process.pid}\n`);
}

function removePidFile(config: Config): void {
  const path = config.get("pidfile");
  if (path !== "") rmSync(path, { force: true });
}
