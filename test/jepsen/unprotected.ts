// Preloaded into a run of tests (`bun test --preload`): takes out the protection that the environment's PROTECTION names.

import { plugin } from "bun";
import { join } from "node:path";
import { type Edit, planted } from "../sim/mutants/mutant.ts";
import { protections } from "./protections.ts";

const name = process.env["PROTECTION"];
const protection = protections.find((candidate) => candidate.name === name);
if (protection === undefined) throw new Error(`no protection is called ${name}`);

const sources = join(import.meta.dir, "../../src");
const editsByPath = Map.groupBy(protection.edits, ({ file }: Edit) => join(sources, file));

plugin({
  name: "unprotected",
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => ({
      contents: planted(await Bun.file(path).text(), editsByPath.get(path) ?? []),
      loader: "ts",
    }));
  },
});
