import { describe, expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { BatchBuilder, forEachCommand } from "../../src/node/batch.ts";

const headerBytes = 48;

type Command = readonly [dbIndex: number, args: readonly string[]];

function build(commands: readonly Command[]): BatchBuilder {
  const builder = new BatchBuilder(headerBytes);
  for (const [dbIndex, args] of commands) builder.add(dbIndex, args);
  return builder;
}

function commandsOf(body: Uint8Array): Command[] {
  const commands: Command[] = [];
  forEachCommand(body, (dbIndex, args) => commands.push([dbIndex, args]));
  return commands;
}

function roundTrip(commands: readonly Command[]): Command[] {
  return commandsOf(build(commands).record().subarray(headerBytes));
}

const everyByte = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));

describe("BatchBuilder", () => {
  test("gives back what was added, in order, with database and every byte", () => {
    const commands: Command[] = [
      [0, ["SET", "k", "v"]],
      [15, ["PING"]],
      [3, ["SET", "", everyByte]],
      [0, [everyByte, "", "\0"]],
    ];
    expect(roundTrip(commands)).toEqual(commands);
  });

  test("grows for huge arguments, and keeps what was there", () => {
    const huge = everyByte.repeat(5000);
    const commands: Command[] = [
      [0, ["SET", "small", "v"]],
      [0, ["SET", "huge", huge]],
      [0, ["SET", "small", "w"]],
    ];
    expect(roundTrip(commands)).toEqual(commands);
  });

  test("gives back random batches of any size", () => {
    const random = new SeededRandom(1);
    for (let run = 0; run < 50; run++) {
      const commands = Array.from({ length: random.below(200) }, (): Command => {
        const args = Array.from({ length: 1 + random.below(6) }, () =>
          everyByte.slice(random.below(256)).repeat(random.below(4)),
        );
        return [random.below(16), args];
      });
      expect(roundTrip(commands)).toEqual(commands);
    }
  });

  test("begins anew after clear(), also after it held much", () => {
    const builder = build([[0, ["SET", "k", "x".repeat(9 * 1024 * 1024)]]]);
    expect(builder.count).toBe(1);
    expect(builder.sizeBytes).toBeGreaterThan(9 * 1024 * 1024);
    builder.clear();
    expect(builder.count).toBe(0);
    expect(commandsOf(builder.record().subarray(headerBytes))).toEqual([]);
    builder.add(1, ["GET", "k"]);
    expect(commandsOf(builder.record().subarray(headerBytes))).toEqual([[1, ["GET", "k"]]]);
  });

  test("begins with zeros for a header, whatever the memory held", () => {
    const builder = build([[0, ["SET", "k", "v"]]]);
    builder.record().fill(0xab, 0, headerBytes);
    builder.clear();
    expect(builder.record().subarray(0, headerBytes)).toEqual(Buffer.alloc(headerBytes));
  });

  test("leaves the header's room alone", () => {
    const builder = build([[0, ["SET", "k", "v"]]]);
    builder.record().fill(0xab, 0, headerBytes);
    builder.add(0, ["GET", "k"]);
    expect(
      builder
        .record()
        .subarray(0, headerBytes)
        .every((byte) => byte === 0xab),
    ).toBe(true);
  });
});

describe("forEachCommand()", () => {
  test("stops at a format or an item that it does not know, and at a cut", () => {
    const body = Uint8Array.from(
      build([[0, ["SET", "k", "value"]]])
        .record()
        .subarray(headerBytes),
    );
    expect(() => commandsOf(Uint8Array.of(2))).toThrow("a batch of format 1");
    expect(() => commandsOf(Uint8Array.from(body).fill(9, 1, 2))).toThrow("an item of kind 1");
    expect(() => commandsOf(body.subarray(0, body.length - 1))).toThrow();
  });
});
