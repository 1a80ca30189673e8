// How fast two transports in two processes talk over loopback. Run by hand: `bun test/peer/throughput.ts`.
//
// On the project's machine (2 cores, busy with other work), Bun 1.4.5:
//   heartbeat and answer, one at a time        10,000-24,000 /s
//   heartbeats and answers, 100 under way      30,000-134,000 /s
//   entries of 16 kB, 4 under way              350-900 MB/s
//   entries of 2 MB, 4 under way               750-1,200 MB/s
//   proxied SETs of 64 bytes, 200 under way    250,000-640,000 /s

import { silentLogger } from "../../src/base/logger.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { systemClock } from "../../src/node/system-clock.ts";
import { BunNetwork } from "../../src/peer/bun-network.ts";
import type { ProxyResponse } from "../../src/peer/proxy-codec.ts";
import { Transport } from "../../src/peer/transport.ts";
import type { TransportListener } from "../../src/peer/transport.ts";
import { defaultTransportOptions } from "../../src/peer/transport-options.ts";
import { Acceptor, listen } from "./acceptor.ts";
import { appendEntries, appendEntriesResponse, heartbeat } from "./messages.ts";

const nothing = (): void => undefined;
const ignoring: TransportListener = {
  message: nothing,
  peerConnected: nothing,
  peerDisconnected: nothing,
  proxyRequests: nothing,
  proxySessionClosed: nothing,
  proxyResponses: nothing,
  proxyLinkDown: nothing,
  removedFromCluster: nothing,
};

function transportOf(
  nodeId: number,
  listener: TransportListener,
  records: () => readonly Uint8Array[],
): Transport {
  return new Transport(
    {
      clusterId: "throughput",
      nodeId,
      clock: systemClock,
      network: new BunNetwork(systemClock),
      random: new SeededRandom(nodeId),
      logger: silentLogger,
      options: { ...defaultTransportOptions },
    },
    listener,
    { recordsOf: records, isKnown: () => "unknown" },
  );
}

/** The node that answers whatever it hears. */
function answer(): void {
  const transport: Transport = transportOf(
    2,
    {
      ...ignoring,
      message: (message) => void transport.send(appendEntriesResponse(2, message.from)),
      proxyRequests: (session, items) => {
        for (const item of items) {
          if (item.kind !== "request") continue;
          transport.sendProxyResponse(session, { kind: "reply", requestId: item.requestId, bytes: ok });
        }
      },
    },
    () => [],
  );
  const listener = listen((connection) => new Acceptor(connection, () => transport));
  process.stdout.write(`${listener.port}\n`);
}

const ok = Buffer.from("+OK\r\n");

/** Keeps `window` exchanges under way until `total` have been answered; answers how many a second. */
async function measure(
  transportReady: Ready,
  total: number,
  window: number,
  sendOne: () => boolean,
): Promise<number> {
  const startMs = performance.now();
  let sent = 0;
  let answered = 0;
  await new Promise<void>((done) => {
    const refill = (): void => {
      while (sent < total && sent - answered < window && sendOne()) sent++;
    };
    transportReady.onAnswers = (count) => {
      answered += count;
      if (answered >= total) done();
      else refill();
    };
    refill();
  });
  return total / ((performance.now() - startMs) / 1000);
}

interface Ready {
  onAnswers: (count: number) => void;
}

async function ask(port: number): Promise<void> {
  const ready: Ready = { onAnswers: nothing };
  let records: readonly Uint8Array[] = [];
  let opened = 0;
  const connected = Promise.withResolvers<void>();
  const transport = transportOf(
    1,
    {
      ...ignoring,
      message: () => ready.onAnswers(1),
      proxyResponses: (_from, responses: readonly ProxyResponse[]) => ready.onAnswers(responses.length),
      peerConnected: () => {
        if (++opened === 3) connected.resolve();
      },
    },
    () => records,
  );
  transport.setMembers([{ id: 2, host: "127.0.0.1", port, voting: true }]);
  await connected.promise;
  const line = (what: string, perSecond: number, unit: string): void => {
    console.log(`${what.padEnd(58)} ${Math.round(perSecond).toLocaleString("en").padStart(10)} ${unit}`);
  };
  const beat = heartbeat(1, 2);
  line(
    "heartbeat and answer, one at a time",
    await measure(ready, 30_000, 1, () => transport.send(beat)),
    "/s",
  );
  line(
    "heartbeats and answers, 100 under way",
    await measure(ready, 200_000, 100, () => transport.send(beat)),
    "/s",
  );
  for (const [size, total] of [
    [256, 50_000],
    [16 * 1024, 20_000],
    [2 * 1024 * 1024, 400],
  ] as const) {
    records = [new Uint8Array(size / 2).fill(1), new Uint8Array(size / 2).fill(2)];
    const message = appendEntries(1, 2, { prevLogIndex: 10, lastEntryIndex: 12 });
    const perSecond = await measure(ready, total, 4, () => transport.send(message));
    line(`entries of ${size} bytes and answers, 4 under way`, perSecond, "/s");
    line(`  in bytes`, (perSecond * size) / 1e6, "MB/s");
  }
  let requestId = 0;
  const request = {
    kind: "request",
    clientId: 1,
    dbIndex: 0,
    protocol: 2,
    noTouch: false,
    user: "default",
  } as const;
  const args = ["SET", "key:000000000001", "x".repeat(64)];
  const perSecond = await measure(ready, 200_000, 200, () =>
    transport.sendProxyRequest(2, { ...request, requestId: requestId++, args }),
  );
  line("proxied SETs and replies, 200 under way", perSecond, "/s");
  transport.stop();
}

if (process.argv[2] === "answer") {
  answer();
} else {
  const child = Bun.spawn([process.execPath, import.meta.path, "answer"], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  await ask(Number(Buffer.from(value!).toString()));
  child.kill();
  process.exit(0);
}
