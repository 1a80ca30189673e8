// By which new node this one, whose files are damaged, is to be replaced (node/replacement.ts). It must outlive the process:
// the cluster may have accepted the new node already when the power goes, and a second one would be one too many; and a
// node that was found damaged once must not start as if nothing had been. A note (note-file.ts):
//
//   {"format":1,"clusterId":"…","oldId":1234,"newId":5678,"address":{"host":"10.0.0.1","port":6379},
//    "others":[{"host":"10.0.0.2","port":6379},…],"finding":"the log is damaged: entry 17 at offset …"}
//   crc32 1a2b3c4d

import { isNodeId, type NodeId } from "../raft/types.ts";
import type { Disk } from "./disk.ts";
import { rejoinAdvice, StorageError } from "./errors.ts";
import { type Address, addressOf } from "./identity.ts";
import { readNote, writeNote } from "./note-file.ts";

const fileName = "replacement";

export interface ReplacementNote {
  readonly clusterId: string;
  /** Never starts again. */
  readonly oldId: NodeId;
  /** Drawn for this; nobody else has it. */
  readonly newId: NodeId;
  /** Where the other nodes reach this one, before and after. */
  readonly address: Address;
  /** The other members, as far as the damaged files tell. */
  readonly others: readonly Address[];
  /** What was found damaged, for people. */
  readonly finding: string;
}

/** Null when there is none. Throws StorageError when it is damaged or newer. */
export function readReplacementNote(disk: Disk, directory: string): ReplacementNote | null {
  const path = replacementNotePath(directory);
  const fields = readNote(disk, path, damaged(path));
  if (fields === null) return null;
  const note = noteOf(fields);
  if (note === null) throw damaged(path);
  return note;
}

/** Writes or replaces the note, durably on return. */
export function writeReplacementNote(disk: Disk, directory: string, note: ReplacementNote): void {
  const { clusterId, oldId, newId, address, others, finding } = note;
  writeNote(disk, directory, fileName, { clusterId, oldId, newId, address, others, finding });
}

/** Where the note is kept in a data directory. */
export function replacementNotePath(directory: string): string {
  return `${directory}/${fileName}`;
}

/** The error of a start that may not replace the node. */
export function replacementPending(directory: string, note: ReplacementNote): StorageError {
  return new StorageError(
    "REPLACEMENT_PENDING",
    replacementNotePath(directory),
    `node ${note.oldId} waits to be replaced by node ${note.newId}, as ${replacementNotePath(directory)} says: ${note.finding} ` +
      rejoinAdvice,
  );
}

function damaged(path: string): StorageError {
  return new StorageError(
    "REPLACEMENT_DAMAGED",
    path,
    `${path} is damaged: it said by which new node this one, found damaged before, is to be replaced. ${rejoinAdvice}`,
  );
}

function noteOf(fields: Record<string, unknown>): ReplacementNote | null {
  const { clusterId, oldId, newId, finding } = fields;
  const address = addressOf(fields["address"]);
  if (typeof clusterId !== "string" || typeof finding !== "string" || address === null) return null;
  if (!isNodeId(oldId) || !isNodeId(newId) || !Array.isArray(fields["others"])) return null;
  const others: Address[] = [];
  for (const item of fields["others"]) {
    const other = addressOf(item);
    if (other === null) return null;
    others.push(other);
  }
  return { clusterId, oldId, newId, address, others, finding };
}
