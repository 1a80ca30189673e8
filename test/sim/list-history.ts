// What one client has appended to a key of its own, token by token, and whether what it reads is what that must give:
//   · a token whose append was acknowledged is there exactly once, and such tokens stand in the order of sending;
//   · one that was refused is never there; one of unknown outcome may be, once, from any moment on;
//   · one that was sent after a read is not in what that read gives.

import { assert } from "../../src/base/assert.ts";

type Outcome = "open" | "acknowledged" | "refused" | "unknown";

const tokenBytes = 6;

export class ListHistory {
  readonly key: string;
  readonly #outcomes: Outcome[] = [];
  acknowledged = 0;
  unknown = 0;

  constructor(key: string) {
    this.key = key;
  }

  /** Appends sent so far; also the place of a read among them. */
  get sent(): number {
    return this.#outcomes.length;
  }

  /** The next token; `number` names it from now on. */
  send(): { readonly number: number; readonly token: string } {
    const number = this.#outcomes.push("open") - 1;
    return { number, token: `${String(number).padStart(tokenBytes - 1, "0")},` };
  }

  /** APPEND has answered with the value's length. */
  appended(number: number, length: number): void {
    this.#settle(number, "acknowledged");
    this.acknowledged++;
    let least = 0;
    for (let at = 0; at <= number; at++) if (this.#outcomes[at] === "acknowledged") least++;
    const count = length / tokenBytes;
    assert(
      count >= least && count <= number + 1,
      `${this.key} to hold ${least} to ${number + 1} tokens, not ${count}`,
    );
  }

  wasRefused(number: number): void {
    this.#settle(number, "refused");
  }

  isUnknown(number: number): void {
    this.#settle(number, "unknown");
    this.unknown++;
  }

  /** A read that was sent when `sent` tokens had been sent has given `value`. */
  wasRead(sent: number, value: string): void {
    const tokens = value === "(nil)" ? [] : value.split(",").slice(0, -1).map(Number);
    const seen = new Set<number>();
    let last = -1;
    for (const number of tokens) {
      const outcome = this.#outcomes[number];
      assert(!seen.has(number), `${this.key} to hold ${number} once: ${value}`);
      seen.add(number);
      assert(number < sent, `${this.key} without ${number}, which was sent after the read: ${value}`);
      assert(
        outcome !== undefined && outcome !== "refused",
        `${this.key} without ${number} (${outcome}): ${value}`,
      );
      if (outcome !== "acknowledged") continue;
      assert(number > last, `${this.key} in the order of sending: ${value}`);
      last = number;
    }
    for (let number = 0; number < sent; number++) {
      const missing = this.#outcomes[number] === "acknowledged" && !seen.has(number);
      assert(!missing, `${this.key} with ${number}, which was acknowledged: ${value}`);
    }
  }

  #settle(number: number, outcome: Outcome): void {
    assert(this.#outcomes[number] === "open", `one outcome of ${number} of ${this.key}`);
    this.#outcomes[number] = outcome;
  }
}
