// A test of running processes: it gets a place with a folder of its own, and whatever it starts ends with it, however it
// ends. The folder is removed when the test has passed; when it failed the folder stays, and is named together with the
// ends of the logs in it.

import { test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RespClient, type RespClientOptions } from "./resp-client.ts";

const logTailLines = 25;
/** Bun's own limit comes later than ours, which also tells what was running. */
const marginMs = 10_000;

/** Processes of ours that may still run, of all places. */
const running = new Set<Bun.Subprocess>();

// Bun ends a test run on a signal without a word to the tests, unless somebody listens.
process.on("exit", killAll);
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));

function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), "vlot-test-"));
  readonly #children = new Set<Bun.Subprocess>();
  readonly #clients: RespClient[] = [];
  readonly #endings: (() => void)[] = [];

  /** Makes sure that the process ends with the test. */
  adopt<T extends Bun.Subprocess>(child: T): T {
    running.add(child);
    this.#children.add(child);
    void child.exited.then(() => {
      running.delete(child);
      this.#children.delete(child);
    });
    return child;
  }

  /** A connection that ends with the test. */
  async connect(port: number, options: RespClientOptions = {}): Promise<RespClient> {
    const client = await RespClient.connect(port, options);
    this.#clients.push(client);
    return client;
  }

  /** Something else to be ended with the test. */
  atEnd(ending: () => void): void {
    this.#endings.push(ending);
  }

  async end(): Promise<void> {
    for (const ending of this.#endings) ending();
    for (const client of this.#clients) client.close();
    const children = [...this.#children];
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exited));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** The ends of all logs. */
  report(): string {
    const logs = readdirSync(this.folder).filter((name) => name.endsWith(".log"));
    const tails = logs.sort().map((name) => {
      const lines = readFileSync(join(this.folder, name), "utf8").trimEnd().split("\n");
      return `── ${name}\n${lines.slice(-logTailLines).join("\n")}`;
    });
    return [`kept for inspection: ${this.folder}`, ...tails].join("\n");
  }
}

/** A test with a place of its own, and so many seconds. */
export function scenario(title: string, seconds: number, body: (place: Place) => Promise<void>): void {
  const limitMs = seconds * 1000;
  const run = async (): Promise<void> => {
    const place = new Place();
    try {
      await withLimit(limitMs, body(place));
    } catch (error) {
      await place.end();
      console.error(place.report());
      throw error;
    }
    await place.end();
    place.remove();
  };
  test(title, run, limitMs + marginMs);
}

async function withLimit(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the test took longer than ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
