// How a link begins: the connecting node speaks as a client of the other's one port, until `+OK` answers its
//
//   AUTH <user> <password>                                                    (only with a cluster password)
//   RAFT.PEER <version> <cluster id> <from> <to> <channel> [<host:port where the sender serves>]
//
// From then on both sides speak frames. This file makes those commands, reads the answer, and holds the texts with
// which a node refuses; it knows no connections.

import { byteStringOf, bytesOf } from "../base/byte-strings.ts";
import type { NodeId } from "../raft/types.ts";

export const peerVersion = 2;

/**
 * Each pair of nodes has three links a side, so that nothing waits behind what it does not belong with: votes and
 * heartbeats on `control`, entries on `bulk`, clients' commands on `proxy`.
 */
export const channels = ["control", "bulk", "proxy"] as const;
export type Channel = (typeof channels)[number];

/** What the connecting node says of itself and of whom it means to reach. */
export interface Hello {
  readonly version: number;
  readonly clusterId: string;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly channel: Channel;
  /** Where the sender serves, `host:port`; for the log. */
  readonly address?: string;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Why a node lets another not in, without the leading dash. `removed` is recognised by the other side. */
export const refusals = {
  version: `ERR unsupported peer protocol version, this node speaks ${peerVersion}`,
  cluster: "ERR wrong cluster id",
  target: "ERR wrong target node id",
  source: "ERR invalid source node id",
  removed: "ERR removed: this node id has been removed from the cluster",
} as const;

/** The commands that open a link, as bytes. All strings are byte strings. */
export function encodeHello(hello: Hello, credentials: Credentials | null): Uint8Array {
  const { version, clusterId, from, to, channel, address } = hello;
  const command = ["RAFT.PEER", String(version), clusterId, String(from), String(to), channel];
  if (address !== undefined) command.push(address);
  const auth = credentials === null ? "" : encodeCommand(["AUTH", credentials.user, credentials.password]);
  return bytesOf(auth + encodeCommand(command));
}

function encodeCommand(args: readonly string[]): string {
  let text = `*${args.length}\r\n`;
  for (const arg of args) text += `$${arg.length}\r\n${arg}\r\n`;
  return text;
}

export type HelloAnswer =
  | { readonly kind: "incomplete" }
  /** The other side speaks frames from byte `length` of the answer on. */
  | { readonly kind: "accepted"; readonly length: number }
  | { readonly kind: "refused"; readonly reason: string };

const incomplete: HelloAnswer = { kind: "incomplete" };
/** Longest answer looked at; an honest one is far shorter. */
const answerBytesMax = 1024;

/** Reads what has arrived so far of the answers to `encodeHello`: `okCount` times `+OK`, or an error before. */
export function readHelloAnswer(bytes: Uint8Array, okCount: number): HelloAnswer {
  let offset = 0;
  for (let line = 0; line < okCount; line++) {
    const end = bytes.indexOf(0x0a, offset);
    if (end < 0 || end >= answerBytesMax) {
      if (bytes.length < answerBytesMax) return incomplete;
      return { kind: "refused", reason: "an endless answer to the hello" };
    }
    const text = byteStringOf(bytes.subarray(offset, end)).replace(/\r$/, "");
    if (text.startsWith("-")) return { kind: "refused", reason: text.slice(1) };
    if (text !== "+OK")
      return { kind: "refused", reason: `unexpected answer ${JSON.stringify(text.slice(0, 80))}` };
    offset = end + 1;
  }
  return { kind: "accepted", length: offset };
}
