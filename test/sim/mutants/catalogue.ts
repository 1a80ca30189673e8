// Bugs that the simulator has to find: the protections of Raft, of the disk and of the clients, taken out one at a time.
// `bun run sim -- --mutants` plants each and says by which seed it was found; mutants.test.ts keeps the edits fitting.

import type { Mutant } from "./mutant.ts";

const nothing = "";

/** What a node promises before its disk has it. */
const durability: readonly Mutant[] = [
  {
    name: "acknowledge-before-sync",
    summary: "a follower vouches for entries that it has written and not synced",
    edits: [
      {
        file: "storage/log.ts",
        find: "    try {\n      this.#row.active.file.sync();\n    } catch",
        replace: "    try {\n    } catch",
      },
    ],
  },
  {
    name: "count-own-unsynced",
    summary: "a leader counts its own copy of an entry before that is on its disk",
    edits: [
      {
        file: "raft/replication.ts",
        find: "peers.majorityMatchIndex(state.log.stableIndex)",
        replace: "peers.majorityMatchIndex(state.log.lastIndex)",
      },
    ],
  },
  {
    name: "vote-before-sync",
    summary: "a vote leaves before term and vote are on the disk",
    edits: [{ file: "storage/hard-state.ts", find: "        this.#file.sync();\n", replace: nothing }],
  },
  {
    name: "forget-vote-on-restart",
    summary: "a node that starts again has forgotten whom it voted for",
    edits: [
      {
        file: "node/cluster-member.ts",
        find: "votedFor: hardState.votedFor }",
        replace: "votedFor: noNode }",
      },
    ],
  },
  {
    name: "cut-log-in-the-middle",
    summary: "a record that does not read back is taken for a torn end, and the log is cut there",
    edits: [
      {
        file: "storage/log-judge.ts",
        find: 'if (brokenIndex <= this.#knownIndex) return unusable(segment, problem ?? "missing");',
        replace: nothing,
      },
      {
        file: "storage/log-judge.ts",
        find: 'if (provesDurable(segment, brokenIndex)) return unusable(segment, problem ?? "missing");',
        replace: nothing,
      },
    ],
  },
  {
    name: "segment-without-directory-sync",
    summary: "a new segment takes records before its name is on the disk",
    edits: [
      {
        file: "storage/log.ts",
        find: "      this.#disk.rename(file.path, path);\n      this.#disk.syncDirectory(this.#directory);\n",
        replace: "      this.#disk.rename(file.path, path);\n",
      },
    ],
  },
  {
    name: "go-on-after-failed-sync",
    summary: "a sync that failed is taken for one that is done",
    edits: [
      {
        file: "storage/log.ts",
        find: "      if (error !== null) this.#poison(error);\n",
        replace: nothing,
      },
    ],
  },
];

/** Figure 3.1 and what goes with it. */
const consensus: readonly Mutant[] = [
  {
    name: "vote-for-shorter-log",
    summary: "a vote goes to a candidate whose log is behind",
    edits: [
      {
        file: "raft/election.ts",
        find: "return lastLogTerm > lastTerm || (lastLogTerm === lastTerm && lastLogIndex >= lastIndex);",
        replace: "return lastLogTerm >= 0 || lastTerm + lastIndex + lastLogIndex > 0;",
      },
    ],
  },
  {
    name: "commit-earlier-term",
    summary: "a leader counts copies of entries of earlier terms (Figure 3.7)",
    edits: [
      {
        file: "raft/replication.ts",
        find: "if (index <= state.commitIndex || index < state.termStartIndex) return;",
        replace: "if (index <= state.commitIndex) return;",
      },
    ],
  },
  {
    name: "no-pre-vote",
    summary: "a node that hears nothing raises its term without asking first",
    edits: [
      {
        file: "raft/election.ts",
        find: "  if (state.mayCampaign) startPreVote(state);",
        replace: "  if (state.mayCampaign) startElection(state, false);",
      },
    ],
  },
  {
    name: "two-membership-changes",
    summary: "a change of membership begins before the one before it has committed",
    edits: [
      {
        file: "raft/raft.ts",
        find: 'if (state.isMembershipPending || !state.hasCommittedInTerm) return "change-pending";',
        replace: nothing,
      },
    ],
  },
  {
    name: "promote-early",
    summary: "a learner votes before it has caught up",
    edits: [
      {
        file: "raft/replication.ts",
        find: "const isCaughtUp = learner.matchIndex + 1 >= state.commitIndex;",
        replace: "const isCaughtUp = learner.matchIndex >= 0;",
      },
    ],
  },
  {
    name: "count-learners",
    summary: "learners count for the majority",
    edits: [
      {
        file: "raft/peers.ts",
        find: "if (known !== undefined) known.voting = voting;",
        replace: "if (known !== undefined) known.voting = true;",
      },
      {
        file: "raft/peers.ts",
        find: "new Progress(id, voting, nextIndex, nowMs)",
        replace: "new Progress(id, true, nextIndex, nowMs)",
      },
    ],
  },
];

/** What clients are told. */
const answers: readonly Mutant[] = [
  {
    name: "read-without-empty-entry",
    summary: "a new leader answers reads before it knows what is committed",
    edits: [
      {
        file: "raft/state.ts",
        find: 'return this.role === "leader" && this.commitIndex >= this.termStartIndex;',
        replace: 'return this.role === "leader";',
      },
    ],
  },
  {
    name: "unconfirmed-read",
    summary: "a leader answers reads without asking whether it still leads",
    edits: [
      {
        file: "raft/raft.ts",
        find: "if (state.memberships.selfIsOnlyVoter) state.reads.confirm(round);",
        replace: "state.reads.confirm(round);",
      },
    ],
  },
  {
    name: "read-index-across-terms",
    summary: "rounds begin anew in each term, and what was confirmed in the one before counts",
    edits: [
      {
        file: "raft/read-rounds.ts",
        find: "    this.#confirmed = 0;\n    this.#termStart = this.#round;\n",
        replace: "    this.#round = 0;\n    this.#termStart = 0;\n",
      },
    ],
  },
  {
    name: "join-closed-round",
    summary: "a read joins a round that has left already",
    edits: [{ file: "raft/replication.ts", find: "  reads.close();\n", replace: nothing }],
  },
  {
    name: "not-done-for-pending",
    summary: "a write that may still commit is answered as not executed",
    edits: [
      {
        file: "node/replica.ts",
        find: "request.isWrite ? errors.timeoutNotCommitted : errors.timeoutNoQuorum",
        replace: "errors.clusterDown",
      },
    ],
  },
  {
    name: "answer-overwritten",
    summary: "a write is acknowledged when another entry has taken its place",
    edits: [
      {
        file: "node/proposal-queue.ts",
        find: "proposal.index !== index || proposal.term !== term) return null;\n    this.#advance();\n    return proposal;",
        replace: "proposal.index !== index) return null;\n    this.#advance();\n    return proposal;",
      },
      {
        file: "node/proposal-queue.ts",
        find: "if (proposal.index === index && proposal.term === term) return null;",
        replace: "if (proposal.index === index) return null;",
      },
      { file: "node/proposal-queue.ts", find: "      proposal.term = 0;\n", replace: nothing },
    ],
  },
  {
    name: "proxy-sends-again",
    summary: "a follower sends a write again when its link to the leader broke",
    edits: [
      {
        file: "node/proxy-origin.ts",
        find: "if (client.leader === leader && client.outstanding.length > 0) this.#giveUp(client);",
        replace: "for (const { requestId } of [...client.outstanding]) this.#returned(client, requestId);",
      },
    ],
  },
];

/** What the replicas make of the log. */
const application: readonly Mutant[] = [
  {
    name: "apply-twice-after-restart",
    summary: "the first command of the log is applied twice by a node that starts again",
    edits: [
      {
        file: "node/replica.ts",
        find: 'else if (entry.kind === "command") machine.runBody(this.log.body(index));',
        replace:
          'else if (entry.kind === "command") {\n      machine.runBody(this.log.body(index));\n      if (this.raft.appliedIndex === 0) machine.runBody(this.log.body(index));\n    }',
      },
    ],
  },
  {
    name: "expire-by-local-clock",
    summary: "keys expire by each node's own clock",
    edits: [
      {
        file: "node/replica.ts",
        find: "machine.beginEntry(index, entry.stampMs);",
        replace: "machine.beginEntry(index, Math.max(this.#clock.wallMs(), machine.keyspace.clockMs));",
      },
    ],
  },
  {
    name: "stamps-go-back",
    summary: "a new leader with a slow clock takes the replicated time back",
    edits: [
      {
        file: "raft/raft.ts",
        find: "return appendAsLeader(state, kind, Math.max(stampMs, state.log.lastStampMs), record);",
        replace: "return appendAsLeader(state, kind, stampMs, record);",
      },
      {
        file: "storage/log.ts",
        find: '      assert(entry.stampMs >= stampMs, "stamps that never go back along the log");\n',
        replace: nothing,
      },
    ],
  },
];

export const mutants: readonly Mutant[] = [...durability, ...consensus, ...answers, ...application];
