// Which cluster and node a file belongs to. Every file of the log says so, because files get copied and mounted in the
// wrong place, and a log of another node, read as one's own, breaks promises given to the others.

import type { NodeId } from "../raft/types.ts";
import { StorageError } from "./errors.ts";

export interface Owner {
  /** At most `clusterIdBytesMax` characters of one byte each. */
  readonly clusterId: string;
  readonly nodeId: NodeId;
}

export const clusterIdBytesMax = 64;

/**
 * Writes 72 bytes at `offset`, into zeros: node id (4), length of the cluster id (4), cluster id (64). Throws RangeError
 * when the cluster id is too long.
 */
export function writeOwner(bytes: Uint8Array, offset: number, owner: Owner): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (owner.clusterId.length > clusterIdBytesMax)
    throw new RangeError("a cluster id has at most 64 characters");
  buffer.writeUInt32LE(owner.nodeId, offset);
  buffer.writeUInt32LE(owner.clusterId.length, offset + 4);
  buffer.latin1Write(owner.clusterId, offset + 8, owner.clusterId.length);
}

/** What `writeOwner` wrote at `offset`. */
export function readOwner(bytes: Uint8Array, offset: number): Owner {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = Math.min(buffer.readUInt32LE(offset + 4), clusterIdBytesMax);
  return {
    nodeId: buffer.readUInt32LE(offset),
    clusterId: buffer.latin1Slice(offset + 8, offset + 8 + length),
  };
}

/** Throws StorageError when the file at `path`, whose checksum was found right, is somebody else's. */
export function checkOwner(bytes: Uint8Array, offset: number, owner: Owner, path: string): void {
  const { nodeId, clusterId } = readOwner(bytes, offset);
  if (nodeId === owner.nodeId && clusterId === owner.clusterId) return;
  throw new StorageError(
    "FOREIGN_FILE",
    path,
    `${path} belongs to node ${nodeId} of cluster "${clusterId}", but this is node ${owner.nodeId} of cluster ` +
      `"${owner.clusterId}": put the right file back; nothing has been changed.`,
  );
}
