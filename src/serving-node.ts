// How the parts of a node that serves clients are put together: the cluster's node, the router, the server, the orderly
// end. They know each other only through what is handed to them here. What touches the machine (clock, disk, network,
// chance, the process itself) comes from outside: from serve.ts in the executable, from the simulator in its worlds, so
// that both run the same composition.

import { randomHex } from "./base/random.ts";
import { rewriteConfigFile } from "./config/rewrite.ts";
import { ClusterNode, type ClusterNodeOptions } from "./node/cluster-node.ts";
import { Router } from "./server/router.ts";
import { Server } from "./server/server.ts";
import { Shutdown } from "./server/shutdown.ts";

export interface ServingNodeOptions extends Omit<ClusterNodeOptions, "events"> {
  /** Null without one. */
  readonly configFile: string | null;
  /** Clients that there are file descriptors for. */
  readonly clientsPossible: number;
  readonly events: ServingNodeEvents;
}

/** How it ends. After each of these the process has to end too. */
export interface ServingNodeEvents {
  /** The node may have begun or ceased to lead. */
  changed(): void;
  /** The node was removed from its cluster; its files are archived, its clients told good-bye. */
  left(): void;
  /** The node must not go on. */
  failed(error: Error): void;
  /** An orderly shutdown is done. */
  ended(): void;
}

export class ServingNode {
  readonly node: ClusterNode;
  readonly server: Server;
  readonly shutdown: Shutdown;

  constructor(options: ServingNodeOptions) {
    const { config, configFile, clock, logger, random, commands, events } = options;
    this.node = new ClusterNode({
      ...options,
      events: {
        changed: () => {
          events.changed();
          router.resumeHeld();
        },
        repliesWritten: () => this.server.flush(),
        left: () => {
          this.server.close();
          events.left();
        },
        failed: (error) => events.failed(error),
      },
    });
    const router = new Router({ commands, node: this.node, config, clock });
    this.shutdown = this.#makeShutdown(options);
    this.server = new Server({
      config,
      clock,
      logger,
      commands,
      cluster: this.node,
      status: this.node,
      dispatcher: router,
      forget: (client) => {
        router.forget(client);
        this.node.forget(client);
      },
      acceptPeer: (connection, hello) => this.node.acceptPeer(connection, hello),
      shutdown: this.shutdown,
      clientsPossible: options.clientsPossible,
      rewriteConfig: () => rewriteConfigFile(configFile, config),
      runId: randomHex(random, 40),
      configFile: configFile ?? "",
    });
  }

  #makeShutdown({ config, clock, logger, events }: ServingNodeOptions): Shutdown {
    return new Shutdown({
      clock,
      logger,
      drainTimeoutMs: config.watch("shutdown-drain-timeout"),
      clientCount: () => this.server.clientCount,
      openRequests: () => this.node.openRequests,
      isLeading: () => this.node.leading,
      prepare: (done) => this.node.prepareShutdown(done),
      end: () => {
        this.server.close();
        this.node.stop();
        events.ended();
      },
    });
  }
}
