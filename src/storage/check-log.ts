// The check of a log's directory: all of its segments, one after the other and no more than two in memory, judged as a start
// would judge them (log-judge.ts). A start gives up at the first damage; here every segment is looked into.

import { unreachable } from "../base/assert.ts";
import type { LogIndex, MembershipRecord, Term } from "../raft/types.ts";
import { Findings } from "./check-finding.ts";
import type { Disk } from "./disk.ts";
import { logMissing } from "./errors.ts";
import { LogJudge, type Verdict } from "./log-judge.ts";
import type { Owner } from "./owner.ts";
import { openSegment, type SegmentFile, segmentFilesIn } from "./segment-files.ts";
import { firstIndexOfName, type Segment, segmentHeaderBytes, segmentOwnerIn } from "./segment.ts";
import { spareName } from "./spare-segment.ts";
import { truncationIn, truncationName, truncationPath } from "./truncation-intent.ts";

/** What a log holds, as far as it reads back. */
export interface CheckedLog {
  readonly segmentCount: number;
  /** Size of the segments' files. */
  readonly sizeBytes: number;
  /** Good records; fewer than `lastIndex - firstIndex + 1` when some in between are damaged. */
  readonly entryCount: number;
  /** Of the first good record; 0 when there is none. */
  readonly firstIndex: LogIndex;
  /** Of the last good record, and its term; 0 when there is none. */
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** The newest in a good record. */
  readonly membership: MembershipRecord | null;
}

export interface LogCheckOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Null when nothing else tells whose log it is: then the first segment that does. */
  readonly owner: Owner | null;
  /** As in LogOptions. */
  readonly securedIndex: LogIndex;
  readonly coveredIndex: LogIndex;
}

/** Checks a log; changes nothing. Null when there is none to look into. */
export function checkLog(options: LogCheckOptions, findings: Findings): CheckedLog | null {
  const names = findings.catching(() => options.disk.list(options.directory));
  return names === null ? null : new LogCheck(options, names, findings).run();
}

class LogCheck {
  readonly #options: LogCheckOptions;
  readonly #names: readonly string[];
  readonly #findings: Findings;
  #sizeBytes = 0;
  #entryCount = 0;
  #firstIndex: LogIndex = 0;
  #lastIndex: LogIndex = 0;
  #lastTerm: Term = 0;
  #membership: MembershipRecord | null = null;

  constructor(options: LogCheckOptions, names: readonly string[], findings: Findings) {
    this.#options = options;
    this.#names = names;
    this.#findings = findings;
  }

  run(): CheckedLog | null {
    const { disk, directory } = this.#options;
    const findings = this.#findings;
    const truncationIndex = this.#truncationIndex();
    const { kept, dropped } = segmentFilesIn(disk, directory, truncationIndex);
    for (const { path } of dropped) {
      findings.add(
        "repair",
        { path },
        `holds what a truncation after entry ${truncationIndex} drops: is removed`,
      );
    }
    this.#noteOthers();
    if (kept.length === 0) {
      findings.addError(logMissing(directory));
      return null;
    }
    const owner = this.#options.owner ?? this.#ownerOf(kept);
    if (owner !== null) this.#judge(kept, owner, truncationIndex);
    else
      findings.add(
        "damage",
        { path: directory },
        "no file tells whose log this is: none of it can be judged",
      );
    return {
      segmentCount: kept.length,
      sizeBytes: this.#sizeBytes,
      entryCount: this.#entryCount,
      firstIndex: this.#firstIndex,
      lastIndex: this.#lastIndex,
      lastTerm: this.#lastTerm,
      membership: this.#membership,
    };
  }

  #truncationIndex(): LogIndex | null {
    const { disk, directory } = this.#options;
    const path = truncationPath(directory);
    if (!this.#names.includes(truncationName)) {
      this.#findings.add("repair", { path }, "is missing, and made anew");
      return null;
    }
    const bytes = this.#findings.catching(() => disk.read(path));
    if (bytes === null) return null;
    const index = truncationIn(bytes);
    if (index !== null) {
      this.#findings.add(
        "repair",
        { path, offset: 0 },
        `a truncation after entry ${index} is under way: is finished`,
      );
    } else if (bytes.some((byte) => byte !== 0)) {
      const text = "holds no whole note: it was being written or cleared when the power went, and is cleared";
      this.#findings.add("repair", { path, offset: 0 }, text);
    }
    return index;
  }

  #noteOthers(): void {
    for (const name of this.#names) {
      const path = `${this.#options.directory}/${name}`;
      if (name === truncationName || firstIndexOfName(name) !== null) continue;
      if (name === spareName)
        this.#findings.add("note", { path }, "the next segment in the making: is made anew");
      else this.#findings.add("note", { path }, "is no file of vlot's");
    }
  }

  #ownerOf(files: readonly SegmentFile[]): Owner | null {
    const { disk } = this.#options;
    // What is wrong with them is found again when they are judged.
    const heardLater = new Findings();
    for (const { path } of files) {
      const header = new Uint8Array(segmentHeaderBytes);
      const count = heardLater.catching(() => {
        const file = disk.open(path);
        try {
          return file.read(header, 0);
        } finally {
          file.close();
        }
      });
      const owner = segmentOwnerIn(header.subarray(0, count ?? 0));
      if (owner !== null) return owner;
    }
    return null;
  }

  #judge(files: readonly SegmentFile[], owner: Owner, truncationIndex: LogIndex | null): void {
    const { disk, securedIndex, coveredIndex } = this.#options;
    const findings = this.#findings;
    const judge = new LogJudge({ securedIndex, coveredIndex, truncationIndex }, (point, membership) => {
      if (this.#entryCount++ === 0) this.#firstIndex = point.index;
      this.#lastIndex = point.index;
      this.#lastTerm = point.term;
      if (membership !== null) this.#membership = { index: point.index, membership };
    });
    const first = files[0] as SegmentFile;
    const problem = judge.beginning(first.path, first.firstIndex);
    if (problem !== null) findings.addError(problem);
    const open = (file: SegmentFile): Segment | null =>
      findings.catching(() => openSegment(disk, file, owner));
    let segment = open(first);
    for (let at = 0; at < files.length; at++) {
      const nextFile = files[at + 1];
      const next = nextFile === undefined ? null : open(nextFile);
      const looked = segment;
      if (looked !== null) {
        this.#sizeBytes += looked.sizeBytes;
        const verdict = findings.catching(() =>
          nextFile === undefined
            ? judge.last(looked)
            : judge.full(looked, { ...nextFile, before: next?.before ?? null }),
        );
        if (verdict !== null) this.#report(looked, verdict);
        looked.file.close();
      }
      segment = next;
    }
  }

  #report(segment: Segment, verdict: Verdict): void {
    const { path, endOffset: offset, writtenOffset } = segment;
    switch (verdict.kind) {
      case "sound":
        return;
      case "unusable":
        return this.#findings.addError(verdict.error);
      case "cut": {
        const text = `${verdict.reason}: ${writtenOffset - offset} bytes are cut`;
        return this.#findings.add("repair", { path, offset }, text);
      }
      case "truncate":
        if (writtenOffset > offset)
          this.#findings.add(
            "repair",
            { path, offset },
            `${writtenOffset - offset} bytes are dropped by the truncation`,
          );
        return;
      default:
        return unreachable(verdict);
    }
  }
}
