// A client's line in CLIENT LIST and CLIENT INFO: Redis 7.2's fields in Redis' order.

import type { Client } from "./client.ts";

/** The line without its end; `nowMs` is monotonic. */
export function describeClient(client: Client, nowMs: number): string {
  const seconds = (sinceMs: number): number => Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  const { inputBytes, outputBytes, argumentBytes } = client;
  const fields: readonly (readonly [string, string | number])[] = [
    ["id", client.id],
    ["addr", client.address],
    ["laddr", client.localAddress],
    ["fd", client.fileDescriptor],
    ["name", client.name],
    ["age", seconds(client.createdAtMs)],
    ["idle", seconds(client.lastActiveAtMs)],
    ["flags", flagsOf(client)],
    ["db", client.dbIndex],
    ["sub", 0],
    ["psub", 0],
    ["ssub", 0],
    ["multi", -1],
    ["qbuf", inputBytes],
    ["qbuf-free", 0],
    ["argv-mem", argumentBytes],
    ["multi-mem", 0],
    ["rbs", client.replyBuffer.bytes],
    ["rbp", client.replyBuffer.peakBytes],
    ["obl", outputBytes],
    ["oll", 0],
    ["omem", outputBytes],
    ["tot-mem", inputBytes + outputBytes + argumentBytes],
    ["events", `${client.isReading ? "r" : ""}${outputBytes > 0 ? "w" : ""}`],
    ["cmd", client.lastCommand === "" ? "NULL" : client.lastCommand],
    ["user", client.user],
    ["redir", -1],
    ["resp", client.protocol],
    ["lib-name", client.libraryName],
    ["lib-ver", client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}

function flagsOf(client: Client): string {
  let flags = "";
  if (client.isBlocked) flags += "b";
  if (client.isClosing) flags += "c";
  if (client.readOnly) flags += "r";
  if (client.noEvict) flags += "e";
  if (client.noTouch) flags += "T";
  return flags === "" ? "N" : flags;
}
