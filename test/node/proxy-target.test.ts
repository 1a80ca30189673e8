import { describe, expect, test } from "bun:test";
import { databaseCount } from "../../src/keyspace/keyspace.ts";
import { ProxyTarget } from "../../src/node/proxy-target.ts";
import type { Request } from "../../src/node/request.ts";
import type { ProxySession } from "../../src/peer/incoming-link.ts";
import type { ProxyRequestItem, ProxyResponse } from "../../src/peer/proxy-codec.ts";
import { commands } from "./recording-requester.ts";

const session: ProxySession = { from: 3, open: true };

/** A leader that notes what it is asked to do, and answers when told to. */
class Target {
  standing: "serve" | "wait" | "refuse" = "serve";
  nowMs = 0;
  /** Whether a write has to wait for older reads. */
  takesWrites = true;
  readonly submitted: Request[] = [];
  readonly responses: string[] = [];
  readonly proxy = new ProxyTarget({
    commands,
    standing: () => this.standing,
    waitRefusal: () => "CLUSTERDOWN No raft leader",
    monotonicMs: () => this.nowMs,
    submitRead: (request) => {
      request.requester.pendingReads++;
      this.submitted.push(request);
    },
    submitWrite: (request) => {
      if (!this.takesWrites) return false;
      request.requester.pendingWrites++;
      this.submitted.push(request);
      return true;
    },
    send: (_session, response) => {
      this.responses.push(textOf(response));
      return true;
    },
  });

  take(...lines: readonly string[]): void {
    for (const [at, line] of lines.entries())
      this.#receive({ ...requestOf(line), requestId: this.#nextId + at });
    this.#nextId += lines.length;
  }

  takeIn(dbIndex: number, line: string): void {
    this.#receive({ ...requestOf(line), dbIndex, requestId: this.#nextId++ });
  }

  #nextId = 1;

  #receive(item: ProxyRequestItem): void {
    this.proxy.receive(session, [item]);
  }

  closeClient(): void {
    this.#receive({ kind: "clientClosed", clientId: 1 });
  }

  /** Answers the oldest request under way. */
  answer(text: string): void {
    const request = this.#takeOldest();
    request.requester.reply.simple(text);
    request.requester.answered(request);
  }

  takeBack(): void {
    const request = this.#takeOldest();
    request.requester.takeBack(request);
  }

  #takeOldest(): Request {
    const request = this.submitted.shift();
    if (request === undefined) throw new Error("nothing is under way");
    if (request.isWrite) request.requester.pendingWrites--;
    else request.requester.pendingReads--;
    return request;
  }
}

function requestOf(line: string) {
  return {
    kind: "request",
    clientId: 1,
    dbIndex: 0,
    protocol: 2,
    noTouch: false,
    user: "default",
    args: line.split(" "),
  } as const;
}

function textOf(response: ProxyResponse): string {
  if (response.kind !== "reply") return `${response.requestId} ${response.kind}`;
  return `${response.requestId} ${Buffer.from(response.bytes).toString("latin1").trim()}`;
}

describe("ProxyTarget", () => {
  test("hands a client's commands on and sends each answer under its request's number", () => {
    const target = new Target();
    target.take("SET a 1", "GET a");
    expect(target.submitted.map(({ args }) => args[0])).toEqual(["SET", "GET"]);
    target.answer("OK");
    target.answer("1");
    expect(target.responses).toEqual(["1 +OK", "2 +1"]);
  });

  test("sends everything back while it cannot serve, and goes on doing so for that client", () => {
    const target = new Target();
    target.standing = "refuse";
    target.take("SET a 1");
    target.standing = "serve";
    target.take("SET a 2");
    expect(target.responses).toEqual(["1 notExecuted", "2 notExecuted"]);
    expect(target.submitted).toEqual([]);
  });

  test("sends back what was not executed, then all that follows it, behind the answers to what went before", () => {
    const target = new Target();
    target.take("SET a 1", "SET a 2");
    const [first] = target.submitted.splice(0, 1) as [Request];
    target.takeBack();
    target.take("SET a 3");
    expect(target.responses).toEqual(["2 notExecuted"]);
    target.submitted.push(first);
    target.answer("OK");
    expect(target.responses).toEqual(["2 notExecuted", "1 +OK", "3 notExecuted"]);
  });

  test("keeps what must wait for older reads, and hands it on when they are answered", () => {
    const target = new Target();
    target.takesWrites = false;
    target.take("GET a", "SET a 1", "GET a");
    expect(target.submitted.length).toBe(1);
    target.takesWrites = true;
    target.answer("0");
    expect(target.submitted.map(({ args }) => args[0])).toEqual(["SET", "GET"]);
  });

  test("sends back what waits when it ceases to serve", () => {
    const target = new Target();
    target.takesWrites = false;
    target.take("SET a 1");
    target.standing = "refuse";
    target.proxy.standingChanged();
    expect(target.responses).toEqual(["1 notExecuted"]);
  });

  test("holds what comes while this node leads but cannot serve, and hands it on when it can", () => {
    const target = new Target();
    target.standing = "wait";
    target.take("SET a 1", "GET a");
    expect([target.submitted.length, target.responses]).toEqual([0, []]);
    target.standing = "serve";
    target.proxy.standingChanged();
    expect(target.submitted.map(({ args }) => args[0])).toEqual(["SET", "GET"]);
  });

  test("sends back what it holds when this node ceases to lead", () => {
    const target = new Target();
    target.standing = "wait";
    target.take("SET a 1", "GET a");
    target.standing = "refuse";
    target.proxy.checkHeld(1000);
    expect(target.responses).toEqual(["1 notExecuted", "2 notExecuted"]);
  });

  test("answers what it has held too long, behind the answers to what went before", () => {
    const target = new Target();
    target.take("SET a 1");
    target.standing = "wait";
    target.take("SET a 2", "GET a");
    target.nowMs = 999;
    target.proxy.checkHeld(1000);
    target.nowMs = 1000;
    target.proxy.checkHeld(1000);
    expect(target.responses).toEqual([]);
    target.answer("OK");
    target.nowMs = 1999;
    target.proxy.checkHeld(1000);
    const refused = "-CLUSTERDOWN No raft leader";
    expect(target.responses).toEqual(["1 +OK", `2 ${refused}`, `3 ${refused}`]);
    target.standing = "serve";
    target.take("SET a 3");
    expect(target.submitted.length).toBe(1);
  });

  test("begins anew for a client that got a new number", () => {
    const target = new Target();
    target.standing = "refuse";
    target.take("SET a 1");
    target.closeClient();
    target.standing = "serve";
    target.take("SET a 1");
    expect(target.responses).toEqual(["1 notExecuted"]);
    expect(target.submitted.length).toBe(1);
  });

  test("answers a command that it does not know as an unknown one, in its place", () => {
    const target = new Target();
    target.take("SET a 1", "NOSUCH x", "PING x");
    expect(target.responses).toEqual([]);
    target.answer("OK");
    expect(target.responses).toEqual([
      "1 +OK",
      "2 -ERR unknown command 'NOSUCH', with args beginning with: 'x'",
      "3 -ERR unknown command 'PING', with args beginning with: 'x'",
    ]);
  });

  test("lets no database into the log that does not exist", () => {
    const target = new Target();
    target.take("SET a 1");
    target.takeIn(databaseCount, "SET a 2");
    target.takeIn(databaseCount - 1, "SET a 3");
    target.answer("OK");
    expect(target.responses).toEqual(["1 +OK", "2 -ERR DB index is out of range"]);
    expect(target.submitted.map(({ dbIndex }) => dbIndex)).toEqual([databaseCount - 1]);
  });

  test("answers nobody whose link is gone or who is closed", () => {
    const target = new Target();
    target.take("SET a 1", "GET a");
    target.proxy.sessionClosed(session);
    target.answer("OK");
    target.takeBack();
    expect(target.responses).toEqual([]);
  });
});
