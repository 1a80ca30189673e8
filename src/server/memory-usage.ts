// What the process takes of memory, for INFO.

export interface MemoryUsage {
  readonly heapUsed: number;
  /** Resident set size. */
  readonly rss: number;
}

let lastKnown: MemoryUsage = { heapUsed: 0, rss: 0 };

/** Bytes. Asking the system opens a file: when the process may open no more, the last answer has to do. */
export function memoryUsage(): MemoryUsage {
  try {
    lastKnown = process.memoryUsage();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error && error.syscall === "memoryUsage")) throw error;
  }
  return lastKnown;
}
