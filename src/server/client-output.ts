// The outgoing half of a client: where its replies go (to the buffer, or nowhere, as CLIENT REPLY says), what of them
// the socket has taken, and when too many are left unread.

import type { ReplyMode } from "../commands/context.ts";
import type { BufferLimits } from "../config/option.ts";
import { noReply } from "../resp/no-reply.ts";
import { ReplyBuffer } from "../resp/reply-buffer.ts";
import type { Reply } from "../resp/reply.ts";
import { OutputLimit } from "./output-limit.ts";
import type { ClientSocket } from "./peer-connection.ts";
import type { Statistics } from "./statistics.ts";

/**
 * Unsent replies above which a client's commands wait. Generous, because many clients send a whole pipeline before they
 * read the first reply: both sides waiting for the other would be for ever.
 */
const outputBytesMax = 64 * 1024 * 1024;

/** Owned by one client; it sends nothing by itself. */
export class ClientOutput {
  readonly #socket: ClientSocket;
  readonly #statistics: Statistics;
  readonly #buffer = new ReplyBuffer();
  readonly #limit: OutputLimit;
  /** Where replies go now. */
  reply: Reply = this.#buffer;
  #mode: ReplyMode = "on";
  #errorsCounted = 0;
  #peakBytes = 0;
  #dropped = false;

  constructor(socket: ClientSocket, statistics: Statistics, limits: () => BufferLimits) {
    this.#socket = socket;
    this.#statistics = statistics;
    this.#limit = new OutputLimit(limits, "normal");
  }

  get mode(): ReplyMode {
    return this.#mode;
  }

  set mode(mode: ReplyMode) {
    this.#mode = mode;
    this.reply = mode === "on" && !this.#dropped ? this.#buffer : noReply;
  }

  get protocol(): 2 | 3 {
    return this.#buffer.protocol;
  }

  set protocol(protocol: 2 | 3) {
    this.#buffer.protocol = protocol;
  }

  get sizeBytes(): number {
    return this.#buffer.sizeBytes;
  }

  /** The buffer that replies are written into, and the most that a flush has found waiting. */
  get buffer(): { readonly bytes: number; readonly peakBytes: number } {
    return { bytes: this.#buffer.capacityBytes, peakBytes: this.#peakBytes };
  }

  /** So much is unsent that the client's commands must wait. */
  get isFull(): boolean {
    return this.#buffer.sizeBytes > outputBytesMax;
  }

  /** Adds a reply that is encoded already; true when it is an error. */
  appendEncoded(encoded: Uint8Array): boolean {
    // The buffer would keep a large one as it is, but the bytes are lent for this call only.
    if (this.reply === this.#buffer) this.#buffer.appendRaw(new Uint8Array(encoded));
    if (encoded[0] !== errorMark) return false;
    this.#statistics.commands.countError(codeOf(encoded));
    return true;
  }

  /** Counts the errors written since the last call; true when there are some. */
  countErrors(): boolean {
    const count = this.#buffer.errorCount;
    if (count === this.#errorsCounted) return false;
    this.#errorsCounted = count;
    this.#statistics.commands.countError(this.#buffer.lastError);
    return true;
  }

  /** Sends what the socket takes; true when nothing is left. */
  flush(): boolean {
    const { sizeBytes } = this.#buffer;
    if (sizeBytes === 0) return true;
    if (sizeBytes > this.#peakBytes) this.#peakBytes = sizeBytes;
    this.#statistics.writesProcessed++;
    const sent = this.#buffer.flushTo(this.#write);
    if (sent) this.#limit.clear();
    return sent;
  }

  /** Whether the client has left too many replies unread for too long. */
  isOverLimit(nowMs: number): boolean {
    return this.#limit.isExceeded(this.#buffer.sizeBytes, nowMs);
  }

  /** Replies go nowhere from now on. */
  drop(): void {
    this.#dropped = true;
    this.reply = noReply;
  }

  readonly #write = (chunk: Uint8Array): number => {
    const taken = this.#socket.write(chunk);
    if (taken > 0) this.#statistics.netOutputBytes += taken;
    return taken;
  };
}

const errorMark = 0x2d;
const errorCodeBytesMax = 32;

/** The code of an encoded error reply. */
function codeOf(encoded: Uint8Array): string {
  return Buffer.from(encoded.subarray(1, errorCodeBytesMax))
    .toString("latin1")
    .split(/[ \r]/, 1)[0] as string;
}
