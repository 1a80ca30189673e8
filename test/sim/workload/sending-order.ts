// That the commands of one connection take effect in the order in which they were sent, which linearizability does not ask
// of commands that were under way at the same time. It shows in the tokens that a client appends: those that were
// acknowledged stand in every reading in the order in which that client drew them.

import { assert } from "../../../src/base/assert.ts";

/** Tokens are `<client>.<number>;`, with numbers that only grow. */
export class SendingOrder {
  readonly #acknowledged = new Set<string>();

  acknowledged(token: string): void {
    this.#acknowledged.add(token);
  }

  /** A list was read as `text`. */
  check(text: string): void {
    const last = new Map<string, number>();
    for (const token of text.split(";").slice(0, -1)) {
      if (!this.#acknowledged.has(`${token};`)) continue;
      const [client = "", number = ""] = token.split(".");
      assert(
        Number(number) > (last.get(client) ?? -1),
        `16. what client ${client} sent takes effect in its order, but ${token} stands in ${text}`,
      );
      last.set(client, Number(number));
    }
  }
}
