// A cluster that starts itself: every node is given the same line, `--bootstrap-expect 3 --join a,b,c`, in any order and
// at any restart. A node with an empty directory asks the listed addresses what they are:
//   · one is a member already: join its cluster (also what a node with a wiped disk does);
//   · as many empty nodes as expected see each other: the one with the lowest address founds the cluster once all the
//     others have promised to join it and nobody else; the rest find it a member in their next round.
//
// Two clusters can never come of it, as long as the expected number is a majority of the nodes there are. A founder needs
// the promise of all it counts, its own included, so two founders would share a node that promised itself to both. But
// promises are on disk, and a node takes one back only for a founder with a lower address, and only if its own candidate
// for it was itself or has meanwhile made such a promise too. Promises thus only ever move to lower addresses: who once
// gave way to another never founds any more, and who has founded is a member and gives way to nobody. (A candidate that
// is lost for good after others promised to join it blocks them, for nobody can know that it founded nothing.)

import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Address } from "../config/option.ts";
import type { Network } from "../peer/connection.ts";
import type { ReplyValue } from "../resp/reply-parser.ts";
import { callRemote } from "./remote-call.ts";
import type { Credentials } from "../peer/hello.ts";

/** What a node says of itself to one that wants to found or join. */
export interface BootstrapState {
  readonly member: boolean;
  /** Where it is reached, `host:port`. */
  readonly address: string;
  /** Drawn at start: tells a node that it is talking to itself. */
  readonly nonce: string;
  /** Nodes of another name are not counted. */
  readonly clusterName: string;
  /** Address of the node that it has promised to join; "" when none. */
  readonly promisedTo: string;
}

export interface BootstrapOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly credentials: Credentials | null;
  readonly addresses: readonly Address[];
  /** Nodes that must see each other before one founds; 0 joins only. */
  readonly expect: number;
  readonly self: () => BootstrapState;
  /** Stores a promise, durably on return. */
  readonly storePromise: (founder: string) => void;
  readonly found: () => void;
  readonly join: (addresses: readonly Address[]) => void;
}

/** What one of the listed addresses has answered. */
interface SeenNode {
  readonly address: Address;
  readonly state: BootstrapState;
}

const roundPauseMs = 200;
const callTimeoutMs = 1000;

/** Looks for a cluster to join, or founds it, in rounds until `stop` is called. */
export class Bootstrap {
  readonly #options: BootstrapOptions;
  #timer: Timer | null = null;
  #stopped = false;
  #lastNotice = "";

  constructor(options: BootstrapOptions) {
    this.#options = options;
    this.#timer = options.clock.after(0, () => this.#round());
  }

  /** This node has become a member, or goes down. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /**
   * The node at `founder` asks for the promise to join it; `gaveWay` are the addresses of candidates that have promised
   * to join a lower one. False when the promise has been given to somebody else.
   */
  promise(founder: string, gaveWay: readonly string[]): boolean {
    if (this.#stopped) return false;
    const { address, promisedTo } = this.#options.self();
    if (promisedTo === founder) return true;
    const isFree = promisedTo === "" || promisedTo === address || gaveWay.includes(promisedTo);
    if (!isFree || (promisedTo !== "" && founder > promisedTo)) return false;
    this.#options.storePromise(founder);
    return true;
  }

  #round(): void {
    const { addresses } = this.#options;
    const found: SeenNode[] = [];
    let open = addresses.length;
    if (open === 0) return this.#decide(found);
    for (const address of addresses) {
      this.#call(address, ["RAFT.BOOTSTRAP", "STATE"], (value) => {
        const state = stateOf(value);
        if (state !== null) found.push({ address, state });
        if (--open === 0) this.#decide(found);
      });
    }
  }

  #decide(found: readonly SeenNode[]): void {
    if (this.#stopped) return;
    const self = this.#options.self();
    const kin = found.filter(({ state }) => state.clusterName === self.clusterName);
    const members = kin.filter(({ state }) => state.member);
    if (members.length > 0) {
      this.#options.join(members.map(({ address }) => address));
      return this.#again();
    }
    // A node may be listed under several addresses, and this one among them.
    const byNonce = new Map(kin.map((node) => [node.state.nonce, node]));
    byNonce.delete(self.nonce);
    const others = [...byNonce.values()];
    const { expect } = this.#options;
    if (expect === 0) return this.#wait(`none of the nodes to join is in a cluster yet`);
    if (others.length + 1 < expect)
      return this.#wait(`${others.length + 1} of ${expect} expected nodes see each other`);
    const states = others.map(({ state }) => state);
    if (!states.every(({ address }) => self.address < address)) return this.#again();
    const gaveWay = states.filter(hasGivenWay).map(({ address }) => address);
    if (!this.promise(self.address, gaveWay)) {
      return this.#wait(`promised to join ${self.promisedTo}, which may have founded one`);
    }
    const addresses = others.map(({ address }) => address);
    this.#askPromises(addresses, gaveWay);
  }

  #askPromises(addresses: readonly Address[], gaveWay: readonly string[]): void {
    const founder = this.#options.self().address;
    let open = addresses.length;
    let refused = false;
    const settle = (): void => {
      if (this.#stopped || open > 0) return;
      if (refused) this.#wait("not all nodes promised to join this one");
      // It may have given way itself while it asked.
      else if (this.#options.self().promisedTo !== founder) this.#again();
      else this.#options.found();
    };
    for (const address of addresses) {
      this.#call(address, ["RAFT.BOOTSTRAP", "PROMISE", founder, ...gaveWay], (value) => {
        if (value?.kind !== "simple") refused = true;
        open--;
        settle();
      });
    }
    settle();
  }

  #call(address: Address, args: readonly string[], done: (value: ReplyValue | null) => void): void {
    const { network, clock, credentials } = this.#options;
    const { host, port } = address;
    callRemote({ network, clock, credentials, args, host, port, timeoutMs: callTimeoutMs }, (answer) => {
      if (this.#stopped) return;
      done(answer.kind === "reply" ? answer.value : null);
    });
  }

  #wait(notice: string): void {
    if (notice !== this.#lastNotice) this.#options.logger.notice(`Waiting to form a cluster: ${notice}`);
    this.#lastNotice = notice;
    this.#again();
  }

  #again(): void {
    if (!this.#stopped) this.#timer = this.#options.clock.after(roundPauseMs, () => this.#round());
  }
}

/** The fields of RAFT.BOOTSTRAP STATE's answer, in this order. */
export function bootstrapFields(state: BootstrapState): readonly string[] {
  const { member, address, nonce, clusterName, promisedTo } = state;
  return [member ? "member" : "empty", address, nonce, clusterName, promisedTo];
}

function stateOf(value: ReplyValue | null): BootstrapState | null {
  if (value?.kind !== "array" || value.items.length !== 5) return null;
  const texts = value.items.map((item) => (item.kind === "bulk" ? item.text : ""));
  const [standing = "", address = "", nonce = "", clusterName = "", promisedTo = ""] = texts;
  return { member: standing === "member", address, nonce, clusterName, promisedTo };
}

/** Whether a node will never found: it has promised to join one with a lower address. */
function hasGivenWay({ address, promisedTo }: BootstrapState): boolean {
  return promisedTo !== "" && promisedTo < address;
}
