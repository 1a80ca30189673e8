// The diagnostics logger (the Raft log is `storage/log.ts`): its interface and its line format, which is Redis'.

export const logLevels = ["debug", "verbose", "notice", "warning"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface Logger {
  debug(message: string): void;
  verbose(message: string): void;
  notice(message: string): void;
  warning(message: string): void;
}

/** Swallows everything; for tests that do not look at the log. */
export const silentLogger: Logger = {
  debug: () => undefined,
  verbose: () => undefined,
  notice: () => undefined,
  warning: () => undefined,
};
