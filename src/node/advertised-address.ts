// Where the other nodes and the clients reach this one, when the operator has not said so.

import { networkInterfaces } from "node:os";
import type { Config } from "../config/config.ts";
import type { Address } from "../config/option.ts";

/**
 * `addr`, else cluster-announce-*, else an address of `bind`, else the first of this machine that is not loopback.
 * While protected mode lets nobody in from outside, only the loopback address can be reached, so that one it is.
 */
export function advertisedAddress(config: Config, port: number): Address {
  const addr = config.get("addr");
  if (addr !== null) return addr;
  const announcedPort = config.get("cluster-announce-port");
  const shownPort = announcedPort === 0 ? port : announcedPort;
  const announced = config.get("cluster-announce-hostname") || config.get("cluster-announce-ip");
  if (announced !== "") return { host: announced, port: shownPort };
  return { host: ownHost(config), port: shownPort };
}

function ownHost(config: Config): string {
  const bound = config.get("bind").map((word) => (word.startsWith("-") ? word.slice(1) : word));
  const reachable = bound.filter((host) => !wildcards.has(host));
  const outside = reachable.find((host) => !isLoopback(host));
  if (outside !== undefined) return outside;
  if (reachable.length > 0 && reachable.length === bound.length) return reachable[0] ?? loopback;
  if (config.get("protected-mode") && config.get("requirepass") === "") return loopback;
  return firstOutsideAddress() ?? loopback;
}

function firstOutsideAddress(): string | undefined {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, family, internal } of addresses ?? [])
      if (!internal && family === "IPv4") return address;
  }
  return undefined;
}

function isLoopback(host: string): boolean {
  return host.startsWith("127.") || host === "::1" || host === "localhost";
}

const loopback = "127.0.0.1";
const wildcards: ReadonlySet<string> = new Set(["*", "::*", "0.0.0.0", "::"]);
