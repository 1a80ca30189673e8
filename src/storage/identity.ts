// Who a data directory belongs to: written once when the node joins a cluster, then only if its address changes. Two
// lines, for people to read:
//
//   {"format":1,"clusterId":"…","nodeId":1234,"founder":null,"address":{"host":"10.0.0.1","port":6379}}
//   crc32 1a2b3c4d
//
// The second line is the checksum of the first, in hexadecimal. A change replaces the file: written under another name,
// synced, renamed, directory synced.

import type { Member, NodeId } from "../raft/types.ts";
import type { Disk } from "./disk.ts";
import { newerFormat, rejoinAdvice, StorageError } from "./errors.ts";
import { clusterIdBytesMax } from "./owner.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Identity {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** Set on the node that created the cluster: the one member of the first membership. Null on one that joined. */
  readonly founder: Member | null;
  /** Where the other nodes reach this one. */
  readonly address: Address;
}

const formatVersion = 1;

/** Writes or replaces the file, durably on return. */
export function writeIdentity(disk: Disk, directory: string, identity: Identity): void {
  const { clusterId, nodeId, founder, address } = identity;
  const line = JSON.stringify({ format: formatVersion, clusterId, nodeId, founder, address });
  const bytes = new TextEncoder().encode(`${line}\n${checksumLine(line)}\n`);
  const path = identityPath(directory);
  const file = disk.create(`${path}.new`, 0);
  file.write(bytes, 0);
  file.sync();
  file.close();
  disk.rename(`${path}.new`, path);
  disk.syncDirectory(directory);
}

/** Throws StorageError when the file is missing, damaged or newer. */
export function readIdentity(disk: Disk, directory: string): Identity {
  const path = identityPath(directory);
  const bytes = disk.read(path);
  if (bytes === null) {
    throw new StorageError(
      "IDENTITY_MISSING",
      path,
      `${path} is missing, so it is not known who the log in ${directory} belongs to. ${rejoinAdvice}`,
    );
  }
  const [line, checksum, ...rest] = new TextDecoder().decode(bytes).split("\n");
  if (line === undefined || checksum !== checksumLine(line) || rest.join("") !== "") throw damaged(path);
  const value = parseObject(line);
  const format = value?.["format"];
  if (typeof format === "number" && format > formatVersion) throw newerFormat(path, format);
  const identity = value === null ? null : identityOf(value);
  if (identity === null) throw damaged(path);
  return identity;
}

/** Path of the file in a node's directory. */
export function identityPath(directory: string): string {
  return `${directory}/identity`;
}

function checksumLine(line: string): string {
  return `crc32 ${Bun.hash.crc32(line).toString(16).padStart(8, "0")}`;
}

function damaged(path: string): StorageError {
  return new StorageError("IDENTITY_DAMAGED", path, `${path} is damaged. ${rejoinAdvice}`);
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    return recordOf(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function identityOf(value: Record<string, unknown>): Identity | null {
  const { clusterId, nodeId } = value;
  const address = addressOf(value["address"]);
  const founder = value["founder"] === null ? null : memberOf(value["founder"]);
  if (typeof clusterId !== "string" || clusterId.length > clusterIdBytesMax) return null;
  if (!isInteger(nodeId) || address === null || founder === undefined) return null;
  return { clusterId, nodeId, founder, address };
}

function addressOf(value: unknown): Address | null {
  const { host, port } = recordOf(value) ?? {};
  return typeof host === "string" && isInteger(port) ? { host, port } : null;
}

function memberOf(value: unknown): Member | undefined {
  const { id, host, port, voting } = recordOf(value) ?? {};
  if (!isInteger(id) || typeof host !== "string" || !isInteger(port) || typeof voting !== "boolean")
    return undefined;
  return { id, host, port, voting };
}

function recordOf(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function isInteger(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
