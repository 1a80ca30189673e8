// What a node does whose files are damaged: it lets a new node take its place.
//
// The files are damaged when what this node had acknowledged or voted cannot be read back: a record in the middle of the
// log, a missing segment, term and vote gone or older than the log. Whatever is wrong with them, the node is silent from
// then on: it does not vote, lead or acknowledge under its id, now or after any restart. It draws a new id, notes it, and
// asks the cluster for one change of membership (`RAFT.NODE REPLACE`): the old id goes, the new one comes as a learner at
// the same address. Once that is committed the damaged files are put aside, and the new node starts with empty ones,
// catches up from the leader, and is made a voter as any other that joins. The steps on disk, and how each is resumed
// after a crash, are told in storage/data-directory.ts.
//
// Why replacing is safe. A node without promises can break none: the new id has acknowledged and voted nothing. And the
// old id is silent, which Raft allows a minority to be for ever. To commit the change takes a majority without the old
// id, since it answers nobody: of three voters the other two, each of which then has every entry that the old one had
// helped to commit (Leader Completeness puts it in the log of the leader, Log Matching in that of whoever acknowledges
// the change). Only one voter leaves, so majorities before and after share a node (dissertation §4.1), and votes and
// acknowledgements of the old id that are still on their way were honest when it gave them.
//
// Why repairing in place would not be, though the leader has all entries. What was cut off or lost had been counted:
//   · The leader of the present term holds a match index for this id and commits with it. It never goes back within a
//     term, and rightly so; a node that comes back shorter under the same id is counted for entries that it does not have.
//   · Whoever campaigns is compared with this node's log. If that ends too early, it may elect a candidate that lacks
//     what only it and the old leader had: acknowledged writes are lost (so does RedisRaft after one flipped byte).
//   · Without its vote it may vote twice in a term: two leaders.
// To refrain from voting "until caught up" does not help, as the node cannot know what it once had; only the log of a
// majority without it can tell, and that is what the change of membership asks.
//
// When nobody can commit it, as when two of three nodes are damaged, all wait: nothing is lost, and nothing is invented.

import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Random } from "../base/random.ts";
import type { Config } from "../config/config.ts";
import type { Address } from "../config/option.ts";
import { formatAddress } from "../config/parse-value.ts";
import type { Network } from "../peer/connection.ts";
import type { Raft } from "../raft/raft.ts";
import { errors } from "../resp/errors.ts";
import type { DamagedNode, DataDirectory } from "../storage/data-directory.ts";
import { StorageError } from "../storage/errors.ts";
import type { ReplacementNote } from "../storage/replacement-note.ts";
import { drawNodeId } from "./administration.ts";
import { credentialsOf } from "./configured.ts";
import { Joiner, type JoinResult } from "./join.ts";

/** What it takes to begin a replacement. */
export interface ReplacementBasis {
  readonly directory: DataDirectory;
  readonly config: Config;
  readonly random: Random;
}

export interface ReplacementOptions extends ReplacementBasis {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly network: Network;
  readonly events: ReplacementEvents;
}

export interface ReplacementEvents {
  /** The cluster has accepted the new node, whose files are open in the directory. */
  replaced(): void;
  /** The node is no member any more, and nobody has taken its place: somebody has removed it. Its files are put aside. */
  removed(): void;
  /** What the disk answers with is to be treated as everywhere: `work` may throw DiskError. */
  useDisk(work: () => void): void;
}

const retryMs = 500;

/** Asks until the node is replaced, for ever if need be; then calls one of its events, once. `stop` ends it. */
export class Replacement {
  readonly #options: ReplacementOptions;
  #note: ReplacementNote;
  #leader: Address | null = null;
  #joiner: Joiner | null = null;
  #timer: Timer | null = null;
  #stopped = false;
  #lastReason = "";

  /**
   * Begins, or goes on with, the replacement of the damaged node in the directory. Throws StorageError, the damage and
   * why nothing can be done about it, when the others could not replace it; DiskError when the disk refuses.
   */
  constructor(options: ReplacementOptions) {
    const { directory, logger } = options;
    this.#options = options;
    const { damage } = directory;
    if (directory.replacement === null && damage !== null) {
      const reason = noteReplacement(options, damage);
      if (reason !== null) throw withReason(damage.error, reason);
    }
    const note = directory.replacement;
    if (note === null) throw new Error("a damaged node to replace");
    this.#note = note;
    logger.warning(note.finding);
    logger.warning(
      `Node ${note.oldId} does not vote or acknowledge any more: it asks the cluster to replace it by node ${note.newId} here, ` +
        `which gets all data from the leader. (To stop instead: repair no.)`,
    );
    this.#ask();
  }

  /** The leader that the others pointed to when they were last asked; null when they did not. */
  get leader(): Address | null {
    return this.#leader;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#joiner?.cancel();
  }

  #ask(): void {
    const { network, clock, logger, config } = this.#options;
    const { clusterId, oldId, newId, address } = this.#note;
    let leader: Address | null = null;
    this.#joiner = new Joiner(
      {
        network,
        clock,
        logger,
        credentials: credentialsOf(config),
        request: ["RAFT.NODE", "REPLACE", String(oldId), String(newId), formatAddress(address), clusterId],
        nodeId: newId,
        addresses: this.#addresses(),
        // One pass: whether and when to try again is decided here.
        timeoutMs: 0,
        redirected: (to) => {
          // Who has not noticed yet that this node, its leader, is gone, points here.
          if (formatAddress(to) !== formatAddress(address)) leader = to;
        },
      },
      (result) => {
        this.#leader = leader;
        this.#answered(result);
      },
    );
  }

  #answered(result: JoinResult): void {
    if (this.#stopped) return;
    const { events, logger, directory, random } = this.#options;
    if (result.kind === "added") return events.useDisk(() => this.#makeWay());
    if (result.refusals.includes(errors.nodeIdRemoved)) return events.useDisk(() => this.#leave());
    if (result.refusals.includes(errors.nodeIdUsed)) {
      // Drawn by chance, so by chance it may have been somebody else's.
      const newId = drawNewId(this.#note.oldId, random);
      events.useDisk(() => directory.noteReplacement({ ...this.#note, newId }));
      this.#note = directory.replacement ?? this.#note;
    }
    if (result.reason !== this.#lastReason) {
      logger.warning(
        `Not replaced yet, which takes a majority of the voters without this node: ${result.reason}`,
      );
    }
    this.#lastReason = result.reason;
    this.#timer = this.#options.clock.after(retryMs, () => this.#ask());
  }

  #makeWay(): void {
    const { directory, logger, events } = this.#options;
    const { keptAt } = directory.replaceNode();
    const kept = keptAt === null ? "" : `; its damaged files are in ${keptAt} and may be deleted`;
    logger.notice(`The cluster has replaced node ${this.#note.oldId} by node ${this.#note.newId}${kept}`);
    events.replaced();
  }

  #leave(): void {
    const { directory, logger, events } = this.#options;
    const keptAt = directory.giveUpReplacement();
    const kept = keptAt === null ? "" : `; its damaged files are in ${keptAt}`;
    logger.warning(`Node ${this.#note.oldId} was removed from its cluster and is not replaced${kept}`);
    events.removed();
  }

  /** Whom to ask: the other members, and whom the options name besides. */
  #addresses(): readonly Address[] {
    const all = [...this.#note.others, ...namedOthers(this.#options.config, this.#note.address)];
    return [...new Map(all.map((address) => [formatAddress(address), address])).values()];
  }
}

/**
 * Notes durably that the damaged node is to be replaced, so that it never starts again; this or the next start asks for
 * it. Null when done, else why the others could not replace it. Throws DiskError.
 */
function noteReplacement(basis: ReplacementBasis, damage: DamagedNode): string | null {
  const { directory, config, random } = basis;
  const reason = whyNot(damage, namedOthers(config, damage.identity.address));
  if (reason === null) directory.noteReplacement(noteOf(damage, random));
  return reason;
}

/**
 * Damage found at work is noted before the process ends: at the next start it might look like a torn end of the log, if
 * it is there, and what was acknowledged would be cut off. The claim comes first and needs no space on the disk; it also
 * binds a node that must not be replaced. Throws DiskError.
 */
export function noteDamageAtWork(basis: ReplacementBasis, error: StorageError, raft: Raft): void {
  const { directory, config } = basis;
  const identity = directory.files?.identity;
  if (identity === undefined) return;
  directory.claim(raft.stableIndex);
  if (config.get("repair")) noteReplacement(basis, { identity, error, membership: raft.membership });
}

/** Nodes other than this one that the option `join` names. */
function namedOthers(config: Config, self: Address): readonly Address[] {
  return config.get("join").filter((named) => formatAddress(named) !== formatAddress(self));
}

function noteOf({ identity, error, membership }: DamagedNode, random: Random): ReplacementNote {
  const { clusterId, nodeId, address } = identity;
  const others = (membership?.members ?? []).filter(({ id }) => id !== nodeId);
  return {
    clusterId,
    oldId: nodeId,
    newId: drawNewId(nodeId, random),
    address,
    others: others.map(({ host, port }) => ({ host, port })),
    finding: error.finding,
  };
}

function drawNewId(oldId: number, random: Random): number {
  for (;;) {
    const id = drawNodeId(random);
    if (id !== oldId) return id;
  }
}

/** Why the others cannot replace the node, so that waiting for them makes no sense; null when they may. */
function whyNot({ identity, membership }: DamagedNode, named: readonly Address[]): string | null {
  if (membership === null) return named.length > 0 ? null : "no other member is known";
  const { members } = membership;
  const voters = members.filter(({ voting }) => voting);
  const others = voters.filter(({ id }) => id !== identity.nodeId);
  // The newest configuration may be what is damaged: then this one is old, and the options may know better.
  const listed = new Set(members.map(formatAddress));
  if (others.length * 2 > voters.length || named.some((address) => !listed.has(formatAddress(address))))
    return null;
  return `of the ${voters.length} voting nodes that can be read in its log the other ${others.length} are no majority`;
}

function withReason(error: StorageError, reason: string): StorageError {
  return new StorageError(
    error.code,
    error.path,
    `${error.message} (It cannot be replaced by itself: ${reason}.)`,
  );
}
