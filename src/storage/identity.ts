// Who a data directory belongs to: written once, when the node founds or joins a cluster. A note (note-file.ts):
//
//   {"format":1,"clusterId":"…","nodeId":1234,"founder":null,"address":{"host":"10.0.0.1","port":6379}}
//   crc32 1a2b3c4d

import type { Member, NodeId } from "../raft/types.ts";
import type { Disk } from "./disk.ts";
import { rejoinAdvice, StorageError } from "./errors.ts";
import { fieldsOf, readNote, writeNote } from "./note-file.ts";
import { clusterIdBytesMax } from "./owner.ts";

const fileName = "identity";

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

/** Writes or replaces the file, durably on return. */
export function writeIdentity(disk: Disk, directory: string, identity: Identity): void {
  const { clusterId, nodeId, founder, address } = identity;
  writeNote(disk, directory, fileName, { clusterId, nodeId, founder, address });
}

/** Throws StorageError when the file is missing, damaged or newer. */
export function readIdentity(disk: Disk, directory: string): Identity {
  const path = identityPath(directory);
  const fields = readNote(disk, path, damaged(path));
  if (fields === null) {
    throw new StorageError(
      "IDENTITY_MISSING",
      path,
      `${path} is missing, so it is not known who the log in ${directory} belongs to. ${rejoinAdvice}`,
    );
  }
  const identity = identityOf(fields);
  if (identity === null) throw damaged(path);
  return identity;
}

/** Where the identity is kept in a node's folder. */
export function identityPath(directory: string): string {
  return `${directory}/${fileName}`;
}

function damaged(path: string): StorageError {
  return new StorageError("IDENTITY_DAMAGED", path, `${path} is damaged. ${rejoinAdvice}`);
}

function identityOf(value: Record<string, unknown>): Identity | null {
  const { clusterId, nodeId } = value;
  const address = addressOf(value["address"]);
  const founder = value["founder"] === null ? null : memberOf(value["founder"]);
  if (typeof clusterId !== "string" || clusterId.length > clusterIdBytesMax) return null;
  if (!isInteger(nodeId) || address === null || founder === undefined) return null;
  return { clusterId, nodeId, founder, address };
}

/** The address in a note's field; null when there is none. */
export function addressOf(value: unknown): Address | null {
  const { host, port } = fieldsOf(value) ?? {};
  return typeof host === "string" && isInteger(port) ? { host, port } : null;
}

function memberOf(value: unknown): Member | undefined {
  const { id, host, port, voting } = fieldsOf(value) ?? {};
  if (!isInteger(id) || typeof host !== "string" || !isInteger(port) || typeof voting !== "boolean")
    return undefined;
  return { id, host, port, voting };
}

function isInteger(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
