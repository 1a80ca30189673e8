// Which connections are let in: maxclients, and protected mode, which keeps strangers out of a server that nobody has
// set up yet. Another node comes as a client does and only then says what it is; clients that fill the server must not
// keep it out, or a cluster whose links broke would stay without a leader. So above maxclients there is a little room
// for guests: connections that have a moment to become a link, and are told what the refusal is otherwise.

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
  if (state.loopbackOnly && !isLoopback(remoteAddress)) return errors.protectedMode;
  return state.clientCount >= state.clientCountMax ? errors.maxClients : null;
}

/** How long a guest may be silent. */
export const guestMsMax = 250;

/** How many guests there may be at a time, in a process that has room for so many clients. */
export function guestsFor(clientsPossible: number): number {
  return Math.min(32, Math.ceil(clientsPossible / 4));
}

/** Whether a guest may send this: the two commands with which a link begins. */
export function isForGuests(command: string): boolean {
  return /^(?:auth|raft\.peer)$/i.test(command);
}

/** An IPv4 address that came through an IPv6 socket as what it is; any other as it is. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}

function isLoopback(address: string): boolean {
  const plain = plainAddress(address);
  return plain.startsWith("127.") || plain === "::1";
}
