// One client's connection. Bytes come in and become commands, the dispatcher takes each or says "not yet", replies
// gather and leave once a turn. It knows neither commands nor Raft, and of sockets only the few calls of `ClientSocket`.
//
//   chunk ─► parser ─► process() ─► dispatcher ─► (now, or by answered()) ─► reply buffer ─► flush() ─► socket
//
// The order of replies is the order of requests. What may interrupt the flow, each ending in another process():
//   stalled   the dispatcher did not take a command: it is kept and offered again
//   later     a local command answers when something has happened elsewhere
//   fairness  so many commands a turn; the rest comes next turn
//   output    the client does not read its replies: its further commands wait
// While input is held up and more than a little of it has piled up, the socket is paused, so that TCP slows the sender.

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { LocalCommand, RunnableCommand } from "../commands/command.ts";
import type {
  ClientPort,
  ClientType,
  LaterReply,
  LocalContext,
  PeerHello,
  ReplyMode,
} from "../commands/context.ts";
import type { BufferLimits } from "../config/option.ts";
import { formatAddress } from "../config/parse-value.ts";
import type { Request, Requester } from "../node/request.ts";
import type { ConnectionHandlers } from "../peer/connection.ts";
import type { Reply } from "../resp/reply.ts";
import { type RequestLimits, RequestParser } from "../resp/request-parser.ts";
import { isForGuests, plainAddress } from "./admission.ts";
import { ClientOutput } from "./client-output.ts";
import { describeClient } from "./describe-client.ts";
import { InputHold } from "./input-hold.ts";
import { type ClientSocket, PeerConnection } from "./peer-connection.ts";
import type { Statistics } from "./statistics.ts";

/** What becomes of a command; the router. */
export interface Dispatcher {
  /** False when the command may not run yet: the client keeps it and offers it again. */
  dispatch(client: Client, args: readonly string[]): boolean;
}

/** What a client needs of its server. */
export interface ClientHost {
  readonly dispatcher: Dispatcher;
  readonly statistics: Statistics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly requestLimits: RequestLimits;
  readonly passwordRequired: boolean;
  readonly outputLimits: () => BufferLimits;
  readonly queryBufferBytesMax: () => number;
  /** The context of local commands, filled for this client. */
  contextFor(client: Client): LocalContext;
  /** Have `flush` called at the end of this turn. */
  flushLater(client: Client): void;
  /** Have `process` called in the next turn. */
  processLater(client: Client): void;
  /** The connection has ended, or is no client's any more. Called once. */
  released(client: Client): void;
  acceptPeer(connection: PeerConnection, hello: PeerHello): ConnectionHandlers | null;
}

/** Commands of one client in one turn; then the others have theirs. */
const commandsPerTurnMax = 1000;

/** A connected client, from its acceptance until `released` is told to its host. */
export class Client implements ClientPort, Requester {
  readonly id: number;
  readonly type: ClientType = "normal";
  readonly address: string;
  readonly localAddress: string;
  readonly createdAtMs: number;
  /** When bytes last came from the client, or went to it. */
  lastActiveAtMs: number;
  /** Set by the server while the client is on one of its lists. */
  flushScheduled = false;
  processScheduled = false;
  /** Full name of the last command, or "". */
  lastCommand = "";
  name = "";
  libraryName = "";
  libraryVersion = "";
  dbIndex = 0;
  user = "default";
  noEvict = false;
  noTouch = false;
  readOnly = false;
  pendingReads = 0;
  pendingWrites = 0;
  pendingProxied = 0;

  readonly #host: ClientHost;
  readonly #socket: ClientSocket;
  readonly #parser: RequestParser;
  readonly #out: ClientOutput;
  readonly #hold: InputHold;
  /** What a guest is told instead of being served; null for a client. */
  readonly #refusal: string | null;
  #authenticated: boolean;
  /** Commands to dispatch before the parser's next: one that stalled, those that came back from the node. */
  readonly #waiting: (readonly string[])[] = [];
  /** How many of them have come back since `process` last ran. */
  #takenBackNow = 0;
  #waitsForLater = false;
  #processing = false;
  /** Input is left that could not be used yet. */
  #inputWaits = false;
  /** Takes no more commands; ends when all replies have left. */
  #closing = false;
  #inputEnded = false;
  #closed = false;
  #peerHello: PeerHello | null = null;
  #peerRest: Uint8Array[] = [];
  #peer: ConnectionHandlers | null = null;

  constructor(id: number, socket: ClientSocket, host: ClientHost, refusal: string | null = null) {
    this.id = id;
    this.#refusal = refusal;
    this.address = formatAddress({ host: plainAddress(socket.remoteAddress), port: socket.remotePort });
    this.localAddress = formatAddress({ host: plainAddress(socket.localAddress), port: socket.localPort });
    this.#host = host;
    this.#socket = socket;
    this.#authenticated = !host.passwordRequired;
    this.#parser = new RequestParser(host.requestLimits, this.#authenticated);
    this.#out = new ClientOutput(socket, host.statistics, host.outputLimits);
    this.#hold = new InputHold(socket);
    this.createdAtMs = host.clock.monotonicMs();
    this.lastActiveAtMs = this.createdAtMs;
  }

  // ── What commands see ───────────────────────────────────────────────────────────────────────────────────────────

  get reply(): Reply {
    return this.#out.reply;
  }

  get replyMode(): ReplyMode {
    return this.#out.mode;
  }

  set replyMode(mode: ReplyMode) {
    this.#out.mode = mode;
  }

  get protocol(): 2 | 3 {
    return this.#out.protocol;
  }

  set protocol(protocol: 2 | 3) {
    this.#out.protocol = protocol;
  }

  get authenticated(): boolean {
    return this.#authenticated || !this.#host.passwordRequired;
  }

  set authenticated(authenticated: boolean) {
    this.#authenticated = authenticated;
    this.#parser.authenticated = authenticated;
  }

  describe(): string {
    return describeClient(this, this.#host.clock.monotonicMs());
  }

  reset(): void {
    this.dbIndex = 0;
    this.user = "default";
    this.name = "";
    this.noEvict = false;
    this.noTouch = false;
    this.readOnly = false;
    this.protocol = 2;
    if (this.replyMode === "off") this.replyMode = "on";
    this.authenticated = !this.#host.passwordRequired;
  }

  closeAfterReplies(): void {
    this.#closing = true;
    this.#host.flushLater(this);
  }

  answerLater(): LaterReply {
    this.#waitsForLater = true;
    let answered = false;
    return {
      answer: (write) => {
        if (answered) return;
        answered = true;
        this.#waitsForLater = false;
        write(this.#out.reply);
        this.#out.countErrors();
        this.#host.flushLater(this);
        if (!this.#processing) this.#host.processLater(this);
      },
    };
  }

  upgradeToPeer(hello: PeerHello): void {
    this.#peerHello = hello;
    this.#peerRest.push(this.#parser.takeRest());
    this.#host.flushLater(this);
  }

  // ── What the router and the node see ────────────────────────────────────────────────────────────────────────────

  /** A command of this client waits for its turn. */
  get isStalled(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether authentication allows this command. */
  mayRun(command: RunnableCommand): boolean {
    return this.authenticated || command.flags.includes("no_auth");
  }

  runLocal(command: LocalCommand, args: readonly string[]): void {
    const { statistics, clock } = this.#host;
    const counters = statistics.commands.of(command);
    this.lastCommand = counters.name;
    const startMs = clock.monotonicMs();
    command.run(this.#host.contextFor(this), args);
    counters.called(clock.monotonicMs() - startMs, statistics.latencyTracked);
    statistics.commandsProcessed++;
    if (this.#out.countErrors()) counters.failedCalls++;
  }

  /** Answers `args` with an error instead of running them. */
  refuse(args: readonly string[], text: string): void {
    if (beginsHttpLine(args[0] as string)) {
      this.#repel();
      return;
    }
    this.#out.reply.error(text);
    this.#host.statistics.commands.rejected(args);
    this.#out.countErrors();
  }

  /** The node has taken the request. */
  began(request: Request): void {
    this.lastCommand = request.command.name;
  }

  answered(request: Request): void {
    const { statistics } = this.#host;
    statistics.commands.of(request.command).called(request.tookMs, statistics.latencyTracked);
    this.#finished(request, this.#out.countErrors());
  }

  answeredByLeader(request: Request, encodedReply: Uint8Array): void {
    // How long it took only the leader knows.
    this.#host.statistics.commands.of(request.command).calls++;
    this.#finished(request, this.#out.appendEncoded(encodedReply));
  }

  takeBack(request: Request): void {
    if (this.#closed) return;
    // Requests come back oldest first, and whatever waits here is newer than all of them.
    this.#waiting.splice(this.#takenBackNow++, 0, request.args);
    this.#host.processLater(this);
  }

  /** What held the client up may be over: go on with its input. */
  resume(): void {
    if (this.#processing) this.#host.processLater(this);
    else this.process();
  }

  // ── Input ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Bytes came in; `chunk` is the client's from now on. */
  received(chunk: Buffer): void {
    if (this.#peer !== null) {
      this.#peer.data(chunk);
      return;
    }
    const { statistics, clock } = this.#host;
    statistics.netInputBytes += chunk.length;
    statistics.readsProcessed++;
    this.lastActiveAtMs = clock.monotonicMs();
    if (this.#closing || this.#closed) return;
    if (this.#peerHello !== null) {
      this.#peerRest.push(chunk);
      return;
    }
    this.#parser.push(chunk);
    this.process();
    // What waits for its turn is limited by the hold; this limits a single command that does not end.
    if (!this.#inputWaits && this.#parser.bufferedBytes > this.#host.queryBufferBytesMax()) this.#overrun();
  }

  /** The client will send no more, but may still read: it gets the answers to what it has sent. */
  inputEnded(): void {
    this.#inputEnded = true;
    // Nobody knows how long an answer from elsewhere takes, and a client that has gone altogether looks the same.
    if (this.#peer !== null || this.#waitsForLater) this.#socket.end();
    else this.process();
  }

  /** Goes on with the input as far as possible; replies leave at the end of the turn. */
  process(): void {
    if (this.#closing || this.#closed || this.#peerHello !== null) return;
    this.#takenBackNow = 0;
    this.#parser.authenticated = this.authenticated;
    this.#processing = true;
    this.#inputWaits = !this.#consume();
    this.#processing = false;
    if (this.#closed) return;
    this.#hold.update(this.#inputWaits, this.#parser.bufferedBytes);
    if (this.#inputEnded && !this.#inputWaits) {
      if (this.#hasPending()) this.#inputWaits = true;
      else this.#closing = true;
    }
    if (this.#out.sizeBytes > 0 || this.#closing) this.#host.flushLater(this);
  }

  /** Dispatches what there is; true when all input has been used, false when some has to wait. */
  #consume(): boolean {
    for (let count = 0; count < commandsPerTurnMax; count++) {
      if (this.#closing || this.#closed || this.#waitsForLater || this.#peerHello !== null) return false;
      if (this.#out.isFull) return false;
      const args = this.#waiting.length > 0 ? (this.#waiting.shift() as readonly string[]) : this.#parse();
      if (args === null) return this.#parser.error === null && this.replyMode !== "skip";
      if (this.#refusal !== null && !isForGuests(args[0] as string)) {
        this.turnAway();
        return false;
      }
      if (!this.#host.dispatcher.dispatch(this, args)) {
        this.#waiting.unshift(args);
        return false;
      }
    }
    this.#host.processLater(this);
    return false;
  }

  /** The next new command; null when there is none, or none that may be looked at yet. */
  #parse(): readonly string[] | null {
    if (this.replyMode === "skip" && !this.#endSkip()) return null;
    const args = this.#parser.next();
    if (args === null && this.#parser.error !== null) this.#protocolError(this.#parser.error);
    else if (args !== null && this.replyMode === "skip-next") this.replyMode = "skip";
    return args;
  }

  /** Ends the skipping of replies once the command they belong to is done; false while it is not. */
  #endSkip(): boolean {
    if (this.#hasPending()) return false;
    this.replyMode = "on";
    return true;
  }

  #hasPending(): boolean {
    return this.pendingReads + this.pendingWrites + this.pendingProxied > 0 || this.#waitsForLater;
  }

  /** The client does not speak the protocol: told so after the answers it is owed, then closed. */
  #protocolError(text: string): void {
    if (this.#hasPending()) return;
    this.#host.logger.verbose(`${text.slice("ERR ".length)} from client ${this.describe()}`);
    this.#out.reply.error(text);
    this.#out.countErrors();
    this.closeAfterReplies();
  }

  /** A web page makes a browser send commands to a server that only this machine can reach: none of them may run. */
  #repel(): void {
    this.#host.logger.warning(
      `Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to this server. This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise it. Connection from ${this.address} aborted.`,
    );
    this.close();
  }

  #overrun(): void {
    this.#host.statistics.queryBufferDisconnections++;
    this.#host.logger.warning(`Closing client that reached max query buffer length: ${this.describe()}`);
    this.close();
  }

  // ── Output ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends what the socket takes of the replies. */
  flush(): void {
    if (this.#closed || this.#peer !== null) return;
    const wasFull = this.#out.isFull;
    const unsentBytes = this.#out.sizeBytes;
    const sent = this.#out.flush();
    if (this.#out.sizeBytes < unsentBytes) this.lastActiveAtMs = this.#host.clock.monotonicMs();
    if (wasFull && !this.#out.isFull) this.#host.processLater(this);
    if (!sent) this.checkOutputLimit();
    else if (this.#peerHello !== null) this.#becomePeer(this.#peerHello);
    else if (this.#closing && !this.#hasPending()) this.close();
  }

  /** The socket takes bytes again. */
  drained(): void {
    if (this.#peer !== null) this.#peer.drain();
    else this.flush();
  }

  /** Closes the client if it has left too many replies unread for too long. */
  checkOutputLimit(): void {
    if (this.#closed || !this.#out.isOverLimit(this.#host.clock.monotonicMs())) return;
    this.#host.statistics.outputBufferDisconnections++;
    this.#host.logger.warning(
      `Client ${this.describe()} scheduled to be closed ASAP for overcoming of output buffer limits.`,
    );
    this.close();
  }

  /** Only room to become a link between nodes was left when it came. */
  get isGuest(): boolean {
    return this.#refusal !== null;
  }

  /** Tells a guest why it cannot be served, and ends the connection; at once when it has been told. */
  turnAway(): void {
    if (this.#refusal === null || this.#peerHello !== null) return;
    if (this.#closing) {
      this.close();
      return;
    }
    this.#host.statistics.connectionsRejected++;
    this.#out.reply.error(this.#refusal);
    this.closeAfterReplies();
  }

  /** Ends the connection now; what was not sent is lost. */
  close(): void {
    if (this.#closed) return;
    this.#socket.end();
    this.socketClosed();
  }

  /** The connection is gone. Answers still to come go nowhere. */
  socketClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#out.drop();
    this.#waiting.length = 0;
    if (this.#peer !== null) this.#peer.closed();
    else this.#host.released(this);
  }

  // ── Figures for CLIENT LIST ─────────────────────────────────────────────────────────────────────────────────────

  get inputBytes(): number {
    return this.#parser.bufferedBytes;
  }

  get outputBytes(): number {
    return this.#out.sizeBytes;
  }

  /** -1 when the connection has none. */
  get fileDescriptor(): number {
    return this.#socket.fd ?? -1;
  }

  /** The buffer that replies are written into, and the most that a flush has found waiting. */
  get replyBuffer(): { readonly bytes: number; readonly peakBytes: number } {
    return this.#out.buffer;
  }

  get argumentBytes(): number {
    let bytes = 0;
    for (const args of this.#waiting) for (const arg of args) bytes += arg.length;
    return bytes;
  }

  get isClosing(): boolean {
    return this.#closing;
  }

  /** Waits for something other than its own input: then it is no idle client. */
  get isWaiting(): boolean {
    return this.isStalled || this.#hasPending();
  }

  /** Waits for an answer that comes when something happens elsewhere. */
  get isBlocked(): boolean {
    return this.#waitsForLater;
  }

  get isReading(): boolean {
    return !this.#hold.isPaused;
  }

  // ── Inside ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A request's answer has been written: it must leave, and may have been what held up the input. */
  #finished(request: Request, failed: boolean): void {
    const { statistics } = this.#host;
    if (failed) statistics.commands.of(request.command).failedCalls++;
    statistics.commandsProcessed++;
    if (this.#closed) return;
    this.#host.flushLater(this);
    // Thousands of requests may be answered before the turn ends: the limit is not left to the flush then.
    if (this.#out.isFull) this.checkOutputLimit();
    if (this.#inputWaits) this.#host.processLater(this);
  }

  /** `+OK` has left: from here on the connection belongs to the node's transport. */
  #becomePeer(hello: PeerHello): void {
    const host = this.#host;
    host.released(this);
    const handlers = host.acceptPeer(new PeerConnection(this.#socket), hello);
    if (handlers === null) {
      this.#closed = true;
      this.#socket.end();
      return;
    }
    this.#peer = handlers;
    const rest = this.#peerRest;
    this.#peerRest = [];
    for (const chunk of rest) if (chunk.length > 0) handlers.data(chunk);
  }
}

/** Whether this would-be command begins a line of an HTTP request that a browser sends to wherever a page tells it to. */
function beginsHttpLine(word: string): boolean {
  return /^(?:post|host:)$/i.test(word);
}
