// Which node this one, still without a cluster, has promised to join (node/bootstrap.ts). It must outlive the process: one
// that forgot its promise could give it to a second founder, and there would be two clusters. Two lines, for people to
// read, replaced as a whole: written under another name, synced, renamed, directory synced.
//
//   {"format":1,"founder":"10.0.0.1:6379"}
//   crc32 1a2b3c4d

import type { Disk } from "./disk.ts";
import { newerFormat, StorageError } from "./errors.ts";

const formatVersion = 1;

/** The founder's address, `host:port`; "" when nothing was promised. Throws StorageError when the file is damaged or newer. */
export function readFounderPromise(disk: Disk, directory: string): string {
  const path = founderPromisePath(directory);
  const bytes = disk.read(path);
  if (bytes === null) return "";
  const [line, checksum, ...rest] = new TextDecoder().decode(bytes).split("\n");
  if (line === undefined || checksum !== checksumLine(line) || rest.join("") !== "") throw damaged(path);
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null) throw damaged(path);
  const { format, founder } = { format: null, founder: null, ...value };
  if (typeof format === "number" && format > formatVersion) throw newerFormat(path, format);
  if (typeof founder !== "string") throw damaged(path);
  return founder;
}

/** Writes or replaces the promise, durably on return. */
export function writeFounderPromise(disk: Disk, directory: string, founder: string): void {
  const line = JSON.stringify({ format: formatVersion, founder });
  const path = founderPromisePath(directory);
  const file = disk.create(`${path}.new`, 0);
  file.write(new TextEncoder().encode(`${line}\n${checksumLine(line)}\n`), 0);
  file.sync();
  file.close();
  disk.rename(`${path}.new`, path);
  disk.syncDirectory(directory);
}

/** Where the promise is kept in a data directory. */
export function founderPromisePath(directory: string): string {
  return `${directory}/promise`;
}

function checksumLine(line: string): string {
  return `crc32 ${Bun.hash.crc32(line).toString(16).padStart(8, "0")}`;
}

function damaged(path: string): StorageError {
  return new StorageError(
    "PROMISE_DAMAGED",
    path,
    `${path} is damaged: this node no longer knows which node it promised to join. Once a cluster exists, remove the ` +
      "file and let this node join it.",
  );
}
