// The server of one process: accepts clients, keeps them, and is what commands see as "this server". Composition only:
// what a client does is in `client.ts`, what becomes of its commands in `router.ts`, what the cluster does in the node.

import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket, SocketHandler } from "bun";
import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type {
  ClientPort,
  ClusterPort,
  LocalContext,
  PeerHello,
  ServerPort,
  ShutdownRequest,
} from "../commands/context.ts";
import type { CommandTable } from "../commands/table.ts";
import type { Config } from "../config/config.ts";
import type { BufferLimits } from "../config/option.ts";
import type { StatusSource } from "../node/status.ts";
import type { ConnectionHandlers } from "../peer/connection.ts";
import { errors } from "../resp/errors.ts";
import type { RequestLimits } from "../resp/request-parser.ts";
import { guestMsMax, guestsFor, refusalOf } from "./admission.ts";
import { Client, type ClientHost, type Dispatcher } from "./client.ts";
import { infoText, type ServerFigures } from "./info.ts";
import { raftInfoText } from "./info-raft.ts";
import { memoryUsage } from "./memory-usage.ts";
import { Listener } from "./listener.ts";
import type { ClientSocket, PeerConnection } from "./peer-connection.ts";
import type { Shutdown } from "./shutdown.ts";
import { Statistics } from "./statistics.ts";
import { Turn } from "./turn.ts";

export interface ServerOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly commands: CommandTable;
  readonly cluster: ClusterPort;
  readonly status: StatusSource;
  readonly dispatcher: Dispatcher;
  /** The client is gone: what it has under way needs no answer. */
  readonly forget: (client: Client) => void;
  /** Takes a connection over as a link between nodes; null when it must be closed. */
  readonly acceptPeer: (connection: PeerConnection, hello: PeerHello) => ConnectionHandlers | null;
  readonly shutdown: Shutdown;
  /** Clients that the system has room for, whatever maxclients says. */
  readonly clientsPossible: number;
  /** CONFIG REWRITE: an error reply, or null when done. */
  readonly rewriteConfig: () => string | null;
  /** 40 hex digits, drawn at start. */
  readonly runId: string;
  /** "" when there is none. */
  readonly configFile: string;
}

/** Between two rounds of housekeeping: idle clients, soft limits, samples for rates. */
const housekeepingMs = 250;

/** Bytes of the longest command: it must fit into one entry of the log (storage/record.ts). */
const commandBytesMax = 1024 * 1024 * 1024;

export class Server implements ServerPort, ClientHost {
  readonly statistics: Statistics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dispatcher: Dispatcher;
  readonly requestLimits: RequestLimits;
  readonly outputLimits: () => BufferLimits;
  readonly queryBufferBytesMax: () => number;
  readonly #options: ServerOptions;
  readonly #turn: Turn;
  readonly #clients = new Map<number, Client>();
  /** How many of them are guests. */
  #guests = 0;
  readonly #context: ReusedContext;
  readonly #startedAtMs: number;
  readonly #startMemoryBytes = memoryUsage().heapUsed;
  #listener: Listener<Client | null> | null = null;
  #nextClientId = 1;
  #peerConnections = 0;
  #password: Buffer;
  #passwordRequired: boolean;
  #housekeeping: Timer | null = null;

  constructor(options: ServerOptions) {
    const { config } = options;
    this.#options = options;
    this.clock = options.clock;
    this.logger = options.logger;
    this.dispatcher = options.dispatcher;
    this.statistics = new Statistics(options.commands);
    this.requestLimits = { maxBulkBytes: config.get("proto-max-bulk-len") };
    this.statistics.latencyTracked = config.get("latency-tracking");
    this.outputLimits = config.watch("client-output-buffer-limit");
    const queryBufferLimit = config.watch("client-query-buffer-limit");
    this.queryBufferBytesMax = () => Math.min(queryBufferLimit(), commandBytesMax);
    this.#turn = new Turn(options.clock);
    this.#startedAtMs = options.clock.monotonicMs();
    this.#password = digestOf(config.get("requirepass"));
    this.#passwordRequired = config.get("requirepass") !== "";
    this.#context = new ReusedContext(this, options);
    config.onChange("proto-max-bulk-len", (bytes) => {
      this.requestLimits.maxBulkBytes = bytes;
    });
    config.onChange("latency-tracking", (tracked) => {
      this.statistics.latencyTracked = tracked;
    });
    config.onChange("requirepass", (password) => {
      this.#password = digestOf(password);
      this.#passwordRequired = password !== "";
    });
  }

  /** The port listened on; 0 before `listen`. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Starts to accept clients, or throws ListenError. */
  listen(): void {
    const { config, logger } = this.#options;
    this.#listener = new Listener<Client | null>({
      bind: config.get("bind"),
      port: config.get("port"),
      handlers: this.#handlers(),
      logger,
    });
    this.#keepHouse();
  }

  /** Accepts no more clients and closes those it has, after what they can take of their replies. */
  close(): void {
    this.#housekeeping?.cancel();
    this.#housekeeping = null;
    this.#listener?.stop();
    this.#turn.flush();
    for (const client of [...this.#clients.values()]) client.close();
  }

  /** Sends every reply written so far. */
  flush(): void {
    this.#turn.flush();
  }

  // ── What commands see ───────────────────────────────────────────────────────────────────────────────────────────

  get clients(): Iterable<Client> {
    return this.#clients.values();
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  clientById(id: number): Client | undefined {
    return this.#clients.get(id);
  }

  killClient(client: ClientPort): void {
    this.#clients.get(client.id)?.close();
  }

  info(sections: readonly string[]): string {
    const { statistics } = this;
    const { status } = this.#options;
    return infoText({ statistics, status, figures: () => this.#figures() }, sections);
  }

  raftInfo(): string {
    return raftInfoText(this.#options.status.raftStatus());
  }

  resetStatistics(): void {
    this.statistics.reset();
    this.#options.status.resetKeyspaceCounters();
  }

  wallMs(): number {
    return this.clock.wallMs();
  }

  wallMicros(): number {
    return Math.floor(this.clock.wallMs() * 1000);
  }

  get passwordRequired(): boolean {
    return this.#passwordRequired;
  }

  passwordMatches(password: string): boolean {
    // Digests have equal lengths, so neither the length nor the content shows in the time that this takes.
    return !this.#passwordRequired || timingSafeEqual(digestOf(password), this.#password);
  }

  rewriteConfig(): string | null {
    return this.#options.rewriteConfig();
  }

  shutdown(request: ShutdownRequest): void {
    const { now, aborted } = request;
    this.#options.shutdown.start({ reason: "User requested shutdown", now, aborted });
  }

  abortShutdown(): boolean {
    return this.#options.shutdown.abort();
  }

  // ── What clients need ───────────────────────────────────────────────────────────────────────────────────────────

  contextFor(client: Client): LocalContext {
    return this.#context.for(client);
  }

  flushLater(client: Client): void {
    this.#turn.flushLater(client);
  }

  processLater(client: Client): void {
    this.#turn.processLater(client);
  }

  released(client: Client): void {
    this.#clients.delete(client.id);
    if (client.isGuest) this.#guests--;
    this.#options.forget(client);
  }

  acceptPeer(connection: PeerConnection, hello: PeerHello): ConnectionHandlers | null {
    const handlers = this.#options.acceptPeer(connection, hello);
    if (handlers === null) return null;
    this.#peerConnections++;
    return {
      data: (chunk) => handlers.data(chunk),
      drain: () => handlers.drain(),
      closed: () => {
        this.#peerConnections--;
        handlers.closed();
      },
    };
  }

  // ── Sockets ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #handlers(): SocketHandler<Client | null> {
    return {
      open: (socket) => this.#accept(socket),
      data: (socket, chunk) => socket.data?.received(chunk),
      drain: (socket) => socket.data?.drained(),
      end: (socket) => {
        if (socket.data === null) socket.end();
        else socket.data?.inputEnded();
      },
      close: (socket) => socket.data?.socketClosed(),
      error: (socket, error) => this.#socketFailed(socket, error),
    };
  }

  #accept(socket: Socket<Client | null>): void {
    const { config } = this.#options;
    socket.data = null;
    this.statistics.connectionsReceived++;
    // Bun's types do not say it: who has left before being taken has no address.
    const remoteAddress: string | undefined = socket.remoteAddress;
    if (remoteAddress === undefined) {
      socket.terminate();
      return;
    }
    const refusal = refusalOf(remoteAddress, {
      clientCount: this.#clients.size - this.#guests,
      clientCountMax: this.#clientCountMax,
      loopbackOnly: config.get("protected-mode") && !this.#passwordRequired,
    });
    const isGuest = refusal === errors.maxClients && this.#guests < guestsFor(this.#options.clientsPossible);
    if (refusal !== null && !isGuest) {
      this.statistics.connectionsRejected++;
      socket.write(`-${refusal}\r\n`);
      socket.end();
      return;
    }
    socket.setNoDelay(true);
    const keepAliveSeconds = config.get("tcp-keepalive");
    if (keepAliveSeconds > 0) socket.setKeepAlive(true, keepAliveSeconds * 1000);
    socket.data = this.adopt(socket, refusal);
  }

  get #clientCountMax(): number {
    return Math.min(this.#options.config.get("maxclients"), this.#options.clientsPossible);
  }

  /**
   * Serves a connection that is open already; whoever has the socket tells the client what happens on it. With a
   * `refusal` it is a guest.
   */
  adopt(socket: ClientSocket, refusal: string | null = null): Client {
    const client = new Client(this.#nextClientId++, socket, this, refusal);
    if (client.isGuest) this.#guests++;
    this.#clients.set(client.id, client);
    this.logger.verbose(`Accepted ${client.address}`);
    return client;
  }

  /** A handler threw, or the system reports a failed connection: the client goes, a mistake of ours is not hidden. */
  #socketFailed(socket: Socket<Client | null>, error: Error): void {
    if ("syscall" in error) {
      this.logger.verbose(`Connection to ${socket.data?.address ?? "a client"} failed: ${error.message}`);
      socket.data?.close();
      return;
    }
    // Out of the socket's callback, so that it ends the process like any other uncaught error.
    queueMicrotask(() => {
      throw error;
    });
  }

  // ── Housekeeping ────────────────────────────────────────────────────────────────────────────────────────────────

  #keepHouse(): void {
    this.#housekeeping = this.clock.after(housekeepingMs, () => {
      const nowMs = this.clock.monotonicMs();
      this.statistics.sample(nowMs);
      this.#closeLateClients(nowMs);
      this.#keepHouse();
    });
  }

  #closeLateClients(nowMs: number): void {
    const idleMsMax = this.#options.config.get("timeout") * 1000;
    for (const client of this.#clients.values()) {
      if (client.outputBytes > 0) client.checkOutputLimit();
      if (client.isGuest && nowMs - client.createdAtMs > guestMsMax) client.turnAway();
      if (idleMsMax === 0 || client.isWaiting || nowMs - client.lastActiveAtMs <= idleMsMax) continue;
      this.logger.verbose("Closing idle client");
      client.close();
    }
  }

  #figures(): ServerFigures {
    const { config, runId, configFile } = this.#options;
    let blockedClients = 0;
    let inputBytesMax = 0;
    let outputBytesMax = 0;
    let clientBytes = 0;
    for (const client of this.#clients.values()) {
      const { inputBytes, outputBytes } = client;
      if (client.isBlocked) blockedClients++;
      inputBytesMax = Math.max(inputBytesMax, inputBytes);
      outputBytesMax = Math.max(outputBytesMax, outputBytes);
      clientBytes += inputBytes + outputBytes + client.argumentBytes;
    }
    return {
      runId,
      port: this.port,
      bind: config.get("bind"),
      configFile,
      wallMicros: this.wallMicros(),
      uptimeSeconds: Math.floor((this.clock.monotonicMs() - this.#startedAtMs) / 1000),
      connectedClients: this.#clients.size,
      blockedClients,
      peerConnections: this.#peerConnections,
      maxClients: this.#clientCountMax,
      inputBytesMax,
      outputBytesMax,
      clientBytes,
      startMemoryBytes: this.#startMemoryBytes,
      latencyPercentiles: this.#options.config.get("latency-tracking-info-percentiles"),
    };
  }
}

/** One object for all local commands, filled anew for each. */
class ReusedContext implements LocalContext {
  readonly server: ServerPort;
  readonly cluster: ClusterPort;
  readonly config: Config;
  readonly commands: CommandTable;
  #client: Client | null = null;

  constructor(server: ServerPort, options: ServerOptions) {
    this.server = server;
    this.cluster = options.cluster;
    this.config = options.config;
    this.commands = options.commands;
  }

  for(client: Client): LocalContext {
    this.#client = client;
    return this;
  }

  get client(): Client {
    return this.#client as Client;
  }

  get reply(): Client["reply"] {
    return this.client.reply;
  }
}

function digestOf(password: string): Buffer {
  return createHash("sha256").update(password, "latin1").digest();
}
