import { describe, expect, test } from "bun:test";
import { LeadershipTransfer } from "../../src/node/leadership-transfer.ts";
import { PendingChanges } from "../../src/node/pending-changes.ts";
import { noNode } from "../../src/raft/types.ts";
import { errors } from "../../src/resp/errors.ts";

type Answer = string | null;

describe("PendingChanges", () => {
  function changesAt(...places: readonly (readonly [index: number, term: number])[]): {
    changes: PendingChanges;
    answers: Answer[];
  } {
    const changes = new PendingChanges();
    const answers: Answer[] = [];
    for (const [index, term] of places) changes.add(index, term, (error) => answers.push(error));
    return { changes, answers };
  }

  test("answers a change when its entry is applied", () => {
    const { changes, answers } = changesAt([5, 2]);
    changes.applied(4, () => 2);
    expect(answers).toEqual([]);
    changes.applied(7, () => 2);
    changes.applied(8, () => 2);
    expect(answers).toEqual([null]);
  });

  test("says that the outcome is unknown when another entry stands in its place", () => {
    const { changes, answers } = changesAt([5, 2]);
    changes.applied(5, () => 3);
    expect(answers).toEqual([errors.timeoutNotCommitted]);
  });

  test("gives up what was orphaned long ago, counted from when leadership was lost", () => {
    const { changes, answers } = changesAt([5, 2]);
    changes.giveUpOrphans(1_000_000);
    expect(answers).toEqual([]);
    changes.orphan(100);
    changes.orphan(900);
    changes.giveUpOrphans(100);
    expect(answers).toEqual([]);
    changes.giveUpOrphans(101);
    expect(answers).toEqual([errors.timeoutNotCommitted]);
  });
});

describe("LeadershipTransfer", () => {
  const self = 1;

  function transferTo(target: number): { transfer: LeadershipTransfer; answers: Answer[] } {
    const answers: Answer[] = [];
    return { transfer: new LeadershipTransfer(self, target, 1000, (error) => answers.push(error)), answers };
  }

  test("goes on while this node leads, or nobody does", () => {
    const { transfer, answers } = transferTo(2);
    expect(transfer.check(self, 10)).toBe(false);
    expect(transfer.check(noNode, 999)).toBe(false);
    expect(answers).toEqual([]);
  });

  test("has succeeded when the target leads", () => {
    const { transfer, answers } = transferTo(2);
    expect(transfer.check(2, 10)).toBe(true);
    expect(answers).toEqual([null]);
  });

  test("has failed when another node leads, unless anybody would do", () => {
    const named = transferTo(2);
    expect(named.transfer.check(3, 10)).toBe(true);
    expect(named.answers).toEqual([errors.transferOtherLeader]);
    const any = transferTo(noNode);
    expect(any.transfer.check(3, 10)).toBe(true);
    expect(any.answers).toEqual([null]);
  });

  test("has failed when time is up, whoever leads", () => {
    const { transfer, answers } = transferTo(2);
    expect(transfer.check(self, 1000)).toBe(true);
    expect(answers).toEqual([errors.transferTimedOut]);
  });
});
