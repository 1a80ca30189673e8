// Which room may import what: the table of the design as data. A room is a folder under src; the program itself
// and what puts the server together stand outside. Whoever needs something that is not in it has found a wrong border, or a line to change here with a reason.

import { posix } from "node:path";
import type { SourceFile } from "./source-text.ts";

interface Room {
  /** Rooms, or single files as `raft/types.ts`. */
  readonly rooms: readonly string[];
  /** Files of those rooms that stay out of reach all the same. */
  readonly except?: readonly string[];
  /** Modules that are not ours. `node:*` stands for all of Node's. */
  readonly modules: readonly string[];
}

const all = [
  "base",
  "config",
  "raft",
  "storage",
  "peer",
  "resp",
  "keyspace",
  "script",
  "commands",
  "node",
  "server",
];

export const rooms: Readonly<Record<string, Room>> = {
  base: { rooms: [], modules: [] },
  config: { rooms: ["base"], modules: ["minimist", "node:fs", "node:path"] },
  raft: { rooms: ["base"], modules: [] },
  storage: { rooms: ["base", "raft/types.ts"], modules: ["msgpackr/pack", "bun:ffi", "node:*"] },
  peer: { rooms: ["base", "raft/types.ts"], modules: ["msgpackr/pack", "bun", "node:*"] },
  resp: { rooms: ["base"], modules: [] },
  keyspace: { rooms: ["base"], modules: ["msgpackr/pack"] },
  script: { rooms: ["base"], modules: ["wasmoon", "fengari", "node:*"] },
  commands: { rooms: ["base", "config", "resp", "keyspace", "script"], modules: [] },
  node: {
    rooms: ["base", "config", "raft", "storage", "peer", "keyspace", "script", "commands", "resp"],
    // A node writes replies, and asks other nodes as a client; what clients send is the server's to read.
    except: ["resp/request-parser.ts", "resp/byte-input.ts"],
    modules: ["node:*"],
  },
  server: {
    rooms: ["base", "config", "resp", "keyspace", "commands", "node", "peer/connection.ts"],
    modules: ["bun", "node:*"],
  },
  cli: { rooms: ["base", "config", "resp", "peer", "node", "storage"], modules: ["node:*"] },
  "serving-node.ts": { rooms: all, modules: [] },
  "serve.ts": { rooms: [...all, "serving-node.ts"], modules: ["node:*"] },
  "main.ts": { rooms: [...all, "cli", "serve.ts"], modules: ["node:*"] },
};

/** The modules that a file names in its imports and exports, types included. */
export function importsOf(file: SourceFile): string[] {
  // Places from the code, names from the text: a path is inside a literal, and an import in a comment is none.
  const statement =
    /^import\b(?!\()[^;]*;|^export (?:type )?(?:\{[^}]*\}|\*[^;]*?) from\b[^;]*;|\bimport\([^)]*\)/gm;
  return [...file.code.matchAll(statement)].flatMap(({ index, 0: { length } }) => {
    const path = /["'`]([^"'`]+)["'`][^"'`]*$/.exec(file.text.slice(index, index + length))?.[1];
    return path === undefined ? [] : [path];
  });
}

/** What `file` imports and may not, as sentences. */
export function forbiddenImports(file: SourceFile): string[] {
  const name = roomOf(file.path);
  const room = rooms[name];
  if (room === undefined) return [`${file.path} is in no room of the table`];
  return importsOf(file)
    .filter((path) => !isAllowed(room, name, file.path, path))
    .map((path) => `${file.path} imports ${path}`);
}

function isAllowed(room: Room, name: string, from: string, path: string): boolean {
  if (!path.startsWith(".")) {
    return room.modules.includes(path) || (path.startsWith("node:") && room.modules.includes("node:*"));
  }
  const target = posix.join(posix.dirname(from), path).replace(/^src\//, "");
  if (!target.endsWith(".ts") || target.startsWith("..") || target === "main.ts") return false;
  if (room.except?.includes(target) === true) return false;
  const targetRoom = roomOf(`src/${target}`);
  return targetRoom === name || room.rooms.includes(targetRoom) || room.rooms.includes(target);
}

function roomOf(path: string): string {
  return path.split("/")[1] ?? "";
}
