// The glob matcher against redis-server's own, through KEYS and CONFIG GET. SEED=n repeats a run.

import { expect, test } from "bun:test";
import { matchesGlob } from "../../src/base/glob.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { quoted } from "../commands/reply-recorder.ts";
import { withRedis } from "./with-redis.ts";
import { bulkOf, elementsOf } from "./reply-text.ts";
import { SocketTarget } from "./socket-target.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));

const patternPieces = [..."*?[]^-\\abcA\xff\x80", "[^", "[a-", "b]", "**"];
const textPieces = [..."abcA-]\\^\xff\x80[*"];

withRedis("matchesGlob()", (redis) => {
  test(`decides as KEYS does on random patterns and names (SEED=${seed})`, async () => {
    const random = new SeededRandom(seed);
    const names = new Set<string>([""]);
    while (names.size < 300) names.add(randomText(random, textPieces, 6));
    const server = await SocketTarget.connect("redis-server", { path: redis().socketPath });
    await server.exchange([...names].map((name) => ["SET", name, ""]));
    const patterns = Array.from({ length: 3000 }, () => randomText(random, patternPieces, 7));
    const replies = await server.exchange(patterns.map((pattern) => ["KEYS", pattern]));
    await server.close();
    const differences: string[] = [];
    patterns.forEach((pattern, index) => {
      // KEYS lets a bare star pass without asking the matcher.
      const asked = pattern === "*" ? [...names].filter((name) => name !== "") : [...names];
      differences.push(...differencesOf(pattern, asked, { reply: replies[index] ?? "", ignoreCase: false }));
    });
    expect(differences).toEqual([]);
  });

  test(`ignores case as CONFIG GET does (SEED=${seed})`, async () => {
    const random = new SeededRandom(seed);
    const names = ["maxmemory", "save", "port", "maxclients", "appendfsync", "hz"];
    const pieces = [..."*?MaXSveP", "[a-M]", "[M-a]", "[^Z]", "[Mp]", "[\\M]", "[\\m]", "[A-z]"];
    const patterns = Array.from({ length: 1000 }, () => `${randomText(random, pieces, 5)}*`);
    const server = await SocketTarget.connect("redis-server", { path: redis().socketPath });
    const replies = await server.exchange(patterns.map((pattern) => ["CONFIG", "GET", pattern]));
    await server.close();
    const differences: string[] = [];
    patterns.forEach((pattern, index) => {
      // Without one of these, CONFIG GET looks for the very name.
      if (!/[*?[]/.test(pattern)) return;
      differences.push(...differencesOf(pattern, names, { reply: replies[index] ?? "", ignoreCase: true }));
    });
    expect(differences).toEqual([]);
  });
});

interface Asked {
  readonly reply: string;
  readonly ignoreCase: boolean;
}

function differencesOf(pattern: string, names: readonly string[], asked: Asked): string[] {
  const found = new Set((elementsOf(asked.reply) ?? []).map(bulkOf));
  return names
    .filter((name) => matchesGlob(pattern, name, asked.ignoreCase) !== found.has(name))
    .map((name) => `${quoted(pattern)} on ${quoted(name)}: redis-server says ${found.has(name)}`);
}

function randomText(random: SeededRandom, pieces: readonly string[], lengthMax: number): string {
  let text = "";
  for (let left = random.below(lengthMax + 1); left > 0; left--)
    text += pieces[random.below(pieces.length)] ?? "";
  return text;
}
