// What comes in with AppendEntries is proved before anything hears of it: that the bytes are whole records, that they
// continue this node's log where they join it, and that every replica could execute them. What got into a log and was
// committed has to be executed by all, for ever; so what nobody could execute must not get in, whoever sends it.

import type { AppendEntries, Entry, LogIndex, Term } from "../raft/types.ts";
import { bodyOf, checksumOf, decodeRecords } from "../storage/record.ts";

/** What is asked of the stored log. */
export interface StoredLog {
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly lastStampMs: number;
  termAt(index: LogIndex): Term;
  crcAt(index: LogIndex): number;
  entry(index: LogIndex): Entry;
}

/** The entries in `records`, views of it; or why they are none that a leader can have sent. Linear in the bytes. */
export function readEntries(
  request: AppendEntries,
  records: Uint8Array,
  log: StoredLog,
  bodyProblem: (body: Uint8Array) => string | null,
): readonly Entry[] | string {
  const { prevLogIndex, prevLogTerm } = request;
  const isJoined = holds(log, prevLogIndex, prevLogTerm);
  const decoded = decodeRecords(records, isJoined ? log.crcAt(prevLogIndex) : null);
  if (decoded.kind === "error") return decoded.reason;
  const { entries } = decoded;
  if (isJoined && entries[0] !== undefined && entries[0].stampMs < stampAt(log, prevLogIndex))
    return `the stamp of entry ${entries[0].index} goes back`;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    const { index, term, kind } = entry;
    const record = entry.record as Uint8Array;
    // Of one index and term there is one entry; what follows another one follows another history.
    if (holds(log, index, term) && log.crcAt(index) !== checksumOf(record))
      return `entry ${index} of term ${term} is another one here`;
    const problem = kind === "command" ? bodyProblem(bodyOf(record)) : null;
    if (problem !== null) return `entry ${index}: ${problem}`;
  }
  return entries;
}

/** Whether `log` has an entry at `index` (or what it begins after), and that of `term`. */
export function holds(log: StoredLog, index: LogIndex, term: Term): boolean {
  return index >= log.firstIndex - 1 && index <= log.lastIndex && log.termAt(index) === term;
}

function stampAt(log: StoredLog, index: LogIndex): number {
  if (index === log.lastIndex) return log.lastStampMs;
  return index < log.firstIndex ? 0 : log.entry(index).stampMs;
}
