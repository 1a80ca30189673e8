import { expect, test } from "bun:test";
import { forbiddenImports, importsOf } from "./rooms.ts";
import { madeUp, sourceFiles } from "./source-text.ts";

test("rooms import only what the table lets them", () => {
  expect(sourceFiles("src").flatMap(forbiddenImports)).toEqual([]);
});

test.each([
  ["src/raft/x.ts", 'import type { Disk } from "../storage/disk.ts";'],
  ["src/raft/x.ts", 'import { readFileSync } from "node:fs";'],
  ["src/base/x.ts", 'import {\n  a,\n  b,\n} from "../config/config.ts";'],
  ["src/storage/x.ts", 'import { Raft } from "../raft/raft.ts";'],
  ["src/commands/strings/x.ts", 'import { Replica } from "../../node/replica.ts";'],
  ["src/commands/x.ts", 'const m = await import("../server/client.ts");'],
  ["src/node/x.ts", 'import { RequestParser } from "../resp/request-parser.ts";'],
  ["src/config/x.ts", 'import minimist from "left-pad";'],
  ["src/keyspace/x.ts", 'export { a } from "../commands/command.ts";'],
  ["src/base/x.ts", 'import "../main.ts";'],
  ["src/attic/x.ts", ""],
])("the table keeps %s from %j", (path, text) => {
  expect(forbiddenImports(madeUp(path, text))).toHaveLength(1);
});

test("importsOf() sees every form, and none in a comment", () => {
  const text = `// import "./no.ts";
import "./a.ts";
import type { B } from "./b.ts";
import c, {
  d,
} from "./c.ts";
export type { E } from "./e.ts";
const f = import("./f.ts");
`;
  expect(importsOf(madeUp("src/base/x.ts", text))).toEqual([
    "./a.ts",
    "./b.ts",
    "./c.ts",
    "./e.ts",
    "./f.ts",
  ]);
});
