// The process that serves clients as a node of a cluster. Everything that touches the machine (clock, disk, network,
// chance, signals, files of its own) is made here and handed in; how the parts belong together is in serving-node.ts.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { LineLogger } from "./base/line-logger.ts";
import type { Logger } from "./base/logger.ts";
import { SeededRandom } from "./base/random.ts";
import { redisVersion, vlotCommit, vlotVersion } from "./base/version.ts";
import { messageOf } from "./base/message-of.ts";
import { CommandTable } from "./commands/table.ts";
import type { Config } from "./config/config.ts";
import {
  ConfigError,
  damagedExitStatus,
  diskExitStatus,
  foreignExitStatus,
  startExitStatus,
} from "./config/config-error.ts";
import { advertisedAddress } from "./node/advertised-address.ts";
import { systemClock } from "./node/system-clock.ts";
import { BunNetwork } from "./peer/bun-network.ts";
import { ListenError } from "./server/listener.ts";
import { LogFile } from "./server/log-file.ts";
import { clientsFor, openFilesMax } from "./server/open-files.ts";
import { handleSignals } from "./server/shutdown.ts";
import { ServingNode } from "./serving-node.ts";
import { DiskError } from "./storage/disk.ts";
import { isForeign, StorageError } from "./storage/errors.ts";
import { SystemDisk } from "./storage/system-disk.ts";

export interface ServeOptions {
  readonly config: Config;
  /** Null without one. */
  readonly configFile: string | null;
  /** To be logged first. */
  readonly warnings: readonly string[];
}

/** Exit statuses; README.md lists them. */
const okExitStatus = 0;

/** Starts the server; returns when it runs. Ends the process when it cannot start. */
export function serve(options: ServeOptions): void {
  new ServingProcess(options).start();
}

/** The parts of the process, which know each other only through what is handed to them here. */
class ServingProcess {
  readonly #options: ServeOptions;
  readonly #config: Config;
  readonly #clock = systemClock;
  readonly #openFilesMax = openFilesMax();
  readonly #logFile: LogFile;
  readonly #logger: LineLogger;
  readonly #serving: ServingNode;

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
    this.#serving = this.#makeServing();
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
      shutdown: this.#serving.shutdown,
      reopenLog: () => this.#reopenLog(),
      exit: (status) => this.#exit(status),
    });
    try {
      this.#serving.server.listen();
      this.#serving.node.start();
    } catch (error) {
      if (!(error instanceof ListenError || error instanceof StorageError || error instanceof DiskError))
        throw error;
      logger.warning(error.message);
      if (this.#config.get("logfile") !== "") console.error(`vlot: ${error.message}`);
      process.exit(isWrongPath(error) ? startExitStatus : statusOf(error));
    }
    writePidFile(this.#config, logger);
    logger.notice(
      `Ready to accept connections on port ${this.#serving.server.port}; data is in ${this.#config.get("dir")}`,
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

  #makeServing(): ServingNode {
    return new ServingNode({
      config: this.#config,
      configFile: this.#options.configFile,
      clock: this.#clock,
      logger: this.#logger,
      random: new SeededRandom(entropy()),
      network: new BunNetwork(this.#clock),
      disk: new SystemDisk(),
      directory: this.#config.get("dir"),
      commands: new CommandTable(),
      clientsPossible: clientsFor(this.#openFilesMax),
      advertised: () => advertisedAddress(this.#config, this.#serving.server.port),
      events: {
        changed: () => {
          this.#logger.role = this.#serving.node.leading ? "M" : "S";
        },
        left: () => this.#exit(okExitStatus),
        ended: () => this.#exit(okExitStatus),
        failed: (error) => {
          this.#logger.warning(`Stopping at once: ${error.message}`);
          this.#exit(statusOf(error));
        },
      },
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
  if (error instanceof DiskError) return diskExitStatus;
  if (!(error instanceof StorageError)) return startExitStatus;
  return isForeign(error) ? foreignExitStatus : damagedExitStatus;
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
