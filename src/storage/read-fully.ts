// The one loop around `read` that both real disks need: the system may give less than was asked for.

import { readSync } from "node:fs";
import { attempt } from "./disk.ts";

/** Fills `into` from `offset` of the open file `fd`; returns how many bytes there were. Throws DiskError. */
export function readFully(fd: number, path: string, into: Uint8Array, offset: number): number {
  let filled = 0;
  while (filled < into.length) {
    const count = attempt("read", path, () =>
      readSync(fd, into, filled, into.length - filled, offset + filled),
    );
    if (count === 0) break;
    filled += count;
  }
  return filled;
}
