// Where diagnostics go: standard output, or a file that logrotate may move away at any time (SIGHUP reopens it).

import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const standardOutput = 1;

export class LogFile {
  readonly #path: string;
  #file = standardOutput;

  /** `path` "" is standard output. Throws what the system says when the file cannot be opened. */
  constructor(path: string) {
    this.#path = path;
    this.reopen();
  }

  reopen(): void {
    if (this.#path === "") return;
    mkdirSync(dirname(this.#path), { recursive: true });
    const opened = openSync(this.#path, "a");
    if (this.#file !== standardOutput) closeSync(this.#file);
    this.#file = opened;
  }

  /** Writes a line at once: the last words before a crash count most. What cannot be written is lost. */
  write(line: string): void {
    try {
      writeSync(this.#file, line);
    } catch (error) {
      // A full disk or a closed pipe: a server must not end for the sake of its diagnostics.
      this.failures += error instanceof Error ? 1 : 0;
    }
  }

  /** Lines lost. */
  failures = 0;
}
