// What clients have to do at the end of a turn of the event loop: go on with input that had to wait, and send replies,
// once for all that a turn has brought.

import type { Clock } from "../base/clock.ts";
import type { Client } from "./client.ts";

export class Turn {
  readonly #clock: Clock;
  #toProcess: Client[] = [];
  #toFlush: Client[] = [];
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  processLater(client: Client): void {
    if (client.processScheduled) return;
    client.processScheduled = true;
    this.#toProcess.push(client);
    this.#schedule();
  }

  flushLater(client: Client): void {
    if (client.flushScheduled) return;
    client.flushScheduled = true;
    this.#toFlush.push(client);
    this.#schedule();
  }

  /** Sends every reply that is written by now. */
  flush(): void {
    const clients = this.#toFlush;
    if (clients.length === 0) return;
    this.#toFlush = [];
    for (let i = 0; i < clients.length; i++) {
      const client = clients[i] as Client;
      client.flushScheduled = false;
      client.flush();
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.endOfTurn(this.#end);
  }

  readonly #end = (): void => {
    this.#scheduled = false;
    const clients = this.#toProcess;
    this.#toProcess = [];
    for (let i = 0; i < clients.length; i++) {
      const client = clients[i] as Client;
      client.processScheduled = false;
      client.process();
    }
    this.flush();
  };
}
