// A router over a state machine of its own: data commands are answered at the end of the turn, as from a node that
// commits at once, or when a test says so.

import type { Clock } from "../../src/base/clock.ts";
import { CommandTable } from "../../src/commands/table.ts";
import { Request } from "../../src/node/request.ts";
import { StateMachine } from "../../src/node/state-machine.ts";
import { errors } from "../../src/resp/errors.ts";
import type { Client, Dispatcher } from "../../src/server/client.ts";

export class ToyRouter implements Dispatcher {
  readonly commands = new CommandTable();
  /** While true nothing is answered. */
  holds = false;
  /** While true data commands are not taken. */
  stalls = false;
  /** How many commands were taken from clients. */
  taken = 0;
  readonly pending: Request[] = [];
  readonly #clock: Clock;
  readonly #state: StateMachine;
  #index = 0;
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#state = new StateMachine(this.commands);
  }

  dispatch(client: Client, args: readonly string[]): boolean {
    const found = this.commands.lookup(args);
    const pending = client.pendingReads + client.pendingWrites;
    if (found.kind === "error" || !client.mayRun(found.command)) {
      if (pending > 0) return false;
      client.refuse(args, found.kind === "error" ? found.text : errors.noAuth);
      return true;
    }
    if (found.command.scope === "local") {
      if (pending > 0) return false;
      client.runLocal(found.command, args);
      return true;
    }
    if (this.stalls) return false;
    const request = new Request(client, found.command, args, client.dbIndex, found.isWrite);
    this.taken++;
    client.pendingWrites++;
    this.pending.push(request);
    client.began(request);
    this.#schedule();
    return true;
  }

  /** Answers everything that waits. */
  answerAll(): void {
    this.#index++;
    this.#state.beginEntry(this.#index, this.#clock.wallMs());
    for (const request of this.pending.splice(0)) {
      this.#state.run(request.command, request.args, request.dbIndex, request.requester.reply);
      request.requester.pendingWrites--;
      request.requester.answered(request);
    }
  }

  /** Gives everything that waits back, as a node does that has lost leadership. */
  takeAllBack(): void {
    for (const request of this.pending.splice(0)) {
      request.requester.pendingWrites--;
      request.requester.takeBack(request);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.endOfTurn(() => {
      this.#scheduled = false;
      if (!this.holds) this.answerAll();
    });
  }
}
