// What a disk does to the files of a machine that is off, aimed: at a record in the middle of the log, which this node has
// acknowledged, or at term and vote.

import { assert } from "../../src/base/assert.ts";
import type { Random } from "../../src/base/random.ts";
import { bodyBytesAt, kindAt, recordHeaderBytes, recordSizeBytes } from "../../src/storage/record.ts";
import { segmentHeaderBytes } from "../../src/storage/segment.ts";
import type { VirtualMachine } from "./virtual-machine.ts";
import { dataPath } from "./virtual-process.ts";

const logPath = `${dataPath}/node/log`;
export const hardStatePath = `${dataPath}/node/hard-state`;

/** Flips a bit of a record that is followed by others and says nothing of members. */
export function damageLog(machine: VirtualMachine, random: Random): void {
  damageOne(machine, random, (records) => {
    const fitting = records.filter(({ isAboutMembers }) => !isAboutMembers);
    return fitting[random.below(Math.max(1, fitting.length))];
  });
}

/** Flips a bit of the newest record that says who the members are, or of the one so many of them `back`. */
export function damageMembers(machine: VirtualMachine, random: Random, back: number): void {
  damageOne(machine, random, (records) =>
    records.filter(({ isAboutMembers }) => isAboutMembers).at(-1 - back),
  );
}

/** Flips a bit in the body of the newest record, or of the one so many `back`, also while the machine runs. */
export function damageNewest(machine: VirtualMachine, back = 0): void {
  const { path, records } = someSegment(machine, (names) => names.at(-1));
  const { offset } = records.at(-1 - back) as RecordPlace;
  machine.damage((disk) => disk.damage(path, offset + recordHeaderBytes, 1));
}

function damageOne(
  machine: VirtualMachine,
  random: Random,
  choose: (records: readonly RecordPlace[]) => RecordPlace | undefined,
): void {
  const { path, records } = someSegment(machine, (names) => names[random.below(names.length)]);
  // The last two may be what a torn write looks like.
  const record = choose(records.slice(0, -2));
  assert(record !== undefined, `a record to damage in ${path}`);
  // Behind the local part, which is nobody's business but this node's.
  const offset = record.offset + 8 + random.below(record.sizeBytes - 8);
  const bit = 1 << random.below(8);
  machine.damage((disk) => disk.damage(path, offset, bit));
}

/** Flips a bit in both copies of term and vote. */
export function damageHardState(machine: VirtualMachine, random: Random): void {
  machine.damage((disk) => {
    for (const copy of [0, 4096]) disk.damage(hardStatePath, copy + random.below(128), 1 << random.below(8));
  });
}

function someSegment(
  machine: VirtualMachine,
  choose: (names: readonly string[]) => string | undefined,
): { readonly path: string; readonly records: readonly RecordPlace[] } {
  const names = machine.disk.list(logPath).filter((name) => name.endsWith(".segment"));
  const path = `${logPath}/${choose(names)}`;
  return { path, records: recordsIn(machine.disk.read(path) ?? new Uint8Array()) };
}

interface RecordPlace {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly isAboutMembers: boolean;
}

/** The records of a segment. */
function recordsIn(bytes: Uint8Array): RecordPlace[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: RecordPlace[] = [];
  let offset = segmentHeaderBytes;
  while (offset + recordHeaderBytes <= bytes.length && view.getUint8(offset + 16) !== 0) {
    const sizeBytes = recordSizeBytes(bodyBytesAt(view, offset));
    records.push({ offset, sizeBytes, isAboutMembers: kindAt(view, offset) === "membership" });
    offset += sizeBytes;
  }
  return records;
}
