// Somebody who passes for a node of a virtual cluster: he knows the cluster's id, the nodes' ids and, where there is one,
// the password. He opens links to the nodes in any name, says on them what he likes, and can take up the place of a
// member of his own: then the nodes open their links to him, and he sees what a member sees.

import { Frame, FrameParser, type FrameType, encodeFrame } from "../../src/peer/frame.ts";
import type { HeaderField } from "../../src/peer/header-codec.ts";
import { type Channel, channels, encodeHello, peerVersion } from "../../src/peer/hello.ts";
import { plainStation, type Station } from "../sim/virtual-network.ts";
import type { EndHandlers, VirtualEnd } from "../sim/virtual-stream.ts";
import type { VirtualWorld } from "../sim/virtual-world.ts";

const frameBytesMax = 64 * 1024 * 1024;
const connectTimeoutMs = 1000;
/** Where everybody in a virtual network listens. */
export const port = 6379;

/** A frame as it came, and one way to say it again. */
export interface SeenFrame {
  readonly type: FrameType;
  readonly fields: readonly HeaderField[];
  readonly body: Uint8Array;
  readonly channel: Channel;
}

/** What can be written to and ends. */
interface Stream {
  write(bytes: Uint8Array): void;
  close(): void;
}

/** One connection of the impostor's: first a hello, then frames. */
export class ImpostorLink {
  readonly channel: Channel;
  /** What came before the frames, as text; "+OK\r\n" on a link that was accepted. */
  greeting = "";
  isOver = false;
  #stream: Stream | null = null;
  #unsent: Uint8Array[] = [];
  readonly #parser = new FrameParser(frameBytesMax);
  readonly #seen: (frame: SeenFrame, link: ImpostorLink) => void;

  constructor(channel: Channel, seen: (frame: SeenFrame, link: ImpostorLink) => void) {
    this.channel = channel;
    this.#seen = seen;
  }

  get isAccepted(): boolean {
    return this.greeting.endsWith("+OK\r\n") && !this.greeting.includes("-");
  }

  opened(stream: Stream): void {
    this.#stream = stream;
    for (const bytes of this.#unsent) stream.write(bytes);
    this.#unsent = [];
  }

  ended(): void {
    this.isOver = true;
  }

  /** Sends bytes as they are, once the connection stands. */
  send(bytes: Uint8Array): void {
    if (this.isOver) return;
    if (this.#stream === null) this.#unsent.push(bytes);
    else this.#stream.write(bytes);
  }

  say(type: FrameType, fields: readonly HeaderField[], body: readonly Uint8Array[] = []): void {
    this.send(Buffer.concat(encodeFrame(type, fields, body)));
  }

  close(): void {
    this.#stream?.close();
    this.isOver = true;
  }

  /** Text of a refusal or of `+OK`, then frames. */
  heard(chunk: Uint8Array, isGreeted: boolean): void {
    if (!isGreeted && !this.greeting.endsWith("\n")) {
      const bytes = Buffer.from(chunk);
      const end = bytes.indexOf("\n");
      this.greeting += bytes.toString("latin1", 0, end < 0 ? bytes.length : end + 1);
      if (end < 0 || end + 1 === bytes.length) return;
      return this.heard(bytes.subarray(end + 1), false);
    }
    this.#parser.push(Uint8Array.from(chunk));
    for (let frame = this.#parser.next(); frame !== null; frame = this.#parser.next())
      this.#seen(copyOf(frame, this.channel), this);
  }
}

function copyOf(frame: Frame, channel: Channel): SeenFrame {
  const { type, fields, body } = frame;
  return { type: type as FrameType, fields: [...fields], body: Uint8Array.from(body), channel };
}

export class PeerImpostor {
  readonly host: string;
  readonly world: VirtualWorld;
  readonly #station: Station;
  /** Links that he opened and that are not known to have ended. */
  links: ImpostorLink[] = [];
  /** Links that nodes opened to him, by the name of their machine. */
  readonly #fromNodes = new Map<string, ImpostorLink>();
  readonly #own = new Map<string, ImpostorLink>();
  /** Hears every frame that comes. */
  seen: (frame: SeenFrame, link: ImpostorLink) => void = () => undefined;

  constructor(world: VirtualWorld, host: string) {
    this.world = world;
    this.host = host;
    this.#station = plainStation(host);
    world.network.switchOn(host);
  }

  /** Answers for an address of his own: nodes that take him for a member open their links to him. */
  listen(): void {
    this.world.network.listen(this.#station, (end) => this.#accept(end));
  }

  /** The link that machine `target` has opened to him. */
  linkFrom(target: string, channel: Channel): ImpostorLink | undefined {
    const link = this.#fromNodes.get(`${target} ${channel}`);
    return link?.isOver === false ? link : undefined;
  }

  /** A link of his to `target` in the name of `from` that stands; opened when there is none. */
  ownLink(target: string, channel: Channel, from: number): ImpostorLink {
    const key = `${target} ${channel} ${from}`;
    const known = this.#own.get(key);
    if (known !== undefined && !known.isOver) return known;
    const link = this.link(target, channel, from);
    this.#own.set(key, link);
    return link;
  }

  /** Links that nodes have opened to him and that stand. */
  get fromNodes(): ImpostorLink[] {
    return [...this.#fromNodes.values()].filter(({ isOver }) => !isOver);
  }

  /** Opens a link to machine `target` in the name of node `from`. */
  link(target: string, channel: Channel, from: number): ImpostorLink {
    const node = this.world.machine(target).process?.node;
    const hello = encodeHello(
      { version: peerVersion, clusterId: node?.clusterId ?? "", from, to: node?.nodeId ?? 1, channel },
      null,
    );
    const link = this.connect(target, channel);
    link.send(hello);
    return link;
  }

  /** A connection on which nothing has been said. */
  connect(target: string, channel: Channel = "control"): ImpostorLink {
    const link = new ImpostorLink(channel, (frame, from) => this.seen(frame, from));
    this.world.network.of(this.#station).connect(target, port, connectTimeoutMs, {
      resolved: () => undefined,
      connected: (connection) =>
        link.opened({
          write: (bytes) => void connection.write(bytes),
          close: () => connection.close(),
        }),
      failed: () => link.ended(),
      drain: () => undefined,
      closed: () => link.ended(),
      data: (chunk) => link.heard(chunk, false),
    });
    this.links = this.links.filter(({ isOver }) => !isOver);
    this.links.push(link);
    return link;
  }

  closeAll(): void {
    for (const link of [...this.links, ...this.fromNodes]) link.close();
    this.links = [];
  }

  /** Says yes to whatever hello comes; what follows is frames. */
  #accept(end: VirtualEnd): EndHandlers {
    let hello = "";
    let link: ImpostorLink | null = null;
    const stream: Stream = { write: (bytes) => void end.write(bytes), close: () => end.end() };
    return {
      data: (chunk) => {
        if (link !== null) return link.heard(chunk, true);
        hello += Buffer.from(chunk).toString("latin1");
        const channel = channelOf(hello);
        if (channel === null) return;
        link = new ImpostorLink(channel, (frame, from) => this.seen(frame, from));
        link.opened(stream);
        link.send(Buffer.from("+OK\r\n"));
        this.#fromNodes.set(`${end.other.host} ${channel}`, link);
      },
      drain: () => undefined,
      ended: () => end.end(),
      closed: () => link?.ended(),
    };
  }
}

/** The channel that a whole hello names; null while it is not whole. */
function channelOf(hello: string): Channel | null {
  const lines = hello.split("\r\n");
  const wholeLines = 1 + 2 * Number(lines[0]?.slice(1));
  if (lines.length <= wholeLines) return null;
  return channels.find((name) => lines.includes(name)) ?? null;
}
