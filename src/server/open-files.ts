// How many clients the process can have open: as many as the system gives it file descriptors for, less those that a
// node must never be without. A node that has none left can neither go on with its log nor link up with the others, so
// clients are turned away before that, whatever maxclients says.

import { readFileSync } from "node:fs";

/** Six links for each other node of a cluster of ten, the files of the log, guests, and connections being turned away. */
const reservedFiles = 128;

/** The soft limit on open files in the text of /proc/<pid>/limits; null when there is none. */
export function openFilesIn(limits: string): number | null {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? null : Number(soft);
}

/** This process's limit on open files. */
export function openFilesMax(): number {
  return openFilesIn(readFileSync("/proc/self/limits", "latin1")) ?? Number.POSITIVE_INFINITY;
}

/** How many clients so many open files leave room for; half of them when there are few. */
export function clientsFor(openFiles: number): number {
  return Math.max(openFiles - reservedFiles, Math.floor(openFiles / 2));
}
