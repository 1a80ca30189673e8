// A command in RESP, as a client sends it: for our own client side (joining, `vlot status`, tests).

import { bytesOf } from "../base/byte-strings.ts";

/** The bytes of one command; `args` are byte strings, at least one. O(bytes). */
export function encodeRequest(args: readonly string[]): Buffer {
  return encodeRequests([args]);
}

/** The bytes of a pipeline, in one buffer. */
export function encodeRequests(commands: readonly (readonly string[])[]): Buffer {
  return bytesOf(commands.map(textOf).join(""));
}

function textOf(args: readonly string[]): string {
  const bulks = args.map((arg) => `$${arg.length}\r\n${arg}\r\n`);
  return `*${args.length}\r\n${bulks.join("")}`;
}
