// A small file that people can read and nobody changes in place: one line of JSON with its format version, and a second
// line with the checksum of the first, in hexadecimal.
//
//   {"format":1,…}
//   crc32 1a2b3c4d
//
// A change replaces the file: written under another name, synced, renamed, directory synced.

import type { Disk } from "./disk.ts";
import { newerFormat, type StorageError } from "./errors.ts";

const formatVersion = 1;

/** Writes or replaces the note `name` in `directory`, durably on return. */
export function writeNote(disk: Disk, directory: string, name: string, fields: object): void {
  const line = JSON.stringify({ format: formatVersion, ...fields });
  const path = `${directory}/${name}`;
  const file = disk.create(`${path}.new`, 0);
  try {
    file.write(new TextEncoder().encode(`${line}\n${checksumLine(line)}\n`), 0);
    file.sync();
  } finally {
    file.close();
  }
  disk.rename(`${path}.new`, path);
  disk.syncDirectory(directory);
}

/** The fields of the note at `path`, null when there is none. Throws `damaged`, or StorageError when it is newer. */
export function readNote(disk: Disk, path: string, damaged: StorageError): Record<string, unknown> | null {
  const bytes = disk.read(path);
  if (bytes === null) return null;
  const [line, checksum, ...rest] = new TextDecoder().decode(bytes).split("\n");
  if (line === undefined || checksum !== checksumLine(line) || rest.join("") !== "") throw damaged;
  const fields = parseObject(line);
  if (fields === null) throw damaged;
  const format = fields["format"];
  if (typeof format === "number" && format > formatVersion) throw newerFormat(path, 0, format);
  return fields;
}

/** The fields of `value` if it is an object and no array, else null. */
export function fieldsOf(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    return fieldsOf(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function checksumLine(line: string): string {
  return `crc32 ${Bun.hash.crc32(line).toString(16).padStart(8, "0")}`;
}
