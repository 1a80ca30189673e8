// What the options of the configuration mean to the Raft core and to the transport.

import type { Config } from "../config/config.ts";
import { defaultTransportOptions, type TransportOptions } from "../peer/transport-options.ts";
import type { RaftTuning } from "../raft/options.ts";
import type { Credentials } from "../peer/hello.ts";

/** The core's tuning as configured now. */
export function raftTuningOf(config: Config): RaftTuning {
  return {
    electionTimeoutMs: config.get("election-timeout"),
    heartbeatIntervalMs: config.get("request-timeout"),
    appendMaxInflight: config.get("append-req-max-count"),
    appendMaxSizeBytes: clampToInt(config.get("append-req-max-size")),
    uncommittedMaxBytes: config.get("max-uncommitted-size"),
  };
}

/** The links' options as configured now. */
export function transportOptionsOf(config: Config, advertisedAddress: string): TransportOptions {
  return {
    ...defaultTransportOptions,
    connectionTimeoutMs: config.get("connection-timeout"),
    responseTimeoutMs: config.get("response-timeout"),
    reconnectIntervalMs: config.get("reconnect-interval"),
    credentials: credentialsOf(config),
    advertisedAddress,
  };
}

/** How this node logs in on others: null when no password is configured, since then none is needed. */
export function credentialsOf(config: Config): Credentials | null {
  const password = config.get("cluster-password");
  return password === "" ? null : { user: config.get("cluster-user"), password };
}

function clampToInt(value: number): number {
  return Math.min(value, 2 ** 31 - 1);
}
