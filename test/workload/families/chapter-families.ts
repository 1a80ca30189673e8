// Everything that the load of one chapter works on. Keys bear the number of the chapter, so each chapter begins with objects
// that nobody has touched, and its histories stay short enough to be judged.

import type { Random } from "../../../src/base/random.ts";
import type { LoadFamily } from "../family.ts";
import type { WallTimes } from "../wall-times.ts";
import { counters } from "./counters.ts";
import { groups } from "./groups.ts";
import { lists } from "./lists.ts";
import { registers } from "./registers.ts";
import { sets } from "./sets.ts";
import { volatileKeys } from "./volatile-keys.ts";

const objects = 5;

/** All families of a chapter. */
export function familiesOf(chapter: number, random: Random, wallTimes: WallTimes): LoadFamily[] {
  const named =
    (family: string) =>
    (object: number): string =>
      `${family}:${chapter}:${object}`;
  return [
    registers(objects, named("register"), random),
    counters(objects, named("counter"), random),
    lists(objects, named("list"), random),
    sets(objects, named("set"), random),
    groups(objects, named("group"), random),
    volatileKeys(objects, named("volatile"), { random, wallTimes }),
  ];
}
