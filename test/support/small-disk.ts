// A disk for one node that a test can fill and clear. Where the system lets us mount (as root), it is a small tmpfs with a
// file that takes all that is free: writes fail with ENOSPC. Elsewhere the size of the process' files is limited to that of
// the largest segment, so that the next one, which is twice as large, cannot be made: writes fail with EFBIG, which is the
// same to a node.

import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Place } from "./scenario.ts";
import type { VlotProcess } from "./vlot-process.ts";

/** Room for a dozen segments of 1 MiB. */
const diskBytes = 12 * 1024 * 1024;

const mounted = new Set<string>();
process.on("exit", () => mounted.forEach(unmount));

export class SmallDisk {
  /** What the system says when this disk is full. */
  readonly code: "ENOSPC" | "EFBIG";
  /** What the node has to be started with: segments that grow, where the size of files is limited. */
  readonly flags: readonly string[];
  readonly #ballast: string;

  /** The disk of the node called `name`, which has not been started yet. */
  constructor(place: Place, name: string) {
    const directory = join(place.folder, name);
    mkdirSync(directory);
    this.#ballast = join(directory, "ballast");
    const options = `size=${diskBytes},mode=700`;
    this.code = runs("mount", "-t", "tmpfs", "-o", options, "tmpfs", directory) ? "ENOSPC" : "EFBIG";
    this.flags = this.code === "EFBIG" ? ["--log-segment-size", "64mb"] : [];
    if (this.code === "EFBIG") return;
    mounted.add(directory);
    place.atEnd(() => unmount(directory));
  }

  /** Leaves nothing free, for the process of `node` that runs now. */
  fill(node: VlotProcess): void {
    if (this.code === "EFBIG") return limitFiles(node, String(largestSegmentBytes(node)));
    const file = openSync(this.#ballast, "w");
    const zeros = new Uint8Array(64 * 1024);
    try {
      for (let length = zeros.length; length > 0;) {
        try {
          writeSync(file, zeros, 0, length);
        } catch {
          // No more fits: then perhaps half of it.
          length >>>= 1;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  clear(node: VlotProcess): void {
    if (this.code === "EFBIG") limitFiles(node, "unlimited");
    else rmSync(this.#ballast, { force: true });
  }
}

function limitFiles(node: VlotProcess, limit: string): void {
  if (!runs("prlimit", "--pid", String(node.pid), `--fsize=${limit}:`))
    throw new Error("neither mount nor prlimit works here, so no disk can be made full");
}

function largestSegmentBytes(node: VlotProcess): number {
  const log = join(node.directory, "node", "log");
  return Math.max(...readdirSync(log).map((name) => statSync(join(log, name)).size));
}

function unmount(directory: string): void {
  if (!mounted.delete(directory)) return;
  // Lazily: processes that still use it may end later.
  if (!runs("umount", "-l", directory)) throw new Error(`${directory} could not be unmounted`);
}

function runs(...command: string[]): boolean {
  if (Bun.which(command[0] as string) === null) return false;
  return Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).success;
}
