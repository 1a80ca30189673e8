// The composition root: one process that serves clients as a node of a cluster. Everything that touches the machine
// (clock, disk, network, chance, signals, files of its own) is made here and handed in.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { LineLogger } from "./base/line-logger.ts";
import type { Logger } from "./base/logger.ts";
import { randomHex, SeededRandom } from "./base/random.ts";
import { redisVersion, vlotCommit, vlotVersion } from "./base/version.ts";
import { messageOf } from "./base/message-of.ts";
import { CommandTable } from "./commands/table.ts";
import type { Config } from "./config/config.ts";
import { ConfigError, startExitStatus } from "./config/config-error.ts";
import { rewriteConfigFile } from "./config/rewrite.ts";
import { advertisedAddress } from "./node/advertised-address.ts";
import { ClusterNode } from "./node/cluster-node.ts";
import { systemClock } from "./node/system-clock.ts";
import { BunNetwork } from "./peer/bun-network.ts";
import { ListenError } from "./server/listener.ts";
import { LogFile } from "./server/log-file.ts";
import { Router } from "./server/router.ts";
import { clientsFor, openFilesMax } from "./server/open-files.ts";
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
const exitStatus = { ok: 0, start: startExitStatus, foreignDirectory: 3, damaged: 4, disk: 6 } as const;

/** Starts the server; returns when it runs. Ends the process when it cannot start. */
export function serve(options: ServeOptions): void {
  new ServingProcess(options).start();
}

/** The parts of the process, which know each other only through what is handed to them here. */
class ServingProcess {
  readonly #options: ServeOptions;
  readonly #config: Config;
  readonly #clock = systemClock;
  readonly #random = new SeededRandom(entropy());
  readonly #commands = new CommandTable();
  readonly #openFilesMax = openFilesMax();
  readonly #logFile: LogFile;
  readonly #logger: LineLogger;
  readonly #node: ClusterNode;
  readonly #router: Router;
  readonly #shutdown: Shutdown;
  readonly #server: Server;

  constructor(options: ServeOptions) {
    const { config } = options;
    this.#options = options;
    this.#config = config;
    this.#logFile = openLogFile(config.get("logfile"));
    this.#logger = new LineLogger({
      pid: process.pid,
      write: (line) => this.#logFile.write(line),
      wallMs: () => this.#clock.wallMs(),
      level: config.get("loglevel"),
    });
    config.onChange("loglevel", (level) => {
      this.#logger.level = level;
    });
    this.#node = this.#makeNode();
    this.#router = new Router({ commands: this.#commands, node: this.#node, config, clock: this.#clock });
    this.#shutdown = this.#makeShutdown();
    this.#server = this.#makeServer();
  }

  start(): void {
    const logger = this.#logger;
    logger.notice(
      `vlot ${vlotVersion} (${vlotCommit}), speaks Redis ${redisVersion}, process ${process.pid}`,
    );
    for (const warning of this.#options.warnings) logger.warning(warning);
    this.#warnOfFewFiles();
    handleSignals({
      logger,
      shutdown: this.#shutdown,
      reopenLog: () => this.#reopenLog(),
      exit: (status) => this.#exit(status),
    });
    try {
      this.#server.listen();
      this.#node.start();
    } catch (error) {
      if (!(error instanceof ListenError || error instanceof StorageError || error instanceof DiskError))
        throw error;
      logger.warning(error.message);
      if (this.#config.get("logfile") !== "") console.error(`vlot: ${error.message}`);
      process.exit(isWrongPath(error) ? exitStatus.start : statusOf(error));
    }
    writePidFile(this.#config, logger);
    logger.notice(
      `Ready to accept connections on port ${this.#server.port}; data is in ${this.#config.get("dir")}`,
    );
  }

  #warnOfFewFiles(): void {
    const wanted = this.#config.get("maxclients");
    const possible = clientsFor(this.#openFilesMax);
    if (wanted <= possible) return;
    this.#logger.warning(
      `The limit on open files (ulimit -n) is ${this.#openFilesMax}: of maxclients ${wanted} no more than ${possible} can be connected`,
    );
  }

  /** The file that is open goes on being written to when it cannot be opened anew. */
  #reopenLog(): void {
    try {
      this.#logFile.reopen();
    } catch (error) {
      this.#logger.warning(`Could not reopen the log file: ${messageOf(error)}`);
    }
  }

  #makeNode(): ClusterNode {
    return new ClusterNode({
      config: this.#config,
      clock: this.#clock,
      logger: this.#logger,
      random: this.#random,
      network: new BunNetwork(this.#clock),
      disk: new SystemDisk(),
      directory: this.#config.get("dir"),
      commands: this.#commands,
      advertised: () => advertisedAddress(this.#config, this.#server.port),
      events: {
        changed: () => {
          this.#logger.role = this.#node.leading ? "M" : "S";
          this.#router.resumeHeld();
        },
        repliesWritten: () => this.#server.flush(),
        left: () => {
          this.#server.close();
          this.#exit(exitStatus.ok);
        },
        failed: (error) => {
          this.#logger.warning(`Stopping at once: ${error.message}`);
          this.#exit(statusOf(error));
        },
      },
    });
  }

  #makeShutdown(): Shutdown {
    return new Shutdown({
      clock: this.#clock,
      logger: this.#logger,
      drainTimeoutMs: this.#config.watch("shutdown-drain-timeout"),
      clientCount: () => this.#server.clientCount,
      openRequests: () => this.#node.openRequests,
      isLeading: () => this.#node.leading,
      prepare: (done) => this.#node.prepareShutdown(done),
      end: () => {
        this.#server.close();
        this.#node.stop();
        this.#exit(exitStatus.ok);
      },
    });
  }

  #makeServer(): Server {
    const { configFile } = this.#options;
    return new Server({
      config: this.#config,
      clock: this.#clock,
      logger: this.#logger,
      commands: this.#commands,
      cluster: this.#node,
      status: this.#node,
      dispatcher: this.#router,
      forget: (client) => {
        this.#router.forget(client);
        this.#node.forget(client);
      },
      acceptPeer: (connection, hello) => this.#node.acceptPeer(connection, hello),
      shutdown: this.#shutdown,
      clientsPossible: clientsFor(this.#openFilesMax),
      rewriteConfig: () => rewriteConfigFile(configFile, this.#config),
      runId: randomHex(this.#random, 40),
      configFile: configFile ?? "",
    });
  }

  #exit(status: number): never {
    removePidFile(this.#config, this.#logger);
    process.exit(status);
  }
}

/** Whether no directory can be there, or not for this user: a mistake in `dir` rather than a failing disk. */
function isWrongPath(error: Error): boolean {
  return (
    error instanceof DiskError &&
    ["EACCES", "EEXIST", "ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR", "EPERM", "EROFS"].includes(error.code)
  );
}

function statusOf(error: Error): number {
  if (error instanceof DiskError) return exitStatus.disk;
  if (!(error instanceof StorageError)) return exitStatus.start;
  const foreign: readonly string[] = ["DIRECTORY_LOCKED", "FOREIGN_FILE", "NEWER_FORMAT"];
  return foreign.includes(error.code) ? exitStatus.foreignDirectory : exitStatus.damaged;
}

/** A seed that no other node draws. */
function entropy(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 11) * 0x1_0000_0000 + low;
}

/** Opens the log file, or throws ConfigError. */
function openLogFile(path: string): LogFile {
  try {
    return new LogFile(path);
  } catch (error) {
    throw new ConfigError(
      "BAD_FILE",
      `cannot open the log file '${path}': ${messageOf(error)}`,
      startExitStatus,
    );
  }
}

// A node serves without its pid file, and ends as it should when the file cannot be removed.
function writePidFile(config: Config, logger: Logger): void {
  const path = config.get("pidfile");
  if (path === "") return;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    logger.warning(`Failed to write PID file: ${messageOf(error)}`);
  }
}

function removePidFile(config: Config, logger: Logger): void {
  const path = config.get("pidfile");
  if (path === "") return;
  try {
    rmSync(path, { force: true });
  } catch (error) {
    logger.warning(`Failed to remove PID file: ${messageOf(error)}`);
  }
}
