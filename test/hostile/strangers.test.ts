// Somebody who is in the network and knows all ids, but whose word does not count: he says late and again what leaders
// have said, asks for votes and elections in anybody's name, answers as a learner, garbles true frames bit by bit, sends
// half of one, or none at all. The cluster may lose its leader to that, and time, but never a thing that it acknowledged:
// the whole load is checked, all replicas agree, and when he is gone it works as before.

import { SeededRandom } from "../../src/base/random.ts";
import { encodeFrame, type FrameType, frameType } from "../../src/peer/frame.ts";
import { channels, peerVersion } from "../../src/peer/hello.ts";
import { encodeRequest } from "../../src/resp/request-encoder.ts";
import { type Counts, testHistories } from "../sim/histories.ts";
import { VirtualWorld } from "../sim/virtual-world.ts";
import { CheckedLoad } from "../sim/workload/checked-load.ts";
import type { ForgedFrame } from "./forgery.ts";
import { LyingMember } from "./lying-member.ts";

const attacks = 120;
const pauseMsMax = 25;

class Stranger {
  readonly counts: Counts = { replayed: 0, forged: 0, elected: 0, garbled: 0, noise: 0, hellos: 0 };
  readonly #world: VirtualWorld;
  readonly #random: SeededRandom;
  readonly #member: LyingMember;

  constructor(world: VirtualWorld) {
    this.#world = world;
    this.#random = new SeededRandom(world.random.uint32());
    this.#member = new LyingMember({ world, random: this.#random, acknowledges: false });
    this.#member.join();
  }

  attack(): void {
    const target = `n${1 + this.#random.below(3)}`;
    const kinds = ["replayed", "forged", "forged", "elected", "garbled", "noise", "hellos"] as const;
    const kind = kinds[this.#random.below(kinds.length)] ?? "noise";
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    if (kind === "replayed") this.#replay(target);
    else if (kind === "forged") this.#forge(target);
    else if (kind === "elected") this.#elect(target);
    else if (kind === "garbled") this.#garble(target);
    else if (kind === "noise") this.#noise(target);
    else this.#hello(target);
  }

  leave(): void {
    this.#member.peer.closeAll();
    this.#world.network.abandon("evil", false);
    this.#world.network.switchOff("evil");
  }

  /** What a leader said once, in that leader's name. */
  #replay(target: string): void {
    const seen = this.#member.requests[this.#random.below(Math.max(1, this.#member.requests.length))];
    const to = this.#world.machine(target).process?.node.nodeId;
    if (seen === undefined || to === undefined || seen.fields[0] === to) return;
    const [from, , ...rest] = seen.fields;
    const link = this.#member.peer.link(target, seen.channel, Number(from));
    for (let times = 1 + this.#random.below(3); times > 0; times--)
      link.say(seen.type, [Number(from), to, ...rest], [seen.body]);
    this.#world.time.after(this.#random.below(100), () => link.close());
  }

  /** Requests that a node must be able to bear from anybody, and answers from somebody whose vote does not count. */
  #forge(target: string): void {
    const from = this.#random.below(2) === 0 ? this.#member.id : this.#otherThan(target);
    const forgery = this.#member.forgeryFor(target, from);
    const kind = this.#random.below(5);
    if (kind === 0) return this.#member.say(target, this.#harmlessAnswer(target));
    const frame = [forgery.requestVote, forgery.timeoutNow, forgery.voteResponse, forgery.proxyResponses][
      kind - 1
    ]?.call(forgery);
    if (frame === undefined) return;
    if (frame.type === frameType.requestVote || frame.type === frameType.timeoutNow) {
      this.#member.peer.ownLink(target, "control", from).say(frame.type, frame.fields, frame.body);
    } else this.#member.say(target, { ...frame, fields: this.#inOwnName(frame) });
  }

  /** Cuts a node off until it lags, tells it to campaign, and gives it the vote of a learner. */
  #elect(target: string): void {
    const world = this.#world;
    const { id, peer } = this.#member;
    const others = world.machines.filter(({ name }) => name !== target).map(({ name }) => name);
    const mends = others.flatMap((other) => [
      world.network.cut(target, other),
      world.network.cut(other, target),
    ]);
    world.time.after(this.#random.below(60), () => {
      const node = world.machine(target).process?.node;
      if (node === undefined) return;
      const term = node.currentTerm;
      const base = [id, node.nodeId];
      peer.ownLink(target, "control", id).say(frameType.timeoutNow, [...base, term]);
      for (let times = 0; times < 10; times++) {
        world.time.after(times / 2, () =>
          peer
            .linkFrom(target, "control")
            ?.say(frameType.requestVoteResponse, [...base, term + 1, false, true]),
        );
      }
    });
    world.time.after(60 + this.#random.below(100), () => mends.forEach((mend) => mend()));
  }

  #inOwnName({ type, fields }: ForgedFrame): ForgedFrame["fields"] {
    return type === frameType.proxyResponses ? fields : [this.#member.id, ...fields.slice(1)];
  }

  /** An answer of a learner that does not say that he has stored anything. */
  #harmlessAnswer(target: string): ForgedFrame {
    const frame = this.#member.forgeryFor(target).response();
    const fields = [...frame.fields];
    fields[3] = false;
    return { ...frame, fields };
  }

  #garble(target: string): void {
    const frame = this.#member.forgeryFor(target).any();
    const bytes = Buffer.concat(encodeFrame(frame.type as FrameType, frame.fields, frame.body));
    const bit = this.#random.below(bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const channel = channels[this.#random.below(channels.length)] ?? "control";
    const link = this.#member.peer.link(target, channel, this.#otherThan(target));
    link.send(this.#random.below(4) === 0 ? bytes.subarray(0, this.#random.below(bytes.length)) : bytes);
    this.#world.time.after(this.#random.below(500), () => link.close());
  }

  #noise(target: string): void {
    const bytes = Buffer.alloc(this.#random.below(2000));
    for (let at = 0; at < bytes.length; at++) bytes[at] = this.#random.below(256);
    const link = this.#member.peer.connect(target);
    link.send(bytes);
    this.#world.time.after(this.#random.below(500), () => link.close());
  }

  #hello(target: string): void {
    const node = this.#world.machine(target).process?.node;
    const words = ["0", "1", "-1", "2147483648", "NaN", "", "x".repeat(300), "f".repeat(32), "\r\n", "1e3"];
    const ids = [node?.clusterId ?? "", String(node?.nodeId), String(this.#otherThan(target))];
    const word = (): string => [...words, ...ids][this.#random.below(words.length + ids.length)] ?? "";
    const args = ["RAFT.PEER", String(peerVersion), ids[0] ?? "", ids[2] ?? "", ids[1] ?? "", "control"];
    for (let change = this.#random.below(3); change >= 0; change--)
      args[1 + this.#random.below(args.length - 1)] = word();
    const link = this.#member.peer.connect(target);
    // In the middle of a pipeline, twice, and with frames right behind.
    link.send(Buffer.concat([encodeRequest(["GET", "k"]), encodeRequest(args), encodeRequest(args)]));
    link.say(frameType.timeoutNow, [1, 2, 3]);
    this.#world.time.after(this.#random.below(300), () => link.close());
  }

  #otherThan(target: string): number {
    const others = this.#world.machines.filter(({ name }) => name !== target);
    return others[this.#random.below(others.length)]?.process?.node.nodeId ?? 1;
  }
}

function amongStrangers(seed: number): Counts {
  const settings = { "follower-proxy": seed % 2 === 0 ? "yes" : "no" };
  const world = new VirtualWorld({ seed, machines: 3, settings });
  world.formCluster();
  const load = new CheckedLoad(world, 3);
  const stranger = new Stranger(world);
  load.start();
  for (let at = 0; at < attacks; at++) {
    stranger.attack();
    world.run(world.random.below(pauseMsMax));
  }
  stranger.leave();
  world.run(500);
  load.finish();
  return {
    ...stranger.counts,
    acknowledged: load.counts.acknowledged / 20,
    states: world.invariants.counts.states,
  };
}

testHistories("strangers cost time, and nothing that was acknowledged", 5, amongStrangers);
