// What "Consensus: Bridging Theory and Practice" (D. Ongaro, 2014) says that a server does, each sentence (shortened) as
// the name of the test that it is so. § are sections of the dissertation. Here: chapter 3, the basic algorithm.

import { describe, expect, test } from "bun:test";
import type { Message } from "../../src/raft/types.ts";
import { LocalCluster, diskOf } from "./local-cluster.ts";
import {
  appendEntries,
  appendEntriesResponse,
  entry,
  only,
  requestVote,
  requestVoteResponse,
  vote,
} from "./messages.ts";

describe("§3.3 Raft basics", () => {
  test("if one server's current term is smaller than the other's, then it updates its current term to the larger value", () => {
    const cluster = new LocalCluster(3);
    cluster.deliverOne(requestVote({ term: 7 }));
    expect(cluster.raft(1).currentTerm).toBe(7);
    expect(cluster.node(1).hardState.currentTerm).toBe(7);
    // Also when it is the leader that it follows already which has been elected again.
    cluster.deliverOne(appendEntries({ term: 8 }));
    cluster.deliverOne(appendEntries({ term: 10 }));
    expect(cluster.node(1).hardState).toEqual({ currentTerm: 10, votedFor: 0 });
  });

  test("if a candidate or leader discovers that its term is out of date, it immediately reverts to follower state", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    cluster.deliverOne(appendEntriesResponse({ term: 9, success: false, rejectedIndex: 2 }));
    expect([leader.role, leader.currentTerm]).toEqual(["follower", 9]);

    const candidate = cluster.raft(3);
    candidate.campaignNow(0);
    cluster.deliverOne(requestVoteResponse({ to: 3, term: 11 }));
    expect([candidate.role, candidate.currentTerm]).toEqual(["follower", 11]);
  });

  test("if a server receives a request with a stale term number, it rejects the request", () => {
    const cluster = new LocalCluster(3, { 1: diskOf([1, 1], 4) });
    const [rejection] = only(cluster.deliverOne(appendEntries({ term: 3 })), "AppendEntriesResponse");
    expect(rejection).toMatchObject({ success: false, term: 4, round: 0 });
    expect(vote(cluster.deliverOne(requestVote({ term: 3, lastLogTerm: 2, lastLogIndex: 9 })))).toMatchObject(
      {
        voteGranted: false,
        term: 4,
      },
    );
    expect(cluster.terms(1)).toEqual([1, 1]);
  });
});

describe("§3.4 Leader election", () => {
  test("a server remains in follower state as long as it receives valid RPCs from a leader or candidate", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    for (let ms = 0; ms < 5000; ms += 200) {
      cluster.tick(200);
      cluster.deliver();
    }
    expect(cluster.raft(2).role).toBe("follower");
    expect(cluster.raft(1).currentTerm).toBe(1);
  });

  test("leaders send periodic heartbeats to all followers in order to maintain their authority", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    cluster.messages = [];
    cluster.tick(200);
    const heartbeats = only(cluster.messages, "AppendEntries");
    expect(heartbeats.map(({ to, entries }) => [to, entries.length])).toEqual([
      [2, 0],
      [3, 0],
    ]);
  });

  test("to begin an election, a follower increments its current term, votes for itself and issues RequestVote RPCs", () => {
    const cluster = new LocalCluster(3, { 1: diskOf([1, 1], 4) });
    cluster.raft(1).campaignNow(0);
    const requests = only(cluster.settle(cluster.node(1)), "RequestVote");
    expect(cluster.node(1).hardState).toEqual({ currentTerm: 5, votedFor: 1 });
    const asked = { term: 5, preVote: false, lastLogIndex: 2, lastLogTerm: 1 };
    expect(requests).toMatchObject([
      { ...asked, to: 2 },
      { ...asked, to: 3 },
    ]);
  });

  test("a candidate wins an election if it receives votes from a majority of the servers for the same term", () => {
    // [cluster size, votes granted, votes refused] → role
    const cases = [
      [3, 1, 0, "leader"],
      [3, 0, 1, "candidate"],
      [3, 0, 2, "follower"],
      [5, 1, 0, "candidate"],
      [5, 2, 0, "leader"],
      [5, 2, 2, "leader"],
      [5, 1, 2, "candidate"],
      [5, 1, 3, "follower"],
      [4, 1, 0, "candidate"],
      [4, 2, 1, "leader"],
    ] as const;
    for (const [size, granted, refused, role] of cases) {
      const cluster = new LocalCluster(size);
      cluster.raft(1).campaignNow(0);
      for (let nth = 0; nth < granted + refused; nth++) {
        const message = requestVoteResponse({ from: nth + 2, voteGranted: nth < granted });
        cluster.raft(1).step(message, 0);
        cluster.raft(1).step(message, 0); // a doubled answer counts once
      }
      expect(cluster.raft(1).role, `${size} servers, ${granted} for, ${refused} against`).toBe(role);
    }
  });

  test("each server will vote for at most one candidate in a given term, on a first-come-first-served basis", () => {
    const cluster = new LocalCluster(3);
    expect(vote(cluster.deliverOne(requestVote({ from: 2 }))).voteGranted).toBe(true);
    expect(vote(cluster.deliverOne(requestVote({ from: 3 }))).voteGranted).toBe(false);
    cluster.node(1).restart(0);
    expect(vote(cluster.deliverOne(requestVote({ from: 3 }))).voteGranted).toBe(false);
    expect(vote(cluster.deliverOne(requestVote({ from: 2 }))).voteGranted).toBe(true);
  });

  test("if the leader's term is at least as large as the candidate's current term, the candidate returns to follower state", () => {
    const cluster = new LocalCluster(3);
    const candidate = cluster.raft(1);
    candidate.campaignNow(0);
    cluster.settleAll();
    cluster.deliverOne(appendEntries({ from: 2, term: 1 }));
    expect([candidate.role, candidate.leaderId]).toEqual(["follower", 2]);
  });

  test("if the term in the RPC is smaller than the candidate's current term, it rejects the RPC and continues", () => {
    const cluster = new LocalCluster(3, { 1: diskOf([1], 5) });
    cluster.raft(1).campaignNow(0);
    cluster.settleAll();
    const [rejection] = only(
      cluster.deliverOne(appendEntries({ from: 2, term: 5 })),
      "AppendEntriesResponse",
    );
    expect(rejection).toMatchObject({ success: false, term: 6 });
    expect(cluster.raft(1).role).toBe("candidate");
  });

  test("election timeouts are chosen randomly from a fixed interval", () => {
    const drawn = new Set<number>();
    for (let id = 1; id <= 30; id++) {
      const cluster = new LocalCluster(0);
      const node = cluster.create(id, undefined, [id, id + 1]);
      expect(node.raft.wakeAtMs).toBeGreaterThanOrEqual(1000);
      expect(node.raft.wakeAtMs).toBeLessThan(2000);
      drawn.add(node.raft.wakeAtMs);
    }
    expect(drawn.size).toBe(30);
  });
});

describe("§3.5 Log replication", () => {
  test("the leader appends the command to its log, then issues AppendEntries in parallel to each of the other servers", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    const { index } = cluster.propose(1);
    const sent = only(cluster.settle(cluster.node(1)), "AppendEntries");
    const expected = { prevLogIndex: index - 1, prevLogTerm: 1, lastEntryIndex: index, term: 1 };
    expect(sent).toMatchObject([
      { ...expected, to: 2 },
      { ...expected, to: 3 },
    ]);
    expect(cluster.terms(1)).toEqual([1, 1, 1]);
  });

  test("a log entry is committed once the leader that created the entry has replicated it on a majority of the servers", () => {
    for (const [size, answers, isCommitted] of [
      [2, 0, false],
      [2, 1, true],
      [3, 0, false],
      [3, 1, true],
      [5, 1, false],
      [5, 2, true],
      [4, 1, false],
      [4, 2, true],
    ] as const) {
      const cluster = new LocalCluster(size);
      cluster.elect(1);
      const { index } = cluster.propose(1);
      const appends = cluster.settle(cluster.node(1)).slice(0, answers);
      for (const message of appends)
        for (const response of cluster.deliverOne(message)) cluster.deliverOne(response);
      expect(cluster.raft(1).commitIndex >= index, `${answers + 1} of ${size}`).toBe(isCommitted);
    }
  });

  test("this also commits all preceding entries in the leader's log, including entries created by previous leaders", () => {
    for (const terms of [[1], [1, 1, 1], [1, 2, 2, 3]]) {
      const cluster = new LocalCluster(3, { 1: diskOf(terms) });
      cluster.elect(1);
      expect(cluster.raft(1).commitIndex).toBe(cluster.raft(1).lastIndex);
      expect(cluster.terms(2)).toEqual(cluster.terms(1));
    }
  });

  test("the leader includes the highest index it knows to be committed, so that the other servers eventually find out", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    const { index } = cluster.propose(1);
    cluster.deliver();
    expect(cluster.raft(2).commitIndex).toBeLessThan(index);
    cluster.tick(200);
    cluster.deliver();
    expect([cluster.raft(2).commitIndex, cluster.raft(3).commitIndex]).toEqual([index, index]);
  });

  test("if the follower does not find an entry with the same index and term, then it refuses the new entries", () => {
    for (const [prevLogIndex, prevLogTerm, success] of [
      [3, 2, true],
      [2, 1, true],
      [0, 0, true],
      [3, 3, false],
      [4, 2, false],
      [9, 3, false],
    ] as const) {
      const cluster = new LocalCluster(3, { 1: diskOf([1, 1, 2]) });
      const request = appendEntries({ term: 3, prevLogIndex, prevLogTerm });
      const [response] = only(cluster.deliverOne(request), "AppendEntriesResponse");
      expect(response?.success, `after ${prevLogIndex}@${prevLogTerm}`).toBe(success);
      expect(cluster.terms(1)).toEqual([1, 1, 2]);
    }
  });

  test("conflicting entries in follower logs will be overwritten with entries from the leader's log", () => {
    for (const [prevLogIndex, prevLogTerm, entries, after] of [
      [2, 2, [entry(3, 3)], [1, 2, 3]],
      [1, 1, [entry(2, 3), entry(3, 4)], [1, 3, 4]],
      [0, 0, [entry(1, 1)], [1, 2]], // no conflict: what the message does not speak of stays
      [0, 0, [entry(1, 3)], [3]],
      [2, 2, [], [1, 2]],
    ] as const) {
      const cluster = new LocalCluster(3, { 1: diskOf([1, 2]) });
      cluster.deliverOne(appendEntries({ term: 4, prevLogIndex, prevLogTerm, entries }));
      expect(cluster.terms(1)).toEqual([...after]);
    }
  });

  test("a leader never overwrites or deletes entries in its own log (Leader Append-Only)", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    const intruder = appendEntries({ from: 2, term: 1, entries: [entry(1, 1)] });
    expect(leader.step(intruder, 0)).toBe("two-leaders");
    expect(cluster.terms(1)).toEqual([1, 1]);
  });

  test("if followers crash or run slowly, or if network packets are lost, the leader retries AppendEntries indefinitely", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    cluster.isolated.add(3);
    const { index } = cluster.propose(1);
    cluster.deliver();
    for (let round = 0; round < 20; round++) {
      cluster.tick(200, [1, 2]);
      cluster.deliver();
    }
    cluster.isolated.delete(3);
    for (let round = 0; round < 3; round++) {
      cluster.tick(200, [1, 2]);
      cluster.deliver();
    }
    expect(cluster.raft(3).lastIndex).toBe(index);
  });
});

describe("§3.6 Safety", () => {
  test("the voter denies its vote if its own log is more up-to-date than that of the candidate", () => {
    for (const [terms, lastLogIndex, lastLogTerm, voteGranted] of [
      [[1], 1, 1, true],
      [[1], 2, 1, true],
      [[1, 1], 1, 1, false],
      [[1], 1, 2, true],
      [[1, 1], 1, 2, true],
      [[2], 1, 1, false],
      [[2], 5, 1, false],
    ] as const) {
      const cluster = new LocalCluster(3, { 1: diskOf(terms) });
      const request = requestVote({ term: 4, lastLogIndex, lastLogTerm });
      const what = `${terms.join()} against ${lastLogIndex}@${lastLogTerm}`;
      expect(vote(cluster.deliverOne(request)).voteGranted, what).toBe(voteGranted);
      expect(vote(cluster.deliverOne({ ...request, preVote: true, term: 5 })).voteGranted, what).toBe(
        voteGranted,
      );
    }
  });

  test("only log entries from the leader's current term are committed by counting replicas", () => {
    const cluster = new LocalCluster(3, { 1: diskOf([1, 1, 2]), 2: diskOf([1, 1, 2]), 3: diskOf([1]) });
    cluster.raft(1).campaignNow(0);
    for (const request of cluster.settle(cluster.node(1)))
      for (const each of cluster.deliverOne(request)) cluster.deliverOne(each);
    for (const matchIndex of [1, 2, 3]) {
      cluster.raft(1).step(appendEntriesResponse({ term: 3, matchIndex }), 0);
      expect(cluster.raft(1).commitIndex).toBe(0);
    }
    cluster.raft(1).step(appendEntriesResponse({ term: 3, matchIndex: 4 }), 0);
    expect(cluster.raft(1).commitIndex).toBe(4);
  });
});

describe("§3.8 Persisted state and server restarts", () => {
  test("servers persist currentTerm and votedFor before responding to RPCs", () => {
    const cluster = new LocalCluster(3);
    const { raft } = cluster.node(1);
    raft.step(requestVote({ term: 3 }), 0);
    const ready = raft.ready();
    expect(ready.hardState).toEqual({ currentTerm: 3, votedFor: 2 });
    expect(ready.messages).toHaveLength(1);
  });

  test("also a vote in a term that the server knew before is persisted before the response", () => {
    const cluster = new LocalCluster(3, { 1: diskOf([1], 3) });
    const { raft } = cluster.node(1);
    raft.step(requestVote({ term: 3, lastLogIndex: 1, lastLogTerm: 1 }), 0);
    expect(raft.ready().hardState).toEqual({ currentTerm: 3, votedFor: 2 });
  });

  test("a follower acknowledges entries only when they are on its disk", () => {
    const cluster = new LocalCluster(3);
    const node = cluster.node(1);
    node.raft.step(appendEntries({ entries: [entry(1, 1), entry(2, 1)] }), 0);
    expect(node.handleReady()).toEqual([]);
    node.sync();
    expect(node.handleReady()).toMatchObject([
      { kind: "AppendEntriesResponse", success: true, matchIndex: 2 },
    ]);
  });

  test("each server must persist new log entries before the entries are counted towards commitment (§10.2.1: also the leader)", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    const { index } = cluster.propose(1);
    const { raft } = cluster.node(1);
    const appends = cluster.node(1).handleReady(); // appended and sent, not synced
    // The leader may be slower than a majority of the others, but is not part of it.
    const [answer] = cluster.deliverOne(appends[0] as Message);
    raft.step(answer as Message, 0);
    expect(raft.commitIndex).toBeLessThan(index);
    cluster.node(1).sync();
    expect(raft.commitIndex).toBe(index);
  });

  test("the commit index may be safely lost on restart; the new leader's first entry brings it back", () => {
    const cluster = new LocalCluster(1);
    cluster.propose(1);
    cluster.deliver();
    const { lastIndex } = cluster.raft(1);
    cluster.node(1).restart(0);
    cluster.deliver();
    expect([cluster.raft(1).currentTerm, cluster.raft(1).commitIndex]).toEqual([2, lastIndex + 1]);
  });
});
