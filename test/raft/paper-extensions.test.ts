// What "Consensus: Bridging Theory and Practice" (D. Ongaro, 2014) says that a server does, each sentence (shortened) as
// the name of the test that it is so. § are sections of the dissertation. Here: what goes beyond the basic algorithm.

import { describe, expect, test } from "bun:test";
import type { Message } from "../../src/raft/types.ts";
import { LocalCluster } from "./local-cluster.ts";
import { appendEntries, entry, only, requestVote, vote } from "./messages.ts";

describe("§3.10 Leadership transfer extension", () => {
  test("the prior leader stops accepting new client requests", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    leader.transferLeadership(2, 0);
    expect(leader.propose("command", 0, null)).toBe("transferring");
  });

  test("the prior leader fully updates the target server's log to match its own log, then sends a TimeoutNow request", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    const { index } = cluster.propose(1);
    leader.transferLeadership(2, 0);
    const before = cluster.settle(cluster.node(1));
    expect(only(before, "TimeoutNow")).toEqual([]);
    const [append] = only(before, "AppendEntries").filter((message) => message.to === 2);
    const [answer] = cluster.deliverOne(append as Message);
    expect(only(cluster.deliverOne(answer as Message), "TimeoutNow")).toMatchObject([{ to: 2, term: 1 }]);
    cluster.deliver();
    expect([cluster.raft(2).role, cluster.raft(2).currentTerm]).toEqual(["leader", 2]);
    expect(cluster.raft(2).commitIndex).toBeGreaterThan(index);
  });

  test("if leadership transfer does not complete after about an election timeout, the prior leader aborts the transfer", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    cluster.isolated.add(2);
    leader.transferLeadership(2, 0);
    for (let ms = 0; ms < 1000; ms += 200) {
      expect(leader.isTransferring).toBe(true);
      cluster.tick(200);
      cluster.deliver();
    }
    expect([leader.role, leader.isTransferring]).toEqual(["leader", false]);
    expect(typeof leader.propose("command", 0, null)).toBe("object");
  });
});

describe("§4 Cluster membership changes", () => {
  const joining = { kind: "add-learner", id: 4, host: "localhost", port: 7004 } as const;

  test("§4.1 the new configuration takes effect on each server as soon as it is added to that server's log", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    leader.proposeMembership(joining, 0);
    expect(leader.membership.members.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(leader.committedMembership.members.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  test("§4.1 if a server's configuration entry is overwritten, it falls back to the previous configuration in its log", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1).proposeMembership({ kind: "remove", id: 3 }, 0);
    cluster.settleAll();
    cluster.deliverOne(
      appendEntries({ from: 2, term: 2, prevLogIndex: 2, prevLogTerm: 1, entries: [entry(3, 2)] }),
    );
    expect(cluster.raft(1).membership.members.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(cluster.raft(1).membershipIndex).toBe(2);
  });

  test("§4.1 a leader begins a change only after the previous one and an entry of its own term have committed", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    expect(typeof leader.proposeMembership(joining, 0)).toBe("object");
    expect(leader.proposeMembership({ kind: "remove", id: 3 }, 0)).toBe("change-pending");
    cluster.deliver();
    expect(typeof leader.proposeMembership({ kind: "remove", id: 3 }, 0)).toBe("object");
  });

  test("§4.2.1 a new server is first a non-voting member, and is added once it has caught up", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    leader.proposeMembership(joining, 0);
    cluster.deliver();
    expect(leader.membership.members.at(-1)).toMatchObject({ id: 4, voting: false });
    cluster.create(4);
    for (let round = 0; round < 4; round++) {
      cluster.tick(200);
      cluster.deliver();
    }
    expect(leader.membership.members.at(-1)).toMatchObject({ id: 4, voting: true });
    expect(cluster.terms(4)).toEqual(cluster.terms(1));
  });

  test("§4.2.2 a leader that is removed from the configuration steps down once the entry is committed, and not before", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    leader.proposeMembership({ kind: "remove", id: 1 }, 0);
    const [first, second] = cluster.settle(cluster.node(1));
    // It replicates log entries but does not count itself in majorities: one of two others is none.
    for (const answer of cluster.deliverOne(first as Message)) cluster.deliverOne(answer);
    expect(leader.role).toBe("leader");
    for (const answer of cluster.deliverOne(second as Message)) cluster.deliverOne(answer);
    expect(leader.role).toBe("follower");
    cluster.deliver();
    expect([cluster.raft(2).role, cluster.raft(3).role].sort()).toEqual(["follower", "leader"]);
  });

  test("§4.2.3 if a server receives a RequestVote within the minimum election timeout of hearing from a leader, it ignores it", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    const request = requestVote({ from: 3, to: 2, term: 9, lastLogIndex: 9, lastLogTerm: 8 });
    cluster.tick(999, []);
    expect(cluster.deliverOne(request)).toEqual([]);
    expect(cluster.raft(2).currentTerm).toBe(1);
    cluster.tick(1, []);
    expect(vote(cluster.deliverOne(request))).toMatchObject({ voteGranted: true, term: 9 });
  });

  test("§4.2.3 legitimate leadership transfers are allowed to disrupt", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    const request = requestVote({
      from: 3,
      to: 2,
      term: 2,
      lastLogIndex: 2,
      lastLogTerm: 1,
      leadershipTransfer: true,
    });
    expect(vote(cluster.deliverOne(request)).voteGranted).toBe(true);
    expect(vote(cluster.deliverOne({ ...request, to: 1 })).voteGranted).toBe(true);
  });
});

describe("§6.2 Routing requests to the leader", () => {
  test("a leader steps down if an election timeout elapses without a successful round of heartbeats to a majority", () => {
    const cluster = new LocalCluster(5);
    const leader = cluster.elect(1);
    for (const id of [3, 4, 5]) cluster.isolated.add(id);
    for (let ms = 0; ms < 1000; ms += 200) {
      expect(leader.role).toBe("leader");
      cluster.tick(200, [1, 2]);
      cluster.deliver();
    }
    expect([leader.role, leader.leaderId]).toEqual(["follower", 0]);
  });
});

describe("§6.4 Processing read-only queries more efficiently", () => {
  test("if the leader has not yet marked an entry from its current term committed, it waits until it has done so", () => {
    const cluster = new LocalCluster(3);
    cluster.raft(1).campaignNow(0);
    for (const request of cluster.settle(cluster.node(1)))
      for (const each of cluster.deliverOne(request)) cluster.deliverOne(each);
    expect([cluster.raft(1).role, cluster.raft(1).canServe, cluster.raft(1).requestRead()]).toEqual([
      "leader",
      false,
      null,
    ]);
    cluster.deliver();
    expect(cluster.raft(1).requestRead()).toBe(1);
  });

  test("the leader needs to make sure it has not been superseded: it waits for acknowledgments from a majority", () => {
    const cluster = new LocalCluster(5);
    const round = cluster.elect(1).requestRead();
    const heartbeats = cluster.settle(cluster.node(1));
    expect(heartbeats).toHaveLength(4);
    const confirmed = heartbeats.slice(0, 2).map((heartbeat) => {
      for (const answer of cluster.deliverOne(heartbeat)) cluster.deliverOne(answer);
      return cluster.node(1).confirmedRound;
    });
    expect(confirmed).toEqual([0, round ?? -1]);
  });

  test("an acknowledgment of an earlier heartbeat is no proof", () => {
    const cluster = new LocalCluster(3);
    const leader = cluster.elect(1);
    cluster.tick(200, [1]);
    const earlier = cluster.messages;
    cluster.messages = [];
    leader.requestRead();
    cluster.settleAll();
    for (const heartbeat of earlier)
      for (const answer of cluster.deliverOne(heartbeat)) cluster.deliverOne(answer);
    expect(cluster.node(1).confirmedRound).toBe(0);
    cluster.deliver();
    expect(cluster.node(1).confirmedRound).toBe(1);
  });
});

describe("§9.6 Preventing disruptions when a server rejoins the cluster", () => {
  test("in the Pre-Vote algorithm, a candidate only increments its term if it first learns from a majority that they would vote", () => {
    const cluster = new LocalCluster(3);
    cluster.isolated.add(3);
    for (let ms = 0; ms < 20_000; ms += 100) cluster.tick(100, [3]);
    expect([cluster.raft(3).role, cluster.raft(3).currentTerm]).toEqual(["pre-candidate", 0]);
  });

  test("the other servers have not received heartbeats from a valid leader for at least a baseline election timeout", () => {
    const cluster = new LocalCluster(3);
    cluster.elect(1);
    const request = requestVote({ from: 3, to: 2, preVote: true, term: 2, lastLogIndex: 9, lastLogTerm: 1 });
    expect(vote(cluster.deliverOne(request)).voteGranted).toBe(false);
    cluster.tick(1000, []);
    expect(vote(cluster.deliverOne(request)).voteGranted).toBe(true);
    expect(cluster.node(2).hardState).toEqual({ currentTerm: 1, votedFor: 1 });
  });
});
