// Which connections are let in: maxclients, and protected mode, which keeps strangers out of a server that nobody has
// set up yet.

import { errors } from "../resp/errors.ts";

export interface AdmissionState {
  readonly clientCount: number;
  /** maxclients. */
  readonly clientCountMax: number;
  /** Protected mode is on and there is no password. */
  readonly loopbackOnly: boolean;
}

/** The error with which a connection from `remoteAddress` is turned away, or null to let it in. */
export function refusalOf(remoteAddress: string, state: AdmissionState): string | null {
  if (state.clientCount >= state.clientCountMax) return errors.maxClients;
  return state.loopbackOnly && !isLoopback(remoteAddress) ? errors.protectedMode : null;
}

function isLoopback(address: string): boolean {
  const plain = address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
  return plain.startsWith("127.") || plain === "::1";
}
