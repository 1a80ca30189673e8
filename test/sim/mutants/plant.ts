// Preloaded into a process of the simulator (`bun --preload`): plants the bug that the environment's MUTANT names, in the
// sources as they are loaded.

import { plugin } from "bun";
import { join } from "node:path";
import { mutants } from "./catalogue.ts";
import { type Edit, planted } from "./mutant.ts";

const name = process.env["MUTANT"];
const mutant = mutants.find((candidate) => candidate.name === name);
if (mutant === undefined) throw new Error(`no mutant is called ${name}`);

const sources = join(import.meta.dir, "../../../src");
const editsByPath = Map.groupBy(mutant.edits, ({ file }: Edit) => join(sources, file));

plugin({
  name: "mutant",
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => ({
      contents: planted(await Bun.file(path).text(), editsByPath.get(path) ?? []),
      loader: "ts",
    }));
  },
});
