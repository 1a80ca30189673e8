// Every entry that any log of a cluster was ever seen to hold, by index, term and checksum. A record's checksum covers its
// predecessor's, so two logs that agree on it at one index agree on all before: that makes Log Matching one comparison.

import type { LogIndex, Term } from "../../../src/raft/types.ts";
import { Violation } from "./violation.ts";

interface KnownEntry {
  readonly term: Term;
  readonly crc: number;
}

export class KnownLog {
  /** More than one where leaders of different terms have proposed for the same place. */
  readonly #entries: KnownEntry[][] = [];

  /** A log on `where` holds an entry of `term` with the checksum `crc` at `index`. */
  note(index: LogIndex, term: Term, crc: number, where: string): void {
    const known = (this.#entries[index] ??= []);
    for (const entry of known) {
      if (entry.term !== term) continue;
      if (entry.crc === crc) return;
      throw new Violation(
        3,
        `${where} holds another history up to entry ${index} of term ${term} than others do`,
      );
    }
    known.push({ term, crc });
  }

  /** Checksum of the entry of `term` at `index`; undefined when nobody was seen to hold one. */
  crcOf(index: LogIndex, term: Term): number | undefined {
    return this.#entries[index]?.find((entry) => entry.term === term)?.crc;
  }
}
