// What becomes of a command: refused, answered here, or handed to the node. Its one hard duty is order: replies must
// leave in the order of the requests, so a command that may not run yet is not taken, and the client comes again with
// it. While no leader is known commands are held for a while instead of failed: an election takes less time than most
// clients need to recover from an error.

import type { Clock, Timer } from "../base/clock.ts";
import type { DataCommand } from "../commands/command.ts";
import type { CommandTable } from "../commands/table.ts";
import type { Config } from "../config/config.ts";
import type { ClusterNode } from "../node/cluster-node.ts";
import { Request } from "../node/request.ts";
import { errors } from "../resp/errors.ts";
import type { Client } from "./client.ts";

export interface RouterOptions {
  readonly commands: CommandTable;
  readonly node: ClusterNode;
  readonly config: Config;
  readonly clock: Clock;
}

/** Requests that one client may have under way before its further input waits. */
const pendingPerClientMax = 10_000;
/** The same through the proxy: their answers, however large, pile up on both nodes if the client does not read them. */
const proxiedPerClientMax = 256;
const heldCheckIntervalMs = 50;

export class Router {
  readonly #commands: CommandTable;
  readonly #node: ClusterNode;
  readonly #config: Config;
  readonly #clock: Clock;
  /** Clients whose next command waits for a leader, and since when. */
  readonly #held = new Map<Client, number>();
  #heldTimer: Timer | null = null;

  constructor(options: RouterOptions) {
    this.#commands = options.commands;
    this.#node = options.node;
    this.#config = options.config;
    this.#clock = options.clock;
  }

  /**
   * Runs `args` for `client` or hands them on. False when the command may not run yet: the client keeps it, stops
   * reading its input, and dispatches it again when some of its requests are answered or `resume` is called on it.
   */
  dispatch(client: Client, args: readonly string[]): boolean {
    const found = this.#commands.lookup(args);
    const pending = client.pendingReads + client.pendingWrites + client.pendingProxied;
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
    if (pending >= pendingPerClientMax) return false;
    return this.#route(client, found.command, args, found.isWrite);
  }

  #route(client: Client, command: DataCommand, args: readonly string[], isWrite: boolean): boolean {
    const node = this.#node;
    const disposition = node.disposition;
    const pendingHere = client.pendingReads + client.pendingWrites;
    if (disposition === "serve") {
      if (client.pendingProxied > 0) return false;
      const request = new Request(client, command, args, client.dbIndex, isWrite);
      if (!isWrite) node.submitRead(request);
      else if (!node.submitWrite(request)) return false;
      this.#released(client);
      client.began(request);
      return true;
    }
    if (pendingHere > 0) return false;
    if (disposition === "proxy") {
      if (client.pendingProxied >= proxiedPerClientMax) return false;
      const request = new Request(client, command, args, client.dbIndex, isWrite);
      if (!node.submitProxied(request)) return this.#hold(client, args);
      this.#released(client);
      client.began(request);
      return true;
    }
    if (client.pendingProxied > 0) return false;
    if (disposition === "wait") return this.#hold(client, args);
    client.refuse(args, node.refusal(command, args));
    this.#released(client);
    return true;
  }

  /** Lets every held client try again: the cluster's state has changed. */
  resumeHeld(): void {
    for (const client of [...this.#held.keys()]) client.resume();
  }

  /** The client is gone. */
  forget(client: Client): void {
    this.#held.delete(client);
  }

  #hold(client: Client, args: readonly string[]): boolean {
    const nowMs = this.#clock.monotonicMs();
    const sinceMs = this.#held.get(client);
    if (sinceMs === undefined) {
      this.#held.set(client, nowMs);
      this.#heldTimer ??= this.#clock.after(heldCheckIntervalMs, this.#checkHeld);
    }
    if (nowMs - (sinceMs ?? nowMs) < this.#config.get("leader-wait-timeout")) return false;
    if (client.pendingReads + client.pendingWrites + client.pendingProxied > 0) return false;
    // The client's next commands would wait as long again: what it has sent meanwhile fails at once, until it pauses.
    client.refuse(args, this.#node.waitRefusal());
    return true;
  }

  /** The client's command found its way: the next time that it is held counts anew. */
  #released(client: Client): void {
    if (this.#held.size > 0) this.#held.delete(client);
  }

  readonly #checkHeld = (): void => {
    this.#heldTimer = null;
    const nowMs = this.#clock.monotonicMs();
    const limitMs = this.#config.get("leader-wait-timeout");
    for (const [client, sinceMs] of [...this.#held]) {
      if (nowMs - sinceMs >= limitMs) client.resume();
      // Nothing more of it is waiting: its next command gets the full time again.
      if (!client.isStalled) this.#held.delete(client);
    }
    if (this.#held.size > 0) this.#heldTimer = this.#clock.after(heldCheckIntervalMs, this.#checkHeld);
  };
}
