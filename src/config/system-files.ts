// The real file system behind reading and rewriting configuration files.

import {
  closeSync,
  fchmodSync,
  fsyncSync,
  globSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { ConfigurationFiles } from "./configuration-file.ts";

const newFileMode = 0o644;

export const systemFiles: ConfigurationFiles = {
  read: (path) => readFileSync(path, "latin1"),
  matching: (pattern) => globSync(pattern).sort(),
};

/** Replaces a file so that a crash leaves the old one or the new one, and keeps its mode. Throws what the system says. */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? newFileMode) & 0o777;
  try {
    const file = openSync(temporary, "w", mode);
    try {
      const bytes = Buffer.from(text, "latin1");
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      fchmodSync(file, mode);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
