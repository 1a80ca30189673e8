// The logger of a running node: one line a message in Redis' form, so that what reads Redis' logs reads these:
//
//     4242:M 05 Mar 2024 09:07:01.033 * Ready to accept connections
//     pid  |                          |  `- level: . debug, - verbose, * notice, # warning
//          `- role: M leader, S follower or learner, X anything before that

import { unreachable } from "./assert.ts";
import { type Logger, type LogLevel, logLevels } from "./logger.ts";

export type LogRole = "M" | "S" | "X";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export interface LineLoggerOptions {
  readonly pid: number;
  /** Gets whole lines with their line end. */
  readonly write: (line: string) => void;
  /** Milliseconds since 1970; shown in local time. */
  readonly wallMs: () => number;
  readonly level: LogLevel;
}

export class LineLogger implements Logger {
  /** Less important messages are dropped. */
  level: LogLevel;
  role: LogRole = "X";
  readonly #pid: number;
  readonly #write: (line: string) => void;
  readonly #wallMs: () => number;

  constructor(options: LineLoggerOptions) {
    this.level = options.level;
    this.#pid = options.pid;
    this.#write = options.write;
    this.#wallMs = options.wallMs;
  }

  debug(message: string): void {
    this.#log("debug", message);
  }

  verbose(message: string): void {
    this.#log("verbose", message);
  }

  notice(message: string): void {
    this.#log("notice", message);
  }

  warning(message: string): void {
    this.#log("warning", message);
  }

  #log(level: LogLevel, message: string): void {
    if (logLevels.indexOf(level) < logLevels.indexOf(this.level)) return;
    const time = formatTime(this.#wallMs());
    // One message is one line, whatever a client put into a name that is logged.
    const text = message.replace(/[\x00-\x1f\x7f]/g, escapeControl);
    this.#write(`${this.#pid}:${this.role} ${time} ${markOf(level)} ${text}\n`);
  }
}

function markOf(level: LogLevel): string {
  switch (level) {
    case "debug":
      return ".";
    case "verbose":
      return "-";
    case "notice":
      return "*";
    case "warning":
      return "#";
    default:
      return unreachable(level);
  }
}

function formatTime(wallMs: number): string {
  const at = new Date(wallMs);
  const pad = (value: number, digits = 2): string => value.toString().padStart(digits, "0");
  const date = `${pad(at.getDate())} ${months[at.getMonth()]} ${at.getFullYear()}`;
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return `${date} ${time}.${pad(at.getMilliseconds(), 3)}`;
}

function escapeControl(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
