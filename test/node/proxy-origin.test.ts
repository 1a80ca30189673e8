import { describe, expect, test } from "bun:test";
import { ProxyOrigin } from "../../src/node/proxy-origin.ts";
import type { Request } from "../../src/node/request.ts";
import type { ProxyRequest, ProxyResponse } from "../../src/peer/proxy-codec.ts";
import { RecordingRequester } from "./recording-requester.ts";

const leader = 7;

/** A proxying follower whose links only note what is sent. */
class Origin {
  readonly sent: ProxyRequest[] = [];
  readonly #sentTo = new Map<number, number>();
  readonly closed: number[] = [];
  readonly client = new RecordingRequester();
  linkIsOpen = true;
  nowMs = 0;
  readonly proxy = new ProxyOrigin({
    send: (to, request) => {
      if (this.linkIsOpen) this.sent.push(request);
      this.#sentTo.set(request.requestId, to);
      return this.linkIsOpen;
    },
    closeClient: (_to, clientId) => void this.closed.push(clientId),
    monotonicMs: () => this.nowMs,
  });

  submit(line: string, to: number = leader): boolean {
    return this.proxy.submit(this.client.request(line), to);
  }

  /** The answer to the `number`th request sent, counted from 0. */
  reply(number: number, text: string): void {
    this.#respond({ kind: "reply", requestId: this.#idOf(number), bytes: Buffer.from(`${text}\r\n`) });
  }

  notExecuted(number: number): void {
    this.#respond({ kind: "notExecuted", requestId: this.#idOf(number) });
  }

  unknownOutcome(number: number): void {
    this.#respond({ kind: "unknownOutcome", requestId: this.#idOf(number) });
  }

  #idOf(number: number): number {
    return this.sent[number]?.requestId ?? -1;
  }

  #respond(response: ProxyResponse): void {
    this.proxy.receive(this.#sentTo.get(response.requestId) ?? leader, [response]);
  }
}

const unknown = "-TIMEOUT no reply from leader";

function originWith(...lines: readonly string[]): Origin {
  const origin = new Origin();
  for (const line of lines) expect(origin.submit(line)).toBe(true);
  return origin;
}

describe("ProxyOrigin", () => {
  test("passes on a client's requests under one number, and the answers in their order", () => {
    const origin = originWith("SET a 1", "GET a");
    expect(origin.sent.map(({ clientId, args }) => [clientId, args.join(" ")])).toEqual([
      [1, "SET a 1"],
      [1, "GET a"],
    ]);
    expect(origin.client.pendingProxied).toBe(2);
    origin.reply(0, "+OK");
    origin.reply(1, "$1\r\n1");
    expect(origin.client.events).toEqual(["SET a 1: +OK", "GET a: $1 1"]);
    expect([origin.client.pendingProxied, origin.proxy.outstandingCount]).toEqual([0, 0]);
  });

  test("takes a request back to its client when the link refuses it", () => {
    const origin = new Origin();
    origin.linkIsOpen = false;
    expect(origin.submit("GET a")).toBe(false);
    expect([origin.client.pendingProxied, origin.proxy.failedRequests]).toEqual([0, 1]);
  });

  test("hands back what came back only when all of it is here, in its order", () => {
    const origin = originWith("SET a 1", "SET a 2", "SET a 3");
    origin.reply(0, "+OK");
    origin.notExecuted(1);
    expect(origin.client.events).toEqual(["SET a 1: +OK"]);
    expect(origin.submit("SET a 4")).toBe(false);
    origin.notExecuted(2);
    expect(origin.client.events).toEqual(["SET a 1: +OK", "SET a 2 taken back", "SET a 3 taken back"]);
    expect(origin.closed).toEqual([1]);
  });

  test("goes on under a new number after requests came back", () => {
    const origin = originWith("SET a 1");
    origin.notExecuted(0);
    expect(origin.submit("SET a 1")).toBe(true);
    expect(origin.sent.map(({ clientId }) => clientId)).toEqual([1, 2]);
  });

  test("waits for the answer to an older write before it hands back a younger one", () => {
    const origin = originWith("SET a 1", "GET a");
    origin.notExecuted(1);
    expect(origin.client.events).toEqual([]);
    origin.reply(0, "-TIMEOUT not committed yet");
    expect(origin.client.events).toEqual(["SET a 1: -TIMEOUT not committed yet", "GET a taken back"]);
  });

  test("sends nothing to another leader while answers of the old one are open", () => {
    const origin = originWith("SET a 1");
    expect(origin.submit("SET a 2", 8)).toBe(false);
    origin.reply(0, "+OK");
    expect(origin.submit("SET a 2", 8)).toBe(true);
  });

  test("knows no outcome of writes when the link is lost, and asks the reads behind them again", () => {
    const origin = originWith("GET a", "SET a 1", "GET a", "INCR b", "GET b");
    origin.proxy.linkLost(leader);
    expect(origin.client.events).toEqual([
      `GET a: ${unknown}`,
      `SET a 1: ${unknown}`,
      `GET a: ${unknown}`,
      `INCR b: ${unknown}`,
      "GET b taken back",
    ]);
    expect(origin.client.pendingProxied).toBe(0);
    // A late answer goes nowhere.
    origin.reply(1, "+OK");
    expect(origin.client.events.length).toBe(5);
  });

  test("asks again for everything when only reads were on the lost link", () => {
    const origin = originWith("GET a", "GET b");
    origin.proxy.linkLost(leader);
    expect(origin.client.events).toEqual(["GET a taken back", "GET b taken back"]);
  });

  test("asks again for a write that the leader had sent back before the link was lost", () => {
    const origin = originWith("GET a", "SET a 1");
    origin.notExecuted(1);
    origin.proxy.linkLost(leader);
    expect(origin.client.events).toEqual(["GET a taken back", "SET a 1 taken back"]);
  });

  test("goes on under a new number with another leader, and tells the one before", () => {
    const origin = originWith("SET a 1");
    origin.reply(0, "+OK");
    expect(origin.submit("SET a 2", 8)).toBe(true);
    expect([origin.sent.map(({ clientId }) => clientId), origin.closed]).toEqual([[1, 2], [1]]);
  });

  test("takes an answer only from the node that was asked", () => {
    const origin = originWith("SET a 1");
    const requestId = origin.sent[0]?.requestId ?? -1;
    const forged = { kind: "reply", requestId, bytes: Buffer.from("+forged\r\n") } as const;
    origin.proxy.receive(8, [forged, { kind: "notExecuted", requestId }]);
    expect(origin.client.events).toEqual([]);
    origin.reply(0, "+OK");
    expect(origin.client.events).toEqual(["SET a 1: +OK"]);
  });

  test("leaves the clients of other leaders alone when a link is lost", () => {
    const origin = originWith("SET a 1");
    origin.proxy.linkLost(8);
    expect(origin.client.events).toEqual([]);
  });

  test("passes on that the leader knows no outcome", () => {
    const origin = originWith("SET a 1", "GET a");
    origin.unknownOutcome(0);
    origin.reply(1, "$1\r\n1");
    expect(origin.client.events).toEqual([`SET a 1: ${unknown}`, "GET a: $1 1"]);
  });

  test("gives up what takes too long, and with it the rest of that client", () => {
    const origin = originWith("SET a 1");
    const other = new RecordingRequester();
    origin.nowMs = 600;
    origin.submit("GET a");
    origin.proxy.submit(other.request("SET b 1"), leader);
    origin.nowMs = 999;
    origin.proxy.checkTimeouts(1000);
    expect(origin.client.events).toEqual([]);
    origin.nowMs = 1000;
    origin.proxy.checkTimeouts(1000);
    expect(origin.client.events).toEqual([`SET a 1: ${unknown}`, "GET a taken back"]);
    expect(other.events).toEqual([]);
  });

  test("forgets a client that has gone, and tells the leader", () => {
    const origin = originWith("SET a 1");
    origin.proxy.forget(origin.client);
    expect([origin.closed, origin.proxy.outstandingCount]).toEqual([[1], 0]);
    origin.reply(0, "+OK");
    expect(origin.client.events).toEqual([]);
  });

  test("trusts no leader that answers out of order", () => {
    const origin = originWith("SET a 1", "GET a");
    origin.reply(1, "$1\r\n1");
    expect(origin.client.events).toEqual([`SET a 1: ${unknown}`, "GET a taken back"]);
  });

  test("keeps requests apart by client", () => {
    const origin = originWith("SET a 1");
    const other = new RecordingRequester();
    const request: Request = other.request("SET b 1");
    origin.proxy.submit(request, leader);
    expect(origin.sent.map(({ clientId }) => clientId)).toEqual([1, 2]);
    origin.reply(1, "+OK");
    expect([origin.client.events, other.events]).toEqual([[], ["SET b 1: +OK"]]);
  });
});
