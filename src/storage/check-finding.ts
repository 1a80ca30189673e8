// What a check of files on disk finds. A finding names its file and says what it means for the next start, in one sentence.

import { DiskError } from "./disk.ts";
import { isForeign, LogDamagedError, StorageError } from "./errors.ts";

/**
 *   note        worth knowing, nothing is wrong
 *   repair      the next start puts it in order, and nothing that was acknowledged is lost
 *   unchecked   could not be looked at, so nothing is known of it
 *   foreign     not this node's, or from a newer version: no start until the right files or the right program are there
 *   damage      something that this node vouched for cannot be read back: it must not go on as it is
 */
export type Severity = "note" | "repair" | "unchecked" | "foreign" | "damage";

export interface Finding {
  readonly severity: Severity;
  readonly path: string;
  /** Where in the file, in bytes; null when it concerns all of it. */
  readonly offset: number | null;
  readonly text: string;
}

/** Collects findings. */
export class Findings {
  readonly #list: Finding[] = [];

  get all(): readonly Finding[] {
    return this.#list;
  }

  add(severity: Severity, place: { readonly path: string; readonly offset?: number }, text: string): void {
    this.#list.push({ severity, path: place.path, offset: place.offset ?? null, text });
  }

  addError(error: StorageError): void {
    const offset = error instanceof LogDamagedError ? error.offset : null;
    const severity = isForeign(error) ? "foreign" : "damage";
    this.#list.push({ severity, path: error.path, offset, text: error.message });
  }

  /** Runs `look`; what it throws about files becomes a finding, and the result null. */
  catching<Result>(look: () => Result): Result | null {
    try {
      return look();
    } catch (error) {
      if (error instanceof StorageError) this.addError(error);
      else if (error instanceof DiskError) this.#addDiskError(error);
      else throw error;
      return null;
    }
  }

  #addDiskError(error: DiskError): void {
    this.add(error.leavesOpen ? "unchecked" : "damage", error, error.message);
  }
}
