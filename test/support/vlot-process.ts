// One node of the built executable: a process that can be started, stopped, killed, paused and started again on the same
// port and directory, and asked what it thinks.

import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { plain } from "../server/test-client.ts";
import { vlotExecutable } from "./executable.ts";
import { isUnanswered, RespClient } from "./resp-client.ts";
import type { Place } from "./scenario.ts";
import { until } from "./until.ts";

export interface VlotProcessOptions {
  /** Of its directory and log in the place's folder. */
  readonly name: string;
  readonly port: number;
  /** In addition to port, address and directory. */
  readonly flags?: readonly string[];
  /** Needed to ask it anything when it has one. */
  readonly password?: string;
  /** On top of the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
}

/** RAFT.INFO's fields by name. */
export type RaftInfo = ReadonlyMap<string, string>;

const askTimeoutMs = 1000;
/** Small segments: the tests write little, and zeros are filled in ahead. */
const segmentSize = "1mb";

export class VlotProcess {
  readonly name: string;
  readonly port: number;
  readonly directory: string;
  readonly logPath: string;
  readonly #place: Place;
  readonly #flags: readonly string[];
  readonly #password: string | undefined;
  readonly #env: Readonly<Record<string, string>>;
  #child: Bun.Subprocess | null = null;

  constructor(place: Place, options: VlotProcessOptions) {
    this.name = options.name;
    this.port = options.port;
    this.directory = join(place.folder, options.name);
    this.logPath = join(place.folder, `${options.name}.log`);
    this.#place = place;
    this.#flags = options.flags ?? [];
    this.#password = options.password;
    this.#env = options.env ?? {};
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#started.pid;
  }

  /** Exit status of the process started last; null when a signal ended it. */
  get exited(): Promise<number | null> {
    const child = this.#started;
    return child.exited.then(() => child.exitCode);
  }

  /** How the process started last has ended: its status, or the name of the signal; null while it runs. */
  get ending(): number | string | null {
    return this.#started.exitCode ?? this.#started.signalCode;
  }

  get log(): string {
    return readFileSync(this.logPath, "utf8");
  }

  /** Starts the process without waiting for anything. */
  launch(extraFlags: readonly string[] = []): void {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const own = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.directory];
    const output = openSync(this.logPath, "a");
    const command = [
      vlotExecutable(),
      ...own,
      "--log-segment-size",
      segmentSize,
      ...this.#flags,
      ...extraFlags,
    ];
    const child = Bun.spawn(command, {
      cwd: this.#place.folder,
      env: { ...process.env, ...this.#env },
      stdin: "ignore",
      stdout: output,
      stderr: output,
    });
    closeSync(output);
    this.#child = this.#place.adopt(child);
  }

  /** Starts the process and waits until it takes commands. */
  async start(extraFlags: readonly string[] = []): Promise<void> {
    this.launch(extraFlags);
    await until(`${this.name} answers`, async () => {
      if (!this.isRunning)
        throw new Error(`${this.name} ended with status ${await this.exited}:\n${this.log}`);
      return (await this.info()) !== null;
    });
  }

  /** SIGTERM; the exit status. */
  stop(): Promise<number | null> {
    this.#started.kill("SIGTERM");
    return this.exited;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#started.kill("SIGKILL");
    await this.exited;
  }

  /** SIGSTOP: alive to the kernel, silent to everybody. */
  pause(): void {
    this.#started.kill("SIGSTOP");
  }

  resume(): void {
    this.#started.kill("SIGCONT");
  }

  /** A connection that ends with the test; logged in. */
  connect(timeoutMs?: number): Promise<RespClient> {
    return this.#place.connect(this.port, this.#clientOptions(timeoutMs));
  }

  /** One command on a connection of its own. */
  async ask(...args: string[]): Promise<unknown> {
    const client = await RespClient.connect(this.port, this.#clientOptions());
    try {
      return plain(await client.call(...args));
    } finally {
      client.close();
    }
  }

  /** What the node says of itself; null when it gives no answer. */
  async info(): Promise<RaftInfo | null> {
    if (!this.isRunning) return null;
    let client: RespClient | null = null;
    try {
      client = await RespClient.connect(this.port, this.#clientOptions(askTimeoutMs));
      const reply = await client.call("RAFT.INFO");
      return reply.kind === "bulk" ? fieldsOf(reply.text) : null;
    } catch (error) {
      if (isUnanswered(error)) return null;
      throw error;
    } finally {
      client?.close();
    }
  }

  /** One field of `info`; "" when there is none. */
  async field(name: string): Promise<string> {
    return (await this.info())?.get(name) ?? "";
  }

  /** Resident memory in bytes, as the kernel counts it. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  }

  get #started(): Bun.Subprocess {
    if (this.#child === null) throw new Error(`${this.name} was never started`);
    return this.#child;
  }

  #clientOptions(timeoutMs?: number): { timeoutMs?: number; password?: string } {
    return {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(this.#password === undefined ? {} : { password: Buffer.from(this.#password).toString("latin1") }),
    };
  }
}

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}
