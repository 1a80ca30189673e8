// The network between the nodes of a cluster: each node is known to the others under the port of an entrance here, and
// what the nodes say to each other passes through. Clients use the nodes' own ports, so cutting a line cuts no client off.

import { type NetworkRule, held, open } from "./network-rule.ts";
import type { LaneSocket } from "./byte-lane.ts";
import { PeerConnection, type PeerConnectionOwner } from "./peer-connection.ts";

interface Entrance {
  readonly listener: Bun.TCPSocketListener<undefined>;
  /** Where the node listens. */
  readonly nodePort: number;
}

export class PeerNetwork implements PeerConnectionOwner {
  readonly #entrances = new Map<string, Entrance>();
  readonly #rules = new Map<string, NetworkRule>();
  readonly #connections = new Set<PeerConnection>();

  /** Opens the entrance to the node of that name, which listens on `nodePort`; gives the port for the others to use. */
  open(name: string, nodePort: number): number {
    const connections = new Map<LaneSocket, PeerConnection>();
    const listener = Bun.listen<undefined>({
      hostname: "127.0.0.1",
      port: 0,
      data: undefined,
      socket: {
        open: (socket) => {
          const connection = new PeerConnection(this, socket, { name, port: nodePort });
          connections.set(socket, connection);
          this.#connections.add(connection);
        },
        data: (socket, bytes) => connections.get(socket)?.dialled(bytes),
        drain: (socket) => connections.get(socket)?.diallerDrained(),
        close: (socket) => {
          connections.get(socket)?.diallerEnded();
          connections.delete(socket);
        },
        error: (socket) => connections.get(socket)?.reset(),
      },
    });
    this.#entrances.set(name, { listener, nodePort });
    return listener.port;
  }

  /** Port under which the others know the node. */
  entranceOf(name: string): number {
    return this.#entrances.get(name)?.listener.port ?? 0;
  }

  /** The node's own port for that of its entrance; any other as it is. */
  nodePort(port: number): number {
    for (const { listener, nodePort } of this.#entrances.values())
      if (listener.port === port) return nodePort;
    return port;
  }

  // ── Faults ──────────────────────────────────────────────────────────────────────────────────────────────────────

  setRule(from: string, to: string, rule: NetworkRule): void {
    this.#rules.set(lineOf(from, to), rule);
    this.#look();
  }

  /** Nothing from `from` reaches `to` any more. */
  cut(from: string, to: string): void {
    this.setRule(from, to, held);
  }

  /** Nothing passes between the two, either way. */
  cutBoth(one: string, other: string): void {
    this.cut(one, other);
    this.cut(other, one);
  }

  /** All lines are open again; what was held arrives now. */
  heal(): void {
    this.#rules.clear();
    this.#look();
  }

  /** Ends all connections between the two at once, and what is held on them is lost. */
  reset(one: string, other: string): void {
    for (const connection of this.#between(one, other)) connection.reset();
  }

  /** Ends every connection on a line that is not open, and what is held there is lost. */
  resetHeld(): void {
    for (const connection of [...this.#connections]) {
      const { from, to } = connection;
      if (this.rule(from, to).kind !== "open" || this.rule(to, from).kind !== "open") connection.reset();
    }
  }

  /** Each connection between the two ends in the middle of what is sent next. */
  tear(one: string, other: string): void {
    for (const connection of this.#between(one, other)) connection.tear();
  }

  /** Ends everything. */
  close(): void {
    for (const { listener } of this.#entrances.values()) listener.stop(true);
    for (const connection of [...this.#connections]) connection.reset();
  }

  // ── For the connections ─────────────────────────────────────────────────────────────────────────────────────────

  nameOf(port: number): string {
    for (const [name, { listener }] of this.#entrances) if (listener.port === port) return name;
    return `port ${port}`;
  }

  rule(from: string, to: string): NetworkRule {
    return this.#rules.get(lineOf(from, to)) ?? open;
  }

  ended(connection: PeerConnection): void {
    this.#connections.delete(connection);
  }

  #between(one: string, other: string): PeerConnection[] {
    return [...this.#connections].filter((connection) => connection.isBetween(one, other));
  }

  #look(): void {
    for (const connection of [...this.#connections]) connection.look();
  }
}

function lineOf(from: string, to: string): string {
  return `${from}>${to}`;
}
