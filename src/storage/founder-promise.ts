// Which node this one, still without a cluster, has promised to join (node/bootstrap.ts). It must outlive the process: one
// that forgot its promise could give it to a second founder, and there would be two clusters. A note (note-file.ts):
//
//   {"format":1,"founder":"10.0.0.1:6379"}
//   crc32 1a2b3c4d

import type { Disk } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { readNote, writeNote } from "./note-file.ts";

const fileName = "promise";

/** The founder's address, `host:port`; "" when nothing was promised. Throws StorageError when the file is damaged or newer. */
export function readFounderPromise(disk: Disk, directory: string): string {
  const path = founderPromisePath(directory);
  const fields = readNote(disk, path, damaged(path));
  if (fields === null) return "";
  const { founder } = fields;
  if (typeof founder !== "string") throw damaged(path);
  return founder;
}

/** Writes or replaces the promise, durably on return. */
export function writeFounderPromise(disk: Disk, directory: string, founder: string): void {
  writeNote(disk, directory, fileName, { founder });
}

/** Where the promise is kept in a data directory. */
export function founderPromisePath(directory: string): string {
  return `${directory}/${fileName}`;
}

function damaged(path: string): StorageError {
  return new StorageError(
    "PROMISE_DAMAGED",
    path,
    `${path} is damaged: this node no longer knows which node it promised to join. Once a cluster exists, remove the ` +
      "file and let this node join it.",
  );
}
