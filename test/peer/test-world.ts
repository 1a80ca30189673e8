// Nodes on one virtual clock and one network in memory: each a transport, and a listener that lets others in.

import { expect } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import type { ConnectionHandlers } from "../../src/peer/connection.ts";
import type { Channel } from "../../src/peer/hello.ts";
import { Transport } from "../../src/peer/transport.ts";
import { defaultTransportOptions } from "../../src/peer/transport-options.ts";
import type { TransportOptions } from "../../src/peer/transport-options.ts";
import type { Member } from "../../src/raft/types.ts";
import { Acceptor } from "./acceptor.ts";
import { FakeNetwork } from "./fake-network.ts";
import type { FakeEnd } from "./fake-network.ts";
import { RecordingListener } from "./recording-listener.ts";
import { RecordingLogger } from "./recording-logger.ts";
import { VirtualClock } from "./virtual-clock.ts";

export const clusterId = "0123456789abcdef0123456789abcdef";

/** Takes whatever comes and does nothing about it. */
export const quiet: ConnectionHandlers = {
  data: () => undefined,
  drain: () => undefined,
  closed: () => undefined,
};

export interface NodeSetup {
  readonly id: number;
  readonly port?: number;
  readonly clusterId?: string;
  readonly options?: Partial<TransportOptions>;
  readonly password?: string;
}

/** One node. */
export class TestNode {
  readonly id: number;
  readonly port: number;
  readonly listener = new RecordingListener();
  readonly logger = new RecordingLogger();
  readonly options: TransportOptions;
  readonly transport: Transport;
  /** What `isKnown` answers; unknown otherwise. */
  readonly known = new Map<number, "member" | "removed">();
  /** What `recordsOf` answers. */
  records: readonly Uint8Array[] | null = [];

  constructor(clock: VirtualClock, network: FakeNetwork, setup: NodeSetup) {
    this.id = setup.id;
    this.port = setup.port ?? setup.id;
    this.options = { ...defaultTransportOptions, ...setup.options };
    this.transport = new Transport(
      {
        clusterId: setup.clusterId ?? clusterId,
        nodeId: setup.id,
        clock,
        network,
        random: new SeededRandom(setup.id),
        logger: this.logger,
        options: this.options,
      },
      this.listener,
      { recordsOf: () => this.records, isKnown: (id) => this.known.get(id) ?? "unknown" },
    );
    const password = setup.password ?? null;
    network.listen("10.0.0.1", this.port, (end) => new Acceptor(end, () => this.transport, password));
  }

  get member(): Member {
    return { id: this.id, host: "10.0.0.1", port: this.port, voting: true };
  }

  /** A member `id` that is said to be where this node listens. */
  memberAt(id: number): Member {
    return { ...this.member, id };
  }
}

/** A clock, a network, and the nodes on them. */
export class TestWorld {
  readonly clock = new VirtualClock();
  readonly network = new FakeNetwork(this.clock, new SeededRandom(1));

  node(setup: NodeSetup): TestNode {
    return new TestNode(this.clock, this.network, setup);
  }

  /** Two nodes, of which `a` (1) is connected to `b` (2) and `b` knows no member. */
  pair(options: Partial<TransportOptions> = {}): { a: TestNode; b: TestNode } {
    const a = this.node({ id: 1, options });
    const b = this.node({ id: 2, options });
    a.transport.setMembers([a.member, b.member]);
    this.clock.advance(50);
    expect(a.listener.events.toSorted()).toEqual([
      "connected 2 bulk",
      "connected 2 control",
      "connected 2 proxy",
    ]);
    a.listener.clear();
    return { a, b };
  }

  /** The connection of `channel` of the first peer, as the end that opened it. */
  connectionOf(channel: Channel): FakeEnd {
    const order: readonly Channel[] = ["control", "bulk", "proxy"];
    return this.network.openConnections[order.indexOf(channel)]!;
  }
}

/** A command of client 9, to be proxied. */
export function proxyRequest(requestId: number, args: readonly string[] = ["GET", "k"]) {
  return {
    kind: "request",
    requestId,
    clientId: 9,
    dbIndex: 0,
    protocol: 2,
    noTouch: false,
    user: "default",
    args,
  } as const;
}
