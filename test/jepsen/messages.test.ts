// Messages in odd orders and of odd contents, which ended RedisRaft's nodes: each is checked whole before it changes
// anything. (Whole nodes that are sent such, bytes included: test/hostile.)

import { expect, test } from "bun:test";
import { SeededRandom } from "../../src/base/random.ts";
import { NodeInvariants } from "../../src/raft/invariants.ts";
import { type MessageFault, termLeapMax, termMax } from "../../src/raft/message-fault.ts";
import { Entry, type EntryKind, type Membership, type Message } from "../../src/raft/types.ts";
import { testHistories } from "../sim/histories.ts";
import { MemoryNode, membershipOf } from "../raft/memory-node.ts";
import { appendEntries, entry, requestVote } from "../raft/messages.ts";

class Sender {
  readonly #random: SeededRandom;
  readonly #node: MemoryNode;

  constructor(random: SeededRandom, node: MemoryNode) {
    this.#random = random;
    this.#node = node;
  }

  message(): Message {
    const { raft } = this.#node;
    const from = this.#pick([2, 2, 3, 3, 4, 1, 0, -1, 2 ** 31, Number.NaN]);
    const to = this.#random.below(20) === 0 ? this.#count(1) : 1;
    const base = { from, to, term: this.#count(raft.currentTerm) };
    const flag = (): boolean => this.#random.below(2) === 0;
    const { lastIndex, commitIndex } = raft;
    switch (this.#random.below(6)) {
      case 0:
        return {
          kind: "RequestVote",
          ...base,
          preVote: flag(),
          lastLogIndex: this.#count(lastIndex),
          lastLogTerm: this.#count(raft.currentTerm),
          leadershipTransfer: flag(),
        };
      case 1:
        return { kind: "RequestVoteResponse", ...base, preVote: flag(), voteGranted: flag() };
      case 2:
        return { kind: "TimeoutNow", ...base };
      case 3:
        return {
          kind: "AppendEntriesResponse",
          ...base,
          success: flag(),
          matchIndex: this.#count(lastIndex),
          rejectedIndex: this.#count(lastIndex),
          hintIndex: this.#count(lastIndex),
          hintTerm: this.#count(raft.currentTerm),
          round: this.#count(1),
          full: flag(),
        };
      default:
        return this.#appendEntries(base, lastIndex, commitIndex);
    }
  }

  #appendEntries(
    base: Pick<Message, "from" | "to" | "term">,
    lastIndex: number,
    commitIndex: number,
  ): Message {
    const { raft } = this.#node;
    const prevLogIndex = this.#count(this.#pick([lastIndex, commitIndex]));
    const isInside =
      Number.isInteger(prevLogIndex) && prevLogIndex >= raft.firstIndex - 1 && prevLogIndex <= lastIndex;
    const prevLogTerm = isInside && this.#random.below(8) > 0 ? raft.termAt(prevLogIndex) : this.#count(1);
    const entries: Entry[] = [];
    for (let at = this.#random.below(4); at > 0; at--) {
      const index = prevLogIndex + entries.length + 1;
      const kind = this.#pick<EntryKind>(["command", "clock", "empty", "membership"]);
      const membership = kind === "membership" && this.#random.below(8) > 0 ? this.#membership() : null;
      const odd = this.#random.below(12) === 0;
      entries.push(
        new Entry(
          odd ? this.#count(index) : index,
          this.#count(base.term),
          kind,
          this.#count(0),
          membership,
          null,
        ),
      );
    }
    return {
      kind: "AppendEntries",
      ...base,
      prevLogIndex,
      prevLogTerm,
      lastEntryIndex: prevLogIndex + (this.#random.below(12) === 0 ? this.#count(1) : entries.length),
      entries,
      leaderCommit: this.#count(lastIndex),
      round: this.#count(1),
    };
  }

  #membership(): Membership {
    const { members, usedIds } = this.#node.raft.membership;
    return this.#pick<Membership>([
      { members, usedIds },
      { members: [], usedIds },
      { members: [...members, ...members], usedIds },
      { members: members.slice(1), usedIds },
      { members, usedIds: [] },
      { members: members.map((member) => ({ ...member, id: member.id + 0.5 })), usedIds },
      { members: members.map((member) => ({ ...member, voting: !member.voting })), usedIds },
    ]);
  }

  #count(about: number): number {
    const near = Number.isFinite(about) ? about : 1;
    return this.#pick([
      ...[near, near, near, near + 1, Math.max(0, near - 1), this.#random.below(20)],
      ...[0, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -1, 0.5, Number.NaN, Infinity],
    ]);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)] as T;
  }
}

testHistories(
  "redisraft #643 to #651: no message, in whatever order, ends a node or undoes what is committed",
  120,
  (seed) => {
    const random = new SeededRandom(seed);
    const node = new MemoryNode({ id: 1, random, founding: membershipOf([1, 2, 3]), tuning: {}, nowMs: 0 });
    const invariants = new NodeInvariants();
    const sender = new Sender(random, node);
    const counts = { heard: 0, refused: 0 };
    let nowMs = 0;
    for (let step = 0; step < 150; step++) {
      nowMs += random.below(300);
      if (random.below(5) === 0) node.raft.tick(nowMs);
      else if (node.raft.step(sender.message(), nowMs) === null) counts.heard++;
      else counts.refused++;
      invariants.check(node.raft);
      node.handleReady();
      if (random.below(3) === 0) node.sync();
      invariants.check(node.raft);
    }
    return counts;
  },
);

// One message with the last of all terms would end all elections for ever.
test("redisraft #643 to #651: no message uses up the terms", () => {
  const random = new SeededRandom(1);
  const node = new MemoryNode({ id: 1, random, founding: membershipOf([1, 2, 3]), tuning: {}, nowMs: 0 });
  for (const term of [termLeapMax + 1, termMax, Number.MAX_SAFE_INTEGER]) {
    expect(node.raft.step({ kind: "TimeoutNow", from: 2, to: 1, term }, 1)).toBe("bad-field");
    expect(node.raft.step(requestVote({ term }), 1)).toBe("bad-field");
    expect(node.raft.step(appendEntries({ term, entries: [entry(1, term)] }), 1)).toBe("bad-field");
  }
  expect(node.raft.currentTerm).toBe(0);
  expect(node.raft.step({ kind: "TimeoutNow", from: 2, to: 1, term: termLeapMax }, 1)).toBeNull();
  expect(node.raft.currentTerm).toBe(termLeapMax + 1);
});

// Two voters at once, or an id that was forgotten: a leader makes no such change, so it is none's entry.
test("redisraft #643 to #651: no configuration enters a log that no change leads to", () => {
  const random = new SeededRandom(1);
  const three = membershipOf([1, 2, 3]);
  const send = (...memberships: readonly Membership[]): MessageFault | null => {
    const node = new MemoryNode({ id: 1, random, founding: three, tuning: {}, nowMs: 0 });
    const entries = memberships.map((membership, at) => entry(at + 1, 1, { kind: "membership", membership }));
    return node.raft.step(appendEntries({ entries }), 1);
  };
  const withLearner = { ...membershipOf([1, 2, 3], [4]) };
  const promoted = membershipOf([1, 2, 3, 4]);
  expect(
    send(three, withLearner, promoted, { ...membershipOf([2, 3, 4]), usedIds: [1, 2, 3, 4] }),
  ).toBeNull();
  expect(send({ ...membershipOf([2, 3]), usedIds: [1, 2, 3] })).toBeNull();
  expect(send({ ...membershipOf([2, 3], [4]), usedIds: [1, 2, 3, 4] })).toBeNull();
  expect(send({ ...membershipOf([3]), usedIds: [1, 2, 3] })).toBe("bad-membership");
  expect(send(membershipOf([2, 3]))).toBe("bad-membership");
  expect(send({ ...membershipOf([2, 3, 4]), usedIds: [1, 2, 3, 4] })).toBe("bad-membership");
  expect(send(withLearner, three)).toBe("bad-membership");
  expect(send({ members: [], usedIds: [1, 2, 3] })).toBe("bad-membership");
});
