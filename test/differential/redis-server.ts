// A real redis-server of its own, on a socket file in a temporary folder, without persistence.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "../../src/base/assert.ts";

/** Path of the redis-server of this machine; null without one. */
export const redisServerPath = Bun.which("redis-server");

export class RedisServer {
  /** The socket file that it listens on. */
  readonly socketPath: string;
  readonly #process: Bun.Subprocess;
  readonly #directory: string;

  private constructor(process: Bun.Subprocess, directory: string) {
    this.#process = process;
    this.#directory = directory;
    this.socketPath = socketPathIn(directory);
  }

  /** Resolves when the server takes commands. The caller stops it. */
  static async start(): Promise<RedisServer> {
    assert(redisServerPath !== null, "a redis-server on this machine");
    const directory = mkdtempSync(join(tmpdir(), "vlot-redis-"));
    const path = socketPathIn(directory);
    const options = ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"];
    const child = Bun.spawn([redisServerPath, ...options], {
      cwd: directory,
      stdout: "pipe",
      stderr: "ignore",
    });
    await untilPrinted(child.stdout, "ready to accept connections");
    return new RedisServer(child, directory);
  }

  async stop(): Promise<void> {
    this.#process.kill();
    await this.#process.exited;
    rmSync(this.#directory, { recursive: true });
  }
}

function socketPathIn(directory: string): string {
  return join(directory, "socket");
}

async function untilPrinted(output: ReadableStream<Uint8Array>, text: string): Promise<void> {
  let printed = "";
  for await (const chunk of output) {
    printed += Buffer.from(chunk).toString();
    if (printed.includes(text)) return;
  }
  throw new Error(`redis-server ended before it was ready: ${printed}`);
}
