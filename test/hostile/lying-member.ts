// A member of a virtual cluster that is none of ours. He is added as any node is, stores what the leader sends and says so,
// so that he is made a voter; and then he uses what he has learned: he knows the log, the terms and everybody's id.

import type { SeededRandom } from "../../src/base/random.ts";
import { frameType } from "../../src/peer/frame.ts";
import { type Channel, channels } from "../../src/peer/hello.ts";
import type { Membership } from "../../src/raft/types.ts";
import { decodeRecords } from "../../src/storage/record.ts";
import type { VirtualWorld } from "../sim/virtual-world.ts";
import { type ForgedFrame, type ForgedPlace, Forgery } from "./forgery.ts";
import { type ImpostorLink, PeerImpostor, port, type SeenFrame } from "./peer-impostor.ts";

const placesKept = 50;
const seenKept = 60;

export interface LyingMemberOptions {
  readonly world: VirtualWorld;
  readonly random: SeededRandom;
  /** Says that he has stored what he was sent, and so becomes a voter; else he stays a learner for ever. */
  readonly acknowledges: boolean;
}

export class LyingMember {
  readonly id = 666;
  readonly peer: PeerImpostor;
  readonly #options: LyingMemberOptions;
  /** The true log as far as it was sent here. */
  places: ForgedPlace[] = [{ index: 0, term: 0, stampMs: 0, crc: 0 }];
  /** True requests of leaders, as they came. */
  readonly requests: SeenFrame[] = [];
  membership: Membership = { members: [], usedIds: [] };
  /** Answers the nodes as an honest member would; off while he only lies. */
  answers = true;

  constructor(options: LyingMemberOptions) {
    this.#options = options;
    this.peer = new PeerImpostor(options.world, "evil");
    this.peer.listen();
    this.peer.seen = (frame, link) => this.#seen(frame, link);
  }

  /** Becomes a member; a voter if he acknowledges. */
  join(): void {
    const { world, acknowledges } = this.#options;
    const leader = world.leader?.name ?? "n1";
    world.expectCall(leader, ["RAFT.NODE", "ADD", String(this.id), `evil:${port}`], /^\[666/);
    const isMember = (): boolean =>
      world.machines.every(({ process }) => process?.node.slots().some(({ host }) => host === "evil"));
    world.runUntil("he is known to all", isMember);
    const votes = (): boolean => this.membership.members.some(({ id, voting }) => id === this.id && voting);
    if (acknowledges) world.runUntil("he votes", votes);
  }

  /** Something false, for the node on machine `target`. */
  forgeryFor(target: string, from: number = this.id): Forgery {
    const { world, random } = this.#options;
    const node = world.machine(target).process?.node;
    return new Forgery({
      random,
      from,
      to: node?.nodeId ?? 1,
      term: node?.currentTerm ?? 1,
      places: this.places,
      membership: this.membership,
    });
  }

  /** Says `frame` to `target` on the link where such a frame belongs: one of his own, or one that the node has opened. */
  say(target: string, frame: ForgedFrame): void {
    const link = this.#linkFor(target, frame);
    link?.say(frame.type, frame.fields, frame.body);
  }

  /** Says what a leader has said to him, with something changed, to `target` in that leader's name. */
  distort(target: string): void {
    const { random, world } = this.#options;
    const seen = this.requests[random.below(Math.max(1, this.requests.length))];
    const to = world.machine(target).process?.node.nodeId;
    if (seen === undefined || to === undefined || seen.fields[0] === to) return;
    const fields = [Number(seen.fields[0]), to, ...seen.fields.slice(2)];
    const body = Uint8Array.from(seen.body);
    if (random.below(2) === 0) fields[2 + random.below(fields.length - 2)] = random.below(50);
    else if (body.length > 0) body[random.below(body.length)] = random.below(256);
    this.peer.ownLink(target, seen.channel, Number(fields[0])).say(seen.type, fields, [body]);
  }

  /** Says something on a link where it may not belong, or before any hello. */
  misplace(target: string): void {
    const { random } = this.#options;
    const { type, fields, body } = this.forgeryFor(target).any();
    const channel = channels[random.below(channels.length)] ?? "control";
    const links = [
      this.peer.ownLink(target, channel, this.id),
      this.peer.linkFrom(target, channel),
      this.peer.connect(target),
    ];
    links[random.below(links.length)]?.say(type, fields, body);
  }

  #linkFor(target: string, { type, body }: ForgedFrame): ImpostorLink | undefined {
    const isAnswer =
      type === frameType.appendEntriesResponse ||
      type === frameType.requestVoteResponse ||
      type === frameType.proxyResponses;
    const channel = channelOf(type, body.length > 0);
    if (isAnswer) return this.peer.linkFrom(target, channel);
    return this.peer.ownLink(target, channel, this.id);
  }

  #seen(frame: SeenFrame, link: ImpostorLink): void {
    if (frame.type === frameType.appendEntries) this.#entries(frame, link);
    if (frame.type === frameType.requestVote && this.answers) {
      const [from = 0, to = 0, term = 0, preVote = false] = frame.fields;
      if (to === this.id) link.say(frameType.requestVoteResponse, [to, from, term, preVote, true]);
    }
  }

  #entries(frame: SeenFrame, link: ImpostorLink): void {
    const [from = 0, to = 0, term = 0, prevLogIndex = 0, , lastEntryIndex = 0, , round = 0] = frame.fields;
    if (to !== this.id) return;
    if (this.requests.length < seenKept) this.requests.push(frame);
    else this.requests[this.#options.random.below(seenKept)] = frame;
    if (frame.body.length > 0) this.#learn(frame.body);
    if (!this.answers) return;
    const isKnown = Number(prevLogIndex) <= (this.places.at(-1)?.index ?? 0);
    const success = this.#options.acknowledges && isKnown;
    const matchIndex = success ? lastEntryIndex : 0;
    const fields = [to, from, term, success, matchIndex, prevLogIndex, 0, 0, round, false];
    link.say(frameType.appendEntriesResponse, fields);
  }

  #learn(records: Uint8Array): void {
    const decoded = decodeRecords(records, null);
    if (decoded.kind === "error") throw new Error(`a leader sent a broken record: ${decoded.reason}`);
    for (const { index, term, stampMs, membership, record } of decoded.entries) {
      const crc = new DataView(record!.buffer, record!.byteOffset).getUint32(8, true);
      this.places = this.places.filter((place) => place.index < index).slice(-placesKept);
      this.places.push({ index, term, stampMs, crc });
      if (membership !== null) this.membership = membership;
    }
  }
}

function channelOf(type: number, hasBody: boolean): Channel {
  if (type === frameType.proxyRequests || type === frameType.proxyResponses) return "proxy";
  return type === frameType.appendEntries && hasBody ? "bulk" : "control";
}
