// How RAFT.* commands read their arguments, the same way as RedisRaft did.

import { parseSafeInteger } from "../../base/parse-integer.ts";

const nodeIdMax = 0x7fff_ffff;
const portMax = 65535;

/** Whether `typed` means the subcommand `word` (lower case): any beginning of it does, in any case. */
export function isWord(typed: string, word: string): boolean {
  return typed !== "" && word.startsWith(typed.toLowerCase());
}

/** A node id in `[min, 2^31)`; null for anything else. */
export function parseNodeId(text: string, min: 0 | 1): number | null {
  const id = parseSafeInteger(text);
  return id === null || id < min || id > nodeIdMax ? null : id;
}

/** `host:port`, an IPv6 host in brackets or not; null when it is no such thing. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } | null {
  const colon = text.lastIndexOf(":");
  const port = parseSafeInteger(text.slice(colon + 1));
  const given = text.slice(0, Math.max(colon, 0));
  const host = given.startsWith("[") && given.endsWith("]") ? given.slice(1, -1) : given;
  // What no host name or address holds would only confuse whoever reads it from a log or a reply.
  if (!/^[0-9A-Za-z._:%-]+$/.test(host)) return null;
  if (port === null || port < 1 || port > portMax) return null;
  return { host, port };
}
