// One connection that a node has made to another through the network of the nemesis. Who dialled is in its first bytes
// (the last argument of `RAFT.PEER …`, or of the `RAFT.NODE ADD …` of a node that joins, is its address); until then it is
// nobody's. The other node is dialled when the first bytes may reach it, so that a cut line swallows the attempt, as a real
// one does.

import { RequestParser } from "../../src/resp/request-parser.ts";
import { ByteLane, type LaneSocket } from "./byte-lane.ts";
import type { NetworkRule } from "./network-rule.ts";

export interface PeerConnectionOwner {
  /** Name of the node behind this entrance; for any other port a name that no rule is about. */
  nameOf(port: number): string;
  rule(from: string, to: string): NetworkRule;
  ended(connection: PeerConnection): void;
}

/** Where the connection leads. */
export interface Destination {
  readonly name: string;
  readonly port: number;
}

const limits = { maxBulkBytes: 64 * 1024 };

export class PeerConnection {
  readonly to: string;
  /** Empty until it is known. */
  from = "";
  readonly #owner: PeerConnectionOwner;
  readonly #port: number;
  readonly #dialler: LaneSocket;
  readonly #parser = new RequestParser(limits, true);
  readonly #hello: Buffer[] = [];
  readonly #forth: ByteLane;
  readonly #back: ByteLane;
  #other: LaneSocket | null = null;
  #diallerIsOpen = true;
  /** Dialled, and not ended. */
  #otherIsOpen = false;
  #isDialled = false;
  #isOver = false;

  constructor(owner: PeerConnectionOwner, dialler: LaneSocket, destination: Destination) {
    this.#owner = owner;
    this.#dialler = dialler;
    this.to = destination.name;
    this.#port = destination.port;
    const torn = (): void => this.#endBoth();
    this.#forth = new ByteLane(() => owner.rule(this.from, this.to), torn);
    this.#back = new ByteLane(() => owner.rule(this.to, this.from), torn);
    this.#forth.source = dialler;
    this.#back.target = dialler;
    dialler.setNoDelay(true);
  }

  isBetween(one: string, other: string): boolean {
    return (this.from === one && this.to === other) || (this.from === other && this.to === one);
  }

  /** Bytes from the node that dialled. */
  dialled(bytes: Buffer): void {
    if (this.from !== "") {
      this.#forth.push(bytes);
      return this.#dial();
    }
    this.#hello.push(Buffer.from(bytes));
    this.#parser.push(Buffer.from(bytes));
    for (let args = this.#parser.next(); args !== null; args = this.#parser.next()) {
      const port = diallerOf(args);
      if (port === null) continue;
      this.from = this.#owner.nameOf(port);
      for (const piece of this.#hello.splice(0)) this.#forth.push(piece);
      return this.#dial();
    }
    if (this.#parser.error !== null) this.reset();
  }

  diallerEnded(): void {
    this.#diallerIsOpen = false;
    this.#forth.end();
    if (!this.#otherIsOpen) this.reset();
  }

  diallerDrained(): void {
    this.#back.pump();
  }

  /** A rule has changed. */
  look(): void {
    if (this.from === "") return;
    this.#dial();
    this.#forth.pump();
    this.#back.pump();
  }

  /** Of the next chunk either way only a half arrives, and then the connection ends. */
  tear(): void {
    this.#forth.tearNext();
    this.#back.tearNext();
  }

  /** Ends both sides at once; what was under way is lost. */
  reset(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forth.abandon();
    this.#back.abandon();
    this.#dialler.terminate();
    this.#other?.terminate();
    this.#owner.ended(this);
  }

  #endBoth(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forth.abandon();
    this.#back.abandon();
    this.#dialler.end();
    this.#other?.end();
    this.#owner.ended(this);
  }

  #dial(): void {
    if (this.#isDialled || this.#isOver || !this.#forth.isPassable) return;
    this.#isDialled = true;
    this.#otherIsOpen = true;
    const opening = Bun.connect<undefined>({
      hostname: "127.0.0.1",
      port: this.#port,
      data: undefined,
      socket: {
        open: (socket) => this.#opened(socket),
        data: (_socket, bytes) => this.#back.push(bytes),
        drain: () => this.#forth.pump(),
        close: () => this.#otherEnded(),
        error: () => this.#otherEnded(),
        connectError: () => this.#otherEnded(),
      },
    });
    opening.catch(() => this.#otherEnded());
  }

  #opened(socket: LaneSocket): void {
    if (this.#isOver) {
      socket.terminate();
      return;
    }
    socket.setNoDelay(true);
    this.#other = socket;
    this.#back.source = socket;
    this.#forth.target = socket;
  }

  #otherEnded(): void {
    this.#otherIsOpen = false;
    this.#back.end();
    if (!this.#diallerIsOpen) this.reset();
  }
}

/** Port under which the node that speaks is known; null for a command that does not tell. */
function diallerOf(args: readonly string[]): number | null {
  const name = (args[0] ?? "").toUpperCase();
  if (name === "AUTH") return null;
  const address = name === "RAFT.PEER" ? args[6] : name === "RAFT.NODE" ? args[3] : "";
  return Number(address?.split(":").at(-1));
}
