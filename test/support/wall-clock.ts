// A wall clock for each process that a test can set, without touching that of the machine: a library of a few lines stands
// between the process and the C library, and adds what a file says to the time of day. The monotonic clock is left alone.
//
// It is compiled where the test runs. Without a C compiler there is none, and only the simulator steps clocks.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Place } from "./scenario.ts";

const compiler = Bun.which("cc");

const source = `
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset_seconds;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("WALL_CLOCK_OFFSET");
  int file = path ? open(path, O_RDONLY) : -1;
  if (file < 0) return;
  void *map = mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
  if (map != MAP_FAILED) offset_seconds = map;
}

int clock_gettime(clockid_t id, struct timespec *time) {
  int result = syscall(SYS_clock_gettime, id, time);
  int is_wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
  if (result == 0 && offset_seconds && is_wall) time->tv_sec += *offset_seconds;
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  int result = syscall(SYS_gettimeofday, time, zone);
  if (result == 0 && offset_seconds) time->tv_sec += *offset_seconds;
  return result;
}

time_t time(time_t *seconds) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (seconds) *seconds = now.tv_sec;
  return now.tv_sec;
}
`;

/** Whether processes can be given wall clocks of their own here. */
export const canSetWallClocks = compiler !== null && process.platform === "linux";

export class WallClocks {
  readonly #folder: string;
  readonly #library: string;

  constructor(place: Place) {
    if (compiler === null) throw new Error("there is no C compiler on the PATH");
    this.#folder = place.folder;
    this.#library = join(place.folder, "wall-clock.so");
    const path = join(place.folder, "wall-clock.c");
    writeFileSync(path, source);
    const build = Bun.spawnSync([compiler, "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", this.#library, path], {
      stderr: "inherit",
    });
    if (!build.success) throw new Error("the library for wall clocks could not be built");
  }

  /** What a process must find in its environment so that its clock is the one of that name. */
  envOf(name: string): Record<string, string> {
    this.set(name, 0);
    return { LD_PRELOAD: this.#library, WALL_CLOCK_OFFSET: this.#pathOf(name) };
  }

  /** From now on the clock of that name shows so many seconds more than that of the machine. */
  set(name: string, offsetSeconds: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(offsetSeconds));
    // In place: the process has the file mapped.
    writeFileSync(this.#pathOf(name), bytes, { flag: existsSync(this.#pathOf(name)) ? "r+" : "w" });
  }

  #pathOf(name: string): string {
    return join(this.#folder, `${name}.clock`);
  }
}
