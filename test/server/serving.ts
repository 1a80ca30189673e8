// A server in this process on a port of the kernel's choice, over a toy router and a fake cluster.

import { silentLogger } from "../../src/base/logger.ts";
import type { Logger } from "../../src/base/logger.ts";
import { Config } from "../../src/config/config.ts";
import { systemClock } from "../../src/node/system-clock.ts";
import type { ConnectionHandlers } from "../../src/peer/connection.ts";
import type { PeerHello } from "../../src/commands/context.ts";
import type { Client } from "../../src/server/client.ts";
import type { PeerConnection } from "../../src/server/peer-connection.ts";
import { Server } from "../../src/server/server.ts";
import { Shutdown } from "../../src/server/shutdown.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { TestClient } from "./test-client.ts";
import { ToyRouter } from "./toy-router.ts";

export interface ServingOptions {
  /** Names and values in turn. */
  readonly config?: readonly string[];
  readonly logger?: Logger;
  readonly clientsPossible?: number;
  readonly acceptPeer?: (connection: PeerConnection, hello: PeerHello) => ConnectionHandlers | null;
}

export class Serving {
  readonly config = new Config();
  readonly cluster = new FakeCluster();
  readonly router: ToyRouter;
  readonly server: Server;
  readonly shutdown: Shutdown;
  readonly forgotten: Client[] = [];
  readonly ended = Promise.withResolvers<void>();
  readonly #testClients: TestClient[] = [];

  constructor(options: ServingOptions = {}) {
    const { config } = this;
    config.load("port", "0", testOrigin);
    config.load("bind", "127.0.0.1", testOrigin);
    const settings = options.config ?? [];
    for (let at = 0; at < settings.length; at += 2) {
      const error = config.load(
        settings[at] as Parameters<Config["load"]>[0],
        settings[at + 1] as string,
        testOrigin,
      );
      if (error !== null) throw new Error(`${settings[at]}: ${error}`);
    }
    const logger = options.logger ?? silentLogger;
    const { cluster } = this;
    this.router = new ToyRouter(systemClock);
    this.shutdown = new Shutdown({
      clock: systemClock,
      logger,
      drainTimeoutMs: config.watch("shutdown-drain-timeout"),
      clientCount: () => this.server.clientCount,
      openRequests: () => 0,
      isLeading: () => cluster.leading,
      prepare: (done) => cluster.transferLeadership(0, () => done()),
      end: () => {
        this.server.close();
        this.ended.resolve();
      },
    });
    this.server = new Server({
      config,
      clock: systemClock,
      logger,
      commands: this.router.commands,
      cluster,
      status: cluster,
      dispatcher: this.router,
      forget: (client) => this.forgotten.push(client),
      acceptPeer: options.acceptPeer ?? (() => null),
      shutdown: this.shutdown,
      clientsPossible: options.clientsPossible ?? 10_000,
      rewriteConfig: () => "ERR The server is running without a config file",
      runId: "0".repeat(40),
      configFile: "",
    });
    this.server.listen();
  }

  get port(): number {
    return this.server.port;
  }

  async connect(): Promise<TestClient> {
    const client = await TestClient.connect(this.port);
    this.#testClients.push(client);
    return client;
  }

  close(): void {
    for (const client of this.#testClients) client.close();
    this.server.close();
  }
}

const testOrigin = { kind: "flag", detail: "test" } as const;
