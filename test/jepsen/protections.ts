// What keeps each finding from coming back, and how to take it out: `bun test/jepsen/prove.ts` takes out one protection
// after the other and shows that the test which is named after the finding then fails. protections.test.ts keeps the edits
// fitting the sources.

import type { Mutant } from "../sim/mutants/mutant.ts";

/** A protection that can be taken out, and the test that must then fail. */
export interface Protection extends Mutant {
  /** Below test. */
  readonly testFile: string;
  /** The beginning of the test's name. */
  readonly title: string;
}

const nothing = "";
const reads = "jepsen/reads.test.ts";
const apply = "jepsen/apply.test.ts";
const proxy = "jepsen/proxy.test.ts";
const membership = "jepsen/membership.test.ts";
const log = "jepsen/log.test.ts";
const messages = "jepsen/messages.test.ts";
const lies = "hostile/lies.test.ts";
const strangers = "hostile/strangers.test.ts";
const receivedEntries = "node/received-entries.ts";

const serveBeforeCommit = {
  file: "raft/state.ts",
  find: 'return this.role === "leader" && this.commitIndex >= this.termStartIndex;',
  replace: 'return this.role === "leader";',
};

export const protections: readonly Protection[] = [
  {
    name: "apply-proposes",
    summary: "applying a write proposes it again",
    testFile: apply,
    title: "redisraft #13",
    edits: [
      {
        file: "node/replica.ts",
        find: "      if (request.isWrite) machine.run(request.command, request.args, request.dbIndex, requester.reply);\n      else",
        replace:
          "      if (request.isWrite) {\n        machine.run(request.command, request.args, request.dbIndex, requester.reply);\n        if (this.raft.canServe) this.submitWrite(request);\n      } else",
      },
    ],
  },
  {
    name: "followers-do-not-apply",
    summary: "only who proposed an entry applies it",
    testFile: apply,
    title: "redisraft #14",
    edits: [
      {
        file: "node/replica.ts",
        find: '    else if (entry.kind === "command") machine.runBody(this.log.body(index));\n',
        replace: nothing,
      },
    ],
  },
  {
    name: "second-change-at-once",
    summary: "a change of the membership does not wait for the one before",
    testFile: membership,
    title: "redisraft #17: a second",
    edits: [
      {
        file: "raft/raft.ts",
        find: "state.isMembershipPending || !state.hasCommittedInTerm",
        replace: "!state.hasCommittedInTerm",
      },
    ],
  },
  {
    name: "change-before-commit-in-term",
    summary: "a new leader changes the membership before it has committed anything",
    testFile: membership,
    title: "redisraft #17: nor",
    edits: [
      {
        file: "raft/raft.ts",
        find: "state.isMembershipPending || !state.hasCommittedInTerm",
        replace: "state.isMembershipPending",
      },
    ],
  },
  {
    name: "read-before-commit-in-term",
    summary: "a new leader serves before it has committed an entry of its own term",
    testFile: reads,
    title: "redisraft #18",
    edits: [serveBeforeCommit],
  },
  {
    name: "read-index-before-commit-in-term",
    summary: "the same: reads at a commit index that is out of date",
    testFile: reads,
    title: "redisraft #19: no stale read from the leader",
    edits: [serveBeforeCommit],
  },
  {
    name: "read-without-round",
    summary: "a leader answers reads without asking whether it still leads",
    testFile: reads,
    title: "redisraft #19: no stale read from the paused",
    edits: [{ file: "node/read-queue.ts", find: "batch.round > confirmedRound || ", replace: nothing }],
  },
  {
    name: "heartbeats-behind-entries",
    summary: "heartbeats share a connection with entries",
    testFile: proxy,
    title: "redisraft #21: heartbeats",
    edits: [
      {
        file: "peer/transport.ts",
        find: "return this.#sendSmall(this.#peer(message.to)?.control.link ?? null, message);",
        replace:
          'return this.#sendSmall(this.#peer(message.to)?.[message.kind === "AppendEntries" ? "bulk" : "control"].link ?? null, message);',
      },
    ],
  },
  {
    name: "joiners-unknown-leader",
    summary: "a node does not tell clients who leads",
    testFile: proxy,
    title: "redisraft #21: all nodes answer",
    edits: [
      {
        file: "node/cluster-member.ts",
        find: "return this.memberOf(this.raft.leaderId);",
        replace: 'return this.memberOf(this.raft.role === "leader" ? this.id : noNode);',
      },
    ],
  },
  {
    name: "not-done-for-unknown",
    summary: "a write that is in the log is answered with an error that says that it is not done",
    testFile: proxy,
    title: "redisraft #23",
    edits: [
      {
        file: "node/replica.ts",
        find: "request.isWrite ? errors.timeoutNotCommitted : errors.timeoutNoQuorum",
        replace: "errors.clusterDown",
      },
    ],
  },
  {
    name: "answers-by-order",
    summary: "a leader's answers go to whoever has waited longest, whatever their number",
    testFile: proxy,
    title: "redisraft #26",
    edits: [
      {
        file: "node/proxy-origin.ts",
        find: "const client = this.#clientByRequest.get(response.requestId);",
        replace: "const client = this.#clientByRequest.values().next().value;",
      },
      {
        file: "node/proxy-origin.ts",
        find: "if (oldest.requestId !== response.requestId) {",
        replace: "if (response.requestId < 0) {",
      },
    ],
  },
  {
    name: "oldest-membership-counts",
    summary: "replaying the log goes back to the first membership in it",
    testFile: membership,
    title: "redisraft #28: a restart",
    edits: [
      {
        file: "raft/membership.ts",
        find: "const newest = this.#records.at(-1);",
        replace: "const newest = this.#records.at(0);",
      },
    ],
  },
  {
    name: "no-archive",
    summary: "a removed node keeps its identity",
    testFile: membership,
    title: "redisraft #28: nor",
    edits: [
      {
        file: "node/cluster-node.ts",
        find: "const path = this.#directory?.archive();",
        replace: "const path = this.#directory?.path;",
      },
    ],
  },
  {
    name: "read-after-restart-before-commit",
    summary: "a restarted leader serves what it has applied so far",
    testFile: reads,
    title: "redisraft #30",
    edits: [serveBeforeCommit],
  },
  {
    name: "who-does-not-vote-campaigns",
    summary: "a node that is no voter campaigns, and counts its own vote",
    testFile: membership,
    title: "redisraft #30",
    edits: [
      {
        file: "raft/membership.ts",
        find: "    if (this.selfIsVoter) return true;\n",
        replace: "    if (this.#voterCount > 0) return true;\n",
      },
      {
        file: "raft/election.ts",
        find: "    if (!state.memberships.isVoter(id)) continue;\n",
        replace: nothing,
      },
    ],
  },
  {
    name: "gap-accepted",
    summary: "a log that begins too late is taken for whole",
    testFile: log,
    title: "redisraft #43: a log",
    edits: [
      {
        file: "storage/log-judge.ts",
        find: "return firstIndex <= coveredIndex + 1 ? null : gap(",
        replace: "return firstIndex > 0 ? null : gap(",
      },
    ],
  },
  {
    name: "next-segment-before-sync",
    summary: "the next segment is begun before the full one is synced",
    testFile: log,
    title: "redisraft #43: no crash",
    edits: [
      { file: "storage/log.ts", find: "    this.#syncActive();\n    const full", replace: "    const full" },
    ],
  },
  {
    name: "membership-survives-overwriting",
    summary: "a configuration stays in force when its entry is overwritten",
    testFile: membership,
    title: "redisraft #48",
    edits: [
      {
        file: "raft/membership.ts",
        find: "    this.#records = this.#records.filter((record) => record.index < index);\n",
        replace: nothing,
      },
    ],
  },
  {
    name: "teardown-forgets-nothing",
    summary: "a link that was replaced is not closed, and ends later in the place of its successor",
    testFile: membership,
    title: "redisraft #49",
    edits: [{ file: "peer/incoming-link.ts", find: "      older.link.discard();\n", replace: nothing }],
  },
  {
    name: "tail-keeps-what-was-overwritten",
    summary: "what is in memory is not cut when the log is cut below it",
    testFile: log,
    title: "redisraft #51",
    edits: [
      {
        file: "raft/log.ts",
        find: "      this.#tail.length = 0;\n      this.#tailFirst = index;\n",
        replace: nothing,
      },
    ],
  },
  {
    name: "vote-forgotten",
    summary: "the vote does not survive a restart",
    testFile: log,
    title: "redisraft #52",
    edits: [
      {
        file: "node/cluster-member.ts",
        find: "votedFor: hardState.votedFor }",
        replace: "votedFor: noNode }",
      },
    ],
  },
  {
    name: "acknowledged-unsynced",
    summary: "entries are vouched for that no sync has covered",
    testFile: log,
    title: "redisraft #53: after",
    edits: [
      {
        file: "storage/log.ts",
        find: "    try {\n      this.#row.active.file.sync();\n    } catch",
        replace: "    try {\n    } catch",
      },
    ],
  },
  {
    name: "committed-overwritten",
    summary: "a leader's word counts more than what is known as committed",
    testFile: log,
    title: "redisraft #53: a follower",
    edits: [
      {
        file: "raft/append-entries.ts",
        find: "Math.max(request.prevLogIndex, state.commitIndex) + 1;\n  while",
        replace: "request.prevLogIndex + 1;\n  while",
      },
      {
        file: "raft/append-entries.ts",
        find: "if (state.log.termAt(index) === entryAt(request, index).term) continue;",
        replace: "if (index > 0) continue;",
      },
      {
        file: "raft/append-entries.ts",
        find: "    request.prevLogIndex === state.commitIndex &&",
        replace: "    request.prevLogIndex < 0 &&",
      },
    ],
  },
  {
    name: "reads-forgotten-with-leadership",
    summary: "reads that wait when leadership ends are not handed back",
    testFile: membership,
    title: "redisraft #94",
    edits: [
      {
        file: "node/reads.ts",
        find: "    for (const batch of this.#queue.takeAll()) takeBack(batch.requests);\n",
        replace: "    this.#queue.takeAll();\n",
      },
    ],
  },
  {
    name: "removed-node-waits",
    summary: "a leader that was removed lets its clients wait for a leader of which it will never hear",
    testFile: membership,
    title: "redisraft #94",
    edits: [
      {
        file: "node/cluster-member.ts",
        find: 'this.raft.isRemoved ? "redirect" : "wait"',
        replace: '"wait"',
      },
    ],
  },
  {
    name: "messages-unchecked",
    summary: "messages change state before they are checked",
    testFile: messages,
    title: "redisraft #643 to #651: no message, in",
    edits: [{ file: "raft/step.ts", find: "  if (fault !== null) return fault;\n", replace: nothing }],
  },
  {
    name: "any-term",
    summary: "any term is adopted, however far ahead",
    testFile: messages,
    title: "redisraft #643 to #651: no message uses",
    edits: [
      {
        file: "raft/message-fault.ts",
        find: " || term > Math.min(termMax, currentTerm + termLeapMax)",
        replace: nothing,
      },
    ],
  },
  {
    name: "learners-vote",
    summary: "a vote counts, whoever gives it",
    testFile: strangers,
    title: "strangers cost time",
    edits: [
      {
        file: "raft/election.ts",
        find: "    if (!state.memberships.isVoter(id)) continue;\n",
        replace: nothing,
      },
    ],
  },
  {
    name: "answers-from-anybody",
    summary: "any member may answer what was asked of the leader",
    testFile: "node/proxy-origin.test.ts",
    title: "takes an answer only from the node that was asked",
    edits: [{ file: "node/proxy-origin.ts", find: " || client.leader !== from", replace: nothing }],
  },
  {
    name: "any-membership",
    summary: "any configuration may follow any other in the log",
    testFile: messages,
    title: "redisraft #643 to #651: no configuration",
    edits: [
      {
        file: "raft/append-entries.ts",
        find: "before.usedIds.length > 0 && !mayFollow(before, membership)",
        replace: "before.usedIds.length < 0",
      },
    ],
  },
  {
    name: "bodies-unchecked",
    summary: "an entry that nobody could execute gets into the log",
    testFile: lies,
    title: "whatever a member says",
    edits: [
      {
        file: receivedEntries,
        find: 'kind === "command" ? bodyProblem(bodyOf(record)) : null',
        replace: "null",
      },
    ],
  },
  {
    name: "stamps-unchecked",
    summary: "an entry whose stamp goes back gets as far as the log",
    testFile: "node/received-entries.test.ts",
    title: "refuses a stamp before",
    edits: [
      {
        file: receivedEntries,
        find: "entries[0].stampMs < stampAt(log, prevLogIndex)",
        replace: "entries[0].index < 0",
      },
    ],
  },
  {
    name: "history-unchecked",
    summary: "entries that follow another history get as far as the log",
    testFile: "node/received-entries.test.ts",
    title: "refuses another entry of an index",
    edits: [{ file: receivedEntries, find: "log.crcAt(index) !== checksumOf(record)", replace: "index < 0" }],
  },
  {
    name: "note-not-synced",
    summary: "a file is renamed into its place before its content is on the disk",
    testFile: log,
    title: "redisraft #654",
    edits: [{ file: "storage/note-file.ts", find: "    file.sync();\n", replace: nothing }],
  },
  {
    name: "rename-not-synced",
    summary: "what was renamed is relied on before the directory is on the disk",
    testFile: log,
    title: "redisraft #654",
    edits: [
      {
        file: "storage/note-file.ts",
        find: "  disk.rename(`${path}.new`, path);\n  disk.syncDirectory(directory);\n",
        replace: "  disk.rename(`${path}.new`, path);\n",
      },
    ],
  },
];
