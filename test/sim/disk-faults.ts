// What disks do to what they were given. Those that cost a node what it has vouched for are within the budget, and the
// process ends soon after, so that they are found; the others every node must survive, or end and come back as it was.

//
// Damage strikes records that the disk itself proves to have been synced (log-places.ts). For the newest ones, behind the
// last such proof, there are kinds of their own: a bit flips where no torn write can have left what is there then, and a
// sector is lost, which is drawn only when asked for (fault-kinds.ts says why).

import { bodyBytesAt, recordHeaderBytes } from "../../src/storage/record.ts";
import type { FaultContext } from "./fault-context.ts";
import type { DiskFaultKind, Strike } from "./fault-kinds.ts";
import { hardStatePath, logPath, nodePath, type RecordPlace, recordsOn, segmentsOn } from "./log-places.ts";
import type { VirtualMachine } from "./virtual-machine.ts";

const segmentHeaderBytes = 128;
const sectorBytes = 512;
/** Of a record's header, the checksum and what it covers. */
const checkedHeaderFrom = 8;
const hardStateCopyBytes = 128;
const hardStateCopies = [0, 4096];
const truncationNoteBytes = 20;
/** One flip in a log of so many hits the header of a segment. */
const headerEvery = 10;
/** A sync or a write fails within so many. */
const operationsMax = 12;
const freeBytesMax = 40_000;
const foundWithinMs = 300;

/** A place in a file. */
interface Place {
  readonly path: string;
  readonly offset: number;
}

export function diskFaults(context: FaultContext): Readonly<Record<DiskFaultKind, Strike>> {
  return {
    "flip-in-log": () => lose(context, (machine) => flip(context, machine, placeInLog(context, machine))),
    "flip-at-log-end": () =>
      lose(context, (machine) => {
        const proven = recordsOn(machine.disk).filter(({ isProven }) => isProven);
        return flip(context, machine, placeInRecord(context, proven.at(-1)));
      }),
    "flip-in-unproven": () => lose(context, (machine) => flipInUnproven(context, machine)),
    "zeros-in-unproven": () => lose(context, (machine) => loseSector(context, machine)),
    "flip-hard-state": () =>
      scratch(context, (machine) => flip(context, machine, hardStatePlace(context, context.random.below(2)))),
    "flip-both-hard-states": () =>
      lose(context, (machine) => {
        for (let copy = 0; copy < hardStateCopies.length; copy++)
          flip(context, machine, hardStatePlace(context, copy));
        return true;
      }),
    "flip-identity": () =>
      lose(context, (machine) => flip(context, machine, placeIn(context, machine, `${nodePath}/identity`))),
    "flip-truncation-note": () =>
      scratch(context, (machine) => {
        const offset = context.random.below(truncationNoteBytes);
        return flip(context, machine, { path: `${logPath}/truncation`, offset });
      }),
    "unreadable-sector": () => lose(context, (machine) => makeUnreadable(context, machine)),
    "sync-error": () =>
      failing(context, "EIO", ({ disk }) => disk.failNextSync("EIO", context.random.below(operationsMax))),
    "write-error": () =>
      failing(context, "EIO", ({ disk }) =>
        disk.failNextWrite("EIO", context.random.below(64), context.random.below(operationsMax)),
      ),
    "disk-full": () => failing(context, "ENOSPC", (machine) => fill(context, machine)),
    "slow-disk": () => slow(context),
    "wiped-disk": () => wipe(context),
  };
}

// ── What costs a node its data ──────────────────────────────────────────────────────────────────────────────────────

function lose(context: FaultContext, damage: (machine: VirtualMachine) => boolean): boolean {
  const machine = candidate(context);
  if (machine === undefined || !context.budget.hasRoom) return false;
  if (!damage(machine)) return false;
  context.budget.lose(machine, nodeIdOf(machine));
  findSoon(context, machine);
  return true;
}

function wipe(context: FaultContext): boolean {
  const machine = candidate(context);
  if (machine === undefined || !context.budget.hasRoom) return false;
  context.budget.lose(machine, nodeIdOf(machine));
  machine.cutPower();
  machine.wipe();
  machine.start();
  return true;
}

/** A member that runs and has not lost anything yet. */
function candidate(context: FaultContext): VirtualMachine | undefined {
  const { world, budget, operator } = context;
  const suits = (machine: VirtualMachine): boolean =>
    machine.process?.node.state === "up" && !budget.isDamaged(machine) && !operator.isBusyWith(machine);
  const { leader } = world;
  if (leader !== undefined && suits(leader) && context.chance(50)) return leader;
  return context.pick(world.running.filter(suits));
}

function nodeIdOf(machine: VirtualMachine): number {
  return machine.process?.node.nodeId ?? 0;
}

function placeInLog(context: FaultContext, machine: VirtualMachine): Place | null {
  if (context.random.below(headerEvery) === 0) {
    const path = context.pick(segmentsOn(machine.disk));
    return path === undefined ? null : { path, offset: context.random.below(segmentHeaderBytes) };
  }
  return placeInRecord(context, context.pick(recordsOn(machine.disk).filter(({ isProven }) => isProven)));
}

function placeInRecord(
  context: FaultContext,
  record: RecordPlace | undefined,
): (Place & { readonly record: RecordPlace }) | null {
  if (record === undefined) return null;
  return { record, path: record.path, offset: record.offset + context.random.below(record.sizeBytes) };
}

function flipInUnproven(context: FaultContext, machine: VirtualMachine): boolean {
  const place = placeInRecord(context, unprovenRecord(context, machine));
  if (place === null) return false;
  const mask = 1 << context.random.below(8);
  const bytes = machine.disk.contents(place.record.path);
  if (!showsIn(bytes, place.record, place.offset - place.record.offset, mask)) return false;
  flipBits(context, machine, place, mask);
  return true;
}

function unprovenRecord(context: FaultContext, machine: VirtualMachine): RecordPlace | undefined {
  return context.pick(recordsOn(machine.disk).filter(({ isProven }) => !isProven));
}

/**
 * Whether the flip leaves what no torn write can: something in the first and in the last byte that the record has in each
 * sector. What the checksum covers of the header always shows, but where a byte becomes zero that is such a one.
 */
function showsIn(bytes: Uint8Array, record: RecordPlace, at: number, mask: number): boolean {
  const whole = bytes.slice(record.offset, record.offset + record.sizeBytes);
  const bodyEnd = recordHeaderBytes + bodyBytesAt(new DataView(whole.buffer), 0);
  if (at >= bodyEnd) return false;
  whole[at] = (whole[at] as number) ^ mask;
  if (at >= checkedHeaderFrom && at < recordHeaderBytes && whole[at] !== 0) return true;
  for (let i = 0; i < bodyEnd; i++) {
    const inSector = (record.offset + i) % sectorBytes;
    const isEdge = i === 0 || i === bodyEnd - 1 || inSector === 0 || inSector === sectorBytes - 1;
    if (isEdge && whole[i] === 0) return false;
  }
  return true;
}

/** A lost write, or a sector that the disk gave up: zeros in the stead of what a record has in one sector. */
function loseSector(context: FaultContext, machine: VirtualMachine): boolean {
  const place = placeInRecord(context, unprovenRecord(context, machine));
  if (place === null) return false;
  const { path, offset, sizeBytes } = place.record;
  const sector = place.offset - (place.offset % sectorBytes);
  const from = Math.max(offset, sector);
  const to = Math.min(offset + sizeBytes, sector + sectorBytes);
  const bytes = machine.disk.contents(path).slice(from, to);
  machine.damage((disk) => bytes.forEach((byte, at) => disk.damage(path, from + at, byte)));
  context.world.trace.event(machine.name, `zeros from ${from} to ${to} of ${path}`);
  return true;
}

function makeUnreadable(context: FaultContext, machine: VirtualMachine): boolean {
  const place = placeInLog(context, machine);
  if (place === null) return false;
  machine.damage((disk) => disk.makeUnreadable(place.path, place.offset));
  return true;
}

// ── What a node survives ────────────────────────────────────────────────────────────────────────────────────────────

function scratch(context: FaultContext, damage: (machine: VirtualMachine) => boolean): boolean {
  const machine = candidate(context);
  if (machine === undefined || !damage(machine)) return false;
  // At once, or a second bit could flip in the copy that is still good.
  machine.kill();
  return true;
}

function failing(context: FaultContext, code: string, arm: (machine: VirtualMachine) => void): boolean {
  const machine = context.victim();
  if (machine === undefined) return false;
  context.supervisor.excuse(machine, code);
  arm(machine);
  return true;
}

function fill(context: FaultContext, machine: VirtualMachine): void {
  const { disk } = machine;
  disk.freeBytes = context.random.below(freeBytesMax);
  context.lasting(() => (disk.freeBytes = Number.MAX_SAFE_INTEGER));
}

/** Syncs that take up to an election timeout, on the loop as well as beside it. */
function slow(context: FaultContext): boolean {
  const { swarm } = context;
  const machine = context.victim();
  if (machine === undefined) return false;
  const slowest = 20 + context.random.below(swarm.electionTimeoutMs);
  machine.diskSpeed = { backgroundMsMax: slowest, loopMsMax: slowest };
  context.lasting(() => (machine.diskSpeed = swarm.diskSpeed));
  return true;
}

// ── Places ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function flip(context: FaultContext, machine: VirtualMachine, place: Place | null): boolean {
  if (place === null || machine.disk.sizeOf(place.path) <= place.offset) return false;
  flipBits(context, machine, place, 1 << context.random.below(8));
  return true;
}

function flipBits(
  context: FaultContext,
  machine: VirtualMachine,
  { path, offset }: Place,
  mask: number,
): void {
  machine.damage((disk) => disk.damage(path, offset, mask));
  context.world.trace.event(machine.name, `a bit flips at ${offset} of ${path}`);
}

/** Damage is found when the files are read next: the process ends soon. */
function findSoon(context: FaultContext, machine: VirtualMachine): void {
  const { process } = machine;
  context.lastingFor(context.random.below(foundWithinMs), () => {
    if (machine.process === process && process !== null) machine.kill();
  });
}

function hardStatePlace(context: FaultContext, copy: number): Place {
  const offset = (hardStateCopies[copy] as number) + context.random.below(hardStateCopyBytes);
  return { path: hardStatePath, offset };
}

function placeIn(context: FaultContext, machine: VirtualMachine, path: string): Place | null {
  const sizeBytes = machine.disk.sizeOf(path);
  return sizeBytes === 0 ? null : { path, offset: context.random.below(sizeBytes) };
}
