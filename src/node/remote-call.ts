// One RESP command sent to another node as a client would, and its answer: how a node joins a cluster and how nodes find
// each other before there is one.

import type { Clock, Timer } from "../base/clock.ts";
import type { Connection, Network } from "../peer/connection.ts";
import { ReplyParser, type ReplyValue } from "../resp/reply-parser.ts";
import { encodeRequest } from "../resp/request-encoder.ts";
import type { Credentials } from "../peer/hello.ts";

export interface RemoteCall {
  readonly network: Network;
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  /** Sent first when set, as AUTH. */
  readonly credentials: Credentials | null;
  readonly args: readonly string[];
  readonly timeoutMs: number;
}

/** The answer, or `unreachable`: no connection, so nothing was executed; or `lost`: sent, but no answer came. */
export type RemoteAnswer =
  | { readonly kind: "reply"; readonly value: ReplyValue }
  | { readonly kind: "unreachable"; readonly reason: string }
  | { readonly kind: "lost"; readonly reason: string };

/** Sends the command on a connection of its own; `done` is called exactly once. */
export function callRemote(call: RemoteCall, done: (answer: RemoteAnswer) => void): void {
  const parser = new ReplyParser();
  let connection: Connection | null = null;
  let repliesToSkip = call.credentials === null ? 0 : 1;
  let unsent: Uint8Array = encodeCall(call);
  let timer: Timer | null = null;
  let finished = false;

  const finish = (answer: RemoteAnswer): void => {
    if (finished) return;
    finished = true;
    timer?.cancel();
    connection?.close();
    done(answer);
  };
  const send = (): void => {
    const taken = connection?.write(unsent) ?? -1;
    if (taken > 0) unsent = unsent.subarray(taken);
  };
  const dial = call.network.connect(call.host, call.port, call.timeoutMs, {
    resolved: () => undefined,
    connected: (opened) => {
      connection = opened;
      send();
    },
    failed: (reason) => finish({ kind: "unreachable", reason }),
    drain: send,
    closed: () => finish({ kind: "lost", reason: "connection closed" }),
    data: (chunk) => {
      parser.push(new Uint8Array(chunk));
      for (let value = parser.next(); value !== null; value = parser.next()) {
        if (repliesToSkip > 0 && value.kind !== "error") repliesToSkip--;
        else return finish({ kind: "reply", value });
      }
      if (parser.error !== null) finish({ kind: "lost", reason: parser.error });
    },
  });
  timer = call.clock.after(call.timeoutMs, () => {
    dial.cancel();
    finish(
      connection === null
        ? { kind: "unreachable", reason: "timed out" }
        : { kind: "lost", reason: "timed out" },
    );
  });
}

function encodeCall(call: RemoteCall): Uint8Array {
  const command = encodeRequest(call.args);
  if (call.credentials === null) return command;
  const { user, password } = call.credentials;
  return Buffer.concat([encodeRequest(["AUTH", user, password]), command]);
}
