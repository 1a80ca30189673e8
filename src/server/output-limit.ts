// client-output-buffer-limit: how many bytes of replies a client may leave unread, and for how long.

import type { BufferLimits, ClientClass } from "../config/option.ts";

export class OutputLimit {
  readonly #limits: () => BufferLimits;
  readonly #class: ClientClass;
  /** Since when more than the soft limit waits; null while less does. */
  #overSoftSinceMs: number | null = null;

  constructor(limits: () => BufferLimits, clientClass: ClientClass) {
    this.#limits = limits;
    this.#class = clientClass;
  }

  /** Whether a client with `unsentBytes` must be closed; to be asked now and then as long as bytes are unsent. */
  isExceeded(unsentBytes: number, nowMs: number): boolean {
    const { hardBytes, softBytes, softSeconds } = this.#limits()[this.#class];
    if (hardBytes > 0 && unsentBytes >= hardBytes) return true;
    if (softBytes === 0 || unsentBytes < softBytes) {
      this.#overSoftSinceMs = null;
      return false;
    }
    this.#overSoftSinceMs ??= nowMs;
    return nowMs - this.#overSoftSinceMs > softSeconds * 1000;
  }

  /** Everything has been sent. */
  clear(): void {
    this.#overSoftSinceMs = null;
  }
}
