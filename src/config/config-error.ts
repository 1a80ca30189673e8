// The error of everything that an operator can get wrong before the server runs.

/** Status of the process when the command line is wrong. */
export const usageExitStatus = 2;
/** Status of the process when it cannot start with what the file or the environment says. */
export const startExitStatus = 1;
/** Status when the directory is in use, of another node, or written by a newer version. */
export const foreignExitStatus = 3;
/** Status when files are damaged. */
export const damagedExitStatus = 4;
/** Status when the disk refuses. */
export const diskExitStatus = 6;

export type ConfigErrorCode =
  "UNKNOWN_FLAG" | "UNKNOWN_DIRECTIVE" | "BAD_VALUE" | "BAD_ARGUMENTS" | "BAD_FILE" | "CONFLICT";

/** The configuration cannot be used. `message` says what was given where and what would do; it needs no stack trace. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;
  /** The status to exit with. */
  readonly exitStatus: number;

  constructor(code: ConfigErrorCode, message: string, exitStatus: number) {
    super(message);
    this.code = code;
    this.exitStatus = exitStatus;
  }
}
